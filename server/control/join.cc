#include "server/control/join.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "server/control/target.h"

namespace swingover::control {

using health::Health;

namespace {

/// Worse first: what an "all of" takes is the least, what an "any of" takes the greatest.
constexpr int rank(Health health) {
  return health == Health::up ? 2 : health == Health::unknown ? 1 : 0;
}
Health worse(Health a, Health b) {
  return rank(a) < rank(b) ? a : b;
}
Health better(Health a, Health b) {
  return rank(a) > rank(b) ? a : b;
}

zones::Eligibility from_health(Health health) {
  switch (health) {
    case Health::up:
      return zones::Eligibility::eligible;
    case Health::unknown:
      return zones::Eligibility::unknown;
    case Health::down:
      return zones::Eligibility::down;
  }
  return zones::Eligibility::unknown;
}

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

void Join::add_cluster(uint32_t place, const Monitors& monitors) {
  const zones::Cluster& cluster = model_->topology.clusters[place];
  for (const std::string& name : cluster.monitors) {
    const auto monitor = find_monitor(monitors, name);
    if (!monitor || cluster.addresses.empty())
      continue;  // the config is checked: see server/config.h
    std::vector<uint32_t> row;
    for (const IpAddress& address : cluster.addresses) {
      const uint32_t check = add_check(health::make_check(monitor, address.text(), {}));
      users_[check].clusters.push_back(ClusterId(place));
      row.push_back(check);
    }
    clusters_[place].checks.push_back(std::move(row));
  }
}

void Join::add_service(uint32_t place, const Monitors& monitors) {
  const zones::Service& service = model_->services[place];
  for (uint32_t p = 0; p < service.pools.size(); ++p) {
    const zones::Pool& pool = service.pools[p];
    const zones::Cluster& cluster = model_->topology.clusters[pool.cluster.value];
    for (uint32_t e = 0; e < pool.endpoints.size(); ++e) {
      const zones::Endpoint& endpoint = pool.endpoints[e];
      EndpointNode node;
      node.service = place;
      node.pool = p;
      node.place = e;
      node.cluster = pool.cluster;
      for (const std::string& name : service.monitors) {
        const auto monitor = find_monitor(monitors, name);
        if (!monitor) continue;
        node.checks.push_back(add_check(health::make_check(
            monitor, endpoint.text(), without_final_dot(service_text(service)))));
      }
      const auto* address = std::get_if<IpAddress>(&endpoint.address);
      const auto ingress =
          address ? std::find(cluster.addresses.begin(), cluster.addresses.end(), *address)
                  : cluster.addresses.end();
      if (ingress != cluster.addresses.end()) {
        const auto column = static_cast<size_t>(ingress - cluster.addresses.begin());
        for (const auto& row : clusters_[pool.cluster.value].checks)
          node.checks.push_back(row[column]);
      }
      assert(endpoint.id.value == endpoints_.size());
      for (const uint32_t check : node.checks) users_[check].endpoints.push_back(endpoint.id);
      clusters_[pool.cluster.value].endpoints.push_back(endpoint.id);
      endpoints_.push_back(std::move(node));
    }
  }
}

std::optional<uint32_t> Join::find_check(const std::string& key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

void Join::set_check(uint32_t place, CheckState state) {
  const bool is_other = states_[place].health != state.health;
  states_[place] = std::move(state);
  if (!is_other) return;
  for (const ClusterId id : users_[place].clusters) mark(id);
  for (const EndpointId id : users_[place].endpoints) mark(id);
}

void Join::set_intents(const Intents& intents) {
  intents_ = &intents;
  // The intents before may be gone: no pointer to one may outlive this call.
  for (EndpointNode& node : endpoints_) node.state.intent = nullptr;
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    clusters_[i].state.intent =
        intents.of_target(cluster_target(model_->topology.clusters[i].name));
  }
  for (uint32_t i = 0; i < endpoints_.size(); ++i) mark(EndpointId(i));
}

void Join::mark(EndpointId id) {
  if (std::exchange(endpoints_[id.value].is_dirty, true)) return;
  dirty_endpoints_.push_back(id);
}

void Join::mark(ClusterId id) {
  if (std::exchange(clusters_[id.value].is_dirty, true)) return;
  dirty_clusters_.push_back(id);
}

Health Join::health_of(const ClusterNode& cluster) const {
  Health all = Health::up;
  for (const auto& row : cluster.checks) {
    Health any = Health::down;
    for (const uint32_t check : row) any = better(any, states_[check].health);
    all = worse(all, any);
  }
  return all;
}

Health Join::health_of(const EndpointNode& endpoint) const {
  Health all = clusters_[endpoint.cluster.value].state.health;
  for (const uint32_t check : endpoint.checks) all = worse(all, states_[check].health);
  return all;
}

const Intent* Join::deciding_intent(const EndpointNode& node) const {
  if (!intents_ || intents_->size() == 0) return nullptr;
  const zones::Service& service = model_->services[node.service];
  const zones::Pool& pool = service.pools[node.pool];
  const std::array<const Intent*, 4> narrowest_first = {
      intents_->of_target(endpoint_target(service, pool.endpoints[node.place])),
      intents_->of_target(pool_target(service, pool)),
      intents_->of_target(service_target(service)),
      intents_->of_target(cluster_target(pool.cluster_name)),
  };
  const Intent* force = nullptr;
  for (const Intent* intent : narrowest_first) {
    if (!intent) continue;
    if (intent->kind == IntentKind::drain) return intent;
    if (!force) force = intent;
  }
  return force;
}

Join::Changes Join::settle(WallTime now) {
  Changes changes;
  for (const ClusterId id : std::exchange(dirty_clusters_, {})) {
    ClusterNode& node = clusters_[id.value];
    node.is_dirty = false;
    const ClusterState before = node.state;
    node.state.health = health_of(node);
    if (node.state.health == before.health) continue;
    node.state.since = now;
    if (is_first_settle_) {
      for (const auto& row : node.checks) node.state.since = newest_since(row, now);
    }
    changes.clusters.push_back({id, before, node.state});
    for (const EndpointId endpoint : node.endpoints) mark(endpoint);
  }
  for (const EndpointId id : std::exchange(dirty_endpoints_, {})) {
    EndpointNode& node = endpoints_[id.value];
    node.is_dirty = false;
    const EndpointState before = node.state;
    node.state.health = health_of(node);
    node.state.intent = deciding_intent(node);
    node.state.eligibility = from_health(node.state.health);
    if (node.state.intent) {
      switch (node.state.intent->kind) {
        case IntentKind::drain:
          node.state.eligibility = zones::Eligibility::excluded;
          break;
        case IntentKind::force_up:
          node.state.eligibility = zones::Eligibility::eligible;
          break;
        case IntentKind::force_down:
          node.state.eligibility = zones::Eligibility::down;
          break;
      }
    }
    if (node.state.health != before.health) {
      node.state.since = is_first_settle_ ? newest_since(node.checks, now) : now;
    }
    if (node.state.health == before.health && node.state.eligibility == before.eligibility)
      continue;
    changes.endpoints.push_back({id, before, node.state});
  }
  is_first_settle_ = false;
  return changes;
}

WallTime Join::newest_since(const std::vector<uint32_t>& checks, WallTime otherwise) const {
  WallTime newest{};
  for (const uint32_t check : checks) newest = std::max(newest, states_[check].since);
  return newest == WallTime{} ? otherwise : newest;
}

std::string Join::reason(const Intent& intent) {
  static constexpr std::array<std::string_view, 3> done = {"drained", "forced up", "forced down"};
  return std::string(done[static_cast<size_t>(intent.kind)]) + " by " + intent.owner + ": " +
         intent.reason;
}

std::string Join::failing_reason(const std::vector<uint32_t>& checks) const {
  for (const Health wanted : {Health::down, Health::unknown}) {
    for (const uint32_t place : checks) {
      const CheckState& state = states_[place];
      if (state.health != wanted) continue;
      const health::Check& check = checks_[place];
      const std::string what = "monitor " + check.monitor->name + " at " + check.address + ": ";
      if (wanted == Health::unknown) return what + "not probed yet";
      return what + (state.reason.empty() ? "failing" : state.reason);
    }
  }
  return {};
}

std::string Join::reason(ClusterId id) const {
  const ClusterNode& node = clusters_[id.value];
  return node.state.intent ? reason(*node.state.intent) : health_reason(id);
}

std::string Join::health_reason(ClusterId id) const {
  const ClusterNode& node = clusters_[id.value];
  if (node.state.health == Health::up) return {};
  for (const auto& row : node.checks) {
    const bool passes = std::any_of(row.begin(), row.end(), [this](uint32_t check) {
      return states_[check].health == Health::up;
    });
    if (!passes) return failing_reason(row);
  }
  return {};
}

std::string Join::reason(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  return node.state.intent ? reason(*node.state.intent) : health_reason(id);
}

std::string Join::health_reason(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  std::string own = failing_reason(node.checks);
  const ClusterNode& cluster = clusters_[node.cluster.value];
  if (cluster.state.health == Health::up) return own;
  const bool is_own_down = std::any_of(node.checks.begin(), node.checks.end(), [this](uint32_t c) {
    return states_[c].health == Health::down;
  });
  if (is_own_down) return own;
  std::string why;
  for (const auto& row : cluster.checks) {
    if (why.empty()) why = failing_reason(row);
  }
  return "cluster " + model_->topology.clusters[node.cluster.value].name + " is " +
         std::string(word(cluster.state.health)) + ": " + why;
}

std::vector<uint32_t> Join::checks_of(EndpointId id) const {
  return endpoints_[id.value].checks;
}

std::optional<MonotonicTime> Join::first_failure(EndpointId id) const {
  std::optional<MonotonicTime> first;
  const auto consider = [&](const std::vector<uint32_t>& checks) {
    for (const uint32_t check : checks) {
      const CheckState& state = states_[check];
      if (state.health != Health::down || state.first_failure.nanoseconds == 0) continue;
      if (!first || state.first_failure > *first) first = state.first_failure;
    }
  };
  consider(endpoints_[id.value].checks);
  if (first) return first;
  for (const auto& row : clusters_[endpoints_[id.value].cluster.value].checks) consider(row);
  return first;
}

const zones::Service& Join::service_of(EndpointId id) const {
  return model_->services[endpoints_[id.value].service];
}
const zones::Pool& Join::pool_of(EndpointId id) const {
  return service_of(id).pools[endpoints_[id.value].pool];
}
const zones::Endpoint& Join::endpoint_of(EndpointId id) const {
  return pool_of(id).endpoints[endpoints_[id.value].place];
}

Health Join::shown_health(ClusterId id) const {
  const ClusterNode& node = clusters_[id.value];
  if (!node.checks.empty() || node.endpoints.empty()) return node.state.health;
  Health best = Health::down;
  for (const EndpointId endpoint : node.endpoints) {
    best = better(best, endpoints_[endpoint.value].state.health);
  }
  return best;
}

const std::vector<EndpointId>& Join::endpoints_of(ClusterId id) const {
  return clusters_[id.value].endpoints;
}

}  // namespace swingover::control
