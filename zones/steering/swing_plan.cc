#include "zones/steering/swing_plan.h"

#include <algorithm>
#include <cassert>

#include "zones/steering/allocation.h"

namespace swingover::steering {

std::string_view word(SwingPhase phase) {
  switch (phase) {
    case SwingPhase::moving:
      return "moving";
    case SwingPhase::held:
      return "held";
    case SwingPhase::done:
      return "done";
    case SwingPhase::stopped:
      return "stopped";
    case SwingPhase::reversed:
      return "reversed";
  }
  return "";
}

std::string_view word(SwingReason reason) {
  switch (reason) {
    case SwingReason::none:
      return "none";
    case SwingReason::target_held:
      return "target_held";
    case SwingReason::target_down:
      return "target_down";
    case SwingReason::would_overheat:
      return "would_overheat";
    case SwingReason::overheats:
      return "overheats";
    case SwingReason::not_now:
      return "not_now";
  }
  return "";
}

SwingPlan::SwingPlan(SwingRules rules, MonotonicTime now, WallTime wall)
    : SwingPlan(std::move(rules), now, wall, StoredSwing{.begun_at = wall, .turned_at = wall}) {}

SwingPlan::SwingPlan(SwingRules rules, MonotonicTime now, WallTime wall, const StoredSwing& stored)
    : rules_(std::move(rules)),
      phase_(stored.phase),
      reason_(stored.reason),
      is_untouched_(stored.phase == SwingPhase::moving && stored.turned_at == stored.begun_at),
      begun_at_(stored.begun_at) {
  assert(!rules_.steps.empty());
  assert(rules_.steps.front() > 0);
  assert(rules_.steps.back() <= share_parts);
  assert(std::adjacent_find(rules_.steps.begin(), rules_.steps.end(), std::greater_equal<>()) ==
         rules_.steps.end());
  assert(rules_.every > Milliseconds(0));
  steps_made_ = std::min(stored.steps_made, static_cast<uint32_t>(rules_.steps.size()));
  // Nothing follows the last step, whatever the store says of it.
  if (is_all_moved() && next_step()) phase_ = SwingPhase::done;
  const Milliseconds age = std::max(wall - stored.turned_at, Milliseconds(0));
  turned_at_ = now + Milliseconds(-age.value);
}

void SwingPlan::go_by(const SwingRules& rules) {
  rules_.high = rules.high;
  rules_.overheats = rules.overheats;
}

SwingEvent SwingPlan::apply(const SwingGates& gates, MonotonicTime now) {
  const bool in_effect = steps_made_ > 0;
  if (in_effect && gates.target == SwingTarget::down) {
    return back_off(SwingPhase::reversed, SwingReason::target_down, 0, now);
  }
  if (phase_ == SwingPhase::stopped || phase_ == SwingPhase::reversed) return {};
  if (in_effect && gates.utilisation_now > rules_.overheats)
    return back_off(SwingPhase::stopped, SwingReason::overheats, steps_made_ - 1, now);
  const auto due = next_step();
  if (!due || now < *due) return {};
  if (gates.target == SwingTarget::down) return hold(SwingReason::target_down, now);
  if (gates.target == SwingTarget::held) return hold(SwingReason::target_held, now);
  if (!gates.may_step) return hold(SwingReason::not_now, now);
  if (gates.utilisation_next >= rules_.high) return hold(SwingReason::would_overheat, now);

  ++steps_made_;
  is_untouched_ = false;
  turned_at_ = now;
  reason_ = SwingReason::none;
  phase_ = is_all_moved() ? SwingPhase::done : SwingPhase::moving;
  return {is_all_moved() ? SwingChange::done : SwingChange::stepped, SwingReason::none};
}

/// What stays closed is asked again and again, and told once.
SwingEvent SwingPlan::hold(SwingReason why, MonotonicTime now) {
  const bool is_news = phase_ != SwingPhase::held || reason_ != why;
  phase_ = SwingPhase::held;
  is_untouched_ = false;
  reason_ = why;
  turned_at_ = now;
  return is_news ? SwingEvent{SwingChange::held, why} : SwingEvent{};
}

SwingEvent SwingPlan::back_off(SwingPhase phase, SwingReason why, uint32_t steps_made,
                               MonotonicTime now) {
  phase_ = phase;
  reason_ = why;
  steps_made_ = steps_made;
  turned_at_ = now;
  return {phase == SwingPhase::reversed ? SwingChange::reversed : SwingChange::went_back, why};
}

bool SwingPlan::resume(MonotonicTime now) {
  if (phase_ != SwingPhase::stopped && phase_ != SwingPhase::reversed) return false;
  phase_ = is_all_moved() ? SwingPhase::done : SwingPhase::moving;
  reason_ = SwingReason::none;
  turned_at_ = now;
  return true;
}

uint16_t SwingPlan::next() const {
  return is_all_moved() ? moved() : rules_.steps[steps_made_];
}

std::optional<MonotonicTime> SwingPlan::next_step() const {
  if (phase_ != SwingPhase::moving && phase_ != SwingPhase::held) return std::nullopt;
  return turned_at_ + (is_untouched_ ? rules_.lead : rules_.every);
}

std::optional<Milliseconds> SwingPlan::time_left(MonotonicTime now) const {
  const auto due = next_step();
  if (!due) return std::nullopt;
  const auto further = static_cast<int64_t>(rules_.steps.size() - steps_made_) - 1;
  return std::max(*due - now, Milliseconds(0)) + rules_.every * further;
}

StoredSwing SwingPlan::stored(MonotonicTime now, WallTime wall) const {
  return {phase_, reason_, steps_made_, begun_at_,
          is_untouched_ ? begun_at_ : wall + (turned_at_ - now)};
}

}  // namespace swingover::steering
