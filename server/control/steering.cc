#include "server/control/steering.h"

#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

#include "base/log.h"
#include "server/control/records.h"
#include "server/control/share_text.h"
#include "server/control/swing_forecast.h"
#include "server/control/target.h"
#include "zones/found_tier.h"
#include "zones/steering/publish_rule.h"
#include "zones/steering/ramp.h"
#include "zones/steering/share_check.h"
#include "zones/steering/silence.h"

namespace swingover::control {

using steering::Allocation;
using steering::Problem;
using steering::Regime;

namespace {

constexpr Milliseconds slice_time{8};
constexpr size_t parts_a_slice = 64;
constexpr size_t services_a_part = 200;
constexpr double capacity_noise = 0.02;
constexpr double answers_kept = 0.85;  // of a count, from look to look: half of it after 40 s
constexpr double answers_min = 50;     // fewer say nothing of where clients are
constexpr size_t solutions_max = 2'048;
constexpr size_t lines_a_slice = 20;
constexpr std::string_view ourselves = "swingoverd";

uint64_t hash_of(const Problem& problem) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&](double value) {
    hash = (hash ^ std::bit_cast<uint64_t>(value)) * 0x100000001b3U;
    hash ^= hash >> 29;
  };
  add(problem.target);
  add(problem.limit);
  for (const auto* values : {&problem.demands, &problem.capacities, &problem.costs}) {
    add(static_cast<double>(values->size()));
    for (const double value : *values) add(value);
  }
  return hash;
}

std::string percent(double part) {
  return fmt::format("{:.1f} %", part * 100);
}

}  // namespace

std::string_view word(ShareCause cause) {
  switch (cause) {
    case ShareCause::none:
      return "";
    case ShareCause::load:
      return "load";
    case ShareCause::ramp:
      return "ramp";
    case ShareCause::capacity:
      return "capacity";
    case ShareCause::health:
      return "health";
    case ShareCause::intent:
      return "intent";
    case ShareCause::reload:
      return "reload";
    case ShareCause::start:
      return "start";
  }
  return "";
}

// ---- generations ----

void Steering::follow(std::shared_ptr<const zones::Snapshot> snapshot, CapacityGroups groups,
                      ShareCause cause, const Memory& memory) {
  Memory kept;
  if (snapshot_) {
    for (const zones::Service& service : model().services) {
      if (!services_[service.id.value]) continue;
      SteeringRecord record = record_of(service);
      record.shares.clear();
      kept.emplace(service_text(service), std::move(record));
    }
  }
  const bool is_reload = snapshot_ != nullptr;
  const Memory& known = is_reload ? kept : memory;
  snapshot_ = std::move(snapshot);
  groups_ = std::move(groups);
  plans_ = {};  // of the generation before
  states_.assign(groups_.groups().size(), {});
  services_.clear();
  services_.resize(model().services.size());
  waiting_.clear();
  publishing_.reset();
  solutions_.clear();
  coming_back_.clear();
  heard_.assign(model().topology.clusters.size(), 1);
  next_look_ = 0;
  for (uint32_t group = 0; group < states_.size(); ++group)
    states_[group].comebacks.resize(groups_.groups()[group].holders.size());
  for (const zones::Service& service : model().services) {
    if (!groups_.place_of(service.id)) continue;
    services_[service.id.value] = new_state(service);
    if (is_reload) read_rows(service.id);
    if (const auto found = known.find(service_text(service)); found != known.end())
      take_over(service, found->second);
    set_rows(service.id);
  }
  for (uint32_t group = 0; group < states_.size(); ++group) mark(group, cause);
}

std::unique_ptr<Steering::ServiceState> Steering::new_state(const zones::Service& service) const {
  const zones::SteeringOptions& options = model().steering;
  const size_t rows = groups_.rows();
  const size_t pools = service.pools.size();
  auto state = std::make_unique<ServiceState>(
      ServiceState{std::vector<uint16_t>(rows * pools, 0),
                   steering::Demand(rows, pools,
                                    {.ttl = Milliseconds(int64_t{service.ttl.value} * 1'000),
                                     .connection_life = options.connection_life,
                                     .gamma = options.gamma}),
                   std::vector<uint32_t>(rows, 0), std::vector<double>(rows, 0), Regime::normal});
  if (service.demand) {
    // Nobody has counted yet who asks: all localities alike, and clients of none only where there are no others.
    std::vector<double> counts(rows, rows > 1 ? 1 : 0);
    counts.front() = rows > 1 ? 0 : 1;
    state->demand.baseline(steering::split_by_counts(*service.demand, counts, rows));
  }
  return state;
}

void Steering::take_over(const zones::Service& service, const SteeringRecord& memory) {
  ServiceState& state = *services_[service.id.value];
  const CapacityGroups::Place place = *groups_.place_of(service.id);
  const CapacityGroups::Member& member = groups_.groups()[place.group].members[place.member];
  const size_t pools = service.pools.size();
  const size_t columns = memory.clusters.size();
  std::vector<size_t> column_of;  // by pool
  for (size_t pool = 0; pool < pools; ++pool) {
    const auto found = std::ranges::find(memory.clusters, service.pools[pool].cluster_name);
    column_of.push_back(static_cast<size_t>(found - memory.clusters.begin()));
    if (column_of[pool] == columns || member.holders[pool] == CapacityGroups::none) continue;
    Comeback& comeback = states_[place.group].comebacks[member.holders[pool]];
    const WallTime since = memory.back_since[column_of[pool]];
    if (since == SteeringRecord::waits) {
      comeback.waits_for_person = true;
    } else {
      comeback.since = std::max(comeback.since, since);
    }
    if (comeback.since != WallTime{}) coming_back_.insert(place.group);
  }
  // After a reload they are in their rows already (zones/carried_shares.h).
  const bool has_shares = !memory.shares.empty();
  std::vector<double> demands(groups_.rows(), 0);
  for (size_t row = 0; row < groups_.rows(); ++row) {
    const std::string_view name =
        row == 0 ? "" : std::string_view(model().topology.localities[row - 1].name);
    const auto found = std::ranges::find(memory.localities, name);
    if (found == memory.localities.end()) continue;
    const auto old = static_cast<size_t>(found - memory.localities.begin());
    demands[row] = memory.demands[old];
    for (size_t pool = 0; pool < pools; ++pool) {
      if (has_shares && column_of[pool] < columns)
        state.shares[row * pools + pool] = memory.shares[old * columns + column_of[pool]];
    }
  }
  if (memory.is_reported) state.demand.restore(demands);
}

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
  const auto place = holder_of(id, pool);
  return place ? &states_[place->group].comebacks[place->holder] : nullptr;
}

SteeringRecord Steering::record_of(const zones::Service& service) const {
  const ServiceState& state = *services_[service.id.value];
  SteeringRecord record;
  record.localities.emplace_back();
  for (const zones::Locality& locality : model().topology.localities)
    record.localities.push_back(locality.name);
  for (size_t pool = 0; pool < service.pools.size(); ++pool) {
    record.clusters.push_back(service.pools[pool].cluster_name);
    const Comeback* comeback = comeback_of(service.id, service.pools[pool].id);
    record.back_since.push_back(!comeback                    ? WallTime{}
                                : comeback->waits_for_person ? SteeringRecord::waits
                                                             : comeback->since);
  }
  record.shares = state.shares;
  record.demands = state.demand.all();
  record.is_reported = state.demand.source() == steering::DemandSource::reports;
  return record;
}

// ---- what waits ----

bool Steering::is_busier(uint32_t one, uint32_t other) const {
  return states_[one].demand < states_[other].demand;
}

void Steering::mark(uint32_t group, ShareCause cause) {
  GroupState& state = states_[group];
  const bool waits = state.cause != ShareCause::none;
  state.cause = std::max(state.cause, cause);
  if (waits) return;
  waiting_.push_back(group);
  std::ranges::push_heap(waiting_, [this](uint32_t a, uint32_t b) { return is_busier(a, b); });
}

void Steering::touch(ServiceId service, ShareCause cause) {
  if (!snapshot_) return;
  if (const auto place = groups_.place_of(service)) mark(place->group, cause);
}

void Steering::tick() {
  if (!snapshot_) return;
  for (auto at = coming_back_.begin(); at != coming_back_.end();) {
    const uint32_t place = *at;
    bool is_any_left = false;
    for (Comeback& comeback : states_[place].comebacks) {
      const double part = comeback_part(groups_.groups()[place], comeback);
      if (part != comeback.factor) mark(place, ShareCause::ramp);
      is_any_left = is_any_left || comeback.since != WallTime{};
    }
    at = is_any_left ? std::next(at) : coming_back_.erase(at);
  }
  const Milliseconds gone = clock_.now() - looked_at_;
  const auto count = static_cast<int64_t>(states_.size());
  const int64_t due = std::min(count, count * gone.value / look_every.value);
  if (due == 0) return;
  looked_at_ = clock_.now();
  listen();
  for (int64_t i = 0; i < due; ++i) {
    mark(next_look_, ShareCause::load);
    next_look_ = (next_look_ + 1) % static_cast<uint32_t>(count);
  }
}

void Steering::listen() {
  std::vector<std::optional<MonotonicTime>> reported;
  for (uint32_t i = 0; i < model().topology.clusters.size(); ++i)
    reported.push_back(loads_.cluster(ClusterId(i), clock_.now()).newest);
  heard_ = steering::silence_factors(reported, clock_.now(), loads_.rules().age_max);
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
  Comeback& comeback = states_[place->group].comebacks[place->holder];
  if (!std::exchange(comeback.waits_for_person, false)) return false;
  comeback.since = clock_.wall();
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

Steering::Slice Steering::work() {
  Slice slice;
  const MonotonicTime begin = clock_.now();
  for (size_t part = 0; part < parts_a_slice && !is_idle(); ++part) {
    if (publishing_) {
      publish_part(slice);
    } else {
      solve_next(slice);
    }
    if (clock_.now() - begin >= slice_time) break;
  }
  if (is_idle()) solutions_.clear();
  return slice;
}

// ---- one group ----

void Steering::solve_next(Slice& slice) {
  std::ranges::pop_heap(waiting_, [this](uint32_t a, uint32_t b) { return is_busier(a, b); });
  const uint32_t group = waiting_.back();
  waiting_.pop_back();
  GroupState& state = states_[group];
  ShareCause cause = std::exchange(state.cause, ShareCause::none);

  look_at_comebacks(group);
  if (cause == ShareCause::load) {
    learn_bands(group);
    learn_demand(group);
  }
  CapacityGroups::Posed posed = pose(group);
  cut(group, posed.problem);
  state.demand = std::accumulate(posed.problem.demands.begin(), posed.problem.demands.end(), 0.0);
  if (std::exchange(state.is_replanned, false))
    cause = std::max(cause, ShareCause::intent);
  else if (state.solved && changes_nothing(*state.solved, posed.problem))
    return;
  if (cause == ShareCause::load && has_other_capacities(group, posed.problem))
    cause = ShareCause::capacity;
  if (cause == ShareCause::load && !may_be_worth_it(group, posed.problem)) return;
  std::shared_ptr<const Solved> solved = solution(posed.problem);
  if (solved->allocation.regime == Regime::overload) {
    yield(group, posed.problem);
    solved = solution(std::move(posed.problem));
  }
  if (cause == ShareCause::load && !is_worth_it(group, *solved)) return;
  if (!is_sound(group, *solved, slice)) return;
  state.solved = solved;
  publishing_ = Publication{group, cause, std::move(solved), std::move(posed.rows), 0};
}

CapacityGroups::Posed Steering::pose(uint32_t place) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<double> capacities;
  for (size_t i = 0; i < group.holders.size(); ++i) capacities.push_back(usable_capacity(place, i));
  std::vector<std::vector<bool>> usable;
  std::vector<std::vector<double>> demands;
  for (const CapacityGroups::Member& member : group.members) {
    usable.push_back(usable_pools(model().services[member.service.value]));
    demands.push_back(services_[member.service.value]->demand.all());
  }
  const std::vector<std::span<const double>> rows(demands.begin(), demands.end());
  return groups_.pose(place, {.capacities = capacities, .usable = usable, .demands = rows});
}

/// What was reported lately, else what the requests under way say, else what is configured.
double Steering::nominal_capacity(uint32_t place, size_t holder) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const CapacityGroups::Holder& h = group.holders[holder];
  const auto told = h.pool ? loads_.capacity(group.members.front().service, h.id, clock_.now())
                           : loads_.capacity(h.id, clock_.now());
  if (told) return *told;
  const std::vector<Band>& bands = states_[place].bands;
  if (!bands.empty() && banded_pool(h, group))
    return bands[holder].capacity.capacity(h.endpoints.size()).value_or(h.capacity);
  return h.capacity;
}

double Steering::usable_capacity(uint32_t place, size_t holder) const {
  const CapacityGroups::Holder& h = groups_.groups()[place].holders[holder];
  return nominal_capacity(place, holder) * healthy_part(h) * heard_[h.id.value] *
         states_[place].comebacks[holder].factor * weight_part(place, holder);
}

void Steering::learn_demand(uint32_t place) {
  const MonotonicTime now = clock_.now();
  for (const CapacityGroups::Member& member : groups_.groups()[place].members) {
    const zones::Service& service = model().services[member.service.value];
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
  state.demand.answers(state.asked);
  if (service.demand)
    state.demand.baseline(steering::split_by_counts(*service.demand, state.asked, groups_.rows()));
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
      bands[i].capacity.apply(
          {.load = load.load, .in_flight = *in_flight, .eligible = eligible_count(holder)},
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

bool Steering::is_sound(uint32_t place, const Solved& solved, Slice& slice) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<std::string> clusters;
  for (const CapacityGroups::Holder& holder : group.holders) clusters.push_back(holder.cluster);
  std::vector<std::string> rows;
  for (size_t i = 0; i < solved.problem.localities(); ++i) rows.push_back(std::to_string(i));
  const std::vector<std::string> broken = steering::broken_invariants(
      solved.problem, solved.allocation.shares, {.localities = rows, .clusters = clusters});
  if (broken.empty()) return true;
  ++counters_.refused;
  const zones::Service& first = model().services[group.members.front().service.value];
  slice.told.entries.push_back({clock_.wall(), "shares", service_target(first),
                                std::string(ourselves), "", "refused", broken.front()});
  slice.told.lines.push_back({LogLevel::error,
                              "shares refused: they break an invariant",
                              {{"service", service_text(first)}, {"problem", broken.front()}}});
  return false;
}

size_t Steering::eligible_count(const CapacityGroups::Holder& holder) const {
  return static_cast<size_t>(std::ranges::count_if(holder.endpoints, [this](EndpointId id) {
    return snapshot_->eligibility->get(id) == zones::Eligibility::eligible;
  }));
}

double Steering::healthy_part(const CapacityGroups::Holder& holder) const {
  return steering::healthy_fraction(eligible_count(holder), holder.endpoints.size());
}

/// Who was out and is back gets his share in the way that is asked for.
void Steering::look_at_comebacks(uint32_t place) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  for (size_t i = 0; i < group.holders.size(); ++i) {
    const CapacityGroups::Holder& holder = group.holders[i];
    Comeback& comeback = states_[place].comebacks[i];
    const auto has = [&](zones::Eligibility wanted) {
      return std::ranges::any_of(holder.endpoints, [&](EndpointId id) {
        return snapshot_->eligibility->get(id) == wanted;
      });
    };
    if (!has(zones::Eligibility::eligible)) {
      // What nobody has seen yet was never in, and has nothing to come back from.
      const bool is_known = has(zones::Eligibility::down) || has(zones::Eligibility::excluded);
      comeback = {.is_out = comeback.is_out || is_known};
      comeback.waits_for_person = comeback.is_out && holder.failback == zones::Failback::manual;
    } else if (comeback.waits_for_person && holder.failback == zones::Failback::manual) {
      comeback.is_out = false;
    } else if (bool was_out = std::exchange(comeback.is_out, false);
               (std::exchange(comeback.waits_for_person, false) || was_out) &&
               holder.failback != zones::Failback::at_once) {
      comeback.since = clock_.wall() + holder.failback_hold;
      coming_back_.insert(place);
    }
    comeback.factor = comeback_part(group, comeback);
    if (comeback.factor >= 1) comeback.since = {};
  }
}

double Steering::comeback_part(const CapacityGroups::Group& group, const Comeback& comeback) const {
  if (comeback.waits_for_person) return 0;
  if (comeback.since == WallTime{}) return 1;
  const zones::SteeringOptions& options = model().steering;
  const Milliseconds since = clock_.wall() - comeback.since;
  if (since < Milliseconds(0)) return 0;  // on hold
  return steering::ramp_factor(since, {.duration = options.ramp,
                                       .start = options.ramp_start,
                                       .ttl = Milliseconds(int64_t{group.ttl.value} * 1'000)});
}

/// Who warms up gives up his ramp when the others cannot carry the demand.
void Steering::yield(uint32_t place, Problem& problem) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<steering::Yielding> exclusions;
  for (uint32_t i = 0; i < group.holders.size(); ++i) {
    const Comeback& comeback = states_[place].comebacks[i];
    if (comeback.factor >= 1 || comeback.waits_for_person || is_cut(place, i)) continue;
    exclusions.push_back({.cluster = i,
                          .kind = steering::SoftExclusion::ramp,
                          .capacity = nominal_capacity(place, i) * healthy_part(group.holders[i]) *
                                      weight_part(place, i)});
  }
  if (exclusions.empty()) return;
  steering::yield_to_shortage(problem, std::move(exclusions),
                              [this](const Problem& tried) { return allocator_.allocate(tried); });
}

steering::PublishRules Steering::publish_rules(uint32_t place) const {
  const zones::SteeringOptions& options = model().steering;
  return {.high = options.high,
          .low = options.low,
          .min_gain = options.min_gain,
          .ttl = Milliseconds(int64_t{groups_.groups()[place].ttl.value} * 1'000)};
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
  return true;
}

std::vector<bool> Steering::usable_pools(const zones::Service& service) const {
  std::vector<bool> usable;
  const zones::ServicePlan& plan = snapshot_->plans[service.id.value];
  for (uint32_t pool = 0; pool < service.pools.size(); ++pool) {
    usable.push_back(
        has_endpoint(plan, pool, zones::Eligibility::eligible, *snapshot_->eligibility));
  }
  return usable;
}

/// The same problem; or one in which only clusters that carry nothing can do less, while nobody is above the target: whoever
/// was best without them is so still.
bool Steering::changes_nothing(const Solved& before, const Problem& problem) {
  const Problem& old = before.problem;
  if (old == problem) return true;
  if (before.allocation.regime != Regime::normal || old.target != problem.target ||
      old.limit != problem.limit || old.demands != problem.demands ||
      old.capacities.size() != problem.capacities.size()) {
    return false;
  }
  const size_t clusters = problem.clusters();
  for (size_t c = 0; c < clusters; ++c) {
    const bool is_idle = before.allocation.loads[c] <= 0;
    const bool is_less = problem.capacities[c] < old.capacities[c];
    if (problem.capacities[c] != old.capacities[c] && !(is_idle && is_less)) return false;
    for (size_t l = 0; l < problem.localities(); ++l) {
      const double now = problem.cost(l, c);
      const bool is_out = now == steering::forbidden;
      // Without demand a locality's shares carry nothing, and still they lead its next client.
      const bool has_share = before.allocation.shares[l * clusters + c] != 0;
      if (is_less && has_share) return false;
      if (now != old.cost(l, c) && !(is_out && !has_share)) return false;
    }
  }
  return true;
}

std::shared_ptr<const Steering::Solved> Steering::solution(Problem problem) {
  const uint64_t hash = hash_of(problem);
  const auto [first, last] = solutions_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    if (at->second->problem != problem) continue;
    ++counters_.shared;
    return at->second;
  }
  ++counters_.solved;
  auto solved = std::make_shared<Solved>();
  solved->allocation = allocator_.allocate(problem);
  solved->problem = std::move(problem);
  if (solutions_.size() >= solutions_max) solutions_.clear();
  solutions_.emplace(hash, solved);
  return solved;
}

// ---- publishing ----

void Steering::publish_part(Slice& slice) {
  Publication& publication = *publishing_;
  const CapacityGroups::Group& group = groups_.groups()[publication.group];
  for (size_t i = 0; i < services_a_part && publication.next < group.members.size(); ++i) {
    const CapacityGroups::Member& member = group.members[publication.next];
    const zones::Service& service = model().services[member.service.value];
    note_regime(service, member, *publication.solved, slice);
    const std::vector<uint32_t>& rows = publication.rows[publication.next];
    std::vector<uint16_t> shares = shares_of(service, member, rows, *publication.solved);
    move_rows(service, member, rows, *publication.solved, shares);
    publish(service, std::move(shares), slice);
    ++publication.next;
  }
  if (publication.next == group.members.size()) publishing_.reset();
}

std::vector<uint16_t> Steering::shares_of(const zones::Service& service,
                                          const CapacityGroups::Member& member,
                                          const std::vector<uint32_t>& rows,
                                          const Solved& solved) const {
  const size_t pools = service.pools.size();
  const size_t holders = solved.problem.clusters();
  // A locality that nobody can serve keeps the shares that it had: they are masked, and whoever comes back first is
  // used at once.
  std::vector<uint16_t> shares = services_[service.id.value]->shares;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (solved.allocation.unserved[rows[row]]) continue;
    const std::span<uint16_t> out(shares.data() + row * pools, pools);
    for (size_t pool = 0; pool < pools; ++pool) {
      const uint32_t holder = member.holders[pool];
      out[pool] = holder == CapacityGroups::none
                      ? uint16_t{0}
                      : solved.allocation.shares[rows[row] * holders + holder];
    }
    if (service.overflow == zones::Overflow::last_resort) spill(out, service, member, solved);
  }
  return shares;
}

/// What would lift a pool above its limit goes to the pools of last resort.
void Steering::spill(std::span<uint16_t> row, const zones::Service& service,
                     const CapacityGroups::Member& member, const Solved& solved) const {
  std::vector<double> resorts(row.size(), 0);
  const std::vector<bool> usable = usable_pools(service);
  for (size_t pool = 0; pool < row.size(); ++pool) {
    const zones::Pool& p = service.pools[pool];
    if (p.last_resort && usable[pool]) resorts[pool] = p.capacity.value_or(1);
  }
  if (std::ranges::all_of(resorts, [](double weight) { return weight <= 0; })) return;
  uint32_t excess = 0;
  for (size_t pool = 0; pool < row.size(); ++pool) {
    const uint32_t holder = member.holders[pool];
    if (holder == CapacityGroups::none || row[pool] == 0) continue;
    const double room = solved.problem.capacities[holder] * solved.problem.limit;
    const double load = solved.allocation.loads[holder];
    if (load <= room) continue;
    const auto kept = static_cast<uint16_t>(row[pool] * room / load);
    excess += uint32_t{row[pool]} - kept;
    row[pool] = kept;
  }
  const std::vector<uint16_t> parts = divided(excess, resorts);
  for (size_t pool = 0; pool < row.size(); ++pool)
    row[pool] = static_cast<uint16_t>(row[pool] + parts[pool]);
}

void Steering::publish(const zones::Service& service, std::vector<uint16_t> shares, Slice& slice) {
  ServiceState& state = *services_[service.id.value];
  state.shadow.clear();
  if (shares == state.shares) return;
  if (plans_.is_frozen(service.id)) {
    state.shadow = std::move(shares);
    return;
  }
  state.shares = std::move(shares);
  set_rows(service.id);
  ++counters_.published;
  ++counters_.published_by[static_cast<size_t>(publishing_->cause)];
  slice.told.entries.push_back(
      {clock_.wall(), "shares", service_target(service), std::string(ourselves), "",
       share_text(state.shares, service, model().topology), std::string(word(publishing_->cause))});
  slice.batch.put(store::Table::state, steering_key(service_text(service)),
                  encode_steering(record_of(service)));
}

void Steering::note_regime(const zones::Service& service, const CapacityGroups::Member& member,
                           const Solved& solved, Slice& slice) {
  double level = 0;
  double excess = 0;
  for (const uint32_t holder : member.holders) {
    if (holder == CapacityGroups::none || solved.problem.capacities[holder] <= 0) continue;
    level = std::max(level, solved.allocation.levels[holder]);
    excess += std::max(0.0, solved.allocation.loads[holder] -
                                solved.problem.capacities[holder] * solved.problem.limit);
  }
  const Regime regime = level > solved.problem.limit    ? Regime::overload
                        : level > solved.problem.target ? Regime::tight
                                                        : Regime::normal;
  Regime& now = services_[service.id.value]->regime;
  if (regime == now) return;
  const Regime before = std::exchange(now, regime);
  std::string reason =
      fmt::format("its clusters have to go to {} of their capacity", percent(level));
  if (regime == Regime::overload) {
    reason += fmt::format("; {:g} units more than their limits allow {}", excess,
                          service.overflow == zones::Overflow::last_resort
                              ? "go to the pools of last resort"
                              : "are shared by all of them alike");
  }
  if (slice.told.lines.size() < lines_a_slice) {
    slice.told.lines.push_back({regime == Regime::overload ? LogLevel::warning : LogLevel::info,
                                "regime changed",
                                {{"service", service_text(service)},
                                 {"from", std::string(steering::word(before))},
                                 {"to", std::string(steering::word(regime))},
                                 {"reason", reason}}});
  }
  slice.told.entries.push_back({clock_.wall(), "regime", service_target(service),
                                std::string(ourselves), std::string(steering::word(before)),
                                std::string(steering::word(regime)), std::move(reason)});
}

void Steering::set_rows(ServiceId id) const {
  ServiceState& state = *services_[id.value];
  const size_t pools = model().services[id.value].pools.size();
  for (size_t row = 0; row < groups_.rows(); ++row) {
    snapshot_->shares->set(id, row, std::span(state.shares).subspan(row * pools, pools));
  }
  state.demand.in_force(state.shares, clock_.now());
}

void Steering::read_rows(ServiceId id) const {
  ServiceState& state = *services_[id.value];
  const size_t pools = model().services[id.value].pools.size();
  for (size_t row = 0; row < groups_.rows(); ++row)
    snapshot_->shares->read(id, row, std::span(state.shares).subspan(row * pools, pools));
}

// ---- for people ----

std::optional<Steering::ServiceView> Steering::view(ServiceId id) const {
  const auto place = groups_.place_of(id);
  if (!place) return std::nullopt;
  const ServiceState& state = *services_[id.value];
  const CapacityGroups::Group& group = groups_.groups()[place->group];
  const CapacityGroups::Member& member = group.members[place->member];
  const zones::Service& service = model().services[id.value];
  const std::shared_ptr<const Solved>& solved = states_[place->group].solved;
  ServiceView view{.regime = state.regime,
                   .demand = state.demand.total(),
                   .demands = state.demand.all(),
                   .target = group.target,
                   .limit = group.limit,
                   .pools = {}};
  for (size_t pool = 0; pool < service.pools.size(); ++pool) {
    PoolView& out = view.pools.emplace_back();
    const uint32_t holder = member.holders[pool];
    if (holder == CapacityGroups::none) continue;
    out.is_ordinary = true;
    const Comeback& comeback = states_[place->group].comebacks[holder];
    out.capacity = nominal_capacity(place->group, holder);
    out.usable = usable_capacity(place->group, holder);
    out.comeback = comeback.factor;
    out.waits_for_person = comeback.waits_for_person;
    if (!solved) continue;
    out.load = solved->allocation.loads[holder];
    for (const CapacityGroups::Member& other : group.members) {
      const std::vector<double>& moved = services_[other.service.value]->moved;
      for (size_t i = 0; i < moved.size(); ++i)
        if (other.holders[i] == holder) out.load += moved[i];
    }
    out.level = solved->allocation.levels[holder];
  }
  return view;
}

SteeringInputs Steering::inputs() const {
  SteeringInputs inputs;
  if (states_.empty()) return inputs;
  inputs.snapshot = snapshot_;
  inputs.rows = groups_.rows();
  for (uint32_t group = 0; group < states_.size(); ++group) {
    std::vector<SteeringInputs::Holder>& holders = inputs.holders.emplace_back();
    for (size_t i = 0; i < states_[group].comebacks.size(); ++i) {
      const Comeback& comeback = states_[group].comebacks[i];
      holders.push_back({.capacity = nominal_capacity(group, i),
                         .heard = heard_[groups_.groups()[group].holders[i].id.value],
                         .comeback = comeback.factor,
                         .waits_for_person = comeback.waits_for_person});
    }
  }
  inputs.demands.resize(services_.size() * inputs.rows);
  inputs.regimes.resize(services_.size());
  for (size_t place = 0; place < services_.size(); ++place) {
    if (!services_[place]) continue;
    inputs.regimes[place] = services_[place]->regime;
    for (size_t row = 0; row < inputs.rows; ++row)
      inputs.demands[place * inputs.rows + row] = services_[place]->demand.of(row);
  }
  inputs.eligibility.reserve(snapshot_->counts.endpoints);
  for (uint32_t i = 0; i < snapshot_->counts.endpoints; ++i)
    inputs.eligibility.push_back(snapshot_->eligibility->get(EndpointId(i)));
  return inputs;
}

}  // namespace swingover::control
