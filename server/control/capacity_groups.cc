#include "server/control/capacity_groups.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <set>
#include <tuple>

namespace swingover::control {

namespace {

/// Among pools as near as each other the priority decides, and no declared cost is finer than this.
constexpr double cost_of_a_priority = 0.001;

/// By pool: how many lower priorities there are.
std::vector<uint32_t> priority_ranks(const zones::Service& service) {
  std::set<uint32_t> priorities;
  for (const zones::Pool& pool : service.pools) priorities.insert(pool.priority);
  std::vector<uint32_t> ranks;
  for (const zones::Pool& pool : service.pools) {
    const auto place = priorities.find(pool.priority);
    ranks.push_back(static_cast<uint32_t>(std::distance(priorities.begin(), place)));
  }
  return ranks;
}

double cost_of(const zones::Topology& topology, const zones::Service& service,
               const zones::Pool& pool, uint32_t rank, LocalityId client) {
  if (!pool.serves(topology, client)) return steering::forbidden;
  switch (service.policy) {
    case zones::Policy::failover:
      return rank;
    case zones::Policy::local:
      return topology.cost(client, pool.cluster) + rank * cost_of_a_priority;
    case zones::Policy::active_active:
    case zones::Policy::all:
      break;
  }
  return 0;
}

}  // namespace

double cost_of(const zones::Model& model, const zones::Service& service, size_t pool,
               LocalityId client) {
  return cost_of(model.topology, service, service.pools[pool], priority_ranks(service)[pool],
                 client);
}

class CapacityGroups::Maker {
 public:
  Maker(const zones::Model& model, CapacityGroups& made) : model_(model), made_(made) {}

  void make() {
    find_ties();
    std::map<uint32_t, uint32_t> groups;  // by the first service that is tied
    for (const zones::Service& service : model_.services) {
      if (!service.is_steered()) continue;
      const uint32_t first = root(service.id.value);
      const auto [place, is_new] =
          groups.try_emplace(first, static_cast<uint32_t>(made_.groups_.size()));
      if (is_new) made_.groups_.emplace_back();
      add(service, place->second);
    }
    for (Group& group : made_.groups_) {
      group.target = std::min(group.target, group.limit);
      put_in_order(group);
    }
  }

 private:
  using HolderKey = std::pair<uint32_t, uint32_t>;  // its cluster, and the pool or none

  static HolderKey key_of(const zones::Pool& pool) {
    return {pool.cluster.value, pool.has_own_capacity ? pool.id.value : none};
  }

  /// Services with a cluster's capacity in common end up with the same root.
  void find_ties() {
    roots_.resize(model_.services.size());
    std::iota(roots_.begin(), roots_.end(), 0U);
    std::map<uint32_t, uint32_t> first_of_cluster;
    for (const zones::Service& service : model_.services) {
      if (!service.is_steered()) continue;
      for (const zones::Pool& pool : service.pools) {
        if (pool.last_resort || pool.has_own_capacity) continue;
        const auto [first, is_new] =
            first_of_cluster.try_emplace(pool.cluster.value, service.id.value);
        if (!is_new) tie(first->second, service.id.value);
      }
    }
  }

  uint32_t root(uint32_t service) {
    while (roots_[service] != service) service = roots_[service] = roots_[roots_[service]];
    return service;
  }
  void tie(uint32_t one, uint32_t other) {
    const uint32_t first = root(one);
    const uint32_t second = root(other);
    roots_[std::max(first, second)] = std::min(first, second);
  }

  void add(const zones::Service& service, uint32_t place) {
    Group& group = made_.groups_[place];
    made_.places_[service.id.value] = {place, static_cast<uint32_t>(group.members.size())};
    Member member{service.id, kind_of(service), {}};
    for (const zones::Pool& pool : service.pools) {
      member.holders.push_back(pool.last_resort ? none : holder_of(pool, group, place));
      if (pool.last_resort) continue;
      Holder& holder = group.holders[member.holders.back()];
      holder.back = more_cautious(holder.back, way_back_of(service));
    }
    const zones::SteeringOptions& defaults = model_.steering;
    const double target = service.target.value_or(defaults.target);
    const double limit = service.limit.value_or(defaults.limit);
    group.target = group.members.empty() ? target : std::min(group.target, target);
    group.limit = group.members.empty() ? limit : std::min(group.limit, limit);
    group.ttl = std::max(group.ttl, service.ttl);
    group.members.push_back(std::move(member));
  }

  uint32_t holder_of(const zones::Pool& pool, Group& group, uint32_t place) {
    if (place != group_of_holders_) {
      group_of_holders_ = place;
      holders_.clear();
      for (uint32_t i = 0; i < group.holders.size(); ++i) {
        const Holder& holder = group.holders[i];
        holders_.emplace(HolderKey{holder.id.value, holder.pool ? holder.pool->value : none}, i);
      }
    }
    const auto next = static_cast<uint32_t>(group.holders.size());
    const auto [found, is_new] = holders_.try_emplace(key_of(pool), next);
    if (is_new) {
      Holder holder;
      holder.cluster = pool.cluster_name;
      holder.id = pool.cluster;
      holder.capacity = *pool.capacity;
      if (pool.has_own_capacity) holder.pool = pool.id;
      group.holders.push_back(std::move(holder));
    }
    ++group.holders[found->second].takers;
    std::vector<EndpointId>& endpoints = group.holders[found->second].endpoints;
    for (const zones::Endpoint& endpoint : pool.endpoints) endpoints.push_back(endpoint.id);
    return found->second;
  }

  /// By name, so that a tie does not depend on the order of the file.
  void put_in_order(Group& group) const {
    std::vector<uint32_t> order(group.holders.size());
    std::iota(order.begin(), order.end(), 0U);
    std::ranges::stable_sort(
        order, {}, [&](uint32_t i) -> const std::string& { return group.holders[i].cluster; });
    std::vector<uint32_t> places(order.size());
    std::vector<Holder> holders;
    for (uint32_t i = 0; i < order.size(); ++i) {
      places[order[i]] = i;
      holders.push_back(std::move(group.holders[order[i]]));
    }
    group.holders = std::move(holders);
    for (Member& member : group.members) {
      for (uint32_t& holder : member.holders) {
        if (holder != none) holder = places[holder];
      }
    }
  }

  uint32_t kind_of(const zones::Service& service) {
    const std::vector<uint32_t> ranks = priority_ranks(service);
    KindKey key{service.policy, {}};
    for (size_t i = 0; i < service.pools.size(); ++i) {
      const zones::Pool& pool = service.pools[i];
      std::get<1>(key).emplace_back(pool.cluster.value, ranks[i], pool.last_resort,
                                    pool.only_regions);
    }
    const auto [found, is_new] =
        kinds_.try_emplace(std::move(key), static_cast<uint32_t>(made_.kinds_.size()));
    if (is_new) made_.kinds_.push_back(make_kind(service, ranks));
    return found->second;
  }

  Kind make_kind(const zones::Service& service, const std::vector<uint32_t>& ranks) const {
    Kind kind;
    std::map<std::vector<double>, uint32_t> classes;
    for (uint32_t row = 0; row < made_.rows_; ++row) {
      const LocalityId client = locality_of_row(row);
      std::vector<double> costs;
      for (size_t i = 0; i < service.pools.size(); ++i)
        costs.push_back(cost_of(model_.topology, service, service.pools[i], ranks[i], client));
      const auto [found, is_new] =
          classes.try_emplace(costs, static_cast<uint32_t>(kind.costs.size()));
      if (is_new) kind.costs.push_back(std::move(costs));
      kind.classes.push_back(found->second);
    }
    return kind;
  }

  using PoolKey = std::tuple<uint32_t, uint32_t, bool, std::vector<std::string>>;
  using KindKey = std::tuple<zones::Policy, std::vector<PoolKey>>;

  const zones::Model& model_;
  CapacityGroups& made_;
  std::vector<uint32_t> roots_;  // by service
  std::map<HolderKey, uint32_t> holders_;
  uint32_t group_of_holders_ = none;
  std::map<KindKey, uint32_t> kinds_;
};

CapacityGroups::CapacityGroups(std::shared_ptr<const zones::Model> model)
    : model_(std::move(model)),
      rows_(model_->topology.localities.size() + 1),
      places_(model_->services.size()) {
  Maker(*model_, *this).make();
}

std::optional<CapacityGroups::Place> CapacityGroups::place_of(ServiceId service) const {
  const Place place = places_[service.value];
  return place.group == none ? std::nullopt : std::optional(place);
}

bool CapacityGroups::has_same_costs(const Member& member, const CapacityGroups& other,
                                    const Member& other_member) const {
  const Kind& mine = kinds_[member.kind];
  const Kind& theirs = other.kinds_[other_member.kind];
  return mine.classes == theirs.classes && mine.costs == theirs.costs;
}

CapacityGroups::Posed CapacityGroups::pose(uint32_t group, const Inputs& inputs) const {
  const Group& g = groups_[group];
  Posed posed;
  steering::Problem& problem = posed.problem;
  problem.target = g.target;
  problem.limit = g.limit;
  problem.capacities.assign(inputs.capacities.begin(), inputs.capacities.end());

  // Members that look alike stand in the same rows.
  using Key =
      std::tuple<uint32_t, const std::vector<uint32_t>&, const std::vector<bool>&, uint32_t>;
  std::map<Key, uint32_t> first_rows;
  auto last = first_rows.end();
  posed.rows.reserve(g.members.size());
  for (size_t m = 0; m < g.members.size(); ++m) {
    const Member& member = g.members[m];
    const Kind& kind = kinds_[member.kind];
    const std::vector<bool>& usable = inputs.usable[m];
    const auto next = static_cast<uint32_t>(problem.demands.size());
    const uint32_t apart = inputs.apart.empty() ? 0 : inputs.apart[m];
    const Key key{member.kind, member.holders, usable, apart};
    bool is_new = false;
    // Services that look alike often stand side by side.
    if (last == first_rows.end() || last->first != key)
      std::tie(last, is_new) = first_rows.try_emplace(key, next);
    if (is_new) {
      problem.demands.resize(next + kind.costs.size());
      for (const std::vector<double>& costs : kind.costs) {
        std::vector<double> row(g.holders.size(), steering::forbidden);
        for (size_t pool = 0; pool < member.holders.size(); ++pool) {
          if (member.holders[pool] != none && usable[pool]) row[member.holders[pool]] = costs[pool];
        }
        problem.costs.insert(problem.costs.end(), row.begin(), row.end());
      }
    }
    std::vector<uint32_t>& rows = posed.rows.emplace_back();
    rows.reserve(rows_);
    for (size_t row = 0; row < rows_; ++row) {
      rows.push_back(last->second + kind.classes[row]);
      double& sum = problem.demands[rows.back()];
      sum = std::min(sum + inputs.demands[m][row], steering::amount_max);
    }
  }
  return posed;
}

}  // namespace swingover::control
