// Steering by people: steps of planned swings, weights and freezes, over what capacity and demand give.

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/control/steering.h"
#include "zones/found_tier.h"
#include "zones/steering/swing_shares.h"

namespace swingover::control {

using steering::Problem;

namespace {

/// Calls `changed` with each key whose values are others in `one` and `other`.
template <class Map, class Changed>
void for_each_difference(const Map& one, const Map& other, Changed changed) {
  for (const auto& [key, value] : one) {
    const auto found = other.find(key);
    if (found == other.end() || found->second != value) changed(key);
  }
  for (const auto& [key, value] : other) {
    if (!one.contains(key)) changed(key);
  }
}

}  // namespace

void Steering::plan(SharePlans plans) {
  const SharePlans before = std::exchange(plans_, std::move(plans));
  if (!snapshot_ || before == plans_) return;
  const auto group_changed = [this](uint32_t group) { replan(group); };
  for_each_difference(before.cuts, plans_.cuts, group_changed);
  for_each_difference(before.weights, plans_.weights, group_changed);
  const auto replan_of = [this](uint32_t service) {
    if (const auto place = groups_.place_of(ServiceId(service))) replan(place->group);
  };
  for_each_difference(before.moves, plans_.moves, replan_of);
  for (uint32_t i = 0; i < services_.size(); ++i) {
    if (before.is_frozen(ServiceId(i)) && !plans_.is_frozen(ServiceId(i))) replan_of(i);
  }
}

void Steering::replan(uint32_t group) {
  states_[group].is_replanned = true;
  mark(group, ShareCause::intent);
}

bool Steering::is_cut(uint32_t group, size_t holder) const {
  const auto found = plans_.cuts.find(group);
  return found != plans_.cuts.end() && std::ranges::any_of(found->second, [&](const auto& cut) {
           return cut.holder == holder && cut.moved > 0;
         });
}

void Steering::cut(uint32_t group, Problem& problem) {
  const auto found = plans_.cuts.find(group);
  if (found == plans_.cuts.end()) return;
  for (const SharePlans::Cut& cut : found->second) {
    if (cut.moved == 0) continue;
    const std::shared_ptr<const Solved> without = solution(problem);
    problem = steering::swing_to_best(problem, without->allocation, cut.holder, cut.moved);
  }
}

double Steering::weight_part(uint32_t group, size_t holder) const {
  const auto found = plans_.weights.find(group);
  if (found == plans_.weights.end()) return 1;
  const auto factor = found->second.find(static_cast<uint32_t>(holder));
  return factor == found->second.end() ? 1 : factor->second;
}

/// Rows that have somewhere to go, and those who may take them there.
std::vector<SwingCase::Move> Steering::moves_of(const zones::Service& service,
                                                const CapacityGroups::Member& member,
                                                const std::vector<uint32_t>& rows,
                                                const SharePlans::Move& move) const {
  std::vector<SwingCase::Move> moves;
  if (member.holders[move.from] == CapacityGroups::none) return moves;
  const std::vector<bool> usable = usable_pools(service);
  std::vector<uint32_t> to;
  for (uint32_t pool = 0; pool < service.pools.size(); ++pool) {
    const bool is_asked = move.to == SharePlans::best ? pool != move.from : pool == move.to;
    if (is_asked && usable[pool] && member.holders[pool] != CapacityGroups::none)
      to.push_back(member.holders[pool]);
  }
  if (to.empty()) return moves;
  const steering::Demand& demand = services_[service.id.value]->demand;
  for (size_t row = 0; row < rows.size(); ++row) {
    moves.push_back({.locality = rows[row],
                     .row = static_cast<uint16_t>(row),
                     .demand = demand.of(row),
                     .from = member.holders[move.from],
                     .to = to,
                     .moved = {}});
  }
  return moves;
}

void Steering::move_rows(const zones::Service& service, const CapacityGroups::Member& member,
                         const std::vector<uint32_t>& rows, const Solved& solved,
                         std::span<uint16_t> shares) {
  ServiceState& state = *services_[service.id.value];
  state.moved.clear();
  const auto found = plans_.moves.find(service.id.value);
  if (found == plans_.moves.end()) return;
  const size_t pools = service.pools.size();
  const auto pool_of = [&](uint32_t holder) {
    return static_cast<size_t>(std::ranges::find(member.holders, holder) - member.holders.begin());
  };
  state.moved.assign(pools, 0);
  for (const SharePlans::Move& move : found->second) {
    for (SwingCase::Move& one : moves_of(service, member, rows, move)) {
      std::erase_if(one.to, [&](uint32_t holder) {
        return solved.problem.cost(one.locality, holder) == steering::forbidden;
      });
      const std::span<uint16_t> row = shares.subspan(one.row * pools, pools);
      const uint16_t parts = steering::moved_of(row[move.from], move.moved);
      const std::vector<uint16_t> split =
          divided_by_room(parts, one.to, solved.problem, solved.allocation.loads);
      for (size_t i = 0; i < split.size(); ++i) {
        const size_t to = pool_of(one.to[i]);
        row[move.from] = static_cast<uint16_t>(row[move.from] - split[i]);
        row[to] = static_cast<uint16_t>(row[to] + split[i]);
        const double load = one.demand * split[i] / steering::share_parts;
        state.moved[move.from] -= load;
        state.moved[to] += load;
      }
    }
  }
}

// ---- what a swing would come to ----

std::vector<SwingCase> Steering::swing_cases(const SwingParts& parts) const {
  std::vector<SwingCase> cases;
  cases.reserve(parts.groups.size());
  for (const uint32_t group : parts.groups) cases.push_back(swing_case(group, parts));
  return cases;
}

SwingCase Steering::swing_case(uint32_t place, const SwingParts& parts) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  CapacityGroups::Posed posed = pose(place);
  SwingCase out{.problem = std::move(posed.problem),
                .clusters = {},
                .old_loads = {},
                .cuts = {},
                .moves = {}};
  for (const CapacityGroups::Holder& holder : group.holders) out.clusters.push_back(holder.cluster);
  out.old_loads = old_loads(place).loads;
  if (const auto found = parts.cuts.find(place); found != parts.cuts.end())
    out.cuts = found->second;
  // What others have moved is gone from there for this one; it was made sure of step by step.
  if (const auto found = plans_.cuts.find(place); found != plans_.cuts.end()) {
    for (const SharePlans::Cut& cut : found->second) {
      if (std::ranges::count(out.cuts, cut.holder) > 0 || cut.moved == 0) continue;
      steering::Allocator allocator;
      out.problem = steering::swing_to_best(out.problem, allocator.allocate(out.problem),
                                            cut.holder, cut.moved);
    }
  }
  for (size_t i = 0; i < group.members.size(); ++i) {
    const CapacityGroups::Member& member = group.members[i];
    const zones::Service& service = model().services[member.service.value];
    const auto add = [&](const SharePlans::Move& move, std::optional<uint16_t> moved) {
      for (SwingCase::Move& one : moves_of(service, member, posed.rows[i], move)) {
        std::erase_if(one.to, [&](uint32_t holder) {
          return out.problem.cost(one.locality, holder) == steering::forbidden;
        });
        if (one.to.empty()) continue;
        one.moved = moved;
        out.moves.push_back(std::move(one));
      }
    };
    const auto own = parts.moves.find(service.id.value);
    if (own != parts.moves.end()) {
      for (const SharePlans::Move& move : own->second) add(move, std::nullopt);
    }
    const auto others = plans_.moves.find(service.id.value);
    if (others == plans_.moves.end()) continue;
    for (const SharePlans::Move& move : others->second) {
      const auto is_same = [&](const auto& one) {
        return one.from == move.from && one.to == move.to;
      };
      if (own == parts.moves.end() || std::ranges::none_of(own->second, is_same))
        add(move, move.moved);
    }
  }
  return out;
}

SwingState Steering::state_of(const SwingParts& parts) const {
  using steering::SwingTarget;
  SwingState state;
  const auto look = [&](const zones::Service& service, const std::vector<bool>& usable,
                        uint32_t pool) {
    const auto& endpoints = service.pools[pool].endpoints;
    const auto is_down = [this](const zones::Endpoint& endpoint) {
      return snapshot_->eligibility->get(endpoint.id) == zones::Eligibility::down;
    };
    const CapacityGroups::Place place = *groups_.place_of(service.id);
    const uint32_t holder = groups_.groups()[place.group].members[place.member].holders[pool];
    if (holder == CapacityGroups::none) return SwingTarget::down;
    if (usable[pool])
      return states_[place.group].comebacks[holder].factor > 0 ? SwingTarget::in
                                                               : SwingTarget::held;
    return std::ranges::all_of(endpoints, is_down) ? SwingTarget::down : SwingTarget::held;
  };
  for (const uint32_t id : parts.services) {
    state.is_frozen = state.is_frozen || plans_.is_frozen(ServiceId(id));
    const zones::Service& service = model().services[id];
    if (!groups_.place_of(service.id)) continue;
    const std::vector<bool> usable = usable_pools(service);
    const auto moves = parts.moves.find(id);
    std::vector<uint32_t> leaves;
    std::optional<uint32_t> to;
    if (moves != parts.moves.end()) {
      for (const SharePlans::Move& move : moves->second) {
        leaves.push_back(move.from);
        if (move.to != SharePlans::best) to = move.to;
      }
    } else {
      const CapacityGroups::Place place = *groups_.place_of(service.id);
      const auto& holders = groups_.groups()[place.group].members[place.member].holders;
      const auto cuts = parts.cuts.find(place.group);
      for (uint32_t pool = 0; cuts != parts.cuts.end() && pool < holders.size(); ++pool) {
        if (std::ranges::count(cuts->second, holders[pool]) > 0) leaves.push_back(pool);
      }
    }
    // The best of those that could gain; a service with nobody else stays where it is, drained or not.
    std::optional<SwingTarget> best;
    for (uint32_t pool = 0; pool < service.pools.size(); ++pool) {
      const bool is_asked = to ? pool == *to : std::ranges::count(leaves, pool) == 0;
      if (!is_asked || (!to && service.pools[pool].last_resort)) continue;
      best = std::min(best.value_or(SwingTarget::down), look(service, usable, pool));
    }
    if (best) state.target = std::max(state.target, *best);
  }
  return state;
}

// ---- frozen ----

const std::vector<uint16_t>* Steering::shadow(ServiceId service) const {
  const auto& state = services_[service.value];
  return state && !state->shadow.empty() ? &state->shadow : nullptr;
}

const std::vector<uint16_t>* Steering::shares(ServiceId service) const {
  const auto& state = services_[service.value];
  return state ? &state->shares : nullptr;
}

std::vector<double> Steering::parts(ServiceId service) const {
  const auto& state = services_[service.value];
  if (!state) return {};
  const size_t pools = state->shares.size() / groups_.rows();
  const double total = state->demand.total();
  std::vector<double> parts(pools, 0);
  double whole = 0;
  for (size_t row = 0; row < groups_.rows(); ++row) {
    const double weight = total > 0 ? state->demand.of(row) : 1;
    for (size_t pool = 0; pool < pools; ++pool) {
      const double share = weight * state->shares[row * pools + pool];
      parts[pool] += share;
      whole += share;
    }
  }
  if (whole <= 0) return {};
  for (double& part : parts) part /= whole;
  return parts;
}

double Steering::difference(ServiceId service) const {
  const std::vector<uint16_t>* then = shadow(service);
  return then ? difference_of(*services_[service.value], *then) : 0;
}

}  // namespace swingover::control
