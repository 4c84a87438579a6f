#include "server/control/group_solver.h"

#include <algorithm>
#include <utility>

#include "zones/explain.h"
#include "zones/steering/ramp.h"
#include "zones/steering/share_rounding.h"

namespace swingover::control {

using steering::Problem;
using steering::Regime;

namespace {

const std::vector<bool> nobody;

}  // namespace

// ---- who counts ----

/// Where flap holds yield, that decides, and not what is in answers: a shortage is looked at as it would be without them,
/// so that nobody stays needed for ever.
bool GroupSolver::counts(EndpointId id, const std::vector<bool>& needed, size_t holder) const {
  if (!needed.empty() && facts_.is_flapping(id)) return needed[holder];
  return is_eligible(id);
}

std::vector<bool> GroupSolver::usable(const zones::Service& service) const {
  if (const auto place = groups_.place_of(service.id)) {
    const CapacityGroups::Group& group = groups_.groups()[place->group];
    return usable_of(group.members[place->member], facts_.needed(place->group));
  }
  std::vector<bool> usable;
  for (const zones::Pool& pool : service.pools) {
    usable.push_back(std::ranges::any_of(pool.endpoints,
                                         [this](const auto& one) { return is_eligible(one.id); }));
  }
  return usable;
}

std::vector<bool> GroupSolver::usable_of(const CapacityGroups::Member& member,
                                         const std::vector<bool>& needed) const {
  const zones::Service& service = model().services[member.service.value];
  std::vector<bool> usable;
  usable.reserve(service.pools.size());
  for (size_t pool = 0; pool < service.pools.size(); ++pool) {
    const uint32_t holder = member.holders[pool];
    const std::vector<bool>& yields = holder == CapacityGroups::none ? nobody : needed;
    usable.push_back(std::ranges::any_of(service.pools[pool].endpoints, [&](const auto& one) {
      return counts(one.id, yields, holder);
    }));
  }
  return usable;
}

GroupSolver::Usable GroupSolver::usable_of(uint32_t place, const std::vector<bool>* needed) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  Usable usable;
  usable.reserve(group.members.size());
  for (const CapacityGroups::Member& member : group.members)
    usable.push_back(usable_of(member, needed ? *needed : facts_.needed(place)));
  return usable;
}

size_t GroupSolver::eligible_count(uint32_t place, size_t holder) const {
  const std::vector<bool>& needed = facts_.needed(place);
  return static_cast<size_t>(
      std::ranges::count_if(groups_.groups()[place].holders[holder].endpoints,
                            [&](EndpointId id) { return counts(id, needed, holder); }));
}

GroupSolver::Capacity GroupSolver::capacity(uint32_t place, size_t holder,
                                            const std::vector<bool>& needed) const {
  const std::vector<EndpointId>& endpoints = groups_.groups()[place].holders[holder].endpoints;
  const auto eligible = static_cast<size_t>(
      std::ranges::count_if(endpoints, [&](EndpointId id) { return counts(id, needed, holder); }));
  const ShareFacts::Holder facts = facts_.holder(place, holder);
  const double ready = facts.nominal * steering::healthy_fraction(eligible, endpoints.size()) *
                       facts.heard * weight_part(place, holder);
  return {.ready = ready,
          .usable = ready * facts.comeback,
          .is_ramping = facts.comeback < 1,
          .may_yield = !facts.waits_for_person && !is_cut(place, holder)};
}

double GroupSolver::ready_capacity(uint32_t place, size_t holder) const {
  return capacity(place, holder, facts_.needed(place)).ready;
}

double GroupSolver::usable_capacity(uint32_t place, size_t holder) const {
  return capacity(place, holder, facts_.needed(place)).usable;
}

bool GroupSolver::has_flapping(uint32_t place) const {
  if (!facts_.may_flap()) return false;
  return std::ranges::any_of(groups_.groups()[place].holders, [this](const auto& holder) {
    return std::ranges::any_of(holder.endpoints,
                               [this](EndpointId id) { return facts_.is_flapping(id); });
  });
}

bool GroupSolver::serves(const zones::Service& service, size_t pool, size_t row) const {
  return service.pools[pool].serves(model().topology, locality_of_row(row));
}

std::vector<double> GroupSolver::resorts(const zones::Service& service,
                                         const std::vector<bool>& usable, size_t row) const {
  std::vector<double> weights(service.pools.size(), 0);
  if (std::ranges::none_of(service.pools, &zones::Pool::last_resort)) return weights;
  for (size_t pool = 0; pool < weights.size(); ++pool) {
    const zones::Pool& p = service.pools[pool];
    if (p.last_resort && usable[pool] && serves(service, pool, row))
      weights[pool] = p.capacity.value_or(1);
  }
  return weights;
}

// ---- who is frozen ----

/// A group whose services are all frozen is worked out with nobody in it, and thawed.
bool GroupSolver::has_frozen(uint32_t place) const {
  const SharePlans& plans = facts_.plans();
  if (plans.frozen.empty()) return false;
  return std::ranges::any_of(groups_.groups()[place].members,
                             [&](const auto& member) { return plans.is_frozen(member.service); });
}

std::span<const uint16_t> GroupSolver::reached(const zones::Service& service,
                                               const std::vector<bool>& usable) const {
  const std::span<const uint16_t> shares = facts_.shares_in_force(service.id);
  const size_t pools = usable.size();
  const auto is_lost = [&](size_t place) { return shares[place] > 0 && !usable[place % pools]; };
  size_t place = 0;
  while (place < shares.size() && !is_lost(place)) ++place;
  if (place == shares.size()) return shares;
  reached_.assign(shares.begin(), shares.end());
  std::vector<double> weights(pools);
  for (size_t row = place / pools * pools; row < shares.size(); row += pools) {
    for (size_t pool = 0; pool < pools; ++pool)
      weights[pool] = usable[pool] ? shares[row + pool] : 0;
    if (std::ranges::all_of(weights, [](double weight) { return weight <= 0; })) {
      const zones::ServicePlan& plan = facts_.snapshot().plans[service.id.value];
      const auto client = static_cast<uint32_t>(row / pools);
      const auto by_tier = zones::tier_shares(plan, locality_of_row(client), facts_.eligibility());
      for (const zones::PoolShare& one : by_tier) weights[one.place] = one.share;
      if (by_tier.empty()) continue;
    }
    steering::ShareRounder().round(weights, std::span(reached_).subspan(row, pools));
  }
  return reached_;
}

/// Who is frozen goes on with the shares that he has: what they bring to a holder is not there for the others. By holder so
/// much of its capacity; their demand is none then. Exact at the limit; the target moves up a little.
std::vector<double> GroupSolver::set_aside_frozen(uint32_t place, const Usable& usable,
                                                  std::span<double> demands) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const size_t rows = groups_.rows();
  std::vector<double> aside(group.holders.size(), 0);
  for (size_t m = 0; m < group.members.size(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    if (!facts_.plans().is_frozen(member.service)) continue;
    const std::span<const uint16_t> shares =
        reached(model().services[member.service.value], usable[m]);
    const size_t pools = member.holders.size();
    for (size_t row = 0; row < rows; ++row) {
      double& demand = demands[m * rows + row];
      for (size_t pool = 0; pool < pools; ++pool) {
        const uint32_t holder = member.holders[pool];
        if (holder == CapacityGroups::none || !usable[m][pool]) continue;
        const double load = demand * shares[row * pools + pool] / steering::share_parts;
        aside[holder] += load / group.limit;
      }
      demand = 0;
    }
  }
  return aside;
}

// ---- one group ----

GroupSolver::Posed GroupSolver::pose(uint32_t place, const PoseAs& as) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const std::vector<bool>& needed = as.needed ? *as.needed : facts_.needed(place);
  std::vector<double> whole;
  for (size_t i = 0; i < group.holders.size(); ++i)
    whole.push_back(capacity(place, i, needed).usable);
  Usable looked_at;
  if (!as.usable) looked_at = usable_of(place, &needed);
  const Usable& usable = as.usable ? *as.usable : looked_at;
  const size_t rows = groups_.rows();
  std::vector<double> demands(group.members.size() * rows);
  std::vector<std::span<const double>> by_member;
  by_member.reserve(group.members.size());
  for (size_t m = 0; m < group.members.size(); ++m) {
    const std::span<double> own = std::span(demands).subspan(m * rows, rows);
    facts_.read_demands(group.members[m].service, own);
    by_member.push_back(own);
  }
  std::vector<double> aside(group.holders.size(), 0);
  if (!as.is_thawed && has_frozen(place)) aside = set_aside_frozen(place, usable, demands);
  std::vector<double> offered;
  for (size_t i = 0; i < whole.size(); ++i) offered.push_back(std::max(whole[i] - aside[i], 0.0));
  const std::vector<uint32_t> own_rows = apart(place, as.more);
  CapacityGroups::Posed posed = groups_.pose(
      place, {.capacities = offered, .usable = usable, .demands = by_member, .apart = own_rows});
  return {std::move(posed), std::move(whole), std::move(aside)};
}

bool GroupSolver::is_short(const Solved& solved) {
  if (solved.allocation.regime == Regime::overload) return true;
  for (size_t i = 0; i < solved.problem.localities(); ++i) {
    if (solved.allocation.unserved[i] && solved.problem.demands[i] > 0) return true;
  }
  return false;
}

GroupSolver::Settled GroupSolver::settle(uint32_t place, Posed posed, bool was_needed) {
  Settled out;
  std::shared_ptr<const Solved> solved = solutions_.of(posed.problem);
  if (was_needed || is_short(*solved)) {
    out.needed = yield(place, was_needed, posed);
    if (posed.problem != solved->problem) solved = solutions_.of(posed.problem);
  }
  const std::vector<ReturningPool> returning = facts_.returning(place);
  const bool may_let_in =
      !std::ranges::all_of(returning, &ReturningPool::waits_for_person) && !is_short(*solved);
  if (!may_let_in) {
    out.outcome = outcome(place, std::move(posed), std::move(solved));
    return out;
  }
  out.outcome = outcome(place, posed, solved);
  // The others cannot carry it without those who come back.
  out.lets_pools_in =
      out.outcome.parts.size() > 1 &&
      std::ranges::any_of(out.outcome.parts, [](const auto& part) { return is_short(*part); });
  if (out.lets_pools_in) out.outcome = outcome(place, std::move(posed), std::move(solved), true);
  return out;
}

/// Who warms up gives up his ramp when the others cannot carry the demand, and then what is held for its flaps is let in.
/// By holder who of the latter; empty: none.
std::vector<bool> GroupSolver::yield(uint32_t place, bool was_needed, Posed& posed) {
  constexpr double spare = 0.95;
  const size_t holders = groups_.groups()[place].holders.size();
  std::vector<steering::Yielding> exclusions;
  const auto may_bring = [&](uint32_t i, steering::SoftExclusion kind, double ready,
                             const Posed& of) {
    exclusions.push_back(
        {.cluster = i, .kind = kind, .capacity = std::max(ready - of.aside[i], 0.0)});
  };
  for (uint32_t i = 0; i < holders; ++i) {
    const Capacity now = capacity(place, i, facts_.needed(place));
    if (now.is_ramping && now.may_yield)
      may_bring(i, steering::SoftExclusion::ramp, now.ready, posed);
  }
  Problem tried = posed.problem;
  std::vector<bool> needed;
  if (has_flapping(place)) {
    // As if all were let in, but for what they carry: that is what each may bring.
    needed.assign(holders, true);
    Posed all_in = pose(place, {.needed = &needed});
    for (uint32_t i = 0; i < holders; ++i) {
      const Capacity then = capacity(place, i, needed);
      if (then.may_yield && then.ready > posed.whole[i])
        may_bring(i, steering::SoftExclusion::flap_hold, then.ready, all_in);
    }
    tried = std::move(all_in.problem);
    tried.capacities = posed.problem.capacities;
    needed.assign(holders, false);
  }
  if (was_needed) tried.limit *= spare;
  const std::vector<steering::Yielding> yielded =
      steering::yield_to_shortage(tried, std::move(exclusions), solutions_.allocate());
  bool is_any_needed = false;
  for (const steering::Yielding& one : yielded) {
    if (one.kind == steering::SoftExclusion::flap_hold) needed[one.cluster] = is_any_needed = true;
  }
  if (is_any_needed) {
    posed = pose(place, {.needed = &needed});
  } else {
    needed.clear();
  }
  for (const steering::Yielding& one : yielded) {
    const uint32_t i = one.cluster;
    posed.whole[i] = capacity(place, i, is_any_needed ? needed : facts_.needed(place)).ready;
    posed.problem.capacities[i] = std::max(posed.whole[i] - posed.aside[i], 0.0);
  }
  return needed;
}

}  // namespace swingover::control
