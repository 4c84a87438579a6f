// What clients bring where, by the shares that they really get: who is out is masked, whatever his share.

#include "server/control/steering.h"

namespace swingover::control {

/// What clients bring to each holder by the shares that they really get.
void Steering::note_loads(uint32_t place) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<double> loads(group.holders.size(), 0);
  for (const CapacityGroups::Member& member : group.members) add_loads(member, loads);
  states_[place].loads = std::move(loads);
}

/// One service's part of that: of ten thousand together it takes some milliseconds.
void Steering::add_loads(const CapacityGroups::Member& member, std::vector<double>& loads) const {
  const zones::Service& service = model().services[member.service.value];
  const steering::Demand& demand = services_[service.id.value]->demand;
  const std::vector<bool> usable = solver_.usable(service);
  const std::span<const uint16_t> shares = solver_.reached(service, usable);
  const size_t pools = member.holders.size();
  for (size_t row = 0; row < groups_.rows(); ++row) {
    const double of_row = demand.of(row) / steering::share_parts;
    if (of_row <= 0) continue;
    for (size_t pool = 0; pool < pools; ++pool) {
      if (member.holders[pool] != CapacityGroups::none && usable[pool])
        loads[member.holders[pool]] += of_row * shares[row * pools + pool];
    }
  }
}

}  // namespace swingover::control
