#include "server/control/what_if.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

#include "tests/server/control/what_if_world.h"

using namespace swingover;
using namespace swingover::control;
using steering::Regime;
using tests::WhatIfWorld;

namespace {

/// Each cluster of 1,000; 600 in each locality for three services alike.
struct ThreeClusters : WhatIfWorld {
  ThreeClusters() : WhatIfWorld(3) {
    way("a", "b", 1, 0.01);
    way("a", "c", 2.5, 0.05);
    way("b", "c", 2, 0.02);
    for (const char* name : {"one", "two", "three"})
      add(name, {{'A', {}}, {'B', {}}, {'C', {}}}, 600).bytes_per_unit = 20'000;
    begin();
  }
};

}  // namespace

TEST_CASE("what if nothing is down: as it is", "[what-if]") {
  ThreeClusters world;
  WhatIf what_if = world.what_if();
  const Outlook& now = what_if.now();
  CHECK(now.load == Approx(1'800));
  CHECK(now.overflow == 0);
  CHECK(now.unserved == 0);
  CHECK(now.crossing == Approx(0));
  CHECK(now.worst_utilisation() == Approx(0.6));
  const Outlook* after = what_if.after({});
  REQUIRE(after);
  for (size_t i = 0; i < 3; ++i) {
    CHECK(after->clusters[i].load == Approx(now.clusters[i].load));
    CHECK(after->clusters[i].capacity == Approx(1'000));
    CHECK(after->services[i].regime == Regime::normal);
  }
  CHECK(limit_words(*world.model, *after) == "no cluster would be above its limit");
}

TEST_CASE("a cluster's fullest capacity is not hidden by an idle one", "[what-if]") {
  WhatIfWorld world(2);
  world.add("busy", {{'A', 100}}, 95);
  world.add("idle", {{'A', 10'000}}, 5);
  world.begin();
  WhatIf what_if = world.what_if();
  const Outlook& now = what_if.now();
  CHECK(now.clusters[0].utilisation() == Approx(100.0 / 10'100));
  CHECK(now.clusters[0].fullest == Approx(0.95));
  CHECK(now.clusters[1].fullest == 0);
}

TEST_CASE("what if a cluster is down: the others carry it, and it costs", "[what-if]") {
  ThreeClusters world;
  WhatIf what_if = world.what_if();
  const Outlook* after = what_if.after(world.down("cluster/A"));
  REQUIRE(after);
  CHECK(after->clusters[0].capacity == 0);
  CHECK(after->clusters[0].load == 0);
  // 1,800 for 2,000: both at 0.9, and a's 600 divided between b and c, 300 each.
  CHECK(after->clusters[1].load == Approx(900));
  CHECK(after->clusters[2].load == Approx(900));
  CHECK(after->overflow == 0);
  CHECK(after->crossing == Approx(600));
  const double octets = 20'000 * 86'400 * 30.44 / 1e9;
  CHECK(after->monthly_cost == Approx((300 * 0.01 + 300 * 0.05) * octets));
  for (const Outlook::Service& service : after->services) CHECK(service.regime == Regime::tight);
  // Two of three: 1,800 for 1,000.
  after = what_if.after(world.down("cluster/A,cluster/B"));
  CHECK(after->overflow == Approx(800));
  CHECK(after->clusters[2].excess_part == Approx(0.8));
  CHECK(after->services[1].overflow == Approx(800.0 / 3));
  CHECK(after->services[1].regime == Regime::overload);
  CHECK(limit_words(*world.model, *after) ==
        "C would be 80 % above its limit: 800 units have no room");
  after = what_if.after(world.down("cluster/A,cluster/B,locality/c"));
  CHECK(after->unserved == Approx(1'800));
  CHECK(after->services[0].is_out);
  CHECK(limit_words(*world.model, *after) ==
        "no cluster would be above its limit; 1800 units would be unserved");
  // And back: a question leaves nothing behind.
  after = what_if.after({});
  CHECK(after->clusters[0].load == Approx(600));
  CHECK(after->crossing == Approx(0));
}

TEST_CASE("what if one pool or endpoint is down, of services with capacities of their own",
          "[what-if]") {
  WhatIfWorld world(2);
  world.add("own", {{'A', 400, false, 4}, {'B', 400, false, 4}}, 400);
  world.add("dark", {{'A', {}}}, std::nullopt);
  world.begin();
  WhatIf what_if = world.what_if();
  CHECK(what_if.now().clusters[0].capacity == Approx(400));
  const Outlook* after = what_if.after(world.down("endpoint/own.svc.example.test/10.65.0.1"));
  CHECK(after->clusters[0].capacity == Approx(300));
  CHECK(after->clusters[1].capacity == Approx(400));
  after = what_if.after(world.down("pool/own.svc.example.test/A"));
  CHECK(after->clusters[0].capacity == 0);
  CHECK(after->clusters[1].load == Approx(400));
  CHECK_FALSE(after->services[1].is_out);
  after = what_if.after(world.down("cluster/A"));
  CHECK(after->services[1].is_out);
  CHECK(after->services[1].demand == 0);
}

TEST_CASE("what if demand is another", "[what-if]") {
  ThreeClusters world;
  WhatIf what_if = world.what_if(2);
  CHECK(what_if.now().load == Approx(1'800));
  const Outlook* after = what_if.after({});
  CHECK(after->load == Approx(3'600));
  CHECK(after->overflow == Approx(600));
}

TEST_CASE("what if it does not fit, and pools of last resort are asked", "[what-if]") {
  WhatIfWorld world(3);
  zones::Service& service = world.add("s", {{'A', 100}, {'B', 100}, {'C', 50, true}}, 150);
  service.overflow = zones::Overflow::last_resort;
  world.begin();
  WhatIf what_if = world.what_if();
  CHECK(what_if.now().clusters[2].load == 0);
  const Outlook* after = what_if.after(world.down("cluster/A"));
  CHECK(after->clusters[1].load == Approx(100));
  CHECK(after->clusters[2].load == Approx(50));
  CHECK(after->overflow == Approx(0).margin(0.01));
  CHECK(after->services[0].regime == Regime::overload);
  after = what_if.after(world.down("cluster/A,cluster/B"));
  CHECK(after->clusters[2].load == Approx(150));
  CHECK(after->overflow == Approx(100));
  CHECK(after->unserved == 0);
}

TEST_CASE("a question can be given up", "[what-if]") {
  ThreeClusters world;
  WhatIf what_if = world.what_if();
  CHECK(what_if.after({}, [] { return true; }) == nullptr);
  CHECK(what_if.after({}) != nullptr);
}

TEST_CASE("targets of a what-if question", "[what-if]") {
  ThreeClusters world;
  CHECK(world.down("cluster/A").size() == 3);
  CHECK(world.down("locality/a, service/two.svc.example.test").size() == 6);
  CHECK(world.down("").empty());
  for (const char* wrong : {"fra", "cluster/Z", "locality/z", "cluster/A,,cluster/B"})
    CHECK_FALSE(endpoints_of(*world.model, wrong));
  // One that runs elsewhere too is not down with one of its localities.
  world.model->topology.clusters[0].localities.emplace_back(1);
  CHECK(world.down("locality/a").empty());
}

TEST_CASE("a cluster that is down is the same problem without it", "[what-if]") {
  // Two localities on each other's clusters; nothing else than allocate() has the answer.
  WhatIfWorld world(3);
  world.model->topology.clusters[1].capacity = 500;
  world.add("s", {{'A', {}}, {'B', {}}, {'C', {}}}, 900);
  world.begin();
  WhatIf what_if = world.what_if();
  const Outlook* after = what_if.after(world.down("cluster/C"));
  steering::Problem problem;
  problem.demands = {300, 300, 300};
  problem.capacities = {1'000, 500};
  problem.costs = {0, 8, 8, 0, 8, 8};
  const steering::Allocation allocation = steering::allocate(problem);
  for (size_t c = 0; c < 2; ++c)
    CHECK(after->clusters[c].load == Approx(allocation.loads[c]).epsilon(1e-4));
  for (size_t row = 0; row < 3; ++row) {
    const auto parts = what_if.parts_after(ServiceId(0), row + 1);
    for (size_t c = 0; c < 2; ++c)
      CHECK(parts[c] == Approx(allocation.flows[row * 2 + c] / 300).margin(1e-4));
    CHECK(parts[2] == 0);
  }
}

TEST_CASE("what was predicted comes when it is down for real", "[what-if]") {
  std::mt19937 chance(5);
  const auto pick = [&](int from, int to) {
    return std::uniform_int_distribution<int>(from, to)(chance);
  };
  int moved = 0;
  for (int round = 0; round < 300; ++round) {
    const int clusters = pick(2, 5);
    WhatIfWorld world(static_cast<size_t>(clusters), pick(500, 2'000));
    const int services = pick(1, 6);
    for (int i = 0; i < services; ++i) {
      std::vector<WhatIfWorld::PoolOf> pools;
      bool has_resort = false;
      for (int c = 0; c < clusters; ++c) {
        if (pick(0, 4) == 0) continue;
        WhatIfWorld::PoolOf pool;
        pool.cluster = static_cast<char>('A' + c);
        if (pick(0, 2) == 0) pool.capacity = pick(100, 900);
        // One at most: who spills to two and loses one of these gets no new shares before something else changes.
        pool.last_resort = !pools.empty() && !has_resort && pick(0, 5) == 0;
        has_resort = has_resort || pool.last_resort;
        pool.endpoints = static_cast<uint32_t>(pick(1, 3));
        pools.push_back(pool);
      }
      if (pools.empty()) pools.push_back({});
      zones::Service& service = world.add("s" + std::to_string(i), pools, pick(10, 900));
      if (pick(0, 1) == 0) service.overflow = zones::Overflow::last_resort;
      if (pick(0, 2) == 0) service.policy = zones::Policy::active_active;
      if (pick(0, 3) == 0) service.policy = zones::Policy::failover;
    }
    world.begin();
    const std::vector<EndpointId> down =
        world.down(std::string("cluster/") + static_cast<char>('A' + pick(0, clusters - 1)));
    WhatIf before = world.what_if();
    const Outlook predicted = *before.after(down);
    world.take_down(down);
    WhatIf real = world.what_if();
    const Outlook& came = real.now();
    INFO("round " << round);
    moved += predicted.crossing > before.now().crossing ? 1 : 0;
    CHECK(came.load == Approx(predicted.load));
    CHECK(came.unserved == Approx(predicted.unserved));
    for (const zones::Service& service : world.model->services) {
      CHECK(came.services[service.id.value].regime == predicted.services[service.id.value].regime);
      for (size_t row = 1; row < real.inputs().rows; ++row) {
        for (size_t pool = 0; pool < service.pools.size(); ++pool) {
          // Two roundings: of the shares, and of what spills.
          CHECK(std::abs(real.parts_now(service.id, row)[pool] -
                         before.parts_after(service.id, row)[pool]) < 4e-4);
        }
      }
    }
    for (int c = 0; c < clusters; ++c) {
      const auto place = static_cast<size_t>(c);
      CHECK(came.clusters[place].capacity == Approx(predicted.clusters[place].capacity));
      CHECK(came.clusters[place].load ==
            Approx(predicted.clusters[place].load).margin(4e-4 * predicted.load));
      CHECK(came.clusters[place].overflow ==
            Approx(predicted.clusters[place].overflow).margin(1e-3 * predicted.load));
    }
  }
  CHECK(moved > 50);
}
