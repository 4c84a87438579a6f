#include "server/control/n1_watch.h"

#include <catch2/catch.hpp>

#include "tests/server/control/what_if_world.h"

using namespace swingover;
using namespace swingover::control;
using tests::WhatIfWorld;

namespace {

/// Two clusters of 1,000 and a service that asks for 800; the work waits until it is let run.
struct Watched : WhatIfWorld {
  std::vector<std::pair<std::function<void()>, std::function<void()>>> offloaded;
  Told told;
  N1Watch watch{{.clock = clock,
                 .steering = steering,
                 .offload = [this](auto work, auto done) { offloaded.emplace_back(work, done); },
                 .tell =
                     [this](Told more) {
                       for (auto& entry : more.entries) told.entries.push_back(std::move(entry));
                       for (auto& line : more.lines) told.lines.push_back(std::move(line));
                     }}};

  explicit Watched(double demand) : WhatIfWorld(2) {
    add("s", {{'A', {}}, {'B', {}}}, demand);
    begin();
  }
  /// Whether it was time.
  bool tick(Milliseconds takes = Milliseconds(0)) {
    watch.tick();
    if (offloaded.empty()) return false;
    REQUIRE(offloaded.size() == 1);
    offloaded.front().first();
    clock.advance(takes);
    const auto done = offloaded.front().second;
    offloaded.clear();
    done();
    return true;
  }
};

}  // namespace

TEST_CASE("each cluster's death is looked at, and told when it is too much", "[n1]") {
  Watched world(1'200);
  CHECK(world.watch.report() == nullptr);
  REQUIRE(world.tick());
  REQUIRE(world.watch.report());
  const N1Report& report = *world.watch.report();
  REQUIRE(report.cases.size() == 2);
  CHECK(report.cases[0].overflow == Approx(200));
  CHECK(report.cases[1].services == 1);
  CHECK(report.homeless_now == 0);
  CHECK(report.worst_utilisation() == Approx(1.2));
  REQUIRE(world.told.entries.size() == 2);
  CHECK(world.told.entries[0].kind == "n1");
  CHECK(world.told.entries[0].target == "cluster/A");
  CHECK(world.told.entries[0].after == "overflows");
  CHECK(world.told.entries[0].reason == "B would be 20 % above its limit: 200 units have no room");
  CHECK(world.told.lines[0].level == LogLevel::warning);
}

TEST_CASE("a report is made anew when something changed, and not too often", "[n1]") {
  Watched world(800);
  REQUIRE(world.tick());
  CHECK(world.told.entries.empty());
  const auto first = world.watch.report();
  CHECK(first->cases[0].homeless() == 0);
  CHECK_FALSE(world.tick());
  world.clock.advance(Milliseconds(29'000));
  CHECK_FALSE(world.tick());
  world.clock.advance(Milliseconds(1'000));
  CHECK(world.tick());
  CHECK(world.watch.report() == first);  // nothing is new

  // Half of B: whoever dies, it is too much for the other one.
  world.take_down(world.down("cluster/B"));
  world.clock.advance(Milliseconds(30'000));
  CHECK(world.tick());
  REQUIRE(world.watch.report() != first);
  REQUIRE(world.told.entries.size() == 1);
  CHECK(world.told.entries[0].target == "cluster/A");
  CHECK(world.told.entries[0].reason ==
        "no cluster would be above its limit; 800 units would be unserved");

  for (const EndpointId id : world.down("cluster/B"))
    world.snapshot->eligibility->set(id, zones::Eligibility::eligible);
  world.steering.touch(ServiceId(0), ShareCause::health);
  world.clock.advance(Milliseconds(30'000));
  CHECK_FALSE(world.tick());  // first the shares
  world.work();
  CHECK(world.tick());
  REQUIRE(world.told.entries.size() == 2);
  CHECK(world.told.entries[1].before == "overflows");
  CHECK(world.told.entries[1].after == "fits");

  const auto last = world.watch.report();
  world.clock.advance(Milliseconds(300'000));
  CHECK(world.tick());
  CHECK(world.watch.report() != last);  // nothing is new, and it is long ago
}

TEST_CASE("what people put in force, and a cluster that falls silent, make another report",
          "[n1]") {
  Watched world(800);
  REQUIRE(world.tick());
  const auto first = world.watch.report();
  SharePlans plans;
  plans.weights[0][1] = 0.5;
  world.steering.plan(plans);
  world.work();
  world.clock.advance(Milliseconds(30'000));
  CHECK(world.tick());
  const auto second = world.watch.report();
  CHECK(second != first);
  CHECK(second->cases[0].overflow == Approx(300));  // B can do half of 1,000
  CHECK(second->cases[1].overflow == 0);
  REQUIRE(world.told.entries.size() == 1);

  world.clock.advance(Milliseconds(30'000));
  CHECK(world.tick());
  CHECK(world.watch.report() == second);
}

TEST_CASE("a report that takes long is made the more seldom", "[n1]") {
  Watched world(800);
  REQUIRE(world.tick(Milliseconds(6'000)));
  CHECK(world.watch.report()->took == Milliseconds(6'000));
  world.clock.advance(Milliseconds(59'000));
  CHECK_FALSE(world.tick());
  world.clock.advance(Milliseconds(1'000));
  CHECK(world.tick());
}

TEST_CASE("work that ends after the watch is gone does nothing", "[n1]") {
  std::function<void()> work;
  std::function<void()> done;
  {
    Watched world(1'200);
    world.watch.tick();
    REQUIRE(world.offloaded.size() == 1);
    std::tie(work, done) = world.offloaded.front();
  }
  work();
  done();
}

TEST_CASE("any two clusters", "[n1]") {
  WhatIfWorld world(3);
  world.add("s", {{'A', {}}, {'B', {}}, {'C', {}}}, 1'500);
  world.begin();
  WhatIf what_if = world.what_if();
  const N1Report report = n1_report(what_if, 2, {});
  REQUIRE(report.cases.size() == 3);
  for (const N1Report::Case& one : report.cases) CHECK(one.overflow == Approx(500));
  const N1Report partial = n1_report(what_if, 2, [] { return true; });
  CHECK_FALSE(partial.is_complete);
  CHECK(partial.cases.empty());
}
