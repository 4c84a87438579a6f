#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "server/control/answer_ledger.h"
#include "server/control/intents.h"
#include "server/control/steering.h"
#include "store/journal.h"
#include "zones/steering/swing_plan.h"

namespace swingover::control {

/// What intents ask of shares: drains and swings in steps, weights, freezes.
///
/// Steps    Before each, what it would come to is worked out with demand and capacity as they are (swing_forecast.h), off
///          this thread; it is made when each that gains stays below the `high` of its services (steering::dead_band).
///          Plans that take from the same capacities step one after the other: the one that began first goes first.
/// TTL      While a plan moves, answers of its services have the least TTL; the first step waits for the old one.
/// Drain    Its endpoints stay eligible until all steps are made, then leave; it is empty when no answer that led there can
///          be left, as counted (AnswerLedger), or where nobody counts one TTL after that. Until then it
///          stops and reverses itself as any swing does, afterwards it stays as it is: people work there.
/// Restart  goes on from what stands in the intents, which the caller stores with each change.
/// Threads  The control thread; `offload` runs its first argument elsewhere.
class PlannedSwings {
 public:
  using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;
  PlannedSwings(const Clock& clock, Steering& steering, Offload offload)
      : clock_(clock), steering_(steering), offload_(std::move(offload)) {}

  /// The intents in force, of this generation; what they ask of shares is given to steering. After each change of either.
  void follow(const Intents& intents, const std::shared_ptr<const zones::Snapshot>& snapshot);

  /// A plan has gone on: the intent to be stored and put in force, and what people are told.
  struct Change {
    Intent intent;
    store::JournalEntry entry;
    LogLine line;
  };
  struct Allowed {
    std::string why_not{};  // no plan steps on, in words; empty: they may
    std::function<bool(const std::string& target)>
        is_busy{};  // an intent of this target is being stored
    /// Of a drain: what is left of the answers that led there, as counted; empty, or nothing: nobody counts.
    std::function<std::optional<AnswersLeft>(const Intent&)> left{};
    /// What speaks against a step that takes this part of what its source still has, in words; empty, or nothing: it may
    /// be made.
    std::function<std::vector<std::string>(const Intent&, double part)> objections{};
  };
  /// What is due now; follow() must come before the next call when anything changed. After 5 ms it leaves the rest to the
  /// next call.
  std::vector<Change> tick(const Allowed& allowed);
  /// A person lets the plan of this target go on; nothing: none that waits for one. The first says what it would come
  /// to, to be stored before anybody is told; the second puts it in force.
  std::optional<Change> resumed(const std::string& target, const std::string& owner) const;
  std::optional<Change> resume(const std::string& target, const std::string& owner);

  /// Answers of the service may be others soon.
  bool lowers_ttl(ServiceId service) const {
    return service.value < lowered_.size() && lowered_[service.value];
  }
  /// Whose answer to lowers_ttl() the last follow() changed.
  const std::vector<uint32_t>& touched() const { return touched_; }

  struct View {
    steering::SwingPhase phase = steering::SwingPhase::moving;
    steering::SwingReason reason = steering::SwingReason::none;
    uint16_t moved = 0;
    uint16_t next = 0;
    std::string why;  // it does not go on, in words; empty: it does, or nobody has looked yet
    Milliseconds every{};
    std::optional<Milliseconds> until_step;
    std::optional<Milliseconds> time_left;
    Utilisation now;   // as worked out last
    Utilisation then;  // after the next step
  };
  std::optional<View> view(const std::string& id) const;

  /// Of a step that would be made.
  struct Step {
    Milliseconds after{};  // from now
    uint16_t moved = 0;
    Utilisation utilisation;
  };
  /// What the intent would come to, as things stand now; `done` on the control thread, later. Without steps where it
  /// moves no shares.
  void dry_run(const Intent& intent, std::function<void(std::vector<Step>)> done) const;

 private:
  struct Plan {
    Intent intent;
    SwingParts parts;
    steering::SwingPlan swing;
    uint64_t asked = 0;     // the forecast that is under way
    bool is_fresh = false;  // one has come, and has not been acted on
    MonotonicTime looked_at{};
    MonotonicTime counted_at{INT64_MIN / 2};  // what is left of a drain
    MonotonicTime forecast_at{INT64_MIN / 2};
    Utilisation now{};
    Utilisation then{};
    std::string objection{};  // at the last step that was due
    std::string why{};        // as View has it
  };

  /// By group and holder: service and pool.
  using Leavers =
      std::map<std::pair<uint32_t, uint32_t>, std::vector<std::pair<uint32_t, uint32_t>>>;
  /// Of a weight or a freeze, in this generation.
  struct Found {
    std::optional<std::pair<uint32_t, uint32_t>> holder;  // group and holder that the weight is of
    double weight = 1;
    std::vector<uint32_t> frozen;  // services
  };

  SwingParts parts_of(const Intent& intent) const;
  void add_holder(uint32_t group, uint32_t holder,
                  const std::vector<std::pair<uint32_t, uint32_t>>& leaving,
                  SwingParts& parts) const;
  SharePlans share_plans(const Intents& intents);
  Found find(const Intent& intent) const;
  void note_ttls();
  std::optional<std::string> why_empty(Plan& plan, const Allowed& allowed) const;
  const Plan* comes_after(const Plan& plan) const;
  std::optional<Change> look_at(Plan& plan, const Allowed& allowed);
  std::optional<Change> go_on(Plan& plan, const Allowed& allowed);
  static std::string objection_to(const Plan& plan, const Allowed& allowed);
  struct Looked {
    const SwingState& state;
    const Plan* first = nullptr;  // another plan that goes first
    bool is_lost = false;
    uint16_t moved = 0;  // before it was looked at
  };
  static std::string reason_words(const Plan& plan, const Looked& looked, const Allowed& allowed);
  void ask(Plan& plan);
  std::optional<Change> let_go_on(Plan& plan, const std::string& owner) const;
  Change change(Plan& plan, const std::string& before, steering::SwingEvent event,
                const std::string& why) const;

  const Clock& clock_;
  Steering& steering_;
  Offload offload_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  std::map<std::string, Plan> plans_;   // by id
  std::string go_on_at_{};              // with this one, or the next; empty: with the first
  std::map<std::string, Found> found_;  // by intent
  std::vector<bool> lowered_;           // by service
  std::vector<uint32_t> touched_;
  uint64_t asked_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is worked out elsewhere
};

/// "moving, 10 %"; "empty".
std::string progress_words(const Intent& intent);

}  // namespace swingover::control
