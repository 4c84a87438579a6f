// What hangs on what: the checks of a model, and who uses them.

#include <algorithm>
#include <cassert>
#include <utility>

#include "server/control/join.h"
#include "server/control/target.h"

namespace swingover::control {

namespace {

std::shared_ptr<const health::MonitorOptions> find_monitor(const Join::Monitors& monitors,
                                                           const std::string& name) {
  const auto found = std::find_if(monitors.begin(), monitors.end(),
                                  [&](const auto& monitor) { return monitor->name == name; });
  return found == monitors.end() ? nullptr : *found;
}

std::string without_final_dot(std::string name) {
  if (name.size() > 1 && name.back() == '.') name.pop_back();
  return name;
}

}  // namespace

Join::Join(std::shared_ptr<const zones::Model> model, const Monitors& monitors)
    : model_(std::move(model)) {
  clusters_.resize(model_->topology.clusters.size());
  for (uint32_t i = 0; i < clusters_.size(); ++i) add_cluster(i, monitors);
  for (uint32_t i = 0; i < model_->services.size(); ++i) add_service(i, monitors);
  for (uint32_t i = 0; i < clusters_.size(); ++i) mark(ClusterId(i));
  for (uint32_t i = 0; i < endpoints_.size(); ++i) mark(EndpointId(i));
}

uint32_t Join::add_check(health::Check check) {
  const auto [at, is_new] = by_key_.emplace(check.key(), static_cast<uint32_t>(checks_.size()));
  if (is_new) {
    checks_.push_back(std::move(check));
    states_.emplace_back();
    users_.emplace_back();
  }
  return at->second;
}

/// `lists` are the names of `monitors`, `voting_monitors` and `observing_monitors`. Those of `narrower` count as they
/// do there. Names of no monitor are passed over: the config is checked, see server/config.h.
std::vector<Join::Look> Join::looks(const Lists& lists, const Lists& narrower,
                                    const Monitors& monitors) {
  std::vector<Look> all;
  for (const Role role : {Role::critical, Role::voting, Role::observing}) {
    const auto place = static_cast<size_t>(role);
    const auto add = [&](const std::string& name) {
      if (auto monitor = find_monitor(monitors, name)) all.push_back({std::move(monitor), role});
    };
    for (const std::string& name : *lists[place]) {
      const bool is_overruled = std::any_of(narrower.begin(), narrower.end(), [&](const auto* own) {
        return own && std::find(own->begin(), own->end(), name) != own->end();
      });
      if (!is_overruled) add(name);
    }
    if (!narrower[place]) continue;
    for (const std::string& name : *narrower[place]) add(name);
  }
  return all;
}

void Join::add_cluster(uint32_t place, const Monitors& monitors) {
  const zones::Cluster& cluster = model_->topology.clusters[place];
  ClusterNode& node = clusters_[place];
  if (!cluster.min_healthy.asks_nothing()) node.floor.emplace(cluster.min_healthy);
  if (cluster.addresses.empty()) return;  // the config is checked: see server/config.h
  const Lists lists{&cluster.monitors, &cluster.voting_monitors, &cluster.observing_monitors};
  for (const Look& look : looks(lists, {}, monitors)) {
    std::vector<uint32_t> row;
    for (const IpAddress& address : cluster.addresses) {
      const uint32_t check = add_check(health::make_check(look.monitor, address.text(), {}));
      if (look.role != Role::observing) users_[check].clusters.push_back(ClusterId(place));
      row.push_back(check);
    }
    node.rows.add(std::move(row), look.role);
  }
}

void Join::add_service(uint32_t place, const Monitors& monitors) {
  const zones::Service& service = model_->services[place];
  const Lists lists{&service.monitors, &service.voting_monitors, &service.observing_monitors};
  for (uint32_t p = 0; p < service.pools.size(); ++p) {
    const zones::Pool& pool = service.pools[p];
    const Lists own{&pool.monitors, &pool.voting_monitors, &pool.observing_monitors};
    add_pool(place, p, looks(lists, own, monitors));
  }
}

void Join::add_pool(uint32_t service_place, uint32_t pool_place, const std::vector<Look>& looks) {
  const zones::Service& service = model_->services[service_place];
  const zones::Pool& pool = service.pools[pool_place];
  const zones::Cluster& cluster = model_->topology.clusters[pool.cluster.value];
  ClusterNode& cluster_node = clusters_[pool.cluster.value];
  const std::string name = without_final_dot(service_text(service));
  uint32_t floor = none;
  if (const zones::MinHealthy bounds = min_healthy_of(pool); !bounds.asks_nothing()) {
    floor = static_cast<uint32_t>(floors_.size());
    floors_.push_back({service_place, pool_place, HealthyFloor(bounds)});
  }
  for (uint32_t e = 0; e < pool.endpoints.size(); ++e) {
    const zones::Endpoint& endpoint = pool.endpoints[e];
    EndpointNode node;
    node.service = service_place;
    node.pool = pool_place;
    node.place = e;
    node.cluster = pool.cluster;
    node.pool_floor = floor;
    for (const Look& look : looks) {
      const uint32_t check = add_check(health::make_check(look.monitor, endpoint.text(), name));
      if (look.role != Role::observing) users_[check].endpoints.push_back(endpoint.id);
      node.checks.add(check, look.role);
    }
    const auto* address = std::get_if<IpAddress>(&endpoint.address);
    const auto ingress =
        address ? std::find(cluster.addresses.begin(), cluster.addresses.end(), *address)
                : cluster.addresses.end();
    if (ingress != cluster.addresses.end()) {
      node.column = static_cast<uint32_t>(ingress - cluster.addresses.begin());
      for (size_t row = 0; row < cluster_node.rows.counted(); ++row)
        users_[cluster_node.rows.all[row][node.column]].endpoints.push_back(endpoint.id);
    }
    if (floor != none) floors_[floor].floor.add(endpoint);
    if (cluster_node.floor) cluster_node.floor->add(endpoint);
    assert(endpoint.id.value == endpoints_.size());
    cluster_node.endpoints.push_back(endpoint.id);
    endpoints_.push_back(std::move(node));
  }
}

}  // namespace swingover::control
