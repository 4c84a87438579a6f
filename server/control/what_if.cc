#include "server/control/what_if.h"

#include <algorithm>
#include <functional>
#include <limits>
#include <numeric>
#include <utility>

#include "zones/explain.h"
#include "zones/steering/ramp.h"

namespace swingover::control {

using steering::Regime;

namespace {

/// What rounding shares to parts of 10,000 puts above a limit is no overflow.
constexpr double rounding = 1.0 / steering::share_parts;
constexpr double octets_a_gb = 1e9;
constexpr double seconds_a_month = 86'400 * 30.44;

}  // namespace

double Outlook::Cluster::utilisation() const {
  if (load <= 0) return 0;
  return capacity > 0 ? load / capacity : std::numeric_limits<double>::infinity();
}

double Outlook::worst_utilisation() const {
  double worst = 0;
  for (const Cluster& cluster : clusters) worst = std::max(worst, cluster.utilisation());
  return worst;
}

WhatIf::WhatIf(SteeringInputs inputs, double demand)
    : inputs_(std::move(inputs)),
      groups_(inputs_.snapshot->model),
      demands_(inputs_.demands),
      now_map_(inputs_.eligibility.size()),
      map_(inputs_.eligibility.size()) {
  for (double& of_row : demands_) of_row = std::min(of_row * demand, steering::amount_max);
  for (uint32_t i = 0; i < inputs_.eligibility.size(); ++i) {
    now_map_.set(EndpointId(i), inputs_.eligibility[i]);
    map_.set(EndpointId(i), inputs_.eligibility[i]);
  }
  holders_.resize(groups_.groups().size());
  service_of_.resize(inputs_.eligibility.size());
  size_t parts = 0;
  for (const zones::Service& service : model().services) {
    first_part_.push_back(parts);
    if (is_steered(service.id)) parts += inputs_.rows * service.pools.size();
    for (const zones::Pool& pool : service.pools) {
      for (const zones::Endpoint& endpoint : pool.endpoints)
        service_of_[endpoint.id.value] = service.id.value;
    }
  }
  read_frozen();
  open_accounts();
  measure_ways();
  needed_.resize(groups_.groups().size());
  for (State* state : {&now_state_, &base_}) {
    state->parts.resize(parts);
    state->capacities.resize(accounts_.size());
    state->levels.resize(model().services.size());
  }
}

/// Pools of last resort take from the account of their cluster, where somebody else does, else from one of their own.
void WhatIf::open_accounts() {
  account_.resize(inputs_.snapshot->counts.pools);
  std::map<uint32_t, size_t> of_cluster;  // whose capacity is shared
  for (uint32_t g = 0; g < groups_.groups().size(); ++g) {
    const CapacityGroups::Group& group = groups_.groups()[g];
    first_account_.push_back(accounts_.size());
    for (size_t i = 0; i < group.holders.size(); ++i) {
      const CapacityGroups::Holder& holder = group.holders[i];
      if (!holder.pool) of_cluster.emplace(holder.id.value, accounts_.size());
      accounts_.push_back({holder.id, group.limit, 0, {}});
    }
    for (const CapacityGroups::Member& member : group.members) {
      const zones::Service& service = model().services[member.service.value];
      for (size_t pool = 0; pool < service.pools.size(); ++pool) {
        if (member.holders[pool] != CapacityGroups::none)
          account_[service.pools[pool].id.value] = first_account_[g] + member.holders[pool];
      }
    }
  }
  accounts_of_groups_ = accounts_.size();
  for (const zones::Service& service : model().services) {
    if (!is_steered(service.id)) continue;
    for (const zones::Pool& pool : service.pools) {
      if (account_[pool.id.value] || !pool.capacity) continue;
      size_t place = accounts_.size();
      if (!pool.has_own_capacity)
        place = of_cluster.try_emplace(pool.cluster.value, place).first->second;
      if (place == accounts_.size())
        accounts_.push_back({pool.cluster, model().steering.limit, *pool.capacity, {}});
      account_[pool.id.value] = place;
      // A holder has its endpoints already; what only pools of last resort share is theirs together.
      if (place < accounts_of_groups_) continue;
      for (const zones::Endpoint& endpoint : pool.endpoints)
        accounts_[place].endpoints.push_back(endpoint.id);
    }
  }
}

void WhatIf::measure_ways() {
  const zones::Topology& topology = model().topology;
  const size_t clusters = topology.clusters.size();
  crosses_.resize(inputs_.rows * clusters);
  prices_.resize(inputs_.rows * clusters);
  for (uint32_t row = 1; row < inputs_.rows; ++row) {
    for (uint32_t cluster = 0; cluster < clusters; ++cluster) {
      const zones::Topology::Way way = topology.way(LocalityId(row - 1), ClusterId(cluster));
      crosses_[row * clusters + cluster] = way.nearness != zones::Nearness::same_locality;
      prices_[row * clusters + cluster] = way.price;
    }
  }
}

/// What frozen services keep; they are few, as a rule.
void WhatIf::read_frozen() {
  frozen_.resize(model().services.size());
  for (const zones::Service& service : model().services) {
    if (!inputs_.plans.is_frozen(service.id) || !is_steered(service.id)) continue;
    const size_t pools = service.pools.size();
    std::vector<uint16_t>& shares = frozen_[service.id.value];
    shares.resize(inputs_.rows * pools, 0);
    for (size_t row = 0; row < inputs_.rows; ++row)
      inputs_.snapshot->shares->read(service.id, row,
                                     std::span(shares).subspan(row * pools, pools));
  }
}

// ---- what is asked about ----

const zones::Snapshot& WhatIf::Facts::snapshot() const {
  return *what_if_.inputs_.snapshot;
}

const zones::EligibilityMap& WhatIf::Facts::eligibility() const {
  return *what_if_.in_answers_;
}

/// What is down flaps no more.
bool WhatIf::Facts::is_flapping(EndpointId id) const {
  return may_flap() && what_if_.inputs_.flapping[id.value] &&
         what_if_.map_.get(id) != zones::Eligibility::down;
}

bool WhatIf::Facts::may_flap() const {
  return !what_if_.inputs_.flapping.empty();
}

const std::vector<bool>& WhatIf::Facts::needed(uint32_t group) const {
  return what_if_.needed_[group];
}

ShareFacts::Holder WhatIf::Facts::holder(uint32_t group, size_t holder) const {
  return what_if_.holders_[group][holder];
}

/// Whoever goes down on his way back is out: nothing of it is left.
std::vector<ReturningPool> WhatIf::Facts::returning(uint32_t group) const {
  std::vector<ReturningPool> returning = what_if_.inputs_.returning[group];
  const std::vector<CapacityGroups::Member>& members = what_if_.groups_.groups()[group].members;
  std::erase_if(returning, [&](const ReturningPool& one) {
    const zones::Service& service = what_if_.model().services[members[one.member].service.value];
    return std::ranges::none_of(service.pools[one.pool].endpoints, [this](const auto& endpoint) {
      return eligibility().get(endpoint.id) == zones::Eligibility::eligible;
    });
  });
  return returning;
}

void WhatIf::Facts::read_demands(ServiceId service, std::span<double> rows) const {
  const std::span<const double> all(what_if_.demands_);
  std::ranges::copy(all.subspan(service.value * rows.size(), rows.size()), rows.begin());
}

std::span<const uint16_t> WhatIf::Facts::shares_in_force(ServiceId service) const {
  return what_if_.frozen_[service.value];
}

const SharePlans& WhatIf::Facts::plans() const {
  return what_if_.inputs_.plans;
}

// ---- one group ----

/// Back to what is in answers, less these.
void WhatIf::ask_for(const std::vector<EndpointId>& down) {
  for (; !changed_.empty(); changed_.pop_back())
    map_.set(changed_.back().first, changed_.back().second);
  for (const EndpointId id : down) set(id, zones::Eligibility::down);
}

void WhatIf::set(EndpointId id, zones::Eligibility as) {
  changed_.emplace_back(id, map_.get(id));
  map_.set(id, as);
}

/// Whoever is out as a whole has no way back behind him, and waits for a person where that is asked for.
void WhatIf::note_ways_back(uint32_t g) {
  holders_[g].assign(inputs_.holders[g].begin(), inputs_.holders[g].end());
  const bool was_needed = !inputs_.needed[g].empty();
  for (size_t i = 0; i < holders_[g].size(); ++i) {
    const CapacityGroups::Holder& holder = groups_.groups()[g].holders[i];
    const bool is_in = std::ranges::any_of(holder.endpoints, [&](EndpointId id) {
      return map_.get(id) == zones::Eligibility::eligible &&
             !(was_needed && facts_.is_flapping(id));
    });
    // What nobody has seen yet was never in.
    const bool is_known = std::ranges::any_of(holder.endpoints, [&](EndpointId id) {
      return map_.get(id) != zones::Eligibility::unknown;
    });
    if (is_in || !is_known) continue;
    const bool waits = holder.back.failback == zones::Failback::manual;
    holders_[g][i].waits_for_person = waits;
    holders_[g][i].comeback = waits ? 0 : 1;
  }
}

/// As the driver does: whose flap hold yields now is let go first, and asked anew if need be; and whenever somebody goes in
/// or out for that, all is looked at once more, then with something to spare.
void WhatIf::solve(uint32_t g, State& state) {
  constexpr int looks_max = 4;  // it settles at the second, as a rule
  const std::vector<bool> nobody(groups_.groups()[g].holders.size(), false);
  std::vector<bool> before = inputs_.needed[g];
  GroupSolver::Settled settled;
  swing_flapping(g, nullptr);
  note_ways_back(g);
  for (int look = 0; look < looks_max; ++look) {
    const bool was_needed = !before.empty();
    needed_[g] = was_needed ? nobody : std::vector<bool>{};
    settled = solver_.settle(g, solver_.pose(g), was_needed);
    needed_[g] = std::move(settled.needed);
    if (needed_[g] == before) break;
    before = needed_[g];
    swing_flapping(g, before.empty() ? &nobody : &before);
  }
  put(g, settled.outcome, state);
}

/// Into answers, or out of them: by holder; null: as it is now.
void WhatIf::swing_flapping(uint32_t g, const std::vector<bool>* needed) {
  const std::vector<CapacityGroups::Holder>& holders = groups_.groups()[g].holders;
  for (size_t i = 0; facts_.may_flap() && i < holders.size(); ++i) {
    for (const EndpointId id : holders[i].endpoints) {
      if (!facts_.is_flapping(id)) continue;
      const auto let_in =
          needed && (*needed)[i] ? zones::Eligibility::eligible : zones::Eligibility::unknown;
      set(id, needed ? let_in : inputs_.eligibility[id.value]);
    }
  }
}

void WhatIf::put(uint32_t g, const GroupSolver::Outcome& outcome, State& state) const {
  const CapacityGroups::Group& group = groups_.groups()[g];
  std::ranges::copy(outcome.whole,
                    state.capacities.begin() + static_cast<std::ptrdiff_t>(first_account_[g]));
  for (size_t m = 0; m < group.members.size(); ++m) {
    const zones::Service& service = model().services[group.members[m].service.value];
    if (!inputs_.plans.is_frozen(service.id)) {
      state.levels[service.id.value] =
          put(service, group.members[m], outcome.rows[m], outcome, state);
      continue;
    }
    const std::vector<bool> usable = solver_.usable(service);
    for (size_t row = 0; row < inputs_.rows; ++row)
      read_shares(service, usable, row, row_of(service, row, state));
  }
  if (solver_.has_frozen(g)) put_frozen(g, state);
}

/// One service's parts; the level of the fullest of its holders.
double WhatIf::put(const zones::Service& service, const CapacityGroups::Member& member,
                   const std::vector<uint32_t>& rows, const GroupSolver::Outcome& outcome,
                   State& state) const {
  const steering::Problem& problem = outcome.solved->problem;
  const steering::Allocation& allocation = outcome.solved->allocation;
  double level = 0;
  for (const uint32_t holder : member.holders) {
    if (holder != CapacityGroups::none && problem.capacities[holder] > 0)
      level = std::max(level, allocation.levels[holder]);
  }
  const std::vector<bool> usable = solver_.usable(service);
  const bool has_resort = std::ranges::any_of(service.pools, &zones::Pool::last_resort);
  std::vector<double> resorts;
  for (size_t row = 0; row < inputs_.rows; ++row) {
    const size_t of_row = rows[row];
    const std::span<float> out = row_of(service, row, state);
    if (has_resort) resorts = solver_.resorts(service, usable, row);
    if (allocation.unserved[of_row]) {
      // The driver leaves such a row as it is; and who nobody else can serve is overload, if he asks for anything.
      read_shares(service, usable, row, out);
      const bool is_asked = demands_[service.id.value * inputs_.rows + row] > 0;
      if (is_asked && std::ranges::all_of(resorts, [](double weight) { return weight <= 0; }))
        level = std::numeric_limits<double>::infinity();
      continue;
    }
    for (size_t pool = 0; pool < out.size(); ++pool) {
      const uint32_t holder = member.holders[pool];
      out[pool] = 0;
      if (holder == CapacityGroups::none) continue;
      const size_t cell = of_row * problem.clusters() + holder;
      // Flows, since many rows' shares, rounded, add up to an overflow that is none.
      const double demand = problem.demands[of_row];
      const double part = demand > steering::least_amount
                              ? allocation.flows[cell] / demand
                              : allocation.shares[cell] / double{steering::share_parts};
      out[pool] = static_cast<float>(part);
    }
    if (has_resort && service.overflow == zones::Overflow::last_resort)
      spill(out, resorts, member, *outcome.solved);
  }
  solver_.for_each_move(
      service, member, rows, outcome.leaving,
      [&](size_t row, uint32_t from, uint32_t to, uint16_t moved) {
        const std::span<float> parts = row_of(service, row, state);
        const auto part = static_cast<float>(parts[from] * (moved / double{steering::share_parts}));
        parts[from] -= part;
        parts[to] += part;
      });
  return level;
}

/// Whoever is frozen has the level of what really comes to his holders.
void WhatIf::put_frozen(uint32_t g, State& state) const {
  const CapacityGroups::Group& group = groups_.groups()[g];
  std::vector<double> loads(group.holders.size(), 0);
  for (const CapacityGroups::Member& member : group.members) {
    const size_t pools = member.holders.size();
    for (size_t row = 0; row < inputs_.rows; ++row) {
      const double demand = demands_[member.service.value * inputs_.rows + row];
      const float* const parts = &state.parts[first_part_[member.service.value] + row * pools];
      for (size_t pool = 0; pool < pools; ++pool) {
        if (member.holders[pool] != CapacityGroups::none)
          loads[member.holders[pool]] += demand * parts[pool];
      }
    }
  }
  for (const CapacityGroups::Member& member : group.members) {
    if (!inputs_.plans.is_frozen(member.service)) continue;
    const zones::Service& service = model().services[member.service.value];
    const std::vector<bool> usable = solver_.usable(service);
    double& level = state.levels[service.id.value];
    const auto asked =
        std::span(demands_).subspan(member.service.value * inputs_.rows, inputs_.rows);
    const bool is_dark = std::ranges::none_of(usable, std::identity()) &&
                         std::accumulate(asked.begin(), asked.end(), 0.0) > 0;
    level = is_dark ? std::numeric_limits<double>::infinity() : 0;
    for (size_t pool = 0; pool < member.holders.size(); ++pool) {
      const uint32_t holder = member.holders[pool];
      if (holder == CapacityGroups::none || !usable[pool]) continue;
      const double capacity = state.capacities[first_account_[g] + holder];
      // Shares are rounded.
      if (capacity > 0) level = std::max(level, loads[holder] / capacity * (1 - 1e-3));
    }
  }
}

/// What is above limits goes to the last resort, where that is asked for: as Steering::spill(), but not rounded.
void WhatIf::spill(std::span<float> row, std::span<const double> resorts,
                   const CapacityGroups::Member& member, const Solved& solved) const {
  const double sum = std::accumulate(resorts.begin(), resorts.end(), 0.0);
  if (sum <= 0) return;
  double moved = 0;
  for (size_t pool = 0; pool < row.size(); ++pool) {
    const uint32_t holder = member.holders[pool];
    if (holder == CapacityGroups::none || row[pool] <= 0) continue;
    const double room = solved.problem.capacities[holder] * solved.problem.limit;
    const double part = 1 - std::min(1.0, room / solved.allocation.loads[holder]);
    moved += row[pool] * part;
    row[pool] = static_cast<float>(row[pool] * (1 - part));
  }
  for (size_t pool = 0; pool < row.size(); ++pool)
    row[pool] += static_cast<float>(moved * resorts[pool] / sum);
}

/// As queries are answered by shares in force: among the pools that are eligible, else by tiers.
void WhatIf::read_shares(const zones::Service& service, const std::vector<bool>& usable, size_t row,
                         std::span<float> out) const {
  const size_t pools = out.size();
  std::vector<double> weights(pools, 0);
  std::vector<uint16_t> shares(pools, 0);
  const std::span<const uint16_t> kept(frozen_[service.id.value]);
  if (!kept.empty()) {
    std::ranges::copy(kept.subspan(row * pools, pools), shares.begin());
  } else if (!inputs_.snapshot->shares->read(service.id, row, shares)) {
    std::ranges::fill(shares, uint16_t{0});
  }
  for (size_t pool = 0; pool < pools; ++pool) weights[pool] = usable[pool] ? shares[pool] : 0;
  double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  if (sum <= 0) {
    const zones::ServicePlan& plan = inputs_.snapshot->plans[service.id.value];
    for (const zones::PoolShare& one :
         zones::tier_shares(plan, locality_of_row(row), *in_answers_)) {
      weights[one.place] = one.share;
      sum += one.share;
    }
  }
  for (size_t pool = 0; pool < pools; ++pool)
    out[pool] = sum > 0 ? static_cast<float>(weights[pool] / sum) : 0;
}

std::span<float> WhatIf::row_of(const zones::Service& service, size_t row, State& state) const {
  const size_t pools = service.pools.size();
  return std::span(state.parts).subspan(first_part_[service.id.value] + row * pools, pools);
}

// ---- all of them ----

const Outlook& WhatIf::now() {
  if (std::exchange(has_now_, true)) return now_;
  // Whoever is needed is in answers.
  const auto needed = std::exchange(needed_, std::vector<std::vector<bool>>(needed_.size()));
  in_answers_ = &now_map_;
  for (const zones::Service& service : model().services) {
    if (!is_steered(service.id)) continue;
    const std::vector<bool> usable = solver_.usable(service);
    for (size_t row = 0; row < inputs_.rows; ++row)
      read_shares(service, usable, row, row_of(service, row, now_state_));
  }
  for (uint32_t g = 0; g < inputs_.holders.size(); ++g) {
    for (size_t i = 0; i < inputs_.holders[g].size(); ++i)
      now_state_.capacities[first_account_[g] + i] = inputs_.holders[g][i].used;
  }
  open_last_resorts(now_state_);
  assess(now_state_, inputs_.demands, now_);
  for (size_t i = 0; i < now_.services.size(); ++i) now_.services[i].regime = inputs_.regimes[i];
  in_answers_ = &map_;
  needed_ = needed;
  return now_;
}

void WhatIf::open_last_resorts(State& state) const {
  for (size_t i = accounts_of_groups_; i < accounts_.size(); ++i) {
    const Account& account = accounts_[i];
    const auto eligible = std::ranges::count_if(account.endpoints, [this](EndpointId id) {
      return in_answers_->get(id) == zones::Eligibility::eligible;
    });
    state.capacities[i] =
        account.capacity *
        steering::healthy_fraction(static_cast<size_t>(eligible), account.endpoints.size());
  }
}

bool WhatIf::solve_base(const IsGivenUp& is_given_up) {
  if (has_base_) return true;
  for (uint32_t g = 0; g < groups_.groups().size(); ++g) {
    if (is_given_up && is_given_up()) return false;
    solve(g, base_);
  }
  base_needed_ = needed_;
  changed_.clear();  // who flaps stays where that put him
  open_last_resorts(base_);
  state_ = base_;
  has_base_ = true;
  return true;
}

const Outlook* WhatIf::after(const std::vector<EndpointId>& down, const IsGivenUp& is_given_up) {
  ask_for({});
  if (!solve_base(is_given_up)) return nullptr;
  // Back to where nothing is down, in the groups of the question before.
  for (const uint32_t g : std::exchange(touched_, {})) {
    const CapacityGroups::Group& group = groups_.groups()[g];
    for (const CapacityGroups::Member& member : group.members) {
      const uint32_t id = member.service.value;
      const size_t count = inputs_.rows * model().services[id].pools.size();
      std::copy_n(&base_.parts[first_part_[id]], count, &state_.parts[first_part_[id]]);
      state_.levels[id] = base_.levels[id];
    }
  }
  state_.capacities = base_.capacities;
  needed_ = base_needed_;
  ask_for(down);

  std::vector<bool> is_touched(groups_.groups().size());
  for (const EndpointId id : down) {
    if (const auto place = groups_.place_of(ServiceId(service_of_[id.value])))
      is_touched[place->group] = true;
  }
  for (uint32_t g = 0; g < is_touched.size(); ++g) {
    if (!is_touched[g]) continue;
    if (is_given_up && is_given_up()) return nullptr;
    touched_.push_back(g);
    solve(g, state_);
  }
  open_last_resorts(state_);
  assess(state_, demands_, after_);
  for (const zones::Service& service : model().services) {
    const auto place = groups_.place_of(service.id);
    if (!place) continue;
    steering::Problem bounds;
    bounds.target = groups_.groups()[place->group].target;
    bounds.limit = groups_.groups()[place->group].limit;
    after_.services[service.id.value].regime =
        steering::regime_of(state_.levels[service.id.value], bounds);
  }
  return &after_;
}

void WhatIf::assess(const State& state, const std::vector<double>& demands, Outlook& out) const {
  const size_t clusters = model().topology.clusters.size();
  out = {};
  out.clusters.resize(clusters);
  out.services.resize(model().services.size());
  out.pool_loads.resize(inputs_.snapshot->counts.pools);
  std::vector<double> loads(accounts_.size());
  for (const zones::Service& service : model().services) {
    Outlook::Service& of_service = out.services[service.id.value];
    of_service.is_out = std::ranges::none_of(solver_.usable(service), std::identity());
    if (!is_steered(service.id)) continue;
    const size_t pools = service.pools.size();
    const double month = service.bytes_per_unit * seconds_a_month / octets_a_gb;
    for (size_t row = 0; row < inputs_.rows; ++row) {
      const double demand = demands[service.id.value * inputs_.rows + row];
      if (demand <= steering::least_amount) continue;
      of_service.demand += demand;
      const float* const parts = &state.parts[first_part_[service.id.value] + row * pools];
      double served = 0;
      for (size_t pool = 0; pool < pools; ++pool) {
        if (parts[pool] <= 0) continue;
        const zones::Pool& p = service.pools[pool];
        const double load = demand * parts[pool];
        out.pool_loads[p.id.value] += load;
        served += parts[pool];
        if (account_[p.id.value]) loads[*account_[p.id.value]] += load;
        const size_t way = row * clusters + p.cluster.value;
        if (!crosses_[way]) continue;
        out.crossing += load;
        out.monthly_cost += load * month * prices_[way];
      }
      if (served < 0.5) of_service.unserved += demand;
    }
    out.load += of_service.demand;
    out.unserved += of_service.unserved;
  }
  std::vector<double> above(accounts_.size());  // the part of an account's load that has no room
  for (size_t i = 0; i < accounts_.size(); ++i) {
    Outlook::Cluster& cluster = out.clusters[accounts_[i].cluster.value];
    const double room = state.capacities[i] * accounts_[i].limit;
    cluster.capacity += state.capacities[i];
    cluster.load += loads[i];
    if (loads[i] > 0) {
      cluster.fullest = std::max(cluster.fullest, state.capacities[i] > 0
                                                      ? loads[i] / state.capacities[i]
                                                      : std::numeric_limits<double>::infinity());
    }
    if (loads[i] <= room * (1 + rounding)) continue;
    above[i] = (loads[i] - room) / loads[i];
    cluster.overflow += loads[i] - room;
    cluster.excess_part =
        std::max(cluster.excess_part,
                 room > 0 ? loads[i] / room - 1 : std::numeric_limits<double>::infinity());
    out.overflow += loads[i] - room;
  }
  for (const zones::Service& service : model().services) {
    for (const zones::Pool& pool : service.pools) {
      const double load = out.pool_loads[pool.id.value];
      const auto& account = account_[pool.id.value];
      if (!account) out.clusters[pool.cluster.value].load_unbounded += load;
      if (account) out.services[service.id.value].overflow += load * above[*account];
    }
  }
}

std::span<const float> WhatIf::parts_now(ServiceId service, size_t row) const {
  const size_t pools = model().services[service.value].pools.size();
  return std::span(now_state_.parts).subspan(first_part_[service.value] + row * pools, pools);
}

std::span<const float> WhatIf::parts_after(ServiceId service, size_t row) const {
  const size_t pools = model().services[service.value].pools.size();
  return std::span(state_.parts).subspan(first_part_[service.value] + row * pools, pools);
}

std::vector<EndpointId> WhatIf::endpoints_of(ClusterId cluster) const {
  std::vector<EndpointId> all;
  for (const zones::Service& service : model().services) {
    for (const zones::Pool& pool : service.pools) {
      if (pool.cluster != cluster) continue;
      for (const zones::Endpoint& endpoint : pool.endpoints) all.push_back(endpoint.id);
    }
  }
  return all;
}

}  // namespace swingover::control
