#include "health/endpoint_health.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace swingover::health {

namespace {

constexpr double penalty_of_a_fall = 1000;
constexpr uint32_t history_bits = 64;

double milliseconds(Milliseconds duration) {
  return static_cast<double>(duration.value);
}

double decayed(double penalty, Milliseconds age, Milliseconds half_life) {
  if (penalty <= 0 || half_life.value <= 0) return 0;
  return penalty *
         std::exp2(-milliseconds(std::max(age, Milliseconds(0))) / milliseconds(half_life));
}

/// Thresholds of 0 mean 1, and none needs more than the plain one does.
HealthRules sensible(HealthRules rules) {
  rules.rise = std::max(rules.rise, 1U);
  rules.fall = std::max(rules.fall, 1U);
  rules.fall_hard = std::clamp(rules.fall_hard, 1U, rules.fall);
  rules.flaky_window = std::min(rules.flaky_window, history_bits);
  if (rules.flaky_fall > 0) rules.flaky_fall = std::max(rules.flaky_fall, rules.fall);
  if (rules.flaky_fall > rules.flaky_window) rules.flaky_fall = 0;
  rules.flap_reuse = std::max(rules.flap_reuse, 1U);
  return rules;
}

}  // namespace

EndpointHealth::EndpointHealth(const HealthRules& rules, const StoredState& stored,
                               MonotonicTime now, WallTime wall)
    : rules_(sensible(rules)),
      known_(stored.health),
      needs_person_(stored.hold == Hold::resume && rules.resumes_by_hand),
      penalty_(decayed(stored.penalty, wall - stored.penalty_at, rules.flap_half_life)),
      penalty_at_(now) {
  if (stored.hold == Hold::flapping || penalty_ >= rules_.flap_suppress) hold_for_flaps(now);
  if (stored.hold == Hold::settling && rules_.hold_up.value > 0) settled_at_ = now + rules_.hold_up;
  settle(health(), now);
}

Transition EndpointHealth::apply(Verdict verdict, Failure failure, MonotonicTime seen) {
  const Health before = health();
  const bool is_first = known_ == Health::unknown;
  count(verdict, failure, seen);
  if (verdict == Verdict::fail) {
    const bool decides =
        is_first || fails_ >= rules_.fall || hard_ >= rules_.fall_hard || is_flaky();
    if (known_ == Health::down) is_out_of_sight_ = false;
    if (known_ != Health::down && decides) go_down(seen);
  } else {
    const bool decides = is_first || passes_ >= rules_.rise;
    if (known_ == Health::up) is_out_of_sight_ = false;
    if (known_ != Health::up && decides) go_up(seen);
  }
  const Transition transition = settle(before, seen);
  if (transition == Transition::unchanged && is_confirming()) return Transition::pending;
  return transition;
}

void EndpointHealth::count(Verdict verdict, Failure failure, MonotonicTime seen) {
  const bool fails = verdict == Verdict::fail;
  if (fails && fails_ == 0) first_failure_ = seen;
  // What a failure interrupted has to settle from the start: from the first pass after it.
  if (settled_at_ && (fails || fails_ > 0)) settled_at_ = seen + rules_.hold_up;
  passes_ = fails ? 0 : passes_ + 1;
  fails_ = fails ? fails_ + 1 : 0;
  hard_ = fails && failure == Failure::hard ? hard_ + 1 : 0;
  history_ = history_ << 1 | (fails ? 1U : 0U);
}

void EndpointHealth::go_down(MonotonicTime now) {
  const bool was_up = known_ == Health::up;
  known_ = Health::down;
  is_out_of_sight_ = false;
  settled_at_.reset();
  if (rules_.resumes_by_hand) needs_person_ = true;
  if (!was_up || rules_.flap_half_life.value <= 0) return;
  penalty_ = penalty(now) + penalty_of_a_fall;
  penalty_at_ = now;
  if (flapping_until_ || penalty_ >= rules_.flap_suppress) hold_for_flaps(now);
}

void EndpointHealth::go_up(MonotonicTime now) {
  if (known_ == Health::down && rules_.hold_up.value > 0) settled_at_ = now + rules_.hold_up;
  known_ = Health::up;
  is_out_of_sight_ = false;
  history_ = 0;
}

void EndpointHealth::hold_for_flaps(MonotonicTime now) {
  if (rules_.flap_half_life.value <= 0 || penalty_ <= rules_.flap_reuse) return;
  const double halvings = std::log2(penalty_ / rules_.flap_reuse);
  const double wait = std::min(std::ceil(halvings * milliseconds(rules_.flap_half_life)),
                               milliseconds(rules_.flap_hold_max));
  flapping_until_ = now + Milliseconds(static_cast<int64_t>(wait));
}

Transition EndpointHealth::lose_sight() {
  if (health() == Health::unknown) return Transition::unchanged;
  is_out_of_sight_ = true;
  passes_ = fails_ = hard_ = 0;  // a run of verdicts that a silence cuts is none
  return Transition::changed;
}

Transition EndpointHealth::tick(MonotonicTime now) {
  return settle(health(), now);
}

Transition EndpointHealth::resume(MonotonicTime now) {
  needs_person_ = false;
  flapping_until_.reset();
  settled_at_.reset();
  penalty_ = 0;
  return settle(health(), now);
}

/// Ends what time has ended; what then holds is hold().
Transition EndpointHealth::settle(Health before, MonotonicTime now) {
  if (flapping_until_ && *flapping_until_ <= now) {
    // Held for as long as may be: what is left must not hold it again at the next fall.
    penalty_ = std::min<double>(penalty(now), rules_.flap_reuse);
    penalty_at_ = now;
    flapping_until_.reset();
  }
  // What fails has not settled, however the time runs.
  if (settled_at_ && *settled_at_ <= now && fails_ == 0) settled_at_.reset();
  const Hold held = hold_;
  hold_ = needs_person_     ? Hold::resume
          : flapping_until_ ? Hold::flapping
          : settled_at_     ? Hold::settling
                            : Hold::none;
  return health() != before || hold_ != held ? Transition::changed : Transition::unchanged;
}

std::optional<MonotonicTime> EndpointHealth::hold_ends() const {
  if (needs_person_) return std::nullopt;
  if (flapping_until_ && settled_at_) return std::max(*flapping_until_, *settled_at_);
  return flapping_until_ ? flapping_until_ : settled_at_;
}

bool EndpointHealth::is_confirming() const {
  switch (health()) {
    case Health::up:
      return fails_ > 0;
    case Health::down:
      return passes_ > 0;
    case Health::unknown:
      return true;
  }
  return true;
}

uint32_t EndpointHealth::still_needed() const {
  if (health() == Health::unknown) return 1;
  if (known_ == Health::down) return rules_.rise > passes_ ? rules_.rise - passes_ : 1;
  uint32_t needed = rules_.fall > fails_ ? rules_.fall - fails_ : 1;
  if (hard_ > 0 && hard_ < rules_.fall_hard) needed = std::min(needed, rules_.fall_hard - hard_);
  return std::min(needed, flaky_needed());
}

bool EndpointHealth::is_flaky() const {
  return rules_.flaky_fall > 0 && flaky_needed() == 0;
}

/// How many failures in a row would fill the window; 0: it is full. UINT32_MAX: no number would.
uint32_t EndpointHealth::flaky_needed() const {
  if (rules_.flaky_fall == 0) return UINT32_MAX;
  const uint64_t window = ~uint64_t{0} >> (history_bits - rules_.flaky_window);
  for (uint32_t more = 0; more < rules_.flaky_fall; ++more) {
    const uint64_t then = more == 0 ? history_ : history_ << more | ((uint64_t{1} << more) - 1);
    if (static_cast<uint32_t>(std::popcount(then & window)) >= rules_.flaky_fall) return more;
  }
  return rules_.flaky_fall;
}

Milliseconds EndpointHealth::until_change(MonotonicTime now) const {
  constexpr Milliseconds soonest{1};
  std::optional<Milliseconds> until;
  if (is_confirming()) until = pace() * still_needed();
  const auto ends = hold_ends();
  if (ends && health() == Health::up) {
    const Milliseconds left = std::max(*ends - now, soonest);
    until = until ? std::min(*until, left) : left;
  }
  return until.value_or(Milliseconds(0));
}

double EndpointHealth::penalty(MonotonicTime now) const {
  return decayed(penalty_, now - penalty_at_, rules_.flap_half_life);
}

StoredState EndpointHealth::stored(MonotonicTime now, WallTime wall) const {
  return {.health = health(), .hold = hold_, .penalty = penalty(now), .penalty_at = wall};
}

}  // namespace swingover::health
