// Who was out and is back: in steps, after a hold, or by a person's word.

#include <algorithm>
#include <utility>

#include "server/control/steering.h"
#include "zones/steering/ramp.h"

namespace swingover::control {

std::optional<Steering::HolderPlace> Steering::holder_of(ServiceId id, PoolId pool) const {
  const auto place = groups_.place_of(id);
  if (!place) return std::nullopt;
  const CapacityGroups::Member& member = groups_.groups()[place->group].members[place->member];
  const std::vector<zones::Pool>& pools = model().services[id.value].pools;
  const auto found = std::ranges::find(pools, pool, &zones::Pool::id);
  if (found == pools.end()) return std::nullopt;
  const uint32_t holder = member.holders[static_cast<size_t>(found - pools.begin())];
  if (holder == CapacityGroups::none) return std::nullopt;
  return HolderPlace{place->group, holder};
}

const Steering::Comeback* Steering::comeback_of(ServiceId id, PoolId pool) const {
  const auto holder = holder_of(id, pool);
  if (!holder) return nullptr;
  const GroupState& state = states_[holder->group];
  const auto of_pool = state.pool_comebacks.find(pool_place(id, pool));
  return of_pool == state.pool_comebacks.end() ? &state.comebacks[holder->holder]
                                               : &of_pool->second;
}

Steering::PoolPlace Steering::pool_place(ServiceId id, PoolId pool) const {
  const std::vector<zones::Pool>& pools = model().services[id.value].pools;
  const auto found = std::ranges::find(pools, pool, &zones::Pool::id);
  return {groups_.place_of(id)->member, static_cast<uint32_t>(found - pools.begin())};
}

std::vector<PoolId> Steering::waiting_for_person(ServiceId service) const {
  std::vector<PoolId> waiting;
  if (!snapshot_) return waiting;
  for (const zones::Pool& pool : model().services[service.value].pools) {
    const Comeback* comeback = comeback_of(service, pool.id);
    if (comeback && comeback->waits_for_person && !comeback->is_out) waiting.push_back(pool.id);
  }
  return waiting;
}

bool Steering::resume(ServiceId service, PoolId pool) {
  const auto place = holder_of(service, pool);
  if (!place) return false;
  GroupState& state = states_[place->group];
  const auto of_pool = state.pool_comebacks.find(pool_place(service, pool));
  bool is_any = false;
  for (Comeback* comeback : {of_pool == state.pool_comebacks.end() ? nullptr : &of_pool->second,
                             &state.comebacks[place->holder]}) {
    if (!comeback || !std::exchange(comeback->waits_for_person, false)) continue;
    comeback->since = clock_.now();
    is_any = true;
  }
  if (!is_any) return false;
  coming_back_.insert(place->group);
  mark(place->group, ShareCause::intent);
  return true;
}

SteeringRecord Steering::record_with(ServiceId service, std::span<const PoolId> resumed) const {
  SteeringRecord record = record_of(model().services[service.value]);
  const std::vector<zones::Pool>& pools = model().services[service.value].pools;
  for (size_t i = 0; i < pools.size(); ++i) {
    if (std::ranges::count(resumed, pools[i].id) > 0) record.back_since[i] = clock_.wall();
  }
  return record;
}

/// Who was out and is back gets his share in the way that is asked for. Whether a restart should know of a change.
bool Steering::look_at_comebacks(uint32_t place) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  bool is_changed = false;
  for (size_t i = 0; i < group.holders.size(); ++i) {
    const CapacityGroups::Holder& holder = group.holders[i];
    Comeback& comeback = states_[place].comebacks[i];
    const auto has = [&](zones::Eligibility wanted) {
      return std::ranges::any_of(holder.endpoints, [&](EndpointId id) {
        return snapshot_->eligibility->get(id) == wanted;
      });
    };
    const bool was_growing = comeback.since.has_value();
    const bool was_waiting = comeback.waits_for_person;
    // Whose flap hold yields is out still: its way back begins when the hold ends.
    const bool may_be_needed = !states_[place].needed.empty();
    const bool is_in = std::ranges::any_of(holder.endpoints, [&](EndpointId id) {
      return snapshot_->eligibility->get(id) == zones::Eligibility::eligible &&
             !(may_be_needed && is_flapping_(id));
    });
    if (!is_in) {
      // What nobody has seen yet was never in, and has nothing to come back from.
      const bool is_known = has(zones::Eligibility::down) || has(zones::Eligibility::excluded) ||
                            has(zones::Eligibility::eligible);
      comeback = {.is_out = comeback.is_out || is_known, .since = {}};
      comeback.waits_for_person =
          comeback.is_out && holder.back.failback == zones::Failback::manual;
    } else if (comeback.waits_for_person && holder.back.failback == zones::Failback::manual) {
      comeback.is_out = false;
    } else if (bool was_out = std::exchange(comeback.is_out, false);
               (std::exchange(comeback.waits_for_person, false) || was_out) &&
               holder.back.failback != zones::Failback::at_once) {
      comeback.since = clock_.now() + holder.back.hold;
      coming_back_.insert(place);
    }
    comeback.factor = comeback_part(group, comeback);
    if (comeback.factor >= 1) comeback.since.reset();
    is_changed |=
        was_growing != comeback.since.has_value() || was_waiting != comeback.waits_for_person;
  }
  return is_changed;
}

double Steering::comeback_part(const CapacityGroups::Group& group, const Comeback& comeback) const {
  if (comeback.waits_for_person) return 0;
  if (!comeback.since) return 1;
  const Milliseconds since = clock_.now() - *comeback.since;
  if (since < Milliseconds(0)) return 0;  // on hold
  return steering::ramp_factor(since, ramp_rules(group));
}

steering::RampRules Steering::ramp_rules(const CapacityGroups::Group& group) const {
  const zones::SteeringOptions& options = model().steering;
  return {.duration = options.ramp,
          .start = options.ramp_start,
          .ttl = Milliseconds(int64_t{group.ttl.value} * 1'000)};
}

/// Who was needed before his ramp was over carries what he got: as much of it is behind him, so that nobody who comes
/// back later takes it away from him again. `aside`: what frozen services take there.
void Steering::pass_ramps(uint32_t place, const Solved& solved, std::span<const double> aside) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  GroupState& state = states_[place];
  const MonotonicTime now = clock_.now();
  for (size_t i = 0; i < state.comebacks.size(); ++i) {
    Comeback& comeback = state.comebacks[i];
    const bool is_ramping = comeback.since && *comeback.since <= now && comeback.factor < 1;
    const double ready = solver_.ready_capacity(place, i);
    if (!is_ramping || ready <= 0 || state.whole[i] <= ready * comeback.factor) continue;
    const double load = solved.allocation.loads[i] + aside[i] * group.limit;
    const Milliseconds reached =
        steering::ramp_reaches(load / (ready * group.target), ramp_rules(group));
    comeback.since = std::min(*comeback.since, now + Milliseconds(-reached.value));
  }
}

void Steering::tell_needed(uint32_t place, Slice& slice) const {
  const std::vector<bool>& needed = states_[place].needed;
  const std::vector<CapacityGroups::Holder>& holders = groups_.groups()[place].holders;
  for (size_t i = 0; i < holders.size(); ++i) {
    for (const EndpointId id : holders[i].endpoints) {
      if (is_flapping_(id)) slice.needed.emplace_back(id, !needed.empty() && needed[i]);
    }
  }
}

}  // namespace swingover::control
