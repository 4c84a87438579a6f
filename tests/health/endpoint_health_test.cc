#include "health/endpoint_health.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "base/random.h"
#include "tests/support/manual_clock.h"

namespace swingover::health {

namespace {

struct Endpoint {
  explicit Endpoint(const HealthRules& rules, const StoredState& stored = {})
      : machine(rules, stored, clock.now(), clock.wall()) {}
  Endpoint(const HealthRules& rules, Health stored) : Endpoint(rules, StoredState{stored}) {}
  Transition sees(Verdict verdict, Failure failure = Failure::soft) {
    clock.advance(Milliseconds(100));
    return machine.apply(verdict, failure, clock.now());
  }
  Transition passes() { return sees(Verdict::pass); }
  Transition fails() { return sees(Verdict::fail); }
  Transition refuses() { return sees(Verdict::fail, Failure::hard); }
  /// As many as the rules of `machine` want, by default.
  void falls(int failures = 3) {
    for (int i = 0; i < failures; ++i) fails();
  }
  void rises(int passes_needed = 2) {
    for (int i = 0; i < passes_needed; ++i) passes();
  }
  Transition waits(Milliseconds time) {
    clock.advance(time);
    return machine.tick(clock.now());
  }
  Milliseconds until_change() const { return machine.until_change(clock.now()); }
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

TEST_CASE("hard failures need fewer of them, and come sooner", "[endpoint_health]") {
  Endpoint endpoint({.fall = 3, .fall_hard = 2}, Health::up);
  CHECK(endpoint.machine.pace() == Milliseconds(500));

  SECTION("two in a row bring it down") {
    CHECK(endpoint.refuses() == Transition::pending);
    CHECK(endpoint.machine.pace() == Milliseconds(100));
    CHECK(endpoint.machine.still_needed() == 1);
    CHECK(endpoint.refuses() == Transition::changed);
    CHECK(endpoint.machine.health() == Health::down);
  }
  SECTION("one among soft ones counts as one of those") {
    endpoint.refuses();
    CHECK(endpoint.fails() == Transition::pending);
    CHECK(endpoint.machine.pace() == Milliseconds(500));
    CHECK(endpoint.refuses() == Transition::changed);
  }
  SECTION("a pass in between starts their count again") {
    endpoint.refuses();
    endpoint.passes();
    CHECK(endpoint.refuses() == Transition::pending);
    CHECK(endpoint.machine.health() == Health::up);
  }
  SECTION("never more of them than soft ones") {
    Endpoint other({.fall = 1, .fall_hard = 5}, Health::up);
    CHECK(other.refuses() == Transition::changed);
  }
}

TEST_CASE("a target that fails every second probe goes down", "[endpoint_health]") {
  Endpoint endpoint({}, Health::up);
  int probes = 0;
  while (endpoint.machine.health() == Health::up && probes < 100) {
    endpoint.sees(++probes % 2 == 1 ? Verdict::fail : Verdict::pass);
  }
  CHECK(probes == 9);  // the fifth failure

  SECTION("and comes up with a clean record, like any other") {
    endpoint.rises();
    CHECK(endpoint.machine.health() == Health::up);
    CHECK(endpoint.fails() == Transition::pending);
    CHECK(endpoint.machine.still_needed() == 2);
  }
  SECTION("one that fails every third does not") {
    Endpoint other({}, Health::up);
    for (int i = 0; i < 300; ++i) other.sees(i % 3 == 0 ? Verdict::fail : Verdict::pass);
    CHECK(other.machine.health() == Health::up);
  }
  SECTION("nor does it where the rule is off") {
    Endpoint other({.flaky_fall = 0}, Health::up);
    for (int i = 0; i < 300; ++i) other.sees(i % 2 == 0 ? Verdict::fail : Verdict::pass);
    CHECK(other.machine.health() == Health::up);
  }
  SECTION("the memory is never stricter than `fall`") {
    Endpoint other({.fall = 8, .flaky_fall = 5, .flaky_window = 20}, Health::up);
    for (int i = 0; i < 7; ++i) CHECK(other.fails() == Transition::pending);
    CHECK(other.fails() == Transition::changed);
  }
  SECTION("one verdict before the memory is full, one is needed") {
    Endpoint other({}, Health::up);
    for (int i = 0; i < 8; ++i) other.sees(i % 2 == 0 ? Verdict::fail : Verdict::pass);
    CHECK_FALSE(other.machine.is_confirming());
    CHECK(other.machine.still_needed() == 1);
    CHECK(other.fails() == Transition::changed);
  }
}

TEST_CASE("without verdicts health is unknown until they agree with what was known",
          "[endpoint_health]") {
  Endpoint endpoint({}, Health::up);
  CHECK(endpoint.machine.lose_sight() == Transition::changed);
  CHECK(endpoint.machine.health() == Health::unknown);
  CHECK(endpoint.machine.is_confirming());
  CHECK(endpoint.machine.lose_sight() == Transition::unchanged);

  SECTION("one pass, and it is up as before") {
    CHECK(endpoint.passes() == Transition::changed);
    CHECK(endpoint.machine.health() == Health::up);
  }
  SECTION("one failure says nothing yet; as many as ever bring it down") {
    CHECK(endpoint.fails() == Transition::pending);
    CHECK(endpoint.machine.health() == Health::unknown);
    CHECK(endpoint.fails() == Transition::pending);
    CHECK(endpoint.fails() == Transition::changed);
    CHECK(endpoint.machine.health() == Health::down);
  }
  SECTION("failures from before the silence do not count") {
    endpoint.passes();
    endpoint.fails();
    endpoint.fails();
    endpoint.machine.lose_sight();
    CHECK(endpoint.fails() == Transition::pending);
    CHECK(endpoint.machine.health() == Health::unknown);
  }
  SECTION("what was down is down again with the first failure, and up by `rise` passes") {
    endpoint.falls();
    endpoint.machine.lose_sight();
    CHECK(endpoint.passes() == Transition::pending);
    endpoint.fails();
    CHECK(endpoint.machine.health() == Health::down);
  }
}

TEST_CASE("a target that falls again and again is held until it has calmed down",
          "[endpoint_health]") {
  const HealthRules rules{.flap_half_life = Milliseconds(300'000)};
  Endpoint endpoint(rules, Health::up);
  for (int i = 0; i < 2; ++i) {
    endpoint.falls();
    endpoint.rises();
    CHECK(endpoint.machine.hold() == Hold::none);
  }
  endpoint.falls();
  CHECK(endpoint.machine.hold() == Hold::flapping);  // though it is down
  CHECK(endpoint.machine.penalty(endpoint.clock.now()) == Approx(3000).epsilon(0.01));
  CHECK(endpoint.until_change() == Milliseconds(0));
  endpoint.rises();
  CHECK(endpoint.machine.health() == Health::up);
  CHECK(endpoint.machine.hold() == Hold::flapping);
  const Milliseconds left = *endpoint.machine.hold_ends() - endpoint.clock.now();
  CHECK(static_cast<double>(left.value) == Approx(300'000 * std::log2(3.0)).epsilon(0.01));
  CHECK(endpoint.until_change() == left);

  SECTION("then it is free, and one more fall holds nothing") {
    CHECK(endpoint.waits(Milliseconds(left.value - 1)) == Transition::unchanged);
    CHECK(endpoint.waits(Milliseconds(1)) == Transition::changed);
    CHECK(endpoint.machine.hold() == Hold::none);
    CHECK(endpoint.until_change() == Milliseconds(0));
    endpoint.falls();
    CHECK(endpoint.machine.hold() == Hold::none);
  }
  SECTION("another fall meanwhile makes it longer") {
    endpoint.falls();
    CHECK(*endpoint.machine.hold_ends() - endpoint.clock.now() > left);
  }
  SECTION("never longer than the longest hold, and what is left of the penalty is forgotten then") {
    for (int i = 0; i < 200; ++i) {
      endpoint.falls();
      endpoint.rises();
    }
    CHECK(*endpoint.machine.hold_ends() - endpoint.clock.now() <= Milliseconds(1'800'000));
    endpoint.waits(Milliseconds(1'800'000));
    CHECK(endpoint.machine.hold() == Hold::none);
    CHECK(endpoint.machine.penalty(endpoint.clock.now()) <= 1000);
  }
  SECTION("a person may end it") {
    CHECK(endpoint.machine.resume(endpoint.clock.now()) == Transition::changed);
    CHECK(endpoint.machine.hold() == Hold::none);
    CHECK(endpoint.machine.penalty(endpoint.clock.now()) == 0);
  }
  SECTION("a restart goes on with it, whatever the wall clock did meanwhile") {
    const StoredState stored = endpoint.machine.stored(endpoint.clock.now(), endpoint.clock.wall());
    CHECK(stored.hold == Hold::flapping);
    endpoint.clock.jump_wall(Milliseconds(60'000));
    Endpoint later(rules);
    later.machine = EndpointHealth(rules, stored, later.clock.now(), endpoint.clock.wall());
    CHECK(later.machine.hold() == Hold::flapping);
    CHECK(static_cast<double>((*later.machine.hold_ends() - later.clock.now()).value) ==
          Approx(static_cast<double>(left.value - 60'000)).epsilon(0.01));
    endpoint.clock.jump_wall(Milliseconds(-7'200'000));  // as if nothing had gone by
    later.machine = EndpointHealth(rules, stored, later.clock.now(), endpoint.clock.wall());
    CHECK(*later.machine.hold_ends() - later.clock.now() <= left + Milliseconds(1));
  }
  SECTION("unless flaps are no longer counted") {
    const StoredState stored = endpoint.machine.stored(endpoint.clock.now(), endpoint.clock.wall());
    CHECK(Endpoint({}, stored).machine.hold() == Hold::none);
  }
}

TEST_CASE("what never was up has not flapped", "[endpoint_health]") {
  Endpoint endpoint({.flap_half_life = Milliseconds(300'000)});
  endpoint.fails();
  CHECK(endpoint.machine.health() == Health::down);
  CHECK(endpoint.machine.penalty(endpoint.clock.now()) == 0);
}

TEST_CASE("a slow return waits for passes without a failure", "[endpoint_health]") {
  Endpoint endpoint({.hold_up = Milliseconds(10'000)}, Health::up);
  CHECK(endpoint.machine.hold() == Hold::none);
  endpoint.falls();
  CHECK(endpoint.machine.hold() == Hold::none);
  endpoint.rises();
  CHECK(endpoint.machine.health() == Health::up);
  CHECK(endpoint.machine.hold() == Hold::settling);
  CHECK(endpoint.until_change() == Milliseconds(10'000));

  SECTION("it is over when that time has gone by") {
    CHECK(endpoint.waits(Milliseconds(9'999)) == Transition::unchanged);
    CHECK(endpoint.waits(Milliseconds(1)) == Transition::changed);
    CHECK(endpoint.machine.hold() == Hold::none);
  }
  SECTION("a failure in between starts it again, from the next pass on") {
    endpoint.waits(Milliseconds(9'000));
    endpoint.fails();
    endpoint.waits(Milliseconds(20'000));
    CHECK(endpoint.machine.hold() == Hold::settling);
    endpoint.passes();
    CHECK(*endpoint.machine.hold_ends() - endpoint.clock.now() == Milliseconds(10'000));
  }
  SECTION("a first verdict settles nothing") {
    Endpoint fresh({.hold_up = Milliseconds(10'000)});
    fresh.passes();
    CHECK(fresh.machine.hold() == Hold::none);
  }
}

TEST_CASE("what a person must resume stays out until then, and after a restart",
          "[endpoint_health]") {
  const HealthRules rules{.resumes_by_hand = true};
  Endpoint endpoint(rules, Health::up);
  endpoint.falls();
  CHECK(endpoint.machine.hold() == Hold::resume);
  CHECK_FALSE(endpoint.machine.hold_ends());
  endpoint.rises();
  CHECK(endpoint.machine.health() == Health::up);
  CHECK(endpoint.machine.hold() == Hold::resume);
  CHECK(endpoint.waits(Milliseconds(86'400'000)) == Transition::unchanged);
  CHECK(endpoint.until_change() == Milliseconds(0));

  SECTION("it is said once, and holds until the next fall") {
    CHECK(endpoint.machine.resume(endpoint.clock.now()) == Transition::changed);
    CHECK(endpoint.machine.hold() == Hold::none);
    endpoint.falls();
    CHECK(endpoint.machine.hold() == Hold::resume);
  }
  SECTION("a restart forgets nothing") {
    const StoredState stored = endpoint.machine.stored(endpoint.clock.now(), endpoint.clock.wall());
    Endpoint later(rules, stored);
    CHECK(later.machine.hold() == Hold::resume);
    later.passes();
    CHECK(later.machine.hold() == Hold::resume);
    CHECK(Endpoint({}, stored).machine.hold() == Hold::none);  // people no longer want it so
  }
  SECTION("a target that is down may be resumed beforehand") {
    endpoint.falls();
    CHECK(endpoint.machine.resume(endpoint.clock.now()) == Transition::changed);
    endpoint.rises();
    CHECK(endpoint.machine.hold() == Hold::none);
  }
  SECTION("the first verdict holds too, if it is a failure") {
    Endpoint fresh(rules);
    fresh.fails();
    CHECK(fresh.machine.hold() == Hold::resume);
  }
}

TEST_CASE("how soon health may change is told while something speaks of a change",
          "[endpoint_health]") {
  Endpoint endpoint({.rise = 2, .fall = 3}, Health::up);
  CHECK(endpoint.until_change() == Milliseconds(0));
  endpoint.fails();
  CHECK(endpoint.until_change() == Milliseconds(1000));  // two more, 500 ms apart
  endpoint.fails();
  CHECK(endpoint.until_change() == Milliseconds(500));
  endpoint.fails();
  CHECK(endpoint.until_change() == Milliseconds(0));
  endpoint.passes();
  CHECK(endpoint.until_change() == Milliseconds(500));
  endpoint.passes();
  endpoint.refuses();
  CHECK(endpoint.until_change() == Milliseconds(100));
}

TEST_CASE("whatever happens, health and hold follow from the verdicts by the rules",
          "[endpoint_health]") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    HealthRules rules{.rise = 1 + static_cast<uint32_t>(random.below(5)),
                      .fall = 1 + static_cast<uint32_t>(random.below(5))};
    rules.fall_hard = 1 + static_cast<uint32_t>(random.below(rules.fall));
    rules.flaky_fall = rules.fall + static_cast<uint32_t>(random.below(4));
    rules.flaky_window = rules.flaky_fall + static_cast<uint32_t>(random.below(8));
    if (random.below(2) == 0) rules.flap_half_life = Milliseconds(300'000);
    if (random.below(2) == 0) rules.hold_up = Milliseconds(1000);
    rules.resumes_by_hand = random.below(4) == 0;
    const double failing = random.unit();
    const double hard = random.unit();
    Endpoint endpoint(rules, static_cast<Health>(random.below(3)));
    uint32_t passes = 0;  // in a row, up to now
    uint32_t fails = 0;
    uint32_t hards = 0;
    std::vector<bool> failed;  // since it was last up
    INFO("seed " << seed);
    for (int i = 0; i < 200; ++i) {
      const Health before = endpoint.machine.health();
      const Hold held = endpoint.machine.hold();
      const uint32_t needed = endpoint.machine.still_needed();
      const bool fail = random.unit() < failing;
      const bool is_hard = fail && random.unit() < hard;
      const Transition transition = endpoint.sees(fail ? Verdict::fail : Verdict::pass,
                                                  is_hard ? Failure::hard : Failure::soft);
      fails = fail ? fails + 1 : 0;
      hards = is_hard ? hards + 1 : 0;
      passes = fail ? 0 : passes + 1;
      failed.push_back(fail);
      uint32_t of_window = 0;
      for (size_t back = 0; back < failed.size() && back < rules.flaky_window; ++back) {
        if (failed[failed.size() - 1 - back]) ++of_window;
      }
      const Health after = endpoint.machine.health();
      const bool falls = fails >= rules.fall || hards >= rules.fall_hard ||
                         (fail && of_window >= rules.flaky_fall);

      REQUIRE((transition == Transition::changed) ==
              (before != after || held != endpoint.machine.hold()));
      REQUIRE(after != Health::unknown);
      if (before == Health::up) REQUIRE((after == Health::down) == falls);
      if (before == Health::down) REQUIRE((after == Health::up) == (passes >= rules.rise));
      if (before == Health::unknown) REQUIRE((after == Health::down) == fail);
      if (before == after)
        REQUIRE(endpoint.machine.is_confirming() == (fail == (after == Health::up)));
      if (before != after) REQUIRE_FALSE(endpoint.machine.is_confirming());
      if (before == Health::up && after == Health::down && !is_hard) REQUIRE(needed == 1);
      if (fails == 1) REQUIRE(endpoint.machine.first_failure() == endpoint.clock.now());
      REQUIRE((endpoint.machine.until_change(endpoint.clock.now()).value > 0) ==
              (endpoint.machine.is_confirming() ||
               (after == Health::up && endpoint.machine.hold_ends().has_value())));
      if (rules.resumes_by_hand && before != Health::down && after == Health::down) {
        REQUIRE(endpoint.machine.hold() == Hold::resume);
      }
      if (after == Health::up && before != Health::up) failed.clear();
    }
  }
}

}  // namespace swingover::health
