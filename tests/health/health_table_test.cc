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
    return table.replace(std::move(checks), ++epoch, now());
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

  std::vector<CheckUpdate> refuses(HealthTable::Slot slot) {
    return apply(slot, {.verdict = Verdict::fail,
                        .reason = "connect: connection refused",
                        .failure = Failure::hard});
  }
  HealthTable::Now now() const { return {clock.now(), clock.wall()}; }
  /// Time goes by, in steps, as the engine makes them.
  std::vector<CheckUpdate> waits(Milliseconds time) {
    std::vector<CheckUpdate> out;
    for (int64_t gone = 0; gone < time.value; gone += 100) {
      clock.advance(Milliseconds(std::min<int64_t>(100, time.value - gone)));
      table.tick(now(), out);
    }
    return out;
  }

  tests::ManualClock clock;
  HealthTable table;
  uint64_t epoch = 0;
};

}  // namespace

TEST_CASE("the last five verdicts of a check are kept, newest first", "[health_table]") {
  Table t;
  const HealthTable::Slot slot =
      t.replace({{monitor("web"), "192.0.2.1", ""}, {monitor("web"), "192.0.2.2", ""}}).fresh[1];
  const auto described = [&] { return t.table.describe(1, t.now())->details; };
  CHECK(described().verdicts.empty());
  CHECK(described().health == Health::unknown);
  CHECK_FALSE(t.table.describe(2, t.now()).has_value());

  t.passes(slot, 3);
  REQUIRE(described().verdicts.size() == 1);
  CHECK(described().verdicts[0].duration_nanoseconds == 3'000'000);
  CHECK(described().verdicts[0].at == t.clock.wall());
  for (const char* reason : {"first", "second", "third", "fourth"}) t.fails(slot, reason);
  t.apply(slot, {.reason = "no descriptor", .looked = false});
  for (int round = 0; round < 12; ++round) {
    const auto kept = described().verdicts;
    REQUIRE(kept.size() == 5);
    CHECK(kept[0].reason == (round == 0 ? "no descriptor" : ""));
    CHECK(kept[0].looked == (round != 0));
    for (size_t i = 1; i < kept.size(); ++i) CHECK(kept[i].at < kept[i - 1].at);
    if (round == 0) CHECK(kept[4].reason == "first");
    t.passes(slot);
  }
  CHECK(described().check == 1);
  CHECK(described().still_needed >= 1);
}

TEST_CASE("a verdict in words says the kind, what was found, and how long it took",
          "[health_table]") {
  PastVerdict past{.duration_nanoseconds = 12'400'000,
                   .verdict = Verdict::fail,
                   .reason = "status 503, wanted 200-299"};
  CHECK(verdict_words(MonitorKind::http, past) == "http: status 503, wanted 200-299, after 12 ms");
  past = {.duration_nanoseconds = 310'000, .reason = ""};
  CHECK(verdict_words(MonitorKind::tcp, past) == "tcp: passed in 0.3 ms");
  past = {
      .duration_nanoseconds = 1'000'000'000, .looked = false, .reason = "no descriptor is left"};
  CHECK(verdict_words(MonitorKind::https, past) == "https: could not look: no descriptor is left");
}

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

TEST_CASE("a command never gets company, however late it is", "[health_table]") {
  Table t;
  auto own = *monitor("own");
  own.kind = MonitorKind::exec;
  const auto slot =
      t.replace({{std::make_shared<const MonitorOptions>(own), "192.0.2.1", ""}}).fresh[0];
  t.passes(slot);
  CHECK(t.table.probes_max(slot) == 1);
  t.fails(slot);
  CHECK(t.table.probes_max(slot) == 1);
}

TEST_CASE("what is down is looked at after a twentieth of the time that it has failed",
          "[health_table]") {
  Table t;
  auto own = *monitor("own");
  own.kind = MonitorKind::exec;
  const auto slots =
      t.replace({{monitor("web"), "192.0.2.1", "", Health::up},
                 {std::make_shared<const MonitorOptions>(own), "192.0.2.1", "", Health::up}})
          .fresh;
  const auto wait = [&](HealthTable::Slot slot) -> std::optional<Milliseconds> {
    const auto when = t.table.early_look(slot, t.clock.now());
    if (!when) return std::nullopt;
    return *when - t.clock.now();
  };
  CHECK_FALSE(wait(slots[0]));
  for (int i = 0; i < 3; ++i) t.fails(slots[0]);
  for (int i = 0; i < 3; ++i) t.fails(slots[1]);
  CHECK(wait(slots[0]) == Milliseconds(100));  // the confirm interval, which is longer
  CHECK_FALSE(wait(slots[1]));                 // a command keeps to its interval
  t.clock.advance(Milliseconds(9'500));
  CHECK(wait(slots[0]) == Milliseconds(500));
  t.clock.advance(Milliseconds(10'000));
  CHECK_FALSE(wait(slots[0]));  // its interval is sooner
  CHECK(t.table.makes_up(slots[0]));
  CHECK_FALSE(t.table.makes_up(slots[1]));
  t.passes(slots[0]);
  t.passes(slots[0]);
  CHECK_FALSE(t.table.makes_up(slots[0]));
}

TEST_CASE("with a long interval early looks are half a second apart at least", "[health_table]") {
  Table t;
  auto slow = *monitor("slow");
  slow.interval = Milliseconds(30'000);
  const auto slot =
      t.replace({{std::make_shared<const MonitorOptions>(slow), "192.0.2.1", "", Health::up}})
          .fresh[0];
  for (int i = 0; i < 3; ++i) t.fails(slot);
  CHECK(t.table.early_look(slot, t.clock.now()) == t.clock.now() + Milliseconds(500));
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

TEST_CASE("a hold is told when it begins and when it ends, and not in between", "[health_table]") {
  MonitorOptions options = *monitor("web");
  options.hold_up = Milliseconds(30'000);
  const auto settling = std::make_shared<const MonitorOptions>(options);
  Table t;
  const auto slot = t.replace({{settling, "192.0.2.1", "", Health::down}}).fresh[0];
  t.passes(slot);
  const auto up = t.passes(slot);
  REQUIRE(up.size() == 1);
  CHECK(up[0].changed);
  CHECK(up[0].health == Health::up);
  CHECK(up[0].hold == Hold::settling);
  CHECK(up[0].until_change == Milliseconds(30'000));
  CHECK(up[0].held_until == t.clock.wall() + Milliseconds(30'000));

  for (int second = 0; second < 29; ++second) {
    CHECK(t.waits(Milliseconds(900)).empty());
    CHECK(t.passes(slot).empty());
  }
  CHECK(t.table.next_deadline() == t.clock.now() + Milliseconds(1000));
  const auto freed = t.waits(Milliseconds(1000));
  REQUIRE(freed.size() == 1);
  CHECK(freed[0].changed);
  CHECK(freed[0].hold == Hold::none);
  CHECK(freed[0].held_until == WallTime{});
  CHECK(freed[0].until_change == Milliseconds(0));
  CHECK(freed[0].verdict == Verdict::pass);
}

TEST_CASE("a target without verdicts is unknown after a while, and says why", "[health_table]") {
  Table t;  // interval and timeout of a second: four seconds
  const auto slot = t.replace({{monitor("web"), "192.0.2.1", "", Health::up}}).fresh[0];

  SECTION("from the start on, though its state is a stored one") {
    CHECK(t.waits(Milliseconds(3900)).empty());
    const auto stale = t.waits(Milliseconds(100));
    REQUIRE(stale.size() == 1);
    CHECK(stale[0].health == Health::unknown);
    CHECK(stale[0].changed);
    CHECK(stale[0].verdict == Verdict::fail);
    CHECK(stale[0].reason == "no verdict for 4s");
    CHECK(t.waits(Milliseconds(60'000)).empty());
    const auto back = t.passes(slot);
    REQUIRE(back.size() == 1);
    CHECK(back[0].health == Health::up);
    CHECK(back[0].reason.empty());
  }
  SECTION("each verdict puts it off") {
    for (int i = 0; i < 20; ++i) {
      CHECK(t.waits(Milliseconds(3900)).empty());
      t.passes(slot);
    }
    CHECK(t.table.machine(slot).health() == Health::up);
  }
  SECTION("a probe that this host could not make is none, and its reason is told") {
    t.passes(slot);
    t.waits(Milliseconds(2000));
    t.apply(slot,
            {.verdict = Verdict::fail, .reason = "socket: too many open files", .looked = false});
    const auto stale = t.waits(Milliseconds(1900));
    REQUIRE(stale.size() == 1);
    CHECK(stale[0].reason == "no verdict for 4s: socket: too many open files");

    // The next that cannot be made says the same; another reason is news, and a look ends it.
    Finding blind{
        .verdict = Verdict::fail, .reason = "socket: too many open files", .looked = false};
    t.waits(Milliseconds(2000));
    const auto same = t.apply(slot, blind);
    REQUIRE(same.size() == 1);
    CHECK(same[0].health == Health::unknown);
    CHECK_FALSE(same[0].changed);
    CHECK(same[0].reason == stale[0].reason);
    blind.reason = "socket: cannot allocate memory";
    const auto again = t.apply(slot, blind);
    REQUIRE(again.size() == 1);
    CHECK(again[0].health == Health::unknown);
    CHECK(again[0].reason.starts_with("no verdict for "));
    CHECK(again[0].reason.ends_with("s: socket: cannot allocate memory"));
    const auto seen = t.passes(slot);
    REQUIRE(seen.size() == 1);
    CHECK(seen[0].reason.empty());
  }
  SECTION("while this process stood still nobody was silent") {
    t.passes(slot);
    t.clock.advance(Milliseconds(3'600'000));
    t.table.stood_still(Milliseconds(3'600'000));
    std::vector<CheckUpdate> out;
    t.table.tick(t.now(), out);
    CHECK(out.empty());
    CHECK(t.waits(Milliseconds(3900)).empty());
    CHECK(t.waits(Milliseconds(100)).size() == 1);
  }
}

TEST_CASE("after an alarm three looks come quickly, and hard failures confirm one another",
          "[health_table]") {
  Table t;
  const auto slot = t.replace({{monitor("web"), "192.0.2.1", "", Health::up}}).fresh[0];
  t.passes(slot);
  CHECK_FALSE(t.table.is_urgent(slot));
  t.table.alarm(slot);
  CHECK(t.table.is_urgent(slot));
  CHECK(t.table.pace(slot) == Milliseconds(20));

  SECTION("a target that passes them is left in peace") {
    t.passes(slot);
    t.passes(slot);
    CHECK(t.table.is_urgent(slot));
    t.passes(slot);
    CHECK_FALSE(t.table.is_urgent(slot));
  }
  SECTION("one that refuses twice is down") {
    t.refuses(slot);
    CHECK(t.table.pace(slot) == Milliseconds(20));
    const auto down = t.refuses(slot);
    REQUIRE(down.size() == 1);
    CHECK(down[0].health == Health::down);
  }
}

TEST_CASE("what people resume is told under its places, once", "[health_table]") {
  MonitorOptions options = *monitor("web");
  options.resume = Resume::by_hand;
  const auto web = std::make_shared<const MonitorOptions>(options);
  Table t;
  const auto fresh = t.replace({{web, "192.0.2.1", "a", {Health::up, Hold::resume}},
                                {web, "192.0.2.2", "a", {Health::up, Hold::resume}},
                                {web, "192.0.2.1", "a", {Health::up, Hold::resume}}})
                         .fresh;
  for (const auto slot : fresh) t.passes(slot);
  std::vector<CheckUpdate> out;
  const std::vector<uint32_t> places{2, 77};
  t.table.resume(places, t.now(), out);
  REQUIRE(out.size() == 2);
  CHECK(out[0].check == 0);
  CHECK(out[1].check == 2);
  CHECK(out[1].changed);
  CHECK(out[1].hold == Hold::none);
  CHECK(t.table.machine(fresh[1]).hold() == Hold::resume);
  out.clear();
  t.table.resume(places, t.now(), out);
  CHECK(out.empty());
}

TEST_CASE("a warning of a pass is news, and so is its end", "[health_table]") {
  Table t;
  const auto slot = t.replace({{monitor("web"), "192.0.2.1", ""}}).fresh[0];
  t.passes(slot);
  const Finding warned{
      .reason = {}, .duration_nanoseconds = 1, .warning = "certificate expires in 9 days"};
  const auto told = t.apply(slot, warned);
  REQUIRE(told.size() == 1);
  CHECK(told[0].warning == "certificate expires in 9 days");
  CHECK_FALSE(told[0].changed);
  CHECK(t.apply(slot, warned).empty());
  CHECK(t.fails(slot).at(0).warning == "certificate expires in 9 days");
  const auto renewed = t.passes(slot);
  REQUIRE(renewed.size() == 1);
  CHECK(renewed[0].warning.empty());
}

TEST_CASE("while failures are confirmed, the time of the change is told once", "[health_table]") {
  Table t;
  const auto slot = t.replace({{monitor("web", 5), "192.0.2.1", "", Health::up}}).fresh[0];
  t.passes(slot);
  const auto first = t.fails(slot);
  REQUIRE(first.size() == 1);
  CHECK(first[0].until_change == Milliseconds(400));
  CHECK(t.fails(slot).empty());  // 100 ms later 300 are left
  CHECK(t.fails(slot).empty());

  SECTION("unless it is put off") {
    t.clock.advance(Milliseconds(1000));
    const auto late = t.fails(slot);
    REQUIRE(late.size() == 1);
    CHECK(late[0].until_change == Milliseconds(100));
    CHECK_FALSE(late[0].changed);
  }
  SECTION("or away") {
    const auto pass = t.passes(slot);
    REQUIRE(pass.size() == 1);
    CHECK(pass[0].until_change == Milliseconds(0));
  }
}

TEST_CASE("a changed monitor goes on with the hold and the penalty", "[health_table]") {
  Table t;
  const auto web = monitor("web");
  const auto slot = t.replace({{web, "192.0.2.1", "", Health::up}}).fresh[0];
  for (int i = 0; i < 3; ++i) {
    for (int n = 0; n < 3; ++n) t.fails(slot);
    for (int n = 0; n < 2; ++n) t.passes(slot);
  }
  REQUIRE(t.table.machine(slot).hold() == Hold::flapping);
  const double penalty = t.table.machine(slot).penalty(t.clock.now());
  t.replace({{monitor("web", 4), "192.0.2.1", "", {Health::up, Hold::flapping}}});
  CHECK(t.table.machine(slot).hold() == Hold::flapping);
  CHECK(t.table.machine(slot).penalty(t.clock.now()) == Approx(penalty));
}

}  // namespace swingover::health
