// What is kept in answers although its checks say that it is down, and what a generation goes on with.

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>

#include "server/control/join.h"
#include "server/control/target.h"

namespace swingover::control {

using health::Health;

void Join::keep(EndpointId id, KeptBy by) {
  endpoints_[id.value].agreed = Health::up;
  endpoints_[id.value].kept = by;
  mark(id);
}

void Join::keep(ClusterId id, KeptBy by) {
  clusters_[id.value].agreed = Health::up;
  clusters_[id.value].kept = by;
  mark(id);
}

void Join::let_go(KeptBy by, bool for_good) {
  const auto release = [&](auto& nodes, auto mark_it) {
    for (uint32_t i = 0; i < nodes.size(); ++i) {
      if (nodes[i].kept != by) continue;
      nodes[i].kept = KeptBy::nobody;
      if (for_good) nodes[i].agreed = Health::down;
      mark_it(i);
    }
  };
  release(clusters_, [this](uint32_t i) { mark(ClusterId(i)); });
  release(endpoints_, [this](uint32_t i) { mark(EndpointId(i)); });
}

void Join::hand_over(KeptBy by) {
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    if (clusters_[i].kept == by) keep(ClusterId(i), KeptBy::person);
  }
  for (uint32_t i = 0; i < endpoints_.size(); ++i) {
    if (endpoints_[i].kept == by) keep(EndpointId(i), KeptBy::person);
  }
}

size_t Join::kept_count(KeptBy by) const {
  size_t count = 0;
  for (const ClusterNode& node : clusters_) count += node.kept == by ? 1U : 0U;
  for (const EndpointNode& node : endpoints_) count += node.kept == by ? 1U : 0U;
  return count;
}

std::vector<std::string> Join::kept_targets(KeptBy by) const {
  std::vector<std::string> targets;
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    if (clusters_[i].kept == by)
      targets.push_back(cluster_target(model_->topology.clusters[i].name));
  }
  for (uint32_t i = 0; i < endpoints_.size(); ++i) {
    if (endpoints_[i].kept != by) continue;
    targets.push_back(endpoint_target(service_of(EndpointId(i)), endpoint_of(EndpointId(i))));
  }
  return targets;
}

void Join::keep(const std::unordered_map<std::string, KeptBy>& targets) {
  if (targets.empty()) return;
  const auto keep_one = [&](const std::string& target, auto id, auto& node, ClusterNode& cluster) {
    const auto wanted = targets.find(target);
    if (wanted == targets.end()) return;
    keep(id, wanted->second);
    if (wanted->second == KeptBy::reports) {
      cluster.is_doubted = true;
      cluster.seems_up.remember(true);
    }
    node.state.kept = wanted->second;  // it was so before
  };
  for (uint32_t i = 0; i < clusters_.size(); ++i)
    keep_one(cluster_target(model_->topology.clusters[i].name), ClusterId(i), clusters_[i],
             clusters_[i]);
  for (uint32_t i = 0; i < endpoints_.size(); ++i) {
    const EndpointId id(i);
    keep_one(endpoint_target(service_of(id), endpoint_of(id)), id, endpoints_[i],
             clusters_[endpoints_[i].cluster.value]);
  }
}

void Join::follow_state(EndpointNode& node, const EndpointState& before) {
  const KeptBy kept = node.state.kept;
  node.state = before;
  node.is_needed = before.is_needed;
  node.state.intent = nullptr;
  node.state.kept = kept;
  down_count_ += before.health == Health::down ? 1U : 0U;
}

namespace {

/// Most stand where they stood.
const zones::Endpoint* find_endpoint(const zones::Service& service, size_t pool, size_t place,
                                     const zones::Endpoint& wanted) {
  const auto is_it = [&](const zones::Endpoint& one) { return one.address == wanted.address; };
  if (pool < service.pools.size() && place < service.pools[pool].endpoints.size() &&
      is_it(service.pools[pool].endpoints[place]))
    return &service.pools[pool].endpoints[place];
  for (const zones::Pool& one : service.pools) {
    const auto found = std::ranges::find_if(one.endpoints, is_it);
    if (found != one.endpoints.end()) return &*found;
  }
  return nullptr;
}

}  // namespace

void Join::follow_states(const Join& before, const std::vector<std::optional<uint32_t>>& services) {
  std::unordered_map<std::string_view, const ClusterState*> clusters;
  for (uint32_t i = 0; i < before.clusters_.size(); ++i)
    clusters.emplace(before.model_->topology.clusters[i].name, &before.clusters_[i].state);
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    const auto found = clusters.find(model_->topology.clusters[i].name);
    if (found == clusters.end()) continue;
    clusters_[i].state.health = found->second->health;
    clusters_[i].state.since = found->second->since;
  }
  for (uint32_t i = 0; i < services.size(); ++i) {
    if (!services[i]) continue;
    const zones::Service& old = before.model_->services[*services[i]];
    const std::vector<zones::Pool>& pools = model_->services[i].pools;
    for (size_t p = 0; p < pools.size(); ++p) {
      for (size_t e = 0; e < pools[p].endpoints.size(); ++e) {
        const zones::Endpoint& endpoint = pools[p].endpoints[e];
        if (const zones::Endpoint* was = find_endpoint(old, p, e, endpoint))
          follow_state(endpoints_[endpoint.id.value], before.endpoint(was->id));
      }
    }
  }
}

void Join::follow(const Join& before, const std::vector<std::optional<uint32_t>>& services) {
  std::unordered_map<std::string, KeptBy> kept;
  for (const KeptBy by : all_keepers) {
    for (std::string& target : before.kept_targets(by)) kept.emplace(std::move(target), by);
  }
  keep(kept);
  follow_states(before, services);
  std::unordered_map<std::string, health::Standing> pools;
  std::unordered_map<std::string, const HealthyFloor*> floors;
  for (const PoolFloor& pool : before.floors_) {
    const zones::Service& service = before.model_->services[pool.service];
    const std::string target = pool_target(service, service.pools[pool.pool]);
    pools.emplace(target, pool.standing);
    floors.emplace(target, &pool.floor);
  }
  for (uint32_t i = 0; i < before.clusters_.size(); ++i) {
    if (before.clusters_[i].floor)
      floors.emplace(cluster_target(before.model_->topology.clusters[i].name),
                     &*before.clusters_[i].floor);
  }
  const auto remember = [&](HealthyFloor& floor, const std::string& target) {
    const auto found = floors.find(target);
    if (found != floors.end()) floor.remember(*found->second);
  };
  for (PoolFloor& pool : floors_) {
    const zones::Service& service = model_->services[pool.service];
    const std::string target = pool_target(service, service.pools[pool.pool]);
    remember(pool.floor, target);
    const auto found = pools.find(target);
    if (found != pools.end()) pool.standing = found->second;
  }
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    if (clusters_[i].floor)
      remember(*clusters_[i].floor, cluster_target(model_->topology.clusters[i].name));
  }
}

}  // namespace swingover::control
