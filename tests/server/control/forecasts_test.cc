// What would be if, with weights, planned swings, freezes and ways back in force: held against what came.

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <set>
#include <sstream>

#include "server/control/what_if.h"
#include "tests/server/control/what_if_world.h"

using namespace swingover;
using namespace swingover::control;
using steering::Regime;
using tests::WhatIfWorld;

namespace {

/// Two clusters of 1,000, and 600 in each locality for one service.
struct TwoClusters : WhatIfWorld {
  explicit TwoClusters(double demand = 1'200) : WhatIfWorld(2) {
    add("s", {{'A', {}}, {'B', {}}}, demand);
    begin();
  }
  void put(SharePlans plans) {
    plans.frozen.resize(model->services.size());
    steering.plan(std::move(plans));
    work();
  }
};

double load_of(const Outlook& outlook, char cluster) {
  return outlook.clusters[static_cast<size_t>(cluster - 'A')].load;
}

}  // namespace

TEST_CASE("a weight in force lessens what a survivor can carry", "[forecasts]") {
  TwoClusters world(600);
  SharePlans plans;
  plans.weights[0][1] = 0.5;
  world.put(plans);
  WhatIf what_if = world.what_if();
  CHECK(what_if.now().clusters[1].capacity == Approx(500));
  const Outlook* after = what_if.after(world.down("cluster/A"));
  CHECK(after->clusters[1].capacity == Approx(500));
  CHECK(after->overflow == Approx(100));
  CHECK(after->services[0].regime == Regime::overload);
}

TEST_CASE("what has moved by plan stays moved when something else dies", "[forecasts]") {
  WhatIfWorld world(3);
  world.add("s", {{'A', {}}, {'B', {}}, {'C', {}}}, 900);
  world.begin();
  SharePlans plans;
  plans.cuts[0] = {{.holder = 0, .moved = 5'000}};
  world.steering.plan(plans);
  world.work();
  WhatIf what_if = world.what_if();
  const double half = load_of(what_if.now(), 'A');
  CHECK(half == Approx(150).margin(1));
  const Outlook* after = what_if.after({});
  CHECK(load_of(*after, 'A') == Approx(half).margin(1));
  after = what_if.after(world.down("cluster/C"));
  // Without C half of what A would have of it: 450.
  CHECK(load_of(*after, 'A') == Approx(225).margin(1));
  CHECK(load_of(*after, 'B') == Approx(675).margin(1));
}

TEST_CASE("a swing to one pool takes along what comes when another one dies", "[forecasts]") {
  WhatIfWorld world(3);
  world.add("s", {{'A', {}}, {'B', {}}, {'C', {}}}, 900);
  world.begin();
  SharePlans plans;
  plans.moves[0] = {{.from = 0, .to = 1, .moved = 10'000}};
  world.steering.plan(plans);
  world.work();
  WhatIf what_if = world.what_if();
  CHECK(load_of(what_if.now(), 'A') == Approx(0));
  CHECK(load_of(what_if.now(), 'B') == Approx(600).margin(1));
  const Outlook* after = what_if.after(world.down("cluster/C"));
  CHECK(load_of(*after, 'A') == Approx(0));
  CHECK(load_of(*after, 'B') == Approx(900).margin(1));
  CHECK(after->overflow == 0);
}

TEST_CASE("who is frozen keeps his shares, and the others get what he leaves", "[forecasts]") {
  WhatIfWorld world(3);
  world.add("frozen", {{'A', {}}, {'B', {}}, {'C', {}}}, 900);
  world.add("free", {{'A', {}}, {'B', {}}, {'C', {}}}, 900);
  world.begin();
  SharePlans plans;
  plans.frozen = {true, false};
  world.steering.plan(plans);
  world.work();
  WhatIf what_if = world.what_if();
  // Local: 300 of each in each.
  const Outlook* after = what_if.after(world.down("cluster/C"));
  // Whoever is frozen has C's clients nowhere but where his shares of them lead: by the policy.
  const auto frozen = what_if.parts_after(ServiceId(0), 1);
  CHECK(frozen[0] == 1);
  CHECK(frozen[1] == 0);
  CHECK(after->overflow == Approx(0).margin(1));
  CHECK(load_of(*after, 'A') + load_of(*after, 'B') == Approx(1'800));
  CHECK(load_of(*after, 'A') == Approx(900).margin(1));
  // Thawed, clients of a and b would be moved as well; frozen, they are where they were.
  const auto free_row = what_if.parts_after(ServiceId(1), 1);
  CHECK(free_row[0] == Approx(1).margin(0.01));
}

TEST_CASE("who warms up counts for what he is, and wholly where he is needed", "[forecasts]") {
  WhatIfWorld world(3);
  world.add("s", {{'A', {}}, {'B', {}}, {'C', {}}}, 900).failback = zones::Failback::ramp;
  world.begin();
  world.take_down(world.down("cluster/C"));
  world.clock.advance(Milliseconds(600'000));
  world.bring_back(world.down("cluster/C"));
  WhatIf what_if = world.what_if();
  CHECK(what_if.now().clusters[2].capacity == Approx(100));
  const Outlook* after = what_if.after({});
  CHECK(after->clusters[2].capacity == Approx(100));
  // The other one could carry it up to the limit: then nobody has to yield.
  after = what_if.after(world.down("cluster/A"));
  CHECK(after->clusters[2].capacity == Approx(100));
  CHECK(after->overflow == Approx(0).margin(1e-6));
  WhatIf evening = WhatIf(world.steering.inputs(), 1.5);
  after = evening.after(world.down("cluster/A"));
  CHECK(after->clusters[2].capacity == Approx(1'000));
  CHECK(after->overflow == 0);
}

TEST_CASE("what is held for its flaps is let in where a death makes it needed", "[forecasts]") {
  WhatIfWorld world(3);
  world.add("s", {{'A', {}}, {'B', {}}, {'C', {}}}, 900);
  world.begin();
  world.hold_for_flaps(world.down("cluster/C"));
  WhatIf what_if = world.what_if();
  CHECK(load_of(what_if.now(), 'C') == 0);
  const Outlook* after = what_if.after({});
  CHECK(after->clusters[2].capacity == 0);
  after = what_if.after(world.down("cluster/A"));
  CHECK(after->clusters[2].capacity == 0);  // 900 for 1,000
  WhatIf evening = WhatIf(world.steering.inputs(), 1.5);
  after = evening.after(world.down("cluster/A"));
  CHECK(after->clusters[2].capacity == Approx(1'000));
  CHECK(after->overflow == 0);
  after = evening.after(world.down("cluster/A,cluster/C"));
  CHECK(after->clusters[2].capacity == 0);  // what flaps and dies helps nobody
  CHECK(after->overflow == Approx(350));
}

TEST_CASE("now has who was needed before his ramp was over with all that he can", "[forecasts]") {
  WhatIfWorld world(2);
  world.add("s", {{'A', {}}, {'B', {}}}, 1'500).failback = zones::Failback::ramp;
  world.begin();
  world.take_down(world.down("cluster/B"));
  world.clock.advance(Milliseconds(600'000));
  world.bring_back(world.down("cluster/B"));
  WhatIf what_if = world.what_if();
  CHECK(load_of(what_if.now(), 'B') == Approx(750).margin(1));
  CHECK(what_if.now().clusters[1].capacity == Approx(1'000));
  CHECK(what_if.now().overflow == 0);
}

namespace {

/// A world of chance in which people and health have been at work.
struct AnyWorld {
  std::mt19937& chance;
  WhatIfWorld world;
  int clusters;
  std::set<size_t> used;  // which of what follows it has

  int pick(int from, int to) { return std::uniform_int_distribution<int>(from, to)(chance); }
  bool one_in(int count) { return pick(1, count) == 1; }
  std::vector<EndpointId> any_cluster() {
    return world.down(std::string("cluster/") + static_cast<char>('A' + pick(0, clusters - 1)));
  }

  AnyWorld(std::mt19937& of_chance, int of_clusters, int capacity)
      : chance(of_chance),
        world(static_cast<size_t>(of_clusters), capacity),
        clusters(of_clusters) {
    const int services = pick(1, 5);
    for (int i = 0; i < services; ++i) add_service(i);
    world.begin();
    if (one_in(3)) freeze();
    for (int i = pick(0, 2); i > 0; --i) disturb();
    if (one_in(2)) plan();
  }

  void add_service(int number) {
    std::vector<WhatIfWorld::PoolOf> pools;
    bool has_resort = false;
    for (int c = 0; c < clusters; ++c) {
      if (one_in(5)) continue;
      WhatIfWorld::PoolOf pool;
      pool.cluster = static_cast<char>('A' + c);
      if (one_in(4)) pool.capacity = pick(100, 900);
      pool.last_resort = !pools.empty() && !has_resort && one_in(6);
      has_resort = has_resort || pool.last_resort;
      pool.endpoints = static_cast<uint32_t>(pick(1, 3));
      pools.push_back(pool);
    }
    if (pools.empty()) pools.push_back({});
    zones::Service& service = world.add("s" + std::to_string(number), pools, pick(10, 900));
    if (one_in(2)) service.overflow = zones::Overflow::last_resort;
    if (one_in(3)) service.policy = zones::Policy::active_active;
    if (one_in(4)) service.policy = zones::Policy::failover;
    if (one_in(2)) service.failback = zones::Failback::ramp;
    if (one_in(6)) service.failback = zones::Failback::manual;
  }

  /// For whoever looks at a failure.
  std::string text() const {
    std::ostringstream out;
    const SharePlans& plans = world.steering.plans();
    const SteeringInputs inputs = world.steering.inputs();
    const auto& groups = world.steering.groups();
    for (const zones::Service& service : world.model->services) {
      const auto place = groups.place_of(service.id);
      out << "service " << service.id.value << " policy " << static_cast<int>(service.policy)
          << " overflow " << static_cast<int>(service.overflow) << " failback "
          << static_cast<int>(service.failback) << (plans.is_frozen(service.id) ? " frozen" : "")
          << " demand " << *service.demand << " group " << (place ? place->group : 99) << "\n";
      const auto* shares = world.steering.shares(service.id);
      for (size_t i = 0; i < service.pools.size(); ++i) {
        const zones::Pool& pool = service.pools[i];
        out << "  " << pool.cluster_name << (pool.has_own_capacity ? " own " : " ")
            << *pool.capacity << (pool.last_resort ? " last" : "") << ":";
        for (const zones::Endpoint& endpoint : pool.endpoints)
          out << " " << static_cast<int>(inputs.eligibility[endpoint.id.value])
              << (inputs.flapping[endpoint.id.value] ? "f" : "");
        out << " shares";
        for (size_t row = 0; shares && row < inputs.rows; ++row)
          out << " " << (*shares)[row * service.pools.size() + i];
        out << "\n";
      }
      const auto moves = plans.moves.find(service.id.value);
      for (size_t i = 0; moves != plans.moves.end() && i < moves->second.size(); ++i) {
        const SharePlans::Move& move = moves->second[i];
        out << "  moves " << move.from << " to " << static_cast<int>(move.to) << " " << move.moved
            << "\n";
      }
    }
    for (uint32_t g = 0; g < inputs.holders.size(); ++g) {
      out << "group " << g << ":";
      for (size_t i = 0; i < inputs.holders[g].size(); ++i) {
        const auto& holder = inputs.holders[g][i];
        out << " " << groups.groups()[g].holders[i].cluster << " " << holder.nominal << "x"
            << holder.comeback << (holder.waits_for_person ? "w" : "") << " used " << holder.used;
      }
      for (const bool needed : inputs.needed[g]) out << (needed ? " needed" : " -");
      for (const ReturningPool& one : inputs.returning[g])
        out << " returns " << one.member << "/" << one.pool << " " << one.factor
            << (one.waits_for_person ? "w" : "");
      const auto weights = plans.weights.find(g);
      if (weights != plans.weights.end()) {
        for (const auto& [holder, factor] : weights->second)
          out << " weight " << holder << " " << factor;
      }
      const auto cuts = plans.cuts.find(g);
      for (size_t i = 0; cuts != plans.cuts.end() && i < cuts->second.size(); ++i)
        out << " cut " << cuts->second[i].holder << " " << cuts->second[i].moved;
      out << "\n";
    }
    return out.str();
  }

  void freeze() {
    SharePlans plans = world.steering.plans();
    plans.frozen.resize(world.model->services.size());
    for (size_t i = 0; i < plans.frozen.size(); ++i) plans.frozen[i] = one_in(2);
    world.steering.plan(plans);
    world.work();
    used.insert(0);
  }

  void disturb() {
    std::vector<EndpointId> some = any_cluster();
    std::erase_if(some, [this](EndpointId) { return one_in(3); });
    if (one_in(4)) {
      world.hold_for_flaps(some);
      used.insert(1);
      return;
    }
    world.take_down(some);
    world.clock.advance(Milliseconds(pick(1'000, 200'000)));
    if (one_in(4)) return;
    world.bring_back(some);
    world.clock.advance(Milliseconds(pick(0, 60'000)));
    world.tick();
    used.insert(2);
  }

  void plan() {
    SharePlans plans = world.steering.plans();
    plans.frozen.resize(world.model->services.size());
    const auto moved = [this] {
      return static_cast<uint16_t>(one_in(3) ? 10'000 : pick(1, 9'999));
    };
    const auto& groups = world.steering.groups().groups();
    for (uint32_t g = 0; g < groups.size(); ++g) {
      const auto holder =
          static_cast<uint32_t>(pick(0, static_cast<int>(groups[g].holders.size()) - 1));
      if (one_in(3)) {
        plans.weights[g][holder] = pick(0, 20) / 10.0;
        used.insert(3);
      }
      if (one_in(4)) {
        plans.cuts[g] = {{.holder = holder, .moved = moved()}};
        used.insert(4);
      }
    }
    for (const zones::Service& service : world.model->services) {
      if (!world.steering.groups().place_of(service.id) || service.pools.size() < 2 || !one_in(3))
        continue;
      const auto last = static_cast<int>(service.pools.size()) - 1;
      const auto from = static_cast<uint32_t>(pick(0, last));
      const auto to = static_cast<uint32_t>(pick(0, last));
      if (from == to) continue;
      plans.moves[service.id.value] = {
          {.from = from, .to = one_in(2) ? SharePlans::best : to, .moved = moved()}};
      used.insert(5);
    }
    world.steering.plan(plans);
    world.work();
  }
};

}  // namespace

TEST_CASE("what was predicted with all that is in force comes when it is down for real",
          "[forecasts]") {
  std::mt19937 chance(11);
  std::vector<int> seen(6);
  for (int round = 0; round < 250; ++round) {
    const int clusters = std::uniform_int_distribution<int>(2, 5)(chance);
    AnyWorld any(chance, clusters, std::uniform_int_distribution<int>(300, 2'000)(chance));
    for (const size_t one : any.used) ++seen[one];
    WhatIfWorld& world = any.world;
    const std::vector<EndpointId> down = any.any_cluster();
    const std::string then = any.text();
    WhatIf before = world.what_if();
    const Outlook predicted = *before.after(down);
    world.take_down(down);
    WhatIf real = world.what_if();
    const Outlook& came = real.now();
    INFO("round " << round << "\n" << then << "then:\n" << any.text());
    CHECK(came.load == Approx(predicted.load));
    CHECK(came.unserved == Approx(predicted.unserved).margin(1e-6));
    for (const zones::Service& service : world.model->services) {
      INFO("service " << service.id.value);
      CHECK(came.services[service.id.value].regime == predicted.services[service.id.value].regime);
      for (size_t row = 1; row < real.inputs().rows; ++row) {
        INFO("row " << row);
        for (size_t pool = 0; pool < service.pools.size(); ++pool) {
          INFO("pool " << pool);
          // Roundings: of the shares of each part of a mean, of the mean, of what spills, of what swings.
          CHECK(real.parts_now(service.id, row)[pool] ==
                Approx(before.parts_after(service.id, row)[pool]).margin(8e-4));
        }
      }
    }
    for (int c = 0; c < clusters; ++c) {
      INFO("cluster " << c);
      const auto place = static_cast<size_t>(c);
      CHECK(came.clusters[place].capacity == Approx(predicted.clusters[place].capacity));
      CHECK(came.clusters[place].load ==
            Approx(predicted.clusters[place].load).margin(1e-3 * predicted.load));
    }
  }
  for (size_t one = 0; one < seen.size(); ++one) {
    INFO("kind " << one);
    CHECK(seen[one] > 20);
  }
}
