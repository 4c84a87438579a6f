#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "zones/policy.h"

namespace swingover::zones {
namespace {

/// FNV-1a: the same on every edge and in every release, since it says whom a swing moves.
uint64_t key_of(Bytes bytes) {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const uint8_t byte : bytes) hash = (hash ^ byte) * 0x100000001b3U;
  return hash;
}

uint64_t key_of(std::string_view text) {
  return key_of(Bytes{reinterpret_cast<const uint8_t*>(text.data()), text.size()});
}

/// Pools of equal rank share; the lowest rank comes first.
struct Rank {
  bool last_resort = false;
  Nearness nearness = Nearness::anywhere;
  uint32_t priority = 0;
  friend auto operator<=>(const Rank&, const Rank&) = default;
};

Rank rank_of(const Service& service, const Pool& pool, const Topology& topology,
             LocalityId client) {
  Rank rank{.last_resort = pool.last_resort};
  switch (service.policy) {
    case Policy::failover:
      rank.priority = pool.priority;
      break;
    case Policy::local:
      rank.nearness = topology.nearness(client, pool.cluster);
      rank.priority = pool.priority;
      break;
    case Policy::active_active:
    case Policy::all:
      break;
  }
  return rank;
}

void add_row(ServicePlan& plan, const Service& service, const Topology& topology,
             LocalityId client) {
  std::vector<std::pair<Rank, uint32_t>> ranked;
  for (uint32_t i = 0; i < service.pools.size(); ++i) {
    ranked.emplace_back(rank_of(service, service.pools[i], topology, client), i);
  }
  std::sort(ranked.begin(), ranked.end());
  ServicePlan::Row row{.first_tier = static_cast<uint32_t>(plan.tiers.size())};
  const Rank* rank_before = nullptr;
  for (const auto& [rank, place] : ranked) {
    if (!rank_before || *rank_before != rank) {
      plan.tiers.push_back({.first_pool = static_cast<uint32_t>(plan.tier_pools.size()),
                            .last_resort = rank.last_resort,
                            .nearness = rank.nearness});
      ++row.tiers;
    }
    plan.tier_pools.push_back(place);
    ++plan.tiers.back().pools;
    rank_before = &rank;
  }
  plan.rows.push_back(row);
}

}  // namespace

ServicePlan build_service_plan(const Service& service, const Topology& topology) {
  ServicePlan plan;
  plan.policy = service.policy;
  plan.when_all_down = service.when_all_down;
  plan.sticky = service.sticky;
  plan.answers = service.answers;
  for (const Pool& pool : service.pools) {
    ServicePlan::PlanPool& planned = plan.pools.emplace_back();
    planned = {.id = pool.id,
               .cluster = pool.cluster,
               .weight = pool.weight.value,
               .first_endpoint = static_cast<uint32_t>(plan.endpoints.size()),
               .endpoints = static_cast<uint32_t>(pool.endpoints.size()),
               .key = key_of(pool.cluster_name)};
    for (const Endpoint& endpoint : pool.endpoints) {
      if (const auto* address = std::get_if<IpAddress>(&endpoint.address)) {
        plan.endpoints.push_back({endpoint.id, address->is_v4(), key_of(address->bytes())});
      } else {
        planned.is_target = true;
        plan.endpoints.push_back(
            {endpoint.id, true, key_of(std::get<Name>(endpoint.address).folded().wire())});
      }
    }
  }
  add_row(plan, service, topology, no_locality);
  if (service.policy == Policy::local) {
    for (uint32_t i = 0; i < topology.localities.size(); ++i) {
      add_row(plan, service, topology, LocalityId(i));
    }
  }
  return plan;
}

}  // namespace swingover::zones
