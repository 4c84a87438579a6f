#include "zones/share_rows.h"

#include <catch2/catch.hpp>

#include <array>
#include <atomic>
#include <numeric>
#include <thread>
#include <vector>

#include "tests/support/served.h"
#include "zones/carried_shares.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Shares = std::vector<uint16_t>;

constexpr ServiceId shop{0};
constexpr ServiceId plain{1};
constexpr LocalityId fra_a{0};
constexpr LocalityId ams_a{1};

Service with_capacities(Service service, std::vector<std::optional<double>> capacities) {
  for (size_t i = 0; i < capacities.size(); ++i) service.pools[i].capacity = capacities[i];
  return service;
}

/// `shop` is steered, `plain` is not.
Model model() {
  Model out;
  out.topology = two_clusters();
  out.zones = {zone_source("svc.example.", "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\n")};
  const std::vector<Pool> pools{pool_of("fra", {"192.0.2.10"}), pool_of("ams", {"192.0.2.20"}, 2)};
  out.services = {with_capacities(service_of("shop.svc.example.", pools), {100.0, 50.0}),
                  service_of("plain.svc.example.", pools)};
  return out;
}

Shares row(const ShareRows& rows, ServiceId service, size_t place) {
  Shares out(rows.pools(service));
  rows.read(service, place, out);
  return out;
}

/// Three pools of one address each, with a row per locality.
Model many_pools(size_t pools) {
  Model out = model();
  Service service = service_of("many.svc.example.", {});
  for (size_t i = 0; i < pools; ++i) {
    service.pools.push_back(pool_of("c" + std::to_string(i), {"192.0.2.1"}));
    service.pools.back().capacity = 1;
  }
  out.services.insert(out.services.begin(), service);
  return out;
}

}  // namespace

TEST_CASE("a service is steered when each ordinary pool has a capacity", "[share_rows]") {
  const std::vector<Pool> pools{pool_of("fra", {"192.0.2.10"}), pool_of("ams", {"192.0.2.20"})};
  Service service = service_of("shop.svc.example.", pools);
  CHECK_FALSE(service.is_steered());
  service.pools[0].capacity = 5;
  CHECK_FALSE(service.is_steered());
  service.pools[1].capacity = 0;
  CHECK(service.is_steered());
  service.pools[1].capacity.reset();
  service.pools[1].last_resort = true;
  CHECK(service.is_steered());
  service.policy = Policy::local;
  CHECK(service.is_steered());
  service.may_be_steered = false;
  CHECK_FALSE(service.is_steered());
  service.may_be_steered = true;
  service.policy = Policy::all;
  CHECK_FALSE(service.is_steered());
}

TEST_CASE("steered services have a row per locality, all zero at first", "[share_rows]") {
  const Served server(model());
  const ShareRows& rows = *server.snapshot().shares;
  REQUIRE(rows.has_rows(shop));
  CHECK_FALSE(rows.has_rows(plain));
  CHECK(rows.rows() == 3);
  CHECK(rows.pools(shop) == 2);
  Shares out(2, 7);
  for (size_t i = 0; i < rows.rows(); ++i) {
    CHECK_FALSE(rows.read(shop, i, out));
    CHECK(out == Shares{0, 0});
  }
  CHECK_FALSE(rows.read(server.snapshot().plans[0], no_locality, out));
}

TEST_CASE("a row that is set is read, and no other one", "[share_rows]") {
  const size_t pools = GENERATE(1U, 2U, 3U, 7U, 8U, 15U, 16U, 17U, 100U);
  const Served server(many_pools(pools));
  const Snapshot& snapshot = server.snapshot();
  const auto ask = [&](LocalityId client) {
    Shares out(pools);
    CHECK(snapshot.shares->read(snapshot.plans[0], client, out));
    return out;
  };
  std::vector<Shares> set;
  for (uint16_t i = 0; i < 3; ++i) {
    set.emplace_back(pools);
    std::iota(set[i].begin(), set[i].end(), static_cast<uint16_t>(1000 * i + 1));
    snapshot.shares->set(ServiceId(0), i, set[i]);
  }
  snapshot.shares->set(ServiceId(1), 0, Shares{9'999, 1});  // the neighbour behind
  CHECK(ask(no_locality) == set[0]);
  CHECK(ask(fra_a) == set[1]);
  CHECK(ask(ams_a) == set[2]);
  CHECK(row(*snapshot.shares, ServiceId(1), 0) == Shares{9'999, 1});

  snapshot.shares->set(ServiceId(0), 1, set[2]);
  CHECK(ask(fra_a) == set[2]);
  CHECK(ask(ams_a) == set[2]);
  snapshot.shares->set(ServiceId(0), 1, Shares(pools));
  Shares out(pools, 7);
  CHECK_FALSE(snapshot.shares->read(snapshot.plans[0], fra_a, out));
  CHECK(out == Shares(pools));
}

TEST_CASE("no row of up to 15 pools lies on two cache lines", "[share_rows]") {
  for (size_t pools = 1; pools <= 15; ++pools) {
    const Served server(many_pools(pools));
    const size_t octets = share_row_octets(pools);
    CHECK(octets >= 4 + 4 * pools);
    CHECK(server.snapshot().plans[0].share_place() * share_place_octets % octets == 0);
    CHECK(64 % octets == 0);
    CHECK(server.snapshot().shares->memory_octets() >= 3 * octets);
  }
}

TEST_CASE("whoever reads a row while it is set gets it as it was set, never a mixture",
          "[share_rows]") {
  constexpr size_t pools = 9;
  const Served server(many_pools(pools));
  ShareRows& rows = *server.snapshot().shares;
  const auto filled = [](uint16_t with) {
    Shares shares;
    for (size_t i = 0; i < pools; ++i) shares.push_back(static_cast<uint16_t>(with + i));
    return shares;
  };
  rows.set(ServiceId(0), 0, filled(1));
  std::atomic<bool> stop{false};
  std::atomic<int> mixed{0};
  std::atomic<int> changes{0};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::array<uint16_t, pools> out{};
      uint16_t last = 0;
      while (!stop.load(std::memory_order_relaxed)) {
        // False: `set` overtook it again and again, and it says that there is no row.
        if (!rows.read(server.snapshot().plans[0], no_locality, out)) continue;
        for (size_t p = 1; p < pools; ++p) mixed += out[p] != out[0] + p;
        changes += out[0] != std::exchange(last, out[0]);
      }
    });
  }
  for (int i = 0; i < 200'000 || changes < 100; ++i)
    rows.set(ServiceId(0), 0, filled(static_cast<uint16_t>(i % 5'000 + 1)));
  stop = true;
  for (std::thread& reader : readers) reader.join();
  CHECK(mixed == 0);
}

TEST_CASE("a reload keeps shares by the names of services, localities and pools", "[share_rows]") {
  const Served before(model());
  before.snapshot().shares->set(shop, 0, Shares{4'000, 6'000});
  before.snapshot().shares->set(shop, 1, Shares{7'000, 3'000});
  before.snapshot().shares->set(shop, 2, Shares{1'000, 9'000});

  Model changed = model();
  std::swap(changed.services[0], changed.services[1]);
  std::swap(changed.topology.localities[0], changed.topology.localities[1]);
  changed.topology.localities.push_back({.name = "new", .region = "eu", .clients = {}});
  Service& moved = changed.services[1];
  std::swap(moved.pools[0], moved.pools[1]);
  moved.pools.push_back(pool_of("waw", {"192.0.2.30"}));
  moved.pools.back().capacity = 1;
  const Served now(std::move(changed));
  const ShareRows& rows = *now.snapshot().shares;
  carry_shares(before.snapshot(), std::vector<std::optional<ServiceId>>{plain, shop},
               now.snapshot());
  CHECK(row(rows, ServiceId(1), 0) == Shares{6'000, 4'000, 0});
  CHECK(row(rows, ServiceId(1), 1) == Shares{9'000, 1'000, 0});
  CHECK(row(rows, ServiceId(1), 2) == Shares{3'000, 7'000, 0});
  CHECK(row(rows, ServiceId(1), 3) == Shares{0, 0, 0});

  SECTION("a service that is new, or was not steered, begins with zeros") {
    Model more = model();
    more.services[1] = with_capacities(more.services[1], {1, 1});
    const Served third(std::move(more));
    carry_shares(before.snapshot(), std::vector<std::optional<ServiceId>>{std::nullopt, plain},
                 third.snapshot());
    for (size_t i = 0; i < 3; ++i) {
      CHECK(row(*third.snapshot().shares, shop, i) == Shares{0, 0});
      CHECK(row(*third.snapshot().shares, plain, i) == Shares{0, 0});
    }
  }
  SECTION("a pool that is gone takes its share with it") {
    Model fewer = model();
    fewer.services[0].pools.erase(fewer.services[0].pools.begin());
    const Served third(std::move(fewer));
    carry_shares(before.snapshot(), std::vector<std::optional<ServiceId>>{shop, plain},
                 third.snapshot());
    CHECK(row(*third.snapshot().shares, shop, 1) == Shares{3'000});
  }
}

}  // namespace swingover::tests
