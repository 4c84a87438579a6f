#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::steering {

/// How a planned swing goes. Portions are parts of 10,000 of what the source carried.
struct SwingRules {
  std::vector<uint16_t> steps{500,  1000, 2500,
                              5000, 7500, 10'000};  // rising; the last one is what is wanted
  Milliseconds every{90'000};                       // from step to step; see swing_every()
  Milliseconds lead{0};  // before the first step: the old TTL, when the TTL is lowered first
  double high = 0.80;    // no step that would lift the target's utilisation to this or above
  // What was moved already lifts it above this: one step back. Above `high`, since demand of a few per cent of noise
  // passes that soon after a step that just stayed below it: to 0.78 of capacity, 30 of 30 swings were stopped at 0.80,
  // 20 of 30 to 0.76, and none at 0.85 (tests/simulation, 4 % noise).
  double overheats = 0.85;

  friend bool operator==(const SwingRules&, const SwingRules&) = default;
};

/// Two TTLs at least, so that most caches have followed one step before the next is judged.
constexpr Milliseconds swing_every(Milliseconds asked, Ttl ttl) {
  const Milliseconds least(int64_t{ttl.value} * 2000);
  return asked < least ? least : asked;
}

enum class SwingPhase : uint8_t {
  moving,    // steps follow, as gates allow
  held,      // a gate was closed when a step was due; asked again after `every`
  done,      // all is moved; watched as before
  stopped,   // it took one step back, and waits for a person
  reversed,  // the target went down: nothing is moved any more, and a person decides
};
std::string_view word(SwingPhase phase);

/// Where the moved load would go, at best: the target pool, or all who would gain.
enum class SwingTarget : uint8_t {
  in,    // up, and admitted
  held,  // not down, but kept out of new answers: it flaps, settles, waits for a person
  down,
};

/// What the plan is told, each time that it is asked.
struct SwingGates {
  SwingTarget target = SwingTarget::in;
  double utilisation_now =
      0;  // of the target (the fullest that gains), predicted with what is moved
  double utilisation_next = 0;  // the same with next()
  bool may_step = true;         // nothing is frozen, and the brake lets it go
};

enum class SwingChange : uint8_t { none, stepped, held, done, went_back, reversed };
enum class SwingReason : uint8_t {
  none,
  target_held,
  target_down,
  would_overheat,
  overheats,
  not_now
};
std::string_view word(SwingReason reason);

struct SwingEvent {
  SwingChange change = SwingChange::none;
  SwingReason reason = SwingReason::none;
  friend bool operator==(const SwingEvent&, const SwingEvent&) = default;
};

/// What a restart goes on with; plain values, to be encoded with the intent and its rules.
struct StoredSwing {
  SwingPhase phase = SwingPhase::moving;
  SwingReason reason = SwingReason::none;
  uint32_t steps_made = 0;  // in effect; what was taken back does not count
  WallTime begun_at{};
  WallTime
      turned_at{};  // begun; later the last step, either way, or the last time that a gate was closed
  friend bool operator==(const StoredSwing&, const StoredSwing&) = default;
};

/// A swing of one service's load from A to B, or to whatever the allocation gives without A (a drain), step by step.
/// Pure: what is known and the time go in, what changed comes out; the caller publishes moved() and tells.
///
/// Steps     One each `every`. Before each, the gates: the target is in, its predicted utilisation after the step is
///           below `high`, nothing forbids it. A closed gate is told once for each reason, and tried after `every`.
/// Breaks    The target goes down with something moved: nothing is moved any more, at once. It overheats:
///           one step back. Both wait for resume(); the first holds after the last step too.
/// Restart   goes on with the phase and the steps of `stored`; the time that it took counts, a wall clock that
///           jumped back does not: then a whole `every` passes before the next step.
/// Time      apply() is due at next_step() and after each change of what the gates say; more often harms nothing.
class SwingPlan {
 public:
  /// Asserts rules: steps rise from above 0 to 10,000 at most; `every` above 0.
  SwingPlan(SwingRules rules, MonotonicTime now, WallTime wall);
  SwingPlan(SwingRules rules, MonotonicTime now, WallTime wall, const StoredSwing& stored);

  /// From now on by `high` and `overheats` of these, with the same steps and times: who is the fullest changes, and with
  /// that what he may come to.
  void go_by(const SwingRules& rules);
  SwingEvent apply(const SwingGates& gates, MonotonicTime now);
  /// A person has looked, and lets a stopped or reversed swing go on after `every`; false: it is neither.
  bool resume(MonotonicTime now);

  SwingPhase phase() const { return phase_; }
  /// Which gate was closed last, or what broke it; none while it moves.
  SwingReason reason() const { return reason_; }
  WallTime begun_at() const { return begun_at_; }
  /// Of what A would carry, so much is asked to go elsewhere, in parts of 10,000.
  uint16_t moved() const { return steps_made_ == 0 ? uint16_t{0} : rules_.steps[steps_made_ - 1]; }
  /// The same after the next step; moved() when none is left.
  uint16_t next() const;
  uint32_t steps_made() const { return steps_made_; }
  const SwingRules& rules() const { return rules_; }
  /// Nothing: all steps are made, or a person is waited for.
  std::optional<MonotonicTime> next_step() const;
  /// Until the last step, if no gate is closed from here on; nothing as for next_step().
  std::optional<Milliseconds> time_left(MonotonicTime now) const;
  StoredSwing stored(MonotonicTime now, WallTime wall) const;

 private:
  bool is_all_moved() const { return steps_made_ == rules_.steps.size(); }
  SwingEvent hold(SwingReason why, MonotonicTime now);
  SwingEvent back_off(SwingPhase phase, SwingReason why, uint32_t steps_made, MonotonicTime now);

  SwingRules rules_;
  SwingPhase phase_ = SwingPhase::moving;
  SwingReason reason_ = SwingReason::none;
  bool is_untouched_ = true;  // no step, no closed gate yet: the lead runs
  uint32_t steps_made_ = 0;
  MonotonicTime turned_at_;  // see StoredSwing
  WallTime begun_at_;
};

}  // namespace swingover::steering
