#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>

#include "tests/server/control/control_life.h"

namespace swingover::tests {
namespace {

using health::Health;
using health::Hold;
using zones::Eligibility;

/// fra is up and held out for its flaps; ams is asked for 700.
struct Flapping : Life {
  Flapping(store::MemoryStore& on_store, ManualClock& by_clock, double capacity)
      : Life(on_store, by_clock, world_of(capacity)) {
    all_up();
    verdict("192.0.2.1", Health::up, 0, Hold::flapping);
  }
  static SmallWorld world_of(double capacity) {
    SmallWorld world;
    world.capacity = capacity;
    world.demand = 700;
    world.offloads_at_once = true;
    world.housekeeping_every = Milliseconds(1);
    return world;
  }
  void until(const std::function<bool()>& is_so) {
    loop.run_until(is_so, patience);
    REQUIRE(is_so());
  }
  bool is_in() const { return fra() == Eligibility::eligible; }
};

}  // namespace

TEST_CASE("an endpoint that flapped is let in while the others cannot carry the demand",
          "[needed]") {
  store::MemoryStore store;
  ManualClock clock;
  Flapping life(store, clock, 500);
  life.until([&] { return life.is_in(); });
  const control::Join& join = life.control.join();
  CHECK(join.endpoint(EndpointId(0)).is_needed);
  CHECK(join.hold_of(EndpointId(0)) == Hold::flapping);
  CHECK(join.reason(EndpointId(0)) ==
        "up; it went down too often lately, and is needed: the others cannot carry the demand");
  const auto told = life.history("endpoint/shop.svc.example.test./192.0.2.1");
  CHECK(std::ranges::any_of(told, [](const store::JournalEntry& entry) {
    return entry.kind == "hold" && entry.before == "held" && entry.after.empty() &&
           entry.reason.ends_with("the others cannot carry the demand");
  }));

  SECTION("but not when it is down") {
    life.verdict("192.0.2.1", Health::down);
    CHECK(life.fra() == Eligibility::down);
    CHECK_FALSE(join.endpoint(EndpointId(0)).is_needed);
  }
  SECTION("and has nothing to be needed for once its hold has ended") {
    life.verdict("192.0.2.1", Health::up);
    CHECK(life.is_in());
    CHECK_FALSE(join.endpoint(EndpointId(0)).is_needed);
    CHECK(join.reason(EndpointId(0)).empty());
  }
  SECTION("and stays in over a reload, until the others can") {
    REQUIRE(life.reload().reloaded);
    CHECK(life.is_in());
    life.world.capacity = 1'000;
    REQUIRE(life.reload().reloaded);
    life.until([&] { return !life.is_in(); });
  }
}

TEST_CASE("an endpoint that flapped stays out while the others can carry the demand", "[needed]") {
  store::MemoryStore store;
  ManualClock clock;
  Flapping life(store, clock, 1'000);
  life.until([&] {
    const auto* shares = life.control.steering().shares(ServiceId(0));
    return shares && std::ranges::any_of(*shares, [](uint16_t share) { return share == 10'000; });
  });
  CHECK(life.fra() == Eligibility::unknown);
}

}  // namespace swingover::tests
