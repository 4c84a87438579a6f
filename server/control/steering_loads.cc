// What clients bring where, by the shares that they really get: who is out is masked, whatever his share.

#include <algorithm>

#include "server/control/steering.h"
#include "zones/steering/share_rounding.h"

namespace swingover::control {

/// The shares in force, of which those of pools that are out are the others' of the row: so a query has them. A row that
/// nobody can serve is as it is. Valid until the next call.
std::span<const uint16_t> Steering::reached(const zones::Service& service,
                                            const std::vector<bool>& usable) const {
  const std::vector<uint16_t>& shares = services_[service.id.value]->shares;
  const size_t pools = usable.size();
  const auto is_lost = [&](size_t place) { return shares[place] > 0 && !usable[place % pools]; };
  size_t place = 0;
  while (place < shares.size() && !is_lost(place)) ++place;
  if (place == shares.size()) return shares;
  reached_ = shares;
  std::vector<double> weights(pools);
  for (size_t row = place / pools * pools; row < shares.size(); row += pools) {
    for (size_t pool = 0; pool < pools; ++pool)
      weights[pool] = usable[pool] ? shares[row + pool] : 0;
    if (std::ranges::all_of(weights, [](double weight) { return weight <= 0; })) continue;
    steering::ShareRounder().round(weights, std::span(reached_).subspan(row, pools));
  }
  return reached_;
}

/// A group whose services are all frozen is worked out with nobody in it, and thawed.
bool Steering::has_frozen(uint32_t place) const {
  if (plans_.frozen.empty()) return false;
  const auto is_frozen = [this](const auto& member) { return plans_.is_frozen(member.service); };
  return std::ranges::any_of(groups_.groups()[place].members, is_frozen);
}

/// Who is frozen goes on with the shares that he has: what they bring to a holder is not there for the others. Exact at
/// the limit; the target moves up a little.
void Steering::set_aside_frozen(uint32_t place, std::span<const std::vector<bool>> usable,
                                std::vector<double>& capacities,
                                std::vector<std::vector<double>>& demands) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  for (size_t m = 0; m < group.members.size(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    if (!plans_.is_frozen(member.service)) continue;
    const std::span<const uint16_t> shares =
        reached(model().services[member.service.value], usable[m]);
    const size_t pools = member.holders.size();
    for (size_t row = 0; row < demands[m].size(); ++row) {
      for (size_t pool = 0; pool < pools; ++pool) {
        const uint32_t holder = member.holders[pool];
        if (holder == CapacityGroups::none || !usable[m][pool]) continue;
        const double load = demands[m][row] * shares[row * pools + pool] / steering::share_parts;
        capacities[holder] = std::max(capacities[holder] - load / group.limit, 0.0);
      }
      demands[m][row] = 0;
    }
  }
}

/// What clients bring to each holder by the shares that they really get.
void Steering::note_loads(uint32_t place) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<double>& loads = states_[place].loads;
  loads.assign(group.holders.size(), 0);
  for (const CapacityGroups::Member& member : group.members) {
    const zones::Service& service = model().services[member.service.value];
    const ServiceState& state = *services_[service.id.value];
    const std::vector<bool> usable = usable_pools(service);
    const std::span<const uint16_t> shares = reached(service, usable);
    const size_t pools = member.holders.size();
    for (size_t row = 0; row < groups_.rows(); ++row) {
      const double demand = state.demand.of(row) / steering::share_parts;
      if (demand <= 0) continue;
      for (size_t pool = 0; pool < pools; ++pool) {
        if (member.holders[pool] != CapacityGroups::none && usable[pool])
          loads[member.holders[pool]] += demand * shares[row * pools + pool];
      }
    }
  }
}

}  // namespace swingover::control
