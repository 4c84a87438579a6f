#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "server/control/records.h"
#include "zones/snapshot.h"
#include "zones/steering/ttl_ledger.h"

namespace swingover::control {

/// Which answers caches may still hold, service by service: the workers' counters, looked at once in `look_every` and at
/// each change of a service's answers, with the longest TTL that an answer since the last look can have had.
///
/// Known     Answers that nobody here counted, of the run before this one or of a reload's last moment, may be held for a
///           TTL more: until then is_whole() is false, and what is told is the least that may be held.
/// All       Of a service that answers all of its pools at once, each answer counts for every pool that could be in it.
/// Not seen  What caches do with an answer (zones/steering/ttl_ledger.h); addresses in additional sections, which count as
///           no answer; CLUSTER.on.SERVICE, which people ask for on purpose.
/// Cost      10,000 services of three pools and six counting threads: 2 ms of the control thread a second with cold caches, and
///           0.9 ms when all of them change at once. 200 octets a pool once it was answered.
/// Threads   The control thread.
class AnswerLedger {
 public:
  /// Adds what all workers answered from each pool of a service of the generation published last.
  using AddAnswers = std::function<void(ServiceId, std::span<uint64_t> sums)>;
  static constexpr Milliseconds look_every{1'000};

  /// Without `add_answers` nobody counts, and nothing is known.
  AnswerLedger(const Clock& clock, AddAnswers add_answers)
      : clock_(clock), add_answers_(std::move(add_answers)) {}

  /// A new generation, before it is published: its counters begin at 0. `old_services`: by service, its place before.
  void follow(std::shared_ptr<const zones::Snapshot> snapshot,
              std::span<const std::optional<uint32_t>> old_services);
  /// What is due by time; to be called some times a second.
  void tick();
  /// Its answers have just become others: what was given until now is old.
  void changed(ServiceId service);
  /// When its answers may change is known anew (zones::ChangeTimes), and with that their TTL.
  void ttl_changed(ServiceId service);
  /// Counts what was answered since the last look.
  void look(ServiceId service);

  bool is_counting() const { return add_answers_ != nullptr; }
  /// Whether held() tells all that caches may hold, from then on; nothing: it does.
  std::optional<WallTime> whole_at(ServiceId service) const;

  struct Held {
    uint64_t answers = 0;
    uint64_t old = 0;
    std::optional<WallTime> until;      // none: no answers
    std::optional<WallTime> old_until;  // none: no old ones
  };
  Held held(ServiceId service, size_t pool) const;
  /// Whether any pool of it has old answers.
  bool has_old(ServiceId service) const;

 private:
  const zones::Service& service_of(ServiceId id) const {
    return snapshot_->model->services[id.value];
  }
  Milliseconds ttl_now(ServiceId service) const;
  void count_for_all(ServiceId service, std::vector<uint64_t>& counts);
  WallTime wall_at(MonotonicTime time) const { return clock_.wall() + (time - clock_.now()); }

  const Clock& clock_;
  AddAnswers add_answers_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  std::vector<std::unique_ptr<steering::TtlLedger>> ledgers_;  // by service; null: no answer yet
  std::vector<uint64_t> counted_;                              // by pool of all: at its last look
  std::vector<bool> was_in_;  // by pool of all, of services that answer all of theirs: likewise
  std::vector<Milliseconds> ttls_;       // by service: the longest of an answer since the last look
  std::vector<MonotonicTime> whole_at_;  // by service
  uint32_t next_look_ = 0;               // service
  MonotonicTime looked_at_{};
  std::vector<uint64_t> sums_;  // of look()
};

/// How much of what services answered may still lead to the pools that an intent takes out, or takes shares from.
struct AnswersLeft {
  uint64_t answers = 0;                // that lead there
  uint64_t of = 0;                     // of all these services
  std::optional<WallTime> until{};     // none: no answers
  std::optional<WallTime> whole_at{};  // there may be more that nobody counted, until then
  double part() const {
    return of == 0 ? 0 : static_cast<double>(answers) / static_cast<double>(of);
  }
};
/// Of a drain or a swing; nothing: of another kind, of an endpoint (answers count for its pool), or nobody counts.
std::optional<AnswersLeft> answers_left(const Intent& intent, const zones::Model& model,
                                        const AnswerLedger& ledger);

/// Of a service's answers, how many may be held that its answers of now would have elsewhere.
struct OldAnswers {
  double part = 0;                  // of all that may be held
  std::vector<double> by_pool;      // of `part`
  std::vector<double> held;         // by pool: the part of all that may be held
  std::optional<WallTime> until{};  // none: none
};
/// `parts`: what of its answers each pool gets now. Nothing: nobody counts.
std::optional<OldAnswers> old_answers(const zones::Service& service, std::span<const double> parts,
                                      const AnswerLedger& ledger);

}  // namespace swingover::control
