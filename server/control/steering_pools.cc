// Pools that share a capacity with others, and were out by themselves: their part of it comes back in steps.

#include <algorithm>
#include <utility>

#include "server/control/steering.h"

namespace swingover::control {

/// Whether others take from the capacity, too: its own way back is then none of the pool's.
bool Steering::is_shared(uint32_t place, uint32_t holder) const {
  return holder != CapacityGroups::none && groups_.groups()[place].holders[holder].takers > 1;
}

/// As look_at_comebacks(), for pools of which others in the same cluster were in all the time; after it. Whether a restart
/// should know of a change.
bool Steering::look_at_pools(uint32_t place, std::span<const std::vector<bool>> usable) {
  const std::vector<CapacityGroups::Member>& members = groups_.groups()[place].members;
  bool is_changed = false;
  for (uint32_t m = 0; m < members.size(); ++m) {
    for (uint32_t pool = 0; pool < members[m].holders.size(); ++pool) {
      // Mostly nobody is out.
      if (usable[m][pool] && states_[place].pool_comebacks.empty()) continue;
      if (is_shared(place, members[m].holders[pool]))
        is_changed |= look_at_pool(place, {m, pool}, usable[m][pool]);
    }
  }
  return is_changed;
}

bool Steering::look_at_pool(uint32_t place, PoolPlace at, bool is_usable) {
  GroupState& state = states_[place];
  auto found = state.pool_comebacks.find(at);
  if (is_usable && found == state.pool_comebacks.end()) return false;
  const CapacityGroups::Group& group = groups_.groups()[place];
  const CapacityGroups::Member& member = group.members[at.first];
  const zones::Service& service = model().services[member.service.value];
  const Comeback& of_cluster = state.comebacks[member.holders[at.second]];
  const Comeback before = found == state.pool_comebacks.end() ? Comeback{} : found->second;
  Comeback now = before;
  const bool is_manual = service.failback == zones::Failback::manual;
  if (!is_usable) {
    // What nobody has seen yet was never in.
    const bool is_known = std::ranges::any_of(
        service.pools[at.second].endpoints, [this](const zones::Endpoint& endpoint) {
          const zones::Eligibility value = snapshot_->eligibility->get(endpoint.id);
          return value == zones::Eligibility::down || value == zones::Eligibility::excluded;
        });
    now = {.is_out = before.is_out || is_known, .since = {}};
    now.waits_for_person = now.is_out && is_manual;
  } else if (of_cluster.since || of_cluster.waits_for_person) {
    now = {};  // it comes back with its cluster
  } else if (now.waits_for_person && is_manual) {
    now.is_out = false;
  } else if (bool was_out = std::exchange(now.is_out, false);
             (std::exchange(now.waits_for_person, false) || was_out) &&
             service.failback != zones::Failback::at_once) {
    now.since = clock_.now() + way_back_of(service).hold;
    coming_back_.insert(place);
  }
  now.factor = now.is_out ? 1 : comeback_part(group, now);
  if (now.factor >= 1) now.since.reset();
  state.is_repaced |= is_usable && now.factor != before.factor;
  if (now.is_out || now.waits_for_person || now.since) {
    state.pool_comebacks[at] = now;
  } else if (found != state.pool_comebacks.end()) {
    state.pool_comebacks.erase(found);
  }
  return before.since.has_value() != now.since.has_value() ||
         before.waits_for_person != now.waits_for_person;
}

/// They are needed at once; who waits for a person does so still.
void Steering::let_pools_in(uint32_t place) {
  std::erase_if(states_[place].pool_comebacks,
                [](const auto& one) { return !one.second.is_out && !one.second.waits_for_person; });
}

}  // namespace swingover::control
