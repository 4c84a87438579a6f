#pragma once

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "server/control/steering.h"
#include "server/control/what_if.h"
#include "tests/support/manual_clock.h"

namespace swingover::tests {

/// Localities a, b, … with a cluster each, A, B, …, and the driver of shares over services in them.
struct WhatIfWorld {
  struct PoolOf {
    char cluster = 'A';
    std::optional<double> capacity{};  // its own; absent: the cluster's
    bool last_resort = false;
    uint32_t endpoints = 1;
  };

  ManualClock clock;
  std::shared_ptr<zones::Model> model = std::make_shared<zones::Model>();
  std::shared_ptr<const zones::Snapshot> snapshot;
  control::LoadBoard loads;
  std::vector<bool> flapping;  // by EndpointId
  control::Steering steering{clock, loads, {},
                             {},    {},    [this](EndpointId id) { return flapping[id.value]; }};

  explicit WhatIfWorld(size_t clusters, double capacity = 1'000) {
    for (uint32_t i = 0; i < clusters; ++i) {
      zones::Locality locality;
      locality.name = std::string(1, static_cast<char>('a' + i));
      model->topology.localities.push_back(locality);
      zones::Cluster cluster;
      cluster.name = std::string(1, static_cast<char>('A' + i));
      cluster.localities = {LocalityId(i)};
      cluster.capacity = capacity;
      model->topology.clusters.push_back(cluster);
    }
  }

  void way(const std::string& from, const std::string& to, double cost, double price) {
    model->topology.distances.push_back({{false, from}, {false, to}, cost, price});
  }

  zones::Service& add(const std::string& name, const std::vector<PoolOf>& pools,
                      std::optional<double> demand) {
    zones::Service service;
    service.name = *zones::parse_name(name + ".svc.example.test.");
    service.policy = zones::Policy::local;
    service.failback = zones::Failback::at_once;
    service.demand = demand;
    for (const PoolOf& of : pools) {
      zones::Pool pool;
      pool.cluster_name = std::string(1, of.cluster);
      pool.cluster = ClusterId(static_cast<uint32_t>(of.cluster - 'A'));
      if (demand) {
        pool.capacity =
            of.capacity ? of.capacity : model->topology.clusters[pool.cluster.value].capacity;
      }
      pool.has_own_capacity = of.capacity.has_value();
      pool.last_resort = of.last_resort;
      for (uint32_t i = 0; i < of.endpoints; ++i) {
        pool.endpoints.push_back({IpAddress::v4({10, static_cast<uint8_t>(of.cluster),
                                                 static_cast<uint8_t>(model->services.size()),
                                                 static_cast<uint8_t>(i + 1)}),
                                  {}});
      }
      service.pools.push_back(pool);
    }
    model->services.push_back(service);
    return model->services.back();
  }

  void begin() {
    zones::number(model->services);
    snapshot = zones::build_snapshot(model, {});
    for (uint32_t i = 0; i < snapshot->counts.endpoints; ++i)
      snapshot->eligibility->set(EndpointId(i), zones::Eligibility::eligible);
    flapping.resize(snapshot->counts.endpoints);
    loads.replace(std::make_shared<const control::ServiceNames>(model), {},
                  std::vector<bool>(model->topology.clusters.size()), {},
                  {clock.now(), clock.wall()});
    steering.start(snapshot, control::CapacityGroups(model));
    work();
  }

  /// Until nothing is left to do; what flaps goes in and out as it is needed.
  void work() {
    while (!steering.is_idle()) {
      for (const auto& [id, is_needed] : steering.work().needed) {
        const auto is = is_needed ? zones::Eligibility::eligible : zones::Eligibility::unknown;
        if (snapshot->eligibility->get(id) == is) continue;
        snapshot->eligibility->set(id, is);
        touch();
      }
    }
  }
  void tick() {
    steering.tick();
    work();
  }

  /// From then on, for real.
  void take_down(const std::vector<EndpointId>& down) {
    for (const EndpointId id : down) flapping[id.value] = false;
    become(down, zones::Eligibility::down);
  }
  void bring_back(const std::vector<EndpointId>& back) {
    become(back, zones::Eligibility::eligible);
  }
  void hold_for_flaps(const std::vector<EndpointId>& held) {
    become(held, zones::Eligibility::down);
    for (const EndpointId id : held) flapping[id.value] = true;
    become(held, zones::Eligibility::unknown);
  }

  void become(const std::vector<EndpointId>& which, zones::Eligibility eligibility) {
    for (const EndpointId id : which) snapshot->eligibility->set(id, eligibility);
    touch();
    work();
  }
  void touch() {
    for (const zones::Service& service : model->services)
      steering.touch(service.id, control::ShareCause::health);
  }

  control::WhatIf what_if(double demand = 1) const {
    return control::WhatIf(steering.inputs(), demand);
  }
  std::vector<EndpointId> down(const std::string& targets) const {
    return *control::endpoints_of(*model, targets);
  }
};

}  // namespace swingover::tests
