// What hangs on what: the checks of a model, and who uses them.

#include <algorithm>
#include <cassert>
#include <numeric>
#include <utility>

#include "health/derived_monitors.h"
#include "server/control/join.h"
#include "server/control/push.h"
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

/// The bounds of a group's health where nobody declared others: down below 25 %, up again from 35 % on.
health::MinimumUp seems_up_of(size_t endpoints) {
  constexpr Portion least{25, true};
  constexpr Portion again{35, true};
  return health::MinimumUp(
      {.down_below = least.least_of(endpoints), .up_from = again.least_of(endpoints)});
}

}  // namespace

Join::Join(std::shared_ptr<const zones::Model> model, const Monitors& monitors,
           const std::vector<health::Check>& self_checks)
    : model_(std::move(model)) {
  for (const health::Check& check : self_checks) self_checks_.push_back(add_check(check));
  clusters_.resize(model_->topology.clusters.size());
  for (uint32_t i = 0; i < clusters_.size(); ++i) add_cluster(i, monitors);
  for (uint32_t i = 0; i < model_->services.size(); ++i) add_service(i, monitors);
  find_nested();
  put_in_order();
  for (ClusterNode& node : clusters_) {
    node.endpoints_by_down.front() = static_cast<uint32_t>(node.endpoints.size());
    node.seems_up = seems_up_of(node.endpoints.size());
  }
  states_.resize(checks_.size());
  for (uint32_t i = 0; i < clusters_.size(); ++i) mark(ClusterId(i));
  for (uint32_t i = 0; i < endpoints_.size(); ++i) mark(EndpointId(i));
}

/// Endpoints that are services of ours, and how deep all lie in one another.
void Join::find_nested() {
  for (EndpointNode& node : endpoints_) {
    const zones::Service& service = model_->services[node.service];
    const zones::Endpoint& endpoint = service.pools[node.pool].endpoints[node.place];
    const auto* target = std::get_if<zones::Name>(&endpoint.address);
    if (!target) continue;
    const auto found = services_.find(target->folded().text());
    if (found == services_.end()) continue;
    node.nested = found->second;
    service_nodes_.resize(model_->services.size());
    service_nodes_[node.nested].users.push_back(endpoint.id);
  }
  for (uint32_t i = 0; i < service_nodes_.size(); ++i) {
    // Who is nested in nothing: from there each way down is gone once a level.
    if (service_nodes_[i].users.empty()) settle_depth(i, zones::nested_max + 1);
  }
}

/// The config is checked: nothing is nested in itself, and nothing deeper than the limit.
uint32_t Join::settle_depth(uint32_t place, unsigned limit) {
  ServiceNode& node = service_nodes_[place];
  if (node.depth > 0 || limit == 0) return node.depth;
  uint32_t deepest = 0;
  for (const zones::Pool& pool : model_->services[place].pools) {
    for (const zones::Endpoint& endpoint : pool.endpoints) {
      const uint32_t nested = endpoints_[endpoint.id.value].nested;
      if (nested != none) deepest = std::max(deepest, settle_depth(nested, limit - 1));
    }
  }
  return node.depth = deepest + 1;
}

uint32_t Join::add_check(health::Check check) {
  const auto [at, is_new] = by_key_.emplace(check.key(), static_cast<uint32_t>(checks_.size()));
  if (is_new) {
    checks_.push_back(std::move(check));
    users_.emplace_back();
  }
  return at->second;
}

/// A calculated check comes behind its children. The config is checked: it is no child of its own.
uint32_t Join::add_look(const std::shared_ptr<const health::MonitorOptions>& monitor,
                        const Where& where, const Monitors& monitors) {
  using enum health::MonitorKind;
  if (monitor->kind == push) return add_check(health::make_check(monitor, where.reporter, {}));
  if (monitor->kind != calculated)
    return add_check(health::make_check(monitor, where.address, where.host));
  std::vector<uint32_t> children;
  for (const std::string& name : monitor->of) {
    if (const auto child = find_monitor(monitors, name))
      children.push_back(add_look(child, where, monitors));
  }
  // Two clusters may share an address, and not who reports.
  const std::string host = where.host.empty() ? where.reporter : where.host;
  const size_t before = checks_.size();
  const uint32_t place = add_check({monitor, where.address, host, {}});
  if (checks_.size() == before) return place;
  for (const uint32_t child : children) users_[child].calculations.push_back(place);
  children_.resize(place + 1);  // by place until they are put in order
  children_[place] = std::move(children);
  return place;
}

/// Gives all checks their places: the probed, the told, the calculated ones, each in the order in which they came.
void Join::put_in_order() {
  const auto order = [](const health::Check& check) {
    const health::MonitorKind kind = check.monitor->kind;
    if (health::is_probed(kind)) return 0;
    return kind == health::MonitorKind::push ? 1 : 2;
  };
  std::vector<uint32_t> old_places(checks_.size());
  std::iota(old_places.begin(), old_places.end(), 0U);
  std::stable_sort(old_places.begin(), old_places.end(),
                   [&](uint32_t a, uint32_t b) { return order(checks_[a]) < order(checks_[b]); });
  std::vector<uint32_t> places(checks_.size());
  for (uint32_t place = 0; place < old_places.size(); ++place) places[old_places[place]] = place;
  const auto move_all = [&](std::vector<uint32_t>& list) {
    for (uint32_t& check : list) check = places[check];
  };

  std::vector<health::Check> checks;
  std::vector<CheckUsers> users;
  std::vector<std::vector<uint32_t>> children;
  checks.reserve(checks_.size());
  users.reserve(checks_.size());
  children_.resize(checks_.size());
  for (const uint32_t old : old_places) {
    const int kind = order(checks_[old]);
    probed_ += kind == 0 ? 1 : 0;
    told_ += kind < 2 ? 1 : 0;
    if (kind == 2) children.push_back(std::move(children_[old]));
    checks.push_back(std::move(checks_[old]));
    users.push_back(std::move(users_[old]));
  }
  checks_ = std::move(checks);
  users_ = std::move(users);
  children_ = std::move(children);
  for (auto& list : children_) move_all(list);
  move_all(self_checks_);
  for (CheckUsers& one : users_) move_all(one.calculations);
  for (auto& [key, place] : by_key_) place = places[place];
  for (EndpointNode& node : endpoints_) move_all(node.checks.all);
  for (ClusterNode& node : clusters_) {
    for (auto& row : node.rows.all) move_all(row);
  }
  for (size_t place = told_; place < checks_.size(); ++place)
    dirty_calculated_.insert(static_cast<uint32_t>(place));
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
  const Lists lists{&cluster.monitors, &cluster.voting_monitors, &cluster.observing_monitors};
  for (const Look& look : looks(lists, {}, monitors)) {
    std::vector<uint32_t> row;
    // A cluster that reports itself needs no address.
    const bool is_push = look.monitor->kind == health::MonitorKind::push;
    if (is_push && cluster.addresses.empty()) {
      row.push_back(add_look(look.monitor, {{}, {}, push_address(cluster.name)}, monitors));
      if (look.role != Role::observing) users_[row.back()].clusters.push_back(ClusterId(place));
    }
    for (const IpAddress& address : cluster.addresses) {
      const Where where{address.text(), {}, push_address(cluster.name)};
      const uint32_t check = add_look(look.monitor, where, monitors);
      if (look.role != Role::observing) users_[check].clusters.push_back(ClusterId(place));
      row.push_back(check);
    }
    if (!row.empty()) node.rows.add(std::move(row), look.role);  // the config is checked
  }
}

void Join::add_service(uint32_t place, const Monitors& monitors) {
  const zones::Service& service = model_->services[place];
  services_.emplace(service_text(service), place);
  const Lists lists{&service.monitors, &service.voting_monitors, &service.observing_monitors};
  for (uint32_t p = 0; p < service.pools.size(); ++p) {
    const zones::Pool& pool = service.pools[p];
    const Lists own{&pool.monitors, &pool.voting_monitors, &pool.observing_monitors};
    add_pool(place, p, looks(lists, own, monitors), monitors);
  }
}

void Join::add_pool(uint32_t service_place, uint32_t pool_place, const std::vector<Look>& looks,
                    const Monitors& monitors) {
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
      const Where where{endpoint.text(), name, endpoint.text()};
      const uint32_t check = add_look(look.monitor, where, monitors);
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
