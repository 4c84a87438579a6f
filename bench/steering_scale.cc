/// Measures a cluster's death for many services within capacity, without probes, store and sockets: from the first look
/// at the dead cluster until the last service has its new shares.
///   steering_scale [SERVICES] [KINDS] [RUNS]   10,000 services of 50 localities and 8 clusters, in so many kinds of equal
///                                              input (0: all differ; shared: they take from the same capacities);
///                                              the median of RUNS (3), of slices the longest. CPU time.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <numeric>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "bench/cpu_time.h"
#include "server/control/steering.h"
#include "zones/carried_shares.h"

namespace {

using namespace swingover;
using namespace swingover::control;
using bench::cpu_milliseconds;

constexpr size_t localities = 50;
constexpr size_t clusters = 8;

/// The system's, later by as much as one likes: looks at loads are ten seconds apart.
struct ShiftedClock : Clock {
  Milliseconds by{0};
  MonotonicTime now() const override { return system_clock().now() + by; }
  WallTime wall() const override { return system_clock().wall() + by; }
};

/// What the services differ in, and whether they take from the same capacities.
struct Kind {
  size_t kinds = 0;  // of equal input; 0: all differ
  bool is_shared = false;
};

std::shared_ptr<zones::Model> make_model(size_t services, Kind kind, Steering::Memory& memory) {
  auto model = std::make_shared<zones::Model>();
  for (size_t i = 0; i < localities; ++i) {
    zones::Locality locality;
    locality.name = "l" + std::to_string(i);
    locality.region = "r" + std::to_string(i % 4);
    model->topology.localities.push_back(locality);
  }
  for (size_t j = 0; j < clusters; ++j) {
    zones::Cluster cluster;
    cluster.name = "c" + std::to_string(j);
    cluster.localities = {LocalityId(static_cast<uint32_t>(j))};
    model->topology.clusters.push_back(cluster);
  }
  std::vector<std::string> names{""};
  for (const zones::Locality& locality : model->topology.localities) names.push_back(locality.name);
  for (size_t s = 0; s < services; ++s) {
    Random random(1 + (kind.kinds == 0 ? s : s % kind.kinds));
    zones::Service service;
    service.name = *zones::parse_name("s" + std::to_string(s) + ".svc.example.test.");
    service.policy = zones::Policy::local;
    double capacity = 0;
    for (uint32_t j = 0; j < clusters; ++j) {
      zones::Pool pool;
      pool.cluster = ClusterId(j);
      pool.cluster_name = model->topology.clusters[j].name;
      pool.capacity =
          kind.is_shared ? 1'000 * static_cast<double>(services) : 200 + 1'800 * random.unit();
      pool.has_own_capacity = !kind.is_shared;
      capacity += *pool.capacity;
      const auto high = static_cast<uint8_t>(s >> 8);
      pool.endpoints.push_back(
          {IpAddress::v4({static_cast<uint8_t>(10 + j), high, static_cast<uint8_t>(s), 1}), {}});
      service.pools.push_back(pool);
    }
    SteeringRecord record;
    record.localities = names;
    record.is_reported = true;
    double demand = 0;
    record.demands.push_back(0);
    for (size_t i = 0; i < localities; ++i) {
      record.demands.push_back(10 + 90 * random.unit());
      demand += record.demands.back();
    }
    const double wanted = (0.35 + 0.4 * random.unit()) * capacity;
    for (double& d : record.demands) d *= wanted / demand;
    memory.emplace("s" + std::to_string(s) + ".svc.example.test.", std::move(record));
    model->services.push_back(std::move(service));
  }
  number(model->services);
  return model;
}

struct Measured {
  double all = 0;
  double longest = 0;  // slice
  size_t solved = 0;
  size_t published = 0;
  double reload = 0;
  double look = 0;  // the longest slice of a look at loads that brings no news
};

size_t published(const Steering::Counters& counters) {
  return std::accumulate(counters.published_by.begin(), counters.published_by.end(), uint64_t{0});
}

Measured run(Steering& steering) {
  const Steering::Counters before = steering.counters();
  Measured measured;
  while (!steering.is_idle()) {
    const double begin = cpu_milliseconds();
    Steering::Slice slice = steering.work();
    const double took = cpu_milliseconds() - begin;
    measured.all += took;
    measured.longest = std::max(measured.longest, took);
  }
  measured.solved = steering.counters().solved - before.solved;
  measured.published = published(steering.counters()) - published(before);
  return measured;
}

Measured cluster_dies(size_t services, Kind kind) {
  Steering::Memory memory;
  const auto model = make_model(services, kind, memory);
  const auto snapshot = zones::build_snapshot(model, {});
  LoadBoard loads;
  loads.replace(std::make_shared<const ServiceNames>(model), {}, std::vector<bool>(clusters), {},
                {system_clock().now(), system_clock().wall()});
  ShiftedClock clock;
  Steering steering(clock, loads);
  for (uint32_t i = 0; i < snapshot->counts.endpoints; ++i)
    snapshot->eligibility->set(EndpointId(i), zones::Eligibility::eligible);
  steering.start(snapshot, CapacityGroups(model), memory);
  run(steering);
  for (const zones::Service& service : model->services) {
    snapshot->eligibility->set(service.pools.front().endpoints.front().id,
                               zones::Eligibility::down);
    steering.touch(service.id, ShareCause::health);
  }
  Measured measured = run(steering);
  clock.by = Steering::look_every;
  steering.tick();
  measured.look = run(steering).longest;
  const auto next = zones::build_snapshot(model, {.generation = 2});
  std::vector<std::optional<uint32_t>> old_services;
  std::vector<std::optional<ServiceId>> ids;
  for (uint32_t i = 0; i < services; ++i) {
    old_services.emplace_back(i);
    ids.emplace_back(ServiceId(i));
  }
  CapacityGroups groups(model);
  zones::carry_shares(*snapshot, ids, *next);
  const double begin = cpu_milliseconds();
  steering.reload(next, std::move(groups), old_services);
  measured.reload = cpu_milliseconds() - begin;
  return measured;
}

}  // namespace

int main(int count, char** given) {
  const auto number_at = [&](int place, size_t otherwise) {
    return count > place ? std::strtoull(given[place], nullptr, 10) : otherwise;
  };
  const size_t services = number_at(1, 10'000);
  const size_t runs = number_at(3, 3);
  std::vector<Kind> kinds{{0, false}, {500, false}, {0, true}};
  if (count > 2) kinds = {{number_at(2, 0), std::string_view(given[2]) == "shared"}};
  std::printf(
      "| services | kinds | CPU in all, ms | longest slice, ms | solved | got new shares | a "
      "reload, ms | longest slice of a look, ms |\n");
  std::printf("|---|---|---|---|---|---|---|---|\n");
  for (const Kind kind : kinds) {
    std::vector<Measured> all;
    for (size_t i = 0; i < runs; ++i) all.push_back(cluster_dies(services, kind));
    std::ranges::sort(all, {}, &Measured::all);
    Measured median = all[all.size() / 2];
    for (const Measured& one : all) {
      median.longest = std::max(median.longest, one.longest);
      median.look = std::max(median.look, one.look);
    }
    const std::string words = kind.is_shared    ? "shared capacity"
                              : kind.kinds == 0 ? "all differ"
                                                : std::to_string(kind.kinds);
    std::printf("| %zu | %s | %.0f | %.1f | %zu | %zu | %.1f | %.1f |\n", services, words.c_str(),
                median.all, median.longest, median.solved, median.published, median.reload,
                median.look);
  }
  return 0;
}
