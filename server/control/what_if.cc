#include "server/control/what_if.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "zones/steering/ramp.h"

namespace swingover::control {

using steering::Problem;
using steering::Regime;

namespace {

/// What rounding shares to parts of 10,000 puts above a limit is no overflow.
constexpr double rounding = 1.0 / steering::share_parts;
constexpr size_t solutions_max = 2'048;
constexpr double octets_a_gb = 1e9;
constexpr double seconds_a_month = 86'400 * 30.44;

size_t key_of(const Problem& problem) {
  size_t key = problem.localities() * 31 + problem.clusters();
  for (const std::vector<double>* values :
       {&problem.demands, &problem.capacities, &problem.costs}) {
    const std::string_view octets(reinterpret_cast<const char*>(values->data()),
                                  values->size() * sizeof(double));
    key = key * 0x9e3779b97f4a7c15U + std::hash<std::string_view>{}(octets);
  }
  return key;
}

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
    : inputs_(std::move(inputs)), groups_(inputs_.snapshot->model), demands_(inputs_.demands) {
  for (double& of_row : demands_) of_row = std::min(of_row * demand, steering::amount_max);
  is_down_.resize(inputs_.eligibility.size());
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
  open_accounts();
  measure_ways();
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
      accounts_.push_back({holder.id, inputs_.holders[g][i], holder.endpoints, group.limit});
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
        accounts_.push_back(
            {pool.cluster, {.capacity = *pool.capacity}, {}, model().steering.limit});
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

bool WhatIf::is_eligible(EndpointId id) const {
  return !is_down_[id.value] && inputs_.eligibility[id.value] == zones::Eligibility::eligible;
}

bool WhatIf::is_usable(const zones::Pool& pool) const {
  return std::ranges::any_of(
      pool.endpoints, [this](const zones::Endpoint& endpoint) { return is_eligible(endpoint.id); });
}

double WhatIf::healthy_part(const Account& account) const {
  const auto eligible =
      std::ranges::count_if(account.endpoints, [this](EndpointId id) { return is_eligible(id); });
  return steering::healthy_fraction(static_cast<size_t>(eligible), account.endpoints.size());
}

double WhatIf::usable_capacity(const Account& account) const {
  return account.holder.capacity * healthy_part(account) * account.holder.heard *
         account.holder.comeback;
}

// ---- one group ----

WhatIf::Solved WhatIf::solve(uint32_t g) {
  const CapacityGroups::Group& group = groups_.groups()[g];
  std::vector<double> capacities;
  for (size_t i = 0; i < group.holders.size(); ++i) {
    const Account& account = accounts_[first_account_[g] + i];
    capacities.push_back(usable_capacity(account));
  }
  std::vector<std::vector<bool>> usable;
  std::vector<std::span<const double>> demands;
  for (const CapacityGroups::Member& member : group.members) {
    std::vector<bool>& of_member = usable.emplace_back();
    for (const zones::Pool& pool : model().services[member.service.value].pools)
      of_member.push_back(is_usable(pool));
    demands.push_back(
        std::span(demands_).subspan(member.service.value * inputs_.rows, inputs_.rows));
  }
  CapacityGroups::Posed posed =
      groups_.pose(g, {.capacities = capacities, .usable = usable, .demands = demands});
  Solved solved{solution(posed.problem), std::move(posed.rows)};
  if (solved.solution->allocation.regime == Regime::overload) {
    yield(g, posed.problem);
    solved.solution = solution(std::move(posed.problem));
  }
  return solved;
}

std::shared_ptr<const WhatIf::Solution> WhatIf::solution(Problem problem) {
  const size_t key = key_of(problem);
  const auto [first, last] = solutions_.equal_range(key);
  for (auto at = first; at != last; ++at) {
    if (at->second->problem == problem) return at->second;
  }
  auto solved = std::make_shared<Solution>();
  solved->allocation = allocator_.allocate(problem);
  solved->problem = std::move(problem);
  if (solutions_.size() >= solutions_max) solutions_.clear();
  solutions_.emplace(key, solved);
  return solved;
}

/// Whoever warms up takes more when the others cannot carry the demand, as the driver has it.
void WhatIf::yield(uint32_t g, Problem& problem) {
  std::vector<steering::Yielding> exclusions;
  for (uint32_t i = 0; i < problem.clusters(); ++i) {
    const Account& account = accounts_[first_account_[g] + i];
    if (account.holder.comeback >= 1 || account.holder.waits_for_person) continue;
    exclusions.push_back(
        {.cluster = i,
         .kind = steering::SoftExclusion::ramp,
         .capacity = account.holder.capacity * account.holder.heard * healthy_part(account)});
  }
  if (exclusions.empty()) return;
  steering::yield_to_shortage(problem, std::move(exclusions),
                              [this](const Problem& tried) { return allocator_.allocate(tried); });
}

void WhatIf::put(uint32_t g, const Solved& solved, State& state) const {
  const CapacityGroups::Group& group = groups_.groups()[g];
  const Problem& problem = solved.solution->problem;
  const steering::Allocation& allocation = solved.solution->allocation;
  for (size_t i = 0; i < problem.clusters(); ++i)
    state.capacities[first_account_[g] + i] = problem.capacities[i];
  for (size_t m = 0; m < group.members.size(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    const zones::Service& service = model().services[member.service.value];
    double& level = state.levels[service.id.value];
    level = 0;
    for (const uint32_t holder : member.holders) {
      if (holder != CapacityGroups::none && problem.capacities[holder] > 0)
        level = std::max(level, allocation.levels[holder]);
    }
    const size_t pools = service.pools.size();
    for (size_t row = 0; row < inputs_.rows; ++row) {
      const size_t of_row = solved.rows[m][row];
      const double asked = demands_[service.id.value * inputs_.rows + row];
      // Nobody can serve these: that is overload, as the driver has it.
      if (allocation.unserved[of_row] && asked > 0 &&
          std::ranges::count_if(resorts(service, row), [](double w) { return w > 0; }) == 0)
        level = std::numeric_limits<double>::infinity();
      const std::span<float> out(&state.parts[first_part_[service.id.value] + row * pools], pools);
      for (size_t pool = 0; pool < pools; ++pool) {
        const uint32_t holder = member.holders[pool];
        out[pool] = 0;
        if (holder == CapacityGroups::none) continue;
        const size_t cell = of_row * problem.clusters() + holder;
        // Flows, since many rows' shares, rounded, add up to an overflow that is none.
        const double demand = problem.demands[of_row];
        out[pool] =
            static_cast<float>(demand > steering::least_amount && !allocation.unserved[of_row]
                                   ? allocation.flows[cell] / demand
                                   : allocation.shares[cell] / double{steering::share_parts});
      }
      spill(out, service, member, *solved.solution, row);
    }
  }
}

/// By pool: what of last resort is there for the clients of a row, and how much each takes of what comes.
std::vector<double> WhatIf::resorts(const zones::Service& service, size_t row) const {
  const LocalityId client = row == 0 ? no_locality : LocalityId(static_cast<uint32_t>(row - 1));
  std::vector<double> weights;
  double sum = 0;
  for (const zones::Pool& pool : service.pools) {
    const bool takes = pool.last_resort && is_usable(pool) && pool.serves(model().topology, client);
    weights.push_back(takes ? pool.capacity.value_or(1) : 0);
    sum += weights.back();
  }
  for (double& weight : weights) weight = sum > 0 ? weight / sum : 0;
  return weights;
}

/// The last resort is for clients whose ordinary pools are all out; and for what is above limits, where that is asked for.
void WhatIf::spill(std::span<float> row, const zones::Service& service,
                   const CapacityGroups::Member& member, const Solution& solution,
                   size_t of_row) const {
  const bool has_resort = std::ranges::any_of(service.pools, &zones::Pool::last_resort);
  if (!has_resort) return;
  const bool is_served = std::ranges::any_of(row, [](float part) { return part > 0; });
  if (is_served && (service.overflow != zones::Overflow::last_resort ||
                    solution.allocation.regime != Regime::overload)) {
    return;
  }
  const std::vector<double> takers = resorts(service, of_row);
  if (std::ranges::all_of(takers, [](double weight) { return weight <= 0; })) return;
  double moved = is_served ? 0 : 1;
  for (size_t pool = 0; pool < row.size() && is_served; ++pool) {
    const uint32_t holder = member.holders[pool];
    if (holder == CapacityGroups::none || row[pool] <= 0) continue;
    const double room = solution.problem.capacities[holder] * solution.problem.limit;
    const double part = 1 - std::min(1.0, room / solution.allocation.loads[holder]);
    moved += row[pool] * part;
    row[pool] = static_cast<float>(row[pool] * (1 - part));
  }
  for (size_t pool = 0; pool < row.size(); ++pool)
    row[pool] += static_cast<float>(moved * takers[pool]);
}

/// As queries are answered now: by share among the pools that are eligible, and by the last resort behind them.
void WhatIf::read_shares(const zones::Service& service, State& state) const {
  const size_t pools = service.pools.size();
  std::vector<uint16_t> shares(pools);
  std::vector<bool> usable;
  for (const zones::Pool& pool : service.pools) usable.push_back(is_usable(pool));
  for (size_t row = 0; row < inputs_.rows; ++row) {
    const std::span<float> out(&state.parts[first_part_[service.id.value] + row * pools], pools);
    const LocalityId client = row == 0 ? no_locality : LocalityId(static_cast<uint32_t>(row - 1));
    const bool has_shares = inputs_.snapshot->shares->read(service.id, row, shares);
    std::vector<double> weights(pools, 0);
    for (size_t pool = 0; pool < pools; ++pool) {
      const zones::Pool& p = service.pools[pool];
      if (!usable[pool]) continue;
      // Before the first shares the tiers decide alone; they are taken for even.
      const bool is_even = !has_shares && !p.last_resort && p.serves(model().topology, client);
      weights[pool] = is_even ? 1 : has_shares ? shares[pool] : 0;
    }
    double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (sum <= 0) {
      weights = resorts(service, row);
      sum = 1;
    }
    for (size_t pool = 0; pool < pools; ++pool) out[pool] = static_cast<float>(weights[pool] / sum);
  }
}

// ---- all of them ----

const Outlook& WhatIf::now() {
  if (std::exchange(has_now_, true)) return now_;
  const std::vector<bool> asked = std::exchange(is_down_, std::vector<bool>(is_down_.size()));
  for (const zones::Service& service : model().services) {
    if (is_steered(service.id)) read_shares(service, now_state_);
  }
  for (size_t i = 0; i < accounts_.size(); ++i) {
    const Account& account = accounts_[i];
    now_state_.capacities[i] = usable_capacity(account);
  }
  assess(now_state_, inputs_.demands, now_);
  for (size_t i = 0; i < now_.services.size(); ++i) now_.services[i].regime = inputs_.regimes[i];
  is_down_ = asked;
  return now_;
}

void WhatIf::open_last_resorts(State& state) const {
  for (size_t i = accounts_of_groups_; i < accounts_.size(); ++i)
    state.capacities[i] = accounts_[i].holder.capacity * healthy_part(accounts_[i]);
}

bool WhatIf::solve_base(const IsGivenUp& is_given_up) {
  if (has_base_) return true;
  for (uint32_t g = 0; g < groups_.groups().size(); ++g) {
    if (is_given_up && is_given_up()) return false;
    put(g, solve(g), base_);
  }
  open_last_resorts(base_);
  state_ = base_;
  has_base_ = true;
  return true;
}

const Outlook* WhatIf::after(const std::vector<EndpointId>& down, const IsGivenUp& is_given_up) {
  is_down_.assign(is_down_.size(), false);
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

  std::vector<bool> is_touched(groups_.groups().size());
  for (const EndpointId id : down) {
    is_down_[id.value] = true;
    if (const auto place = groups_.place_of(ServiceId(service_of_[id.value])))
      is_touched[place->group] = true;
  }
  for (uint32_t g = 0; g < is_touched.size(); ++g) {
    if (!is_touched[g]) continue;
    if (is_given_up && is_given_up()) return nullptr;
    touched_.push_back(g);
    put(g, solve(g), state_);
  }
  open_last_resorts(state_);
  assess(state_, demands_, after_);
  for (const zones::Service& service : model().services) {
    const auto place = groups_.place_of(service.id);
    if (!place) continue;
    const CapacityGroups::Group& group = groups_.groups()[place->group];
    const double level = state_.levels[service.id.value];
    after_.services[service.id.value].regime = level > group.limit    ? Regime::overload
                                               : level > group.target ? Regime::tight
                                                                      : Regime::normal;
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
    of_service.is_out = std::ranges::none_of(
        service.pools, [this](const zones::Pool& pool) { return is_usable(pool); });
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
