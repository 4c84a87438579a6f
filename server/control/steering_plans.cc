// Steering by people: steps of planned swings, weights and freezes, over what capacity and demand give.

#include <algorithm>
#include <utility>

#include "server/control/steering.h"

namespace swingover::control {

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

// ---- what a swing would come to ----

std::vector<SwingCase> Steering::swing_cases(const SwingParts& parts) const {
  std::vector<SwingCase> cases;
  cases.reserve(parts.groups.size());
  for (const uint32_t group : parts.groups) cases.push_back(swing_case(group, parts));
  return cases;
}

SwingCase Steering::swing_case(uint32_t place, const SwingParts& parts) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  Posed posed = solver_.pose(place, {.more = &parts});
  SwingCase out{.problem = std::move(posed.problem),
                .high = publish_rules(place).high,
                .clusters = {},
                .old_loads = old_loads(place).value_or(no_old_loads(place)).loads,
                .leavers = {},
                .moves = {}};
  for (const CapacityGroups::Holder& holder : group.holders) out.clusters.push_back(holder.cluster);
  const auto own_cuts = parts.cuts.find(place);
  if (own_cuts != parts.cuts.end()) {
    for (const uint32_t holder : own_cuts->second) out.leavers.push_back({{holder, {}, 0}, true});
  }
  const auto is_own_cut = [&](const steering::Leaving& one) {
    return one.localities.empty() && own_cuts != parts.cuts.end() &&
           std::ranges::count(own_cuts->second, one.cluster) > 0;
  };
  for (size_t m = 0; m < group.members.size(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    const auto own = parts.moves.find(member.service.value);
    if (own == parts.moves.end()) continue;
    for (const SharePlans::Move& move : own->second)
      add_to_case(member, posed.rows[m], move, std::nullopt, out);
  }
  // What others have moved is gone from there for this one; it was made sure of step by step.
  if (const auto found = plans_.cuts.find(place); found != plans_.cuts.end()) {
    for (const SharePlans::Cut& cut : found->second) {
      const steering::Leaving leaving{cut.holder, {}, cut.moved};
      if (!is_own_cut(leaving)) out.leavers.push_back({leaving, false});
    }
  }
  for (size_t m = 0; m < group.members.size() && !plans_.moves.empty(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    const auto others = plans_.moves.find(member.service.value);
    if (others == plans_.moves.end()) continue;
    const auto own = parts.moves.find(member.service.value);
    for (const SharePlans::Move& move : others->second) {
      const auto is_same = [&](const auto& one) {
        return one.from == move.from && one.to == move.to;
      };
      if (own == parts.moves.end() || std::ranges::none_of(own->second, is_same))
        add_to_case(member, posed.rows[m], move, move.moved, out);
    }
  }
  return out;
}

/// Of another swing with what it has moved; of the one that is asked about without.
void Steering::add_to_case(const CapacityGroups::Member& member, const std::vector<uint32_t>& rows,
                           const SharePlans::Move& move, std::optional<uint16_t> moved,
                           SwingCase& out) const {
  const zones::Service& service = model().services[member.service.value];
  if (move.to == SharePlans::best) {
    if (member.holders[move.from] == CapacityGroups::none) return;
    out.leavers.push_back({GroupSolver::leaving_rows(member, rows, move), !moved});
    return;
  }
  if (!GroupSolver::may_move(service, member, solver_.usable(service), move)) return;
  const steering::Demand& demand = services_[service.id.value]->demand;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (!solver_.serves(service, move.to, row)) continue;
    out.moves.push_back({.locality = rows[row],
                         .demand = demand.of(row),
                         .from = member.holders[move.from],
                         .to = member.holders[move.to],
                         .moved = moved});
  }
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
    const Comeback& comeback = *comeback_of(service.id, service.pools[pool].id);
    if (usable[pool]) return comeback.factor > 0 ? SwingTarget::in : SwingTarget::held;
    return std::ranges::all_of(endpoints, is_down) ? SwingTarget::down : SwingTarget::held;
  };
  for (const uint32_t id : parts.services) {
    state.is_frozen = state.is_frozen || plans_.is_frozen(ServiceId(id));
    const zones::Service& service = model().services[id];
    if (!groups_.place_of(service.id)) continue;
    const std::vector<bool> usable = solver_.usable(service);
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
