// What reports and answers teach of demand and capacity, and when that alone is worth moving anybody.

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "server/control/steering.h"
#include "zones/steering/publish_rule.h"
#include "zones/steering/silence.h"

namespace swingover::control {

using steering::Problem;

namespace {

constexpr double capacity_noise = 0.02;
constexpr double answers_kept = 0.85;  // of a count, from look to look: half of it after 40 s
constexpr double answers_min = 50;     // fewer say nothing of where clients are
constexpr size_t heard_members_max = 1'000;
// So many are taken to have come from everywhere alike: a handful of questions, whose client subnet anybody may choose,
// are no reason to move a service.
constexpr double answers_assumed = 200;

}  // namespace

void Steering::listen() {
  std::vector<std::optional<MonotonicTime>> reported;
  for (uint32_t i = 0; i < model().topology.clusters.size(); ++i)
    reported.push_back(loads_.cluster(ClusterId(i), clock_.now()).newest);
  heard_ = steering::silence_factors(reported, clock_.now(), loads_.rules().age_max);
}

void Steering::hear(std::span<const ServiceId> news) {
  if (!snapshot_) return;
  std::set<uint32_t> groups;
  for (const ServiceId service : news) {
    if (const auto place = groups_.place_of(service)) groups.insert(place->group);
  }
  for (const uint32_t group : groups) {
    if (groups_.groups()[group].members.size() <= heard_members_max && is_sudden(group))
      mark(group, ShareCause::load);
  }
}

/// Whether a cluster reports more than its limit, and that comes as a surprise.
bool Steering::is_sudden(uint32_t place) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<double> loads(group.holders.size());
  std::vector<double> expected(group.holders.size());
  for (const CapacityGroups::Member& member : group.members) {
    const std::vector<zones::Pool>& pools = model().services[member.service.value].pools;
    for (const LoadBoard::Load& load : loads_.fresh(member.service, clock_.now())) {
      const auto pool = std::ranges::find(pools, load.cluster, &zones::Pool::cluster);
      if (pool == pools.end()) continue;
      const auto i = static_cast<size_t>(pool - pools.begin());
      const uint32_t holder = member.holders[i];
      if (holder == CapacityGroups::none) continue;
      loads[holder] += load.load;
      expected[holder] += services_[member.service.value]->demand.expected(i, load.taken);
    }
  }
  for (size_t i = 0; i < loads.size(); ++i) {
    if (steering::Demand::is_sudden(loads[i], expected[i],
                                    solver_.ready_capacity(place, i) * group.limit))
      return true;
  }
  return false;
}

void Steering::learn_demand(const zones::Service& service) {
  const MonotonicTime now = clock_.now();
  steering::Demand& demand = services_[service.id.value]->demand;
  if (loads_.state(service.id, now) == LoadBoard::State::held) demand.hold_over();
  std::vector<steering::ClusterLoad> fresh;
  std::vector<std::vector<double>> splits;
  const std::vector<LoadBoard::Load> loads = loads_.fresh(service.id, now);
  splits.reserve(loads.size());
  for (const LoadBoard::Load& load : loads) {
    const auto pool = std::ranges::find(service.pools, load.cluster, &zones::Pool::cluster);
    if (pool == service.pools.end()) continue;
    splits.emplace_back(load.by_locality.begin(), load.by_locality.end());
    // Row 0 is for clients of no known locality, of whom no cluster can tell.
    if (!splits.back().empty()) splits.back().insert(splits.back().begin(), 0);
    fresh.push_back({.cluster = static_cast<uint32_t>(pool - service.pools.begin()),
                     .load = load.load,
                     .taken = load.taken,
                     .by_locality = splits.back()});
  }
  if (!fresh.empty()) {
    demand.update(fresh);
  } else if (add_answers_ && demand.source() != steering::DemandSource::reports) {
    learn_where_clients_are(service, *services_[service.id.value]);
  }
}

void Steering::learn_where_clients_are(const zones::Service& service, ServiceState& state) {
  const size_t pools = service.pools.size();
  std::vector<uint32_t> sums(groups_.rows() * pools, 0);
  add_answers_(service.id, sums);
  for (size_t row = 0; row < groups_.rows(); ++row) {
    uint32_t count = 0;
    for (size_t pool = 0; pool < pools; ++pool) count += sums[row * pools + pool];
    state.asked[row] = state.asked[row] * answers_kept + (count - state.counted[row]);
    state.counted[row] = count;
  }
  const double all = std::accumulate(state.asked.begin(), state.asked.end(), 0.0);
  if (all < answers_min) return;
  std::vector<double> counts = state.asked;
  const size_t first = groups_.rows() > 1 ? 1 : 0;
  for (size_t row = first; row < counts.size(); ++row)
    counts[row] += answers_assumed / static_cast<double>(counts.size() - first);
  state.demand.answers(counts);
  if (service.demand)
    state.demand.baseline(steering::split_by_counts(*service.demand, counts, groups_.rows()));
}

/// The pool of its own whose capacity follows the requests under way; null: it does not.
const zones::Pool* Steering::banded_pool(const CapacityGroups::Holder& holder,
                                         const CapacityGroups::Group& group) const {
  if (!holder.pool) return nullptr;
  const zones::Service& service = model().services[group.members.front().service.value];
  const auto pool = std::ranges::find(service.pools, *holder.pool, &zones::Pool::id);
  return pool != service.pools.end() && pool->in_flight_high ? &*pool : nullptr;
}

void Steering::learn_bands(uint32_t place) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const ServiceId service = group.members.front().service;
  const MonotonicTime now = clock_.now();
  for (size_t i = 0; i < group.holders.size(); ++i) {
    const CapacityGroups::Holder& holder = group.holders[i];
    const zones::Pool* pool = banded_pool(holder, group);
    const auto in_flight = pool ? loads_.in_flight(service, holder.id, now) : std::nullopt;
    if (!in_flight) continue;
    std::vector<Band>& bands = states_[place].bands;
    if (bands.empty()) {
      for (const CapacityGroups::Holder& any : group.holders)
        bands.push_back({steering::BandCapacity(any.capacity, any.endpoints.size())});
    }
    for (const LoadBoard::Load& load : loads_.fresh(service, now)) {
      if (load.cluster != holder.id || load.taken <= bands[i].taken) continue;
      bands[i].taken = load.taken;
      bands[i].capacity.apply({.load = load.load,
                               .in_flight = *in_flight,
                               .eligible = solver_.eligible_count(place, i)},
                              {.low = *pool->in_flight_low, .high = *pool->in_flight_high});
    }
  }
}

double Steering::expected_load(ServiceId id, ClusterId cluster) const {
  const std::vector<zones::Pool>& pools = model().services[id.value].pools;
  const auto found = std::ranges::find(pools, cluster, &zones::Pool::cluster);
  if (found == pools.end() || !services_[id.value]) return 0;
  const ServiceState& state = *services_[id.value];
  const auto pool = static_cast<size_t>(found - pools.begin());
  double load = 0;
  for (size_t row = 0; row < groups_.rows(); ++row)
    load += state.demand.of(row) * state.shares[row * pools.size() + pool];
  return load / steering::share_parts;
}

steering::PublishRules Steering::publish_rules(uint32_t place) const {
  const zones::SteeringOptions& options = model().steering;
  const CapacityGroups::Group& group = groups_.groups()[place];
  const steering::DeadBand band =
      steering::dead_band({.low = options.low, .target = options.target, .high = options.high},
                          group.target, group.limit);
  return {.high = band.high,
          .low = band.low,
          .min_gain = options.min_gain,
          .ttl = Milliseconds(int64_t{group.ttl.value} * 1'000)};
}

steering::InForce Steering::in_force(uint32_t place) const {
  const GroupState& state = states_[place];
  return {.shares = state.solved->allocation.shares,
          .changed = false,
          .last_by_load = state.last_by_load};
}

/// Whether shares of `problem` can be compared with those in force, row by row.
bool Steering::has_same_shape(uint32_t place, const Problem& problem) const {
  const std::shared_ptr<const Solved>& solved = states_[place].solved;
  return solved && solved->problem.localities() == problem.localities();
}

/// Reports of capacity are never quite the same; what is less than this is no reason to move anybody.
bool Steering::has_other_capacities(uint32_t place, const Problem& problem) const {
  if (!states_[place].solved) return true;
  const std::vector<double>& before = states_[place].solved->problem.capacities;
  for (size_t i = 0; i < before.size(); ++i) {
    if (std::abs(problem.capacities[i] - before[i]) > capacity_noise * before[i]) return true;
  }
  return false;
}

bool Steering::may_be_worth_it(uint32_t place, const Problem& problem) const {
  return !has_same_shape(place, problem) ||
         steering::may_publish(problem, in_force(place), clock_.now(), publish_rules(place));
}

/// Load alone moves shares only when somebody would be too hot, or when enough of the cost is saved.
bool Steering::is_worth_it(uint32_t place, const Solved& best) {
  if (!has_same_shape(place, best.problem)) return true;
  const steering::PublishVerdict verdict = steering::decide(
      best.problem, in_force(place), best.allocation, clock_.now(), publish_rules(place));
  if (verdict.reason == steering::PublishReason::none) return false;
  states_[place].last_by_load = clock_.now();
  states_[place].comes_home = verdict.reason == steering::PublishReason::home;
  return true;
}

}  // namespace swingover::control
