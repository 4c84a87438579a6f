#include "health/health_table.h"

#include <catch2/catch.hpp>

#include "tests/support/manual_clock.h"

namespace swingover::health {

namespace {

std::shared_ptr<const MonitorOptions> monitor(const std::string& name, uint32_t fall = 3) {
  MonitorOptions options;
  options.name = name;
  options.interval = Milliseconds(1000);
  options.fall = fall;
  return std::make_shared<const MonitorOptions>(options);
}

struct Table {
  HealthTable::Replaced replace(std::vector<Check> checks) {
    return table.replace(std::move(checks), ++epoch);
  }
  std::vector<CheckUpdate> apply(HealthTable::Slot slot, const Finding& finding,
                                 Milliseconds began_before = Milliseconds(0)) {
    clock.advance(Milliseconds(100));
    std::vector<CheckUpdate> out;
    const MonotonicTime began = clock.now() + Milliseconds(-began_before.value);
    table.apply(slot, finding, {.began = began, .now = clock.now(), .wall = clock.wall()}, out);
    return out;
  }
  std::vector<CheckUpdate> passes(HealthTable::Slot slot, int64_t milliseconds = 1) {
    return apply(slot, {.reason = {}, .duration_nanoseconds = milliseconds * 1'000'000});
  }
  std::vector<CheckUpdate> fails(HealthTable::Slot slot, const std::string& reason = "no") {
    return apply(slot, {.verdict = Verdict::fail, .reason = reason, .duration_nanoseconds = 0});
  }

  tests::ManualClock clock;
  HealthTable table;
  uint64_t epoch = 0;
};

}  // namespace

TEST_CASE("an update comes with each change of health, verdict or reason, and with no other probe",
          "[health_table]") {
  Table t;
  const auto replaced = t.replace({{monitor("web"), "192.0.2.1", "a.test"}});
  REQUIRE(replaced.fresh.size() == 1);
  CHECK(replaced.updates.empty());
  const HealthTable::Slot slot = replaced.fresh[0];

  const auto first = t.passes(slot);
  REQUIRE(first.size() == 1);
  CHECK(first[0].changed);
  CHECK(first[0].health == Health::up);
  CHECK(first[0].epoch == 1);
  CHECK(first[0].at == t.clock.wall());
  CHECK(t.passes(slot).empty());

  const auto pending = t.fails(slot, "connect: connection refused");
  REQUIRE(pending.size() == 1);
  CHECK_FALSE(pending[0].changed);
  CHECK(pending[0].health == Health::up);
  CHECK(pending[0].reason == "connect: connection refused");
  const MonotonicTime first_failure = t.clock.now();
  CHECK(t.fails(slot, "connect: connection refused").empty());

  const auto down = t.fails(slot, "connect: connection refused");
  REQUIRE(down.size() == 1);
  CHECK(down[0].changed);
  CHECK(down[0].health == Health::down);
  CHECK(down[0].first_failure == first_failure);
  CHECK(t.fails(slot, "connect: connection refused").empty());

  const auto other = t.fails(slot, "timed out");
  REQUIRE(other.size() == 1);
  CHECK_FALSE(other[0].changed);
  const auto rising = t.passes(slot);
  REQUIRE(rising.size() == 1);
  CHECK(rising[0].reason.empty());
  CHECK(rising[0].health == Health::down);
}

TEST_CASE("a probe that this host could not make says nothing of the target", "[health_table]") {
  Table t;
  const auto slot = t.replace({{monitor("web"), "192.0.2.1", "", Health::up}}).fresh[0];
  for (int i = 0; i < 10; ++i) {
    const auto updates = t.apply(
        slot, {.verdict = Verdict::fail, .reason = "socket: too many open files", .looked = false});
    CHECK(updates.size() == (i == 0 ? 1 : 0));
  }
  CHECK(t.table.machine(slot).health() == Health::up);
  CHECK_FALSE(t.table.machine(slot).is_confirming());
}

TEST_CASE("failures of probes that began before the last passed one do not count",
          "[health_table]") {
  Table t;
  const auto slot = t.replace({{monitor("web"), "192.0.2.1", "", Health::up}}).fresh[0];
  t.passes(slot);
  for (int i = 0; i < 5; ++i) {
    CHECK(t.apply(slot, {.verdict = Verdict::fail, .reason = "timed out"}, Milliseconds(1000))
              .empty());
  }
  CHECK(t.table.machine(slot).health() == Health::up);
  CHECK_FALSE(t.table.machine(slot).is_confirming());
  CHECK(t.fails(slot).size() == 1);
  CHECK(t.table.machine(slot).is_confirming());
}

TEST_CASE("a late probe of an up target gets company, as much as could decide", "[health_table]") {
  Table t;
  const auto slot = t.replace({{monitor("web"), "192.0.2.1", ""}}).fresh[0];
  CHECK(t.table.probes_max(slot) == 1);  // unknown: the first verdict decides alone
  t.passes(slot);
  CHECK(t.table.probes_max(slot) == 3);
  CHECK(t.table.patience(slot) == Milliseconds(100));
  t.fails(slot);
  CHECK(t.table.probes_max(slot) == 2);
  t.fails(slot);
  t.fails(slot);
  CHECK(t.table.machine(slot).health() == Health::down);
  CHECK(t.table.probes_max(slot) == 1);
  t.passes(slot);
  CHECK(t.table.probes_max(slot) == 1);
  t.passes(slot);

  SECTION("one that is slow by habit is not suspected for it") {
    for (int i = 0; i < 100; ++i) t.passes(slot, 200);
    CHECK(t.table.patience(slot) > Milliseconds(500));
    CHECK(t.table.patience(slot) <= Milliseconds(600));
    t.fails(slot);
    CHECK(t.table.patience(slot) == Milliseconds(100));
  }
}

TEST_CASE("a replace keeps the machines of those that stay", "[health_table]") {
  Table t;
  const auto web = monitor("web");
  const auto first = t.replace({{web, "192.0.2.1", "a"}, {web, "192.0.2.2", "a"}});
  REQUIRE(first.fresh.size() == 2);
  const auto one = first.fresh[0];
  const auto two = first.fresh[1];
  t.passes(one);
  t.fails(two, "refused");

  SECTION("says again what is known of them, under their new places") {
    const auto second = t.replace({{web, "192.0.2.3", "a"},
                                   {web, "192.0.2.2", "a", Health::down},
                                   {web, "192.0.2.1", "a", Health::down}});
    CHECK(second.gone.empty());
    REQUIRE(second.fresh.size() == 1);
    CHECK(t.table.check(second.fresh[0]).address == "192.0.2.3");
    REQUIRE(second.updates.size() == 2);
    CHECK(second.updates[0].check == 1);
    CHECK(second.updates[0].epoch == 2);
    CHECK(second.updates[0].health == Health::down);
    CHECK(second.updates[0].reason == "refused");
    CHECK_FALSE(second.updates[0].changed);
    CHECK(second.updates[1].check == 2);
    CHECK(second.updates[1].health == Health::up);
    CHECK(second.updates[1].changed);  // the caller thought it down
    const auto down = t.fails(one);
    REQUIRE(down.size() == 1);
    CHECK(down[0].check == 2);
  }
  SECTION("one that leaves is gone, and its slot serves again") {
    const auto second = t.replace({{web, "192.0.2.2", "a"}});
    REQUIRE(second.gone == std::vector{one});
    const auto third = t.replace({{web, "192.0.2.2", "a"}, {web, "192.0.2.9", "a", Health::down}});
    REQUIRE(third.fresh == std::vector{one});
    CHECK(t.table.machine(one).health() == Health::down);
    CHECK(t.table.machine(two).health() == Health::down);
  }
  SECTION("a changed monitor keeps the health and is probed anew") {
    const auto second = t.replace({{monitor("web", 1), "192.0.2.1", "a"}});
    CHECK(second.fresh == std::vector{one});
    CHECK(second.gone == std::vector{one, two});
    CHECK(t.table.machine(one).health() == Health::up);
    CHECK(t.fails(one).at(0).changed);
  }
  SECTION("an equal monitor in another object is no change") {
    const auto second =
        t.replace({{monitor("web"), "192.0.2.1", "a"}, {monitor("web"), "192.0.2.2", "a"}});
    CHECK(second.fresh.empty());
    CHECK(second.gone.empty());
  }
}

TEST_CASE("equal checks are one probe, and each place of them hears of it", "[health_table]") {
  Table t;
  const auto web = monitor("web");
  const auto replaced =
      t.replace({{web, "192.0.2.1", "a"}, {web, "192.0.2.2", "a"}, {web, "192.0.2.1", "a"}});
  REQUIRE(replaced.fresh.size() == 2);
  const auto updates = t.passes(replaced.fresh[0]);
  REQUIRE(updates.size() == 2);
  CHECK(updates[0].check == 0);
  CHECK(updates[1].check == 2);
}

}  // namespace swingover::health
