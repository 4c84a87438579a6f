// From one generation to the next: what is kept over a reload, and what a restart finds in the store.

#include <algorithm>
#include <numeric>
#include <string_view>
#include <utility>

#include "server/control/steering.h"
#include "server/control/target.h"
#include "zones/steering/publish_rule.h"
#include "zones/steering/share_rounding.h"

namespace swingover::control {

using steering::Problem;
using steering::Regime;

namespace {

bool has_same_pools(const zones::Service& one, const zones::Service& other) {
  return std::ranges::equal(one.pools, other.pools, {}, &zones::Pool::cluster_name,
                            &zones::Pool::cluster_name);
}

}  // namespace

Steering::Generation Steering::begin_generation(std::shared_ptr<const zones::Snapshot> snapshot,
                                                CapacityGroups groups) {
  Generation before{std::exchange(snapshot_, std::move(snapshot)),
                    std::exchange(groups_, std::move(groups)),
                    std::exchange(states_, {}),
                    std::exchange(services_, {}),
                    {},
                    std::exchange(heard_, {})};
  if (publishing_) before.publishing = publishing_->group;
  plans_ = {};
  states_.resize(groups_.groups().size());
  services_.resize(model().services.size());
  waiting_.clear();
  publishing_.reset();
  learning_.reset();
  to_store_.clear();
  solutions_.forget();
  coming_back_.clear();
  heard_.assign(model().topology.clusters.size(), 1);
  next_look_ = 0;
  for (uint32_t group = 0; group < states_.size(); ++group)
    states_[group].comebacks.resize(groups_.groups()[group].holders.size());
  return before;
}

void Steering::start(std::shared_ptr<const zones::Snapshot> snapshot, CapacityGroups groups,
                     const Memory& memory) {
  begin_generation(std::move(snapshot), std::move(groups));
  for (const zones::Service& service : model().services) {
    if (!groups_.place_of(service.id)) continue;
    services_[service.id.value] = new_state(service);
    if (const auto found = memory.find(service_text(service)); found != memory.end())
      take_over(service, found->second);
    set_rows(service.id);
  }
  begin_budget();
  for (uint32_t group = 0; group < states_.size(); ++group) mark(group, ShareCause::start);
}

void Steering::reload(std::shared_ptr<const zones::Snapshot> snapshot, CapacityGroups groups,
                      std::span<const std::optional<uint32_t>> old_services) {
  Generation before = begin_generation(std::move(snapshot), std::move(groups));
  note_rows(before);
  carry_heard(before);
  for (const zones::Service& service : model().services) {
    if (!groups_.place_of(service.id)) continue;
    const std::optional<uint32_t> old = old_services[service.id.value];
    if (old && before.services[*old]) {
      carry_service(service, *old, before);
    } else {
      services_[service.id.value] = new_state(service);
      read_rows(service.id);
      set_rows(service.id);
    }
  }
  for (uint32_t group = 0; group < states_.size(); ++group) {
    // Before services of then, or what they left, are moved.
    states_[group].keeps_rows = has_new_neighbours(group, old_services, before);
    carry_group(group, old_services, before);
    // Whose holds yielded is in answers still: the first look finds out whether it has to.
    if (solver_.has_flapping(group))
      states_[group].needed.assign(states_[group].comebacks.size(), true);
    mark(group, ShareCause::reload);
  }
  begin_budget();
}

void Steering::note_rows(Generation& before) const {
  const std::vector<zones::Locality>& then = before.snapshot->model->topology.localities;
  before.row_of.emplace_back(0);
  before.has_same_rows = then.size() == model().topology.localities.size();
  for (const zones::Locality& locality : model().topology.localities) {
    const auto found = std::ranges::find(then, locality.name, &zones::Locality::name);
    const size_t row = before.row_of.size();
    if (found == then.end()) {
      before.row_of.emplace_back();
    } else {
      before.row_of.emplace_back(static_cast<uint32_t>(found - then.begin()) + 1);
    }
    before.has_same_rows &= before.row_of.back() == row;
  }
  const zones::SteeringOptions& options = model().steering;
  const zones::SteeringOptions& old = before.snapshot->model->steering;
  before.has_same_rows &=
      options.gamma == old.gamma && options.connection_life == old.connection_life;
}

void Steering::carry_heard(const Generation& before) {
  const std::vector<zones::Cluster>& clusters = model().topology.clusters;
  const std::vector<zones::Cluster>& then = before.snapshot->model->topology.clusters;
  for (size_t i = 0; i < clusters.size(); ++i) {
    const auto found = std::ranges::find(then, clusters[i].name, &zones::Cluster::name);
    if (found != then.end()) heard_[i] = before.heard[static_cast<size_t>(found - then.begin())];
  }
}

bool Steering::keeps_all(const zones::Service& service, const zones::Service& was,
                         const Generation& before) const {
  return before.has_same_rows && service.ttl == was.ttl && service.demand == was.demand &&
         has_same_pools(service, was);
}

void Steering::carry_service(const zones::Service& service, uint32_t old, Generation& before) {
  const zones::Service& was = before.snapshot->model->services[old];
  std::unique_ptr<ServiceState>& state = services_[service.id.value];
  const CapacityGroups::Place place = *groups_.place_of(service.id);
  const CapacityGroups::Place old_place = *before.groups.place_of(was.id);
  const auto& holders = groups_.groups()[place.group].members[place.member].holders;
  const auto& old_holders =
      before.groups.groups()[old_place.group].members[old_place.member].holders;
  for (size_t pool = 0; pool < holders.size(); ++pool) {
    const auto found =
        std::ranges::find(was.pools, service.pools[pool].cluster_name, &zones::Pool::cluster_name);
    if (found == was.pools.end() || holders[pool] == CapacityGroups::none) continue;
    const uint32_t holder = old_holders[static_cast<size_t>(found - was.pools.begin())];
    if (holder == CapacityGroups::none) continue;
    const GroupState& old_state = before.states[old_place.group];
    const auto old_pool = static_cast<uint32_t>(found - was.pools.begin());
    carry_comeback({place.group, holders[pool]}, old_state.comebacks[holder]);
    const auto of_pool = old_state.pool_comebacks.find({old_place.member, old_pool});
    if (of_pool != old_state.pool_comebacks.end())
      carry_pool(service.pools[pool].id, service.id, of_pool->second);
  }
  if (keeps_all(service, was, before)) {
    state = std::move(before.services[old]);
    std::ranges::fill(state->counted, 0U);  // answers are counted by generation
    return;
  }
  const ServiceState& learnt = *before.services[old];
  state = new_state(service);
  state->regime = learnt.regime;
  if (learnt.demand.source() == steering::DemandSource::reports) {
    std::vector<double> demands(groups_.rows(), 0);
    for (size_t row = 0; row < demands.size(); ++row) {
      if (before.row_of[row]) demands[row] = learnt.demand.of(*before.row_of[row]);
    }
    state->demand.restore(demands);
  }
  read_rows(service.id);
  set_rows(service.id);
}

/// Of several services' pools of one cluster the latest counts.
void Steering::carry_comeback(HolderPlace at, const Comeback& was) {
  Comeback& comeback = states_[at.group].comebacks[at.holder];
  comeback.waits_for_person |= was.waits_for_person;
  if (was.since) comeback.since = std::max(comeback.since.value_or(*was.since), *was.since);
  if (comeback.since) coming_back_.insert(at.group);
}

/// One that shares its cluster's capacity comes back by itself.
void Steering::carry_pool(PoolId pool, ServiceId service, const Comeback& was) {
  const HolderPlace holder = *holder_of(service, pool);
  if (!is_shared(holder.group, holder.holder)) return carry_comeback(holder, was);
  if (!was.since && !was.waits_for_person && !was.is_out) return;
  states_[holder.group].pool_comebacks[pool_place(service, pool)] = was;
  if (was.since) coming_back_.insert(holder.group);
}

/// Whether services of the group came or went, and those who stay ask for what they asked for, from the same capacities at
/// the same costs: no reason to move these.
bool Steering::has_new_neighbours(uint32_t place,
                                  std::span<const std::optional<uint32_t>> old_services,
                                  const Generation& before) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::optional<uint32_t> from;
  for (const CapacityGroups::Member& member : group.members) {
    const std::optional<uint32_t> old = old_services[member.service.value];
    if (!old) continue;
    const auto old_place = before.groups.place_of(ServiceId(*old));
    if (!old_place || before.services[*old]) return false;  // it is not as it was
    if (from && *from != old_place->group) return false;
    from = old_place->group;
    if (!groups_.has_same_costs(member, before.groups,
                                before.groups.groups()[*from].members[old_place->member]))
      return false;
  }
  if (!from || before.publishing == from || !before.states[*from].solved) return false;
  const CapacityGroups::Group& was = before.groups.groups()[*from];
  if (was.target != group.target || was.limit != group.limit) return false;
  return std::ranges::all_of(group.holders, [&](const CapacityGroups::Holder& holder) {
    const auto found =
        std::ranges::find(was.holders, holder.cluster, &CapacityGroups::Holder::cluster);
    return found == was.holders.end() || found->capacity == holder.capacity;
  });
}

/// Whether those who have shares may go on with them beside those who get their first ones: all of them lead somewhere,
/// and nobody would be hot.
bool Steering::may_keep_rows(uint32_t place, const Outcome& best) const {
  if (best.solved->allocation.regime != Regime::normal || !best.leaving.empty()) return false;
  if (!plans_.moves.empty() || solver_.has_frozen(place)) return false;
  const CapacityGroups::Group& group = groups_.groups()[place];
  const Problem& problem = best.solved->problem;
  std::vector<double> loads(group.holders.size(), 0);
  for (size_t m = 0; m < group.members.size(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    const ServiceState& state = *services_[member.service.value];
    const size_t pools = member.holders.size();
    for (size_t row = 0; row < groups_.rows(); ++row) {
      const uint32_t locality = best.rows[m][row];
      if (best.solved->allocation.unserved[locality]) continue;
      const std::span<const uint16_t> kept = std::span(state.shares).subspan(row * pools, pools);
      const uint32_t sum = std::accumulate(kept.begin(), kept.end(), 0U);
      if (sum != 0 && sum != steering::share_parts) return false;
      for (size_t pool = 0; pool < pools; ++pool) {
        const uint32_t holder = member.holders[pool];
        if (holder == CapacityGroups::none) {
          if (kept[pool] > 0) return false;
          continue;
        }
        const uint16_t share =
            sum == 0 ? best.solved->allocation.shares[locality * problem.clusters() + holder]
                     : kept[pool];
        if (share == 0) continue;
        if (problem.capacities[holder] <= 0 ||
            problem.cost(locality, holder) == steering::forbidden)
          return false;
        loads[holder] += state.demand.of(row) * share / steering::share_parts;
      }
    }
  }
  const double high = publish_rules(place).high;
  for (size_t i = 0; i < loads.size(); ++i) {
    if (loads[i] > problem.capacities[i] * high) return false;
  }
  return true;
}

/// The problem with what is in force then: of rows that are one to it the mean.
std::shared_ptr<const Solved> Steering::with_rows_kept(uint32_t place, const Outcome& best) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  auto kept = std::make_shared<Solved>(*best.solved);
  const size_t clusters = kept->problem.clusters();
  std::vector<double> flows(kept->allocation.shares.size(), 0);
  for (size_t m = 0; m < group.members.size(); ++m) {
    const CapacityGroups::Member& member = group.members[m];
    const ServiceState& state = *services_[member.service.value];
    const size_t pools = member.holders.size();
    for (size_t row = 0; row < groups_.rows(); ++row) {
      // Who asks for nothing counts where nobody asks.
      const double weight = std::max(state.demand.of(row), 1e-9);
      for (size_t pool = 0; pool < pools; ++pool) {
        if (member.holders[pool] != CapacityGroups::none)
          flows[best.rows[m][row] * clusters + member.holders[pool]] +=
              weight * state.shares[row * pools + pool];
      }
    }
  }
  steering::ShareRounder rounder;
  for (size_t locality = 0; locality < kept->problem.localities(); ++locality) {
    const auto row = std::span<const double>(flows).subspan(locality * clusters, clusters);
    if (kept->allocation.unserved[locality] ||
        std::ranges::all_of(row, [](double flow) { return flow <= 0; }))
      continue;
    rounder.round(row, std::span(kept->allocation.shares).subspan(locality * clusters, clusters));
  }
  kept->allocation.loads = steering::predicted_loads(kept->problem, kept->allocation.shares);
  return kept;
}

/// A group of the same services, which take from the same holders, goes on from what was solved for it.
void Steering::carry_group(uint32_t place, std::span<const std::optional<uint32_t>> old_services,
                           Generation& before) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::optional<uint32_t> from;
  for (size_t member = 0; member < group.members.size(); ++member) {
    const ServiceId service = group.members[member].service;
    const std::optional<uint32_t> old = old_services[service.value];
    if (!old || before.services[*old]) return;  // new, or not as it was: its state stayed behind
    const auto old_place = before.groups.place_of(ServiceId(*old));
    if (!old_place || old_place->member != member) return;
    if (from && *from != old_place->group) return;
    from = old_place->group;
  }
  if (!from) return;
  const CapacityGroups::Group& was = before.groups.groups()[*from];
  if (was.members.size() != group.members.size() ||
      !std::ranges::equal(was.holders, group.holders, {}, &CapacityGroups::Holder::cluster,
                          &CapacityGroups::Holder::cluster)) {
    return;
  }
  GroupState& state = states_[place];
  GroupState& old = before.states[*from];
  // Of what was being published some have the old shares still: it is worked out again.
  const bool is_in_force = before.publishing != *from;
  if (is_in_force) {
    state.solved = std::move(old.solved);
    state.whole = std::move(old.whole);
  }
  state.demand = old.demand;
  state.bands = std::move(old.bands);
  state.loads = std::move(old.loads);
  state.regime = old.regime;
  state.last_by_load = old.last_by_load;
  state.waiting = std::move(old.waiting);
  state.comes_home = old.comes_home;
  state.is_refused = old.is_refused;
  state.is_thawed_refused = old.is_thawed_refused;
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
    const WallTime since = memory.back_since[column_of[pool]];
    Comeback comeback;
    if (since == SteeringRecord::waits) {
      comeback.waits_for_person = true;
    } else if (since != WallTime{}) {
      // Ahead it lies by a hold alone: a clock that was wrong keeps nobody out for longer.
      const Milliseconds age = clock_.wall() - since;
      const CapacityGroups::Holder& holder =
          groups_.groups()[place.group].holders[member.holders[pool]];
      comeback.since = clock_.now() + std::min(Milliseconds(-age.value), holder.back.hold);
    }
    carry_pool(service.pools[pool].id, service.id, comeback);
  }
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
                                : comeback->since
                                    ? clock_.wall() + (*comeback->since - clock_.now())
                                    : WallTime{});
  }
  record.shares = state.shares;
  record.demands = state.demand.all();
  record.is_reported = state.demand.source() == steering::DemandSource::reports;
  return record;
}

}  // namespace swingover::control
