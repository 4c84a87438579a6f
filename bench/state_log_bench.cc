/// Measures what the log of states costs when a generation begins: CPU of the two turns of the control thread, and of the
/// thread that puts the values into octets.
///   state_log_bench [SERVICES] [RUNS]   10,000 services of 50 localities and 8 clusters; the median of RUNS (5).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop/loop.h"
#include "base/random.h"
#include "bench/cpu_time.h"
#include "server/control/records.h"
#include "server/control/state_log.h"
#include "store/memory_store.h"

namespace {

using namespace swingover;
using namespace swingover::control;
using bench::cpu_milliseconds;

constexpr size_t localities = 50;
constexpr size_t clusters = 8;

std::shared_ptr<const zones::Model> make_model(size_t services) {
  auto model = std::make_shared<zones::Model>();
  for (size_t i = 0; i < localities; ++i) {
    zones::Locality locality;
    locality.name = "l" + std::to_string(i);
    model->topology.localities.push_back(locality);
  }
  for (size_t j = 0; j < clusters; ++j) {
    zones::Cluster cluster;
    cluster.name = "c" + std::to_string(j);
    cluster.localities = {LocalityId(static_cast<uint32_t>(j))};
    model->topology.clusters.push_back(cluster);
  }
  for (size_t s = 0; s < services; ++s) {
    zones::Service service;
    service.name = *zones::parse_name("s" + std::to_string(s) + ".svc.example.test.");
    service.policy = zones::Policy::local;
    for (uint32_t j = 0; j < clusters; ++j) {
      zones::Pool pool;
      pool.cluster = ClusterId(j);
      pool.cluster_name = model->topology.clusters[j].name;
      pool.capacity = 1'000;
      pool.has_own_capacity = true;
      const auto high = static_cast<uint8_t>(s >> 8);
      pool.endpoints.push_back(
          {IpAddress::v4({static_cast<uint8_t>(10 + j), high, static_cast<uint8_t>(s), 1}), {}});
      service.pools.push_back(pool);
    }
    model->services.push_back(std::move(service));
  }
  number(model->services);
  return model;
}

/// Rows that all differ, which is the most that there can be to tell.
void set_rows(const zones::Snapshot& snapshot, Random& random) {
  std::vector<uint16_t> row(clusters);
  for (const zones::Service& service : snapshot.model->services) {
    for (size_t r = 0; r < snapshot.shares->rows(); ++r) {
      uint16_t left = zones::ShareRows::whole;
      for (size_t i = 0; i + 1 < clusters; ++i)
        left =
            static_cast<uint16_t>(left - (row[i] = static_cast<uint16_t>(random.below(left + 1U))));
      row.back() = left;
      snapshot.shares->set(service.id, r, row);
    }
  }
}

struct Measured {
  double turn = 0;       // that begins it
  double elsewhere = 0;  // until its values are octets
  double end = 0;        // turn
};

Measured begin(const std::shared_ptr<const zones::Snapshot>& snapshot) {
  store::MemoryStore store;
  loop::Loop loop;
  StoreWriter writer(loop, store, *store::Journal::open(store), {});
  std::function<void()> work;
  std::function<void()> done;
  StateLog log(system_clock(), writer, "1", [&](auto first, auto second) {
    work = std::move(first);
    done = std::move(second);
  });
  if (!log.open(store)) std::abort();
  const double start = cpu_milliseconds();
  log.begin(snapshot, system_clock().wall(), "/etc/x.toml", "config", {});
  const double begun = cpu_milliseconds();
  work();
  const double worked = cpu_milliseconds();
  done();
  const double ended = cpu_milliseconds();
  writer.flush(Milliseconds(60'000));
  return {begun - start, worked - begun, ended - worked};
}

}  // namespace

int main(int count, char** given) {
  const auto number_at = [&](int place, size_t otherwise) {
    return count > place ? std::strtoull(given[place], nullptr, 10) : otherwise;
  };
  const size_t services = number_at(1, 10'000);
  const size_t runs = number_at(2, 5);
  const auto snapshot = zones::build_snapshot(make_model(services), {.generation = 1});
  Random random(1);
  set_rows(*snapshot, random);
  std::vector<Measured> all;
  for (size_t i = 0; i < runs; ++i) all.push_back(begin(snapshot));
  std::ranges::sort(all, {}, &Measured::turn);
  const Measured& median = all[all.size() / 2];
  std::printf(
      "| services | the turn that begins, CPU ms | elsewhere, ms | the turn that ends, ms |\n"
      "|---|---|---|---|\n| %zu | %.1f | %.1f | %.1f |\n",
      services, median.turn, median.elsewhere, median.end);
  return 0;
}
