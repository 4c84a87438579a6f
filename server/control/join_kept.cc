// What is kept in answers although its checks say that it is down, and what a generation goes on with.

#include <string>
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

std::set<std::string> Join::keep(const std::unordered_map<std::string, KeptBy>& targets) {
  std::set<std::string> found;
  if (targets.empty()) return found;
  const auto keep_one = [&](std::string target, auto id) {
    const auto wanted = targets.find(target);
    if (wanted == targets.end()) return;
    keep(id, wanted->second);
    found.insert(std::move(target));
  };
  for (uint32_t i = 0; i < clusters_.size(); ++i)
    keep_one(cluster_target(model_->topology.clusters[i].name), ClusterId(i));
  for (uint32_t i = 0; i < endpoints_.size(); ++i) {
    const EndpointId id(i);
    keep_one(endpoint_target(service_of(id), endpoint_of(id)), id);
  }
  return found;
}

void Join::follow(const Join& before) {
  std::unordered_map<std::string, KeptBy> kept;
  for (const KeptBy by : all_keepers) {
    for (std::string& target : before.kept_targets(by)) kept.emplace(std::move(target), by);
  }
  keep(kept);
  std::unordered_map<std::string, const HealthyFloor*> floors;
  for (const PoolFloor& pool : before.floors_) {
    const zones::Service& service = before.model_->services[pool.service];
    floors.emplace(pool_target(service, service.pools[pool.pool]), &pool.floor);
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
    remember(pool.floor, pool_target(service, service.pools[pool.pool]));
  }
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    if (clusters_[i].floor)
      remember(*clusters_[i].floor, cluster_target(model_->topology.clusters[i].name));
  }
}

}  // namespace swingover::control
