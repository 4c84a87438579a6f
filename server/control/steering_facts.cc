// What the driver of shares knows, as the solver asks for it.

#include "server/control/steering.h"

namespace swingover::control {

const zones::Snapshot& Steering::Facts::snapshot() const {
  return *steering_.snapshot_;
}

const zones::EligibilityMap& Steering::Facts::eligibility() const {
  return *steering_.snapshot_->eligibility;
}

bool Steering::Facts::is_flapping(EndpointId id) const {
  return steering_.is_flapping_ && steering_.is_flapping_(id);
}

bool Steering::Facts::may_flap() const {
  return static_cast<bool>(steering_.is_flapping_);
}

const std::vector<bool>& Steering::Facts::needed(uint32_t group) const {
  return steering_.states_[group].needed;
}

ShareFacts::Holder Steering::Facts::holder(uint32_t group, size_t holder) const {
  const Comeback& comeback = steering_.states_[group].comebacks[holder];
  const ClusterId cluster = steering_.groups_.groups()[group].holders[holder].id;
  return {.nominal = steering_.nominal_capacity(group, holder),
          .heard = steering_.heard_[cluster.value],
          .comeback = comeback.factor,
          .waits_for_person = comeback.waits_for_person};
}

std::vector<ReturningPool> Steering::Facts::returning(uint32_t group) const {
  std::vector<ReturningPool> returning;
  for (const auto& [at, comeback] : steering_.states_[group].pool_comebacks) {
    if (comeback.is_out || comeback.factor >= 1) continue;
    returning.push_back({.member = at.first,
                         .pool = at.second,
                         .factor = comeback.factor,
                         .waits_for_person = comeback.waits_for_person});
  }
  return returning;
}

void Steering::Facts::read_demands(ServiceId service, std::span<double> rows) const {
  const steering::Demand& demand = steering_.services_[service.value]->demand;
  for (size_t row = 0; row < rows.size(); ++row) rows[row] = demand.of(row);
}

std::span<const uint16_t> Steering::Facts::shares_in_force(ServiceId service) const {
  return steering_.services_[service.value]->shares;
}

const SharePlans& Steering::Facts::plans() const {
  return steering_.plans_;
}

}  // namespace swingover::control
