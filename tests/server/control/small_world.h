#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "health/monitor_options.h"
#include "server/control/control_loop.h"
#include "zones/snapshot.h"

namespace swingover::tests {

/// Two clusters, fra and ams, and the service shop.svc.example.test. with one pool in each.
struct SmallWorld {
  std::vector<std::string> service_monitors = {"web"};
  std::vector<std::string> service_voting;
  std::vector<std::string> service_observing;
  std::vector<std::string> cluster_monitors;   // of fra
  std::vector<std::string> cluster_voting;     // of fra
  std::vector<std::string> cluster_observing;  // of fra
  std::vector<std::string> pool_monitors;      // of fra, as the next three
  std::vector<std::string> pool_voting;
  zones::MinHealthy pool_floor;
  zones::MinHealthy cluster_floor;
  std::vector<health::MonitorOptions> more_monitors;
  control::Brake::Rules brake;
  std::vector<std::string> self_checks;
  std::vector<std::string> fra = {"192.0.2.1"};
  std::vector<std::string> ams = {"198.51.100.1"};
  std::vector<std::string> fra_ingress;
  zones::LoadSource fra_load;
  bool has_ams = true;
  bool offloads_at_once = false;  // on the control thread itself
  std::vector<zones::Rule> rules;
  double move_budget = 1;
  std::optional<double> capacity;  // of each pool; with a demand its own
  std::optional<double> demand;    // of a service that is steered within it
  zones::Failback failback = zones::Failback::ramp;
  Milliseconds failback_hold{300'000};
  std::vector<std::string> localities;              // the first one fra's, the second one ams's
  std::shared_ptr<const zones::ZoneContents> zone;  // without it all its names are refused
  bool corroborate = true;
  uint32_t copies = 1;  // of the service, with other names
  bool has_outer =
      false;  // a service behind them, all.svc.example.test., whose only endpoint is the first
  Milliseconds housekeeping_every{250};

  static health::MonitorOptions calculated(const std::string& name, std::vector<std::string> of,
                                           Portion need = {100, true}, bool inverted = false) {
    health::MonitorOptions options;
    options.name = name;
    options.kind = health::MonitorKind::calculated;
    options.of = std::move(of);
    options.need.portion = need;
    options.inverted = inverted;
    return options;
  }
  static health::MonitorOptions push(const std::string& name) {
    health::MonitorOptions options;
    options.name = name;
    options.kind = health::MonitorKind::push;
    options.rise = options.fall = 1;
    options.flap_half_life = Milliseconds(0);
    return options;
  }

  control::Join::Monitors monitors() const {
    control::Join::Monitors all;
    for (const char* name : {"web", "ingress", "power", "db", "disk"}) {
      health::MonitorOptions options;
      options.name = name;
      all.push_back(std::make_shared<const health::MonitorOptions>(options));
    }
    for (const health::MonitorOptions& options : more_monitors)
      all.push_back(std::make_shared<const health::MonitorOptions>(options));
    return all;
  }

  std::shared_ptr<const zones::Model> model() const {
    auto model = std::make_shared<zones::Model>();
    model->topology.clusters.push_back({"fra", {}, {}, addresses(fra_ingress), cluster_monitors});
    model->topology.clusters.back().voting_monitors = cluster_voting;
    model->topology.clusters.back().observing_monitors = cluster_observing;
    model->topology.clusters.back().min_healthy = cluster_floor;
    model->topology.clusters.back().load = fra_load;
    model->topology.clusters.push_back({"ams", {}, {}, {}, {}});
    for (uint32_t i = 0; i < localities.size(); ++i) {
      zones::Locality locality;
      locality.name = localities[i];
      model->topology.localities.push_back(locality);
      if (i < model->topology.clusters.size())
        model->topology.clusters[i].localities = {LocalityId(i)};
    }
    model->steering.corroborate = corroborate;
    zones::Service service;
    service.name = *zones::parse_name("Shop.svc.example.test.");
    service.monitors = service_monitors;
    service.voting_monitors = service_voting;
    service.observing_monitors = service_observing;
    service.pools.push_back(pool(0, "fra", 1, fra));
    zones::Pool& first = service.pools.back();
    first.monitors = pool_monitors;
    first.voting_monitors = pool_voting;
    first.min_healthy = pool_floor.all;
    first.min_healthy_ipv4 = pool_floor.ipv4;
    first.min_healthy_ipv6 = pool_floor.ipv6;
    first.min_healthy_up = pool_floor.all_up;
    if (has_ams) service.pools.push_back(pool(1, "ams", 2, ams));
    for (zones::Pool& one : service.pools) {
      one.capacity = capacity;
      one.has_own_capacity = demand.has_value();
    }
    service.demand = demand;
    service.failback = failback;
    service.failback_hold = failback_hold;
    model->services.push_back(service);
    for (uint32_t i = 1; i < copies; ++i) {
      service.name = *zones::parse_name("copy-" + std::to_string(i) + ".svc.example.test.");
      model->services.push_back(service);
    }
    if (has_outer) {
      zones::Service outer;
      outer.name = *zones::parse_name("all.svc.example.test.");
      outer.pools.push_back(pool(0, "fra", 1, {}));
      outer.pools.back().endpoints.push_back({model->services.front().name, {}});
      model->services.push_back(outer);
    }
    model->rules = rules;
    model->steering.move_budget = move_budget;
    number(model->services);
    model->zones.push_back({*zones::parse_name("svc.example.test."), zone});
    return model;
  }

  control::Setup setup(uint64_t generation = 1) const {
    control::Setup setup;
    setup.model = model();
    setup.monitors = monitors();
    setup.snapshot = zones::build_snapshot(setup.model, {.generation = generation});
    setup.brake = brake;
    for (const std::string& address : self_checks) {
      health::MonitorOptions options;
      options.name = "self_check:" + address;
      options.kind = health::MonitorKind::icmp;
      setup.self_checks.push_back(
          health::make_check(std::make_shared<const health::MonitorOptions>(options), address, {}));
    }
    setup.config_text = "generation " + std::to_string(generation);
    return setup;
  }

 private:
  static std::vector<IpAddress> addresses(const std::vector<std::string>& texts) {
    std::vector<IpAddress> all;
    for (const std::string& text : texts) all.push_back(*parse_ip_address(text));
    return all;
  }
  static zones::Pool pool(uint32_t cluster, std::string name, uint32_t priority,
                          const std::vector<std::string>& endpoints) {
    zones::Pool pool;
    pool.cluster = ClusterId(cluster);
    pool.cluster_name = std::move(name);
    pool.priority = priority;
    for (const IpAddress& address : addresses(endpoints)) pool.endpoints.push_back({address, {}});
    return pool;
  }
};

}  // namespace swingover::tests
