#include "health/endpoint_health.h"

#include <catch2/catch.hpp>

#include "base/random.h"
#include "tests/support/manual_clock.h"

namespace swingover::health {

namespace {

struct Endpoint {
  explicit Endpoint(EndpointHealth::Thresholds thresholds, Health stored = Health::unknown)
      : machine(thresholds, stored) {}
  Transition sees(Verdict verdict) {
    clock.advance(Milliseconds(100));
    return machine.apply(verdict, clock.now());
  }
  tests::ManualClock clock;
  EndpointHealth machine;
};

}  // namespace

TEST_CASE("with nothing stored the first verdict decides alone", "[endpoint_health]") {
  Endpoint endpoint({.rise = 5, .fall = 5});
  CHECK(endpoint.machine.health() == Health::unknown);
  CHECK(endpoint.machine.is_confirming());
  CHECK(endpoint.machine.still_needed() == 1);

  SECTION("a pass brings it up") {
    CHECK(endpoint.sees(Verdict::pass) == Transition::changed);
    CHECK(endpoint.machine.health() == Health::up);
  }
  SECTION("a failure brings it down") {
    CHECK(endpoint.sees(Verdict::fail) == Transition::changed);
    CHECK(endpoint.machine.health() == Health::down);
  }
  CHECK_FALSE(endpoint.machine.is_confirming());
}

TEST_CASE("an endpoint goes down after `fall` failures in a row, not before", "[endpoint_health]") {
  Endpoint endpoint({.rise = 2, .fall = 3}, Health::up);

  CHECK(endpoint.sees(Verdict::fail) == Transition::pending);
  CHECK(endpoint.machine.is_confirming());
  CHECK(endpoint.machine.still_needed() == 2);
  CHECK(endpoint.sees(Verdict::fail) == Transition::pending);
  CHECK(endpoint.machine.health() == Health::up);

  SECTION("the third brings it down, and remembers when the first was seen") {
    const MonotonicTime second = endpoint.clock.now();
    CHECK(endpoint.sees(Verdict::fail) == Transition::changed);
    CHECK(endpoint.machine.health() == Health::down);
    CHECK(second - endpoint.machine.first_failure() == Milliseconds(100));
    CHECK_FALSE(endpoint.machine.is_confirming());
  }
  SECTION("a pass in between starts the count again") {
    CHECK(endpoint.sees(Verdict::pass) == Transition::unchanged);
    CHECK_FALSE(endpoint.machine.is_confirming());
    CHECK(endpoint.sees(Verdict::fail) == Transition::pending);
    CHECK(endpoint.machine.first_failure() == endpoint.clock.now());
    CHECK(endpoint.machine.still_needed() == 2);
  }
}

TEST_CASE("an endpoint comes up after `rise` passes in a row, confirmed quickly",
          "[endpoint_health]") {
  Endpoint endpoint({.rise = 2, .fall = 3}, Health::down);
  CHECK_FALSE(endpoint.machine.is_confirming());

  CHECK(endpoint.sees(Verdict::pass) == Transition::pending);
  CHECK(endpoint.machine.is_confirming());
  SECTION("the second brings it up") {
    CHECK(endpoint.sees(Verdict::pass) == Transition::changed);
    CHECK(endpoint.machine.health() == Health::up);
  }
  SECTION("a failure in between starts the count again") {
    CHECK(endpoint.sees(Verdict::fail) == Transition::unchanged);
    CHECK(endpoint.sees(Verdict::pass) == Transition::pending);
    CHECK(endpoint.machine.health() == Health::down);
  }
}

TEST_CASE("a stored state stays while verdicts agree with it", "[endpoint_health]") {
  Endpoint up({.rise = 2, .fall = 3}, Health::up);
  CHECK(up.sees(Verdict::pass) == Transition::unchanged);
  CHECK(up.machine.health() == Health::up);
  Endpoint down({.rise = 2, .fall = 3}, Health::down);
  CHECK(down.sees(Verdict::fail) == Transition::unchanged);
  CHECK(down.machine.health() == Health::down);
}

TEST_CASE("thresholds of 0 and 1 change at once", "[endpoint_health]") {
  Endpoint endpoint({.rise = 0, .fall = 1}, Health::up);
  CHECK(endpoint.sees(Verdict::fail) == Transition::changed);
  CHECK(endpoint.sees(Verdict::pass) == Transition::changed);
  CHECK(endpoint.machine.health() == Health::up);
}

TEST_CASE("whatever the verdicts, health changes exactly on the threshold's run of them",
          "[endpoint_health]") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    const EndpointHealth::Thresholds thresholds{.rise = 1 + static_cast<uint32_t>(random.below(5)),
                                                .fall = 1 + static_cast<uint32_t>(random.below(5))};
    const auto stored = static_cast<Health>(random.below(3));
    const double failing = random.unit();
    Endpoint endpoint(thresholds, stored);
    uint32_t passes = 0;  // in a row, up to now
    uint32_t fails = 0;
    INFO("seed " << seed);
    for (int i = 0; i < 200; ++i) {
      const Health before = endpoint.machine.health();
      const uint32_t needed = endpoint.machine.still_needed();
      const bool fail = random.unit() < failing;
      const Transition transition = endpoint.sees(fail ? Verdict::fail : Verdict::pass);
      fails = fail ? fails + 1 : 0;
      passes = fail ? 0 : passes + 1;
      const Health after = endpoint.machine.health();

      REQUIRE((transition == Transition::changed) == (before != after));
      REQUIRE(after != Health::unknown);
      if (before == Health::up && after == Health::down) REQUIRE(fails >= thresholds.fall);
      if (before == Health::down && after == Health::up) REQUIRE(passes >= thresholds.rise);
      if (fails >= thresholds.fall) REQUIRE(after == Health::down);
      if (passes >= thresholds.rise) REQUIRE(after == Health::up);
      if (transition == Transition::changed) REQUIRE(needed == 1);
      REQUIRE(endpoint.machine.is_confirming() == (transition == Transition::pending));
      if (fails == 1) REQUIRE(endpoint.machine.first_failure() == endpoint.clock.now());
    }
  }
}

}  // namespace swingover::health
