#pragma once

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "server/control/steering.h"
#include "tests/support/manual_clock.h"
#include "zones/carried_shares.h"

namespace swingover::tests {

using namespace swingover::control;
using zones::Eligibility;

struct PoolOf {
  std::string cluster;
  std::optional<double> capacity;  // its own; absent: the cluster's
  uint32_t endpoints = 1;
  bool last_resort = false;
};

/// Localities a, b and c with a cluster each, A, B and C of 1,000: near enough, 1 from a to B, 3 to C, else 2.
struct World {
  ManualClock clock;
  std::shared_ptr<zones::Model> model = std::make_shared<zones::Model>();
  std::shared_ptr<const zones::Snapshot> snapshot;
  LoadBoard loads;
  std::vector<uint32_t> answered;  // by row, for every pool
  std::set<uint32_t> flapping;     // endpoints that are up, and held for it
  steering::Allocator allocator;
  bool is_faulty = false;            // what it gives breaks an invariant
  double is_faulty_from = INFINITY;  // likewise where so much is asked for
  Steering steering{clock,
                    loads,
                    [this](ServiceId, std::span<uint32_t> sums) {
                      for (size_t i = 0; i < answered.size(); ++i)
                        sums[i * sums.size() / answered.size()] += answered[i];
                    },
                    [this](const steering::Problem& problem) {
                      steering::Allocation allocation = allocator.allocate(problem);
                      const auto& demands = problem.demands;
                      const double all = std::accumulate(demands.begin(), demands.end(), 0.0);
                      if (is_faulty || all > is_faulty_from) --allocation.shares[0];
                      return allocation;
                    },
                    {},
                    [this](EndpointId id) { return flapping.contains(id.value); }};
  std::vector<store::JournalEntry> entries;
  std::vector<LogLine> lines;
  store::Batch stored;
  size_t slices = 0;

  World() {
    for (const char* name : {"a", "b", "c"}) {
      zones::Locality locality;
      locality.name = name;
      model->topology.localities.push_back(locality);
    }
    uint32_t place = 0;
    for (const char* name : {"A", "B", "C"}) {
      zones::Cluster cluster;
      cluster.name = name;
      cluster.localities = {LocalityId(place++)};
      cluster.capacity = 1'000;
      model->topology.clusters.push_back(cluster);
    }
    const auto way = [&](const char* from, const char* to, double cost) {
      model->topology.distances.push_back({{false, from}, {false, to}, cost, {}});
    };
    way("a", "b", 1);
    way("a", "c", 3);
    way("b", "a", 2);
    way("b", "c", 2);
    way("c", "a", 2);
    way("c", "b", 2);
    model->steering.ramp = Milliseconds(120'000);
  }

  zones::Service& add(const std::string& name, const std::vector<PoolOf>& pools,
                      std::optional<double> demand = {}) {
    zones::Service service;
    service.name = *zones::parse_name(name + ".svc.example.test.");
    service.policy = zones::Policy::local;
    service.demand = demand;
    for (const PoolOf& of : pools) {
      zones::Pool pool;
      pool.cluster_name = of.cluster;
      pool.cluster = ClusterId(static_cast<uint32_t>(of.cluster[0] - 'A'));
      pool.capacity =
          of.capacity ? of.capacity : model->topology.clusters[pool.cluster.value].capacity;
      pool.has_own_capacity = of.capacity.has_value();
      pool.last_resort = of.last_resort;
      for (uint32_t i = 0; i < of.endpoints; ++i) {
        const auto host = static_cast<uint8_t>(model->services.size());
        const auto last = static_cast<uint8_t>(i + 1);
        pool.endpoints.push_back(
            {IpAddress::v4({10, static_cast<uint8_t>(of.cluster[0]), host, last}), {}});
      }
      service.pools.push_back(pool);
    }
    model->services.push_back(service);
    return model->services.back();
  }

  /// All endpoints as `eligibility` says, then the first shares.
  void begin(Eligibility eligibility = Eligibility::eligible, const Steering::Memory& memory = {}) {
    number(model->services);
    snapshot = zones::build_snapshot(model, {});
    for (uint32_t i = 0; i < snapshot->counts.endpoints; ++i)
      snapshot->eligibility->set(EndpointId(i), eligibility);
    loads.replace(std::make_shared<const ServiceNames>(model), {},
                  std::vector<bool>(model->topology.clusters.size()), {},
                  {clock.now(), clock.wall()});
    steering.start(snapshot, CapacityGroups(model), memory);
    run();
  }

  /// A generation with that change; `old_services`: by service, its place before, all where they were unless told.
  void reload(const std::function<void(zones::Model&)>& change = {},
              std::vector<std::optional<uint32_t>> old_services = {}) {
    put_in_force(change, std::move(old_services));
    run();
  }
  /// The same, and nothing is worked out yet.
  void put_in_force(const std::function<void(zones::Model&)>& change,
                    std::vector<std::optional<uint32_t>> old_services = {}) {
    const auto next = std::make_shared<zones::Model>(*model);
    if (change) change(*next);
    if (old_services.empty()) {
      for (uint32_t i = 0; i < next->services.size(); ++i) old_services.emplace_back(i);
    }
    number(next->services);
    model = next;
    const auto old = std::exchange(snapshot, zones::build_snapshot(model, {}));
    const bool has_same_endpoints = old->counts.endpoints == snapshot->counts.endpoints;
    for (uint32_t i = 0; i < snapshot->counts.endpoints; ++i) {
      const EndpointId id(i);
      snapshot->eligibility->set(
          id, has_same_endpoints ? old->eligibility->get(id) : Eligibility::eligible);
    }
    std::vector<std::optional<ServiceId>> ids;
    for (const std::optional<uint32_t> place : old_services)
      ids.push_back(place ? std::optional(ServiceId(*place)) : std::nullopt);
    zones::carry_shares(*old, ids, *snapshot);
    loads.replace(std::make_shared<const ServiceNames>(model), old_services,
                  std::vector<bool>(model->topology.clusters.size()), {},
                  {clock.now(), clock.wall()});
    steering.reload(snapshot, CapacityGroups(model), old_services);
  }

  void run() {
    while (!steering.is_idle()) {
      ++slices;
      Steering::Slice slice = steering.work();
      for (auto& entry : slice.told.entries) entries.push_back(std::move(entry));
      for (auto& line : slice.told.lines) lines.push_back(std::move(line));
      stored.append(std::move(slice.batch));
      for (const auto& [id, is_needed] : slice.needed)
        let_in(id, is_needed ? Eligibility::eligible : Eligibility::unknown);
    }
  }
  /// What a cluster reports of a service now.
  void report(const std::string& cluster, const std::string& service, double load,
              std::optional<double> capacity = {}, std::optional<double> in_flight = {}) {
    LoadReport report{.cluster = cluster, .service = service + ".svc.example.test.", .load = load};
    report.capacity = capacity;
    report.in_flight = in_flight;
    REQUIRE(loads.take(std::vector{report}, {clock.now(), clock.wall()})->taken == 1);
  }
  /// Its pools are up, and held out because they flap.
  void flap(const std::string& cluster) {
    for (const zones::Service& service : model->services) {
      for (const zones::Endpoint& endpoint : pool(service.id.value, cluster).endpoints)
        flapping.insert(endpoint.id.value);
    }
    set_cluster(cluster, Eligibility::unknown);
  }
  void let_in(EndpointId id, Eligibility value) {
    if (snapshot->eligibility->get(id) == value) return;
    snapshot->eligibility->set(id, value);
    for (const zones::Service& service : model->services) {
      for (const zones::Pool& one : service.pools) {
        if (std::ranges::count(one.endpoints, id, &zones::Endpoint::id) > 0)
          steering.touch(service.id, ShareCause::health);
      }
    }
  }
  void pass(Milliseconds time) {
    clock.advance(time);
    steering.tick();
    run();
  }

  const zones::Pool& pool(size_t service, const std::string& cluster) const {
    return *std::ranges::find(model->services[service].pools, cluster, &zones::Pool::cluster_name);
  }
  /// Of the pool's first `count` endpoints; 0: all.
  void set(size_t service, const std::string& cluster, Eligibility value, size_t count = 0) {
    const auto& endpoints = pool(service, cluster).endpoints;
    for (size_t i = 0; i < (count == 0 ? endpoints.size() : count); ++i)
      snapshot->eligibility->set(endpoints[i].id, value);
    steering.touch(ServiceId(static_cast<uint32_t>(service)), ShareCause::health);
  }
  void set_cluster(const std::string& cluster, Eligibility value) {
    for (size_t service = 0; service < model->services.size(); ++service) {
      for (const zones::Pool& p : model->services[service].pools) {
        if (p.cluster_name == cluster) set(service, cluster, value);
      }
    }
    run();
  }

  using Shares = std::vector<uint16_t>;
  /// Of the locality at `place`; -1: of none.
  Shares shares(size_t service, int place) const {
    const ServiceId id(static_cast<uint32_t>(service));
    Shares out(model->services[service].pools.size());
    snapshot->shares->read(id, static_cast<size_t>(place + 1), out);
    return out;
  }
  std::vector<std::string> told(const std::string& kind) const {
    std::vector<std::string> all;
    for (const auto& entry : entries) {
      if (entry.kind == kind) all.push_back(entry.target + " " + entry.after);
    }
    return all;
  }
};

using Shares = World::Shares;

/// What the last run left of services that asked so much, by locality a, b, c.
inline Steering::Memory asked(
    const std::vector<std::pair<std::string, std::vector<double>>>& demands) {
  Steering::Memory memory;
  for (const auto& [name, by_locality] : demands) {
    SteeringRecord record;
    record.localities = {"", "a", "b", "c"};
    record.is_reported = true;
    record.demands = {0};
    record.demands.insert(record.demands.end(), by_locality.begin(), by_locality.end());
    memory.emplace(name + ".svc.example.test.", record);
  }
  return memory;
}

inline uint64_t published(const Steering::Counters& counters) {
  return std::accumulate(counters.published_by.begin(), counters.published_by.end(), uint64_t{0});
}

inline constexpr auto everywhere = [] {
  return std::vector<PoolOf>{{"A", {}}, {"B", {}}, {"C", {}}};
};

}  // namespace swingover::tests
