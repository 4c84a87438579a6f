#include "server/control/push.h"

#include <catch2/catch.hpp>
#include <ctime>

#include "tests/server/control/small_world.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;

namespace {

struct Board {
  explicit Board(health::MonitorOptions of_monitor = tests::SmallWorld::push("beat"),
                 Health stored = Health::unknown)
      : monitor(std::make_shared<const health::MonitorOptions>(std::move(of_monitor))) {
    replace(stored);
  }
  void replace(Health stored) {
    health::Check fra{monitor, "192.0.2.1", "", {}};
    health::Check cluster{monitor, "cluster/fra", "", {}};
    fra.initial.health = cluster.initial.health = stored;
    board.replace({{4, fra}, {5, cluster}}, now);
  }
  void move(Milliseconds by) {
    now.now = now.now + by;
    now.wall = now.wall + by;
    board.tick(now, updates);
  }
  void pass(int64_t seconds) {
    updates.clear();
    for (int64_t i = 0; i < 4 * seconds; ++i) move(Milliseconds(250));
  }
  std::string report(PushReport report) {
    updates.clear();
    const auto keys = board.find(report);
    if (!keys) return keys.error().message;
    board.apply(*keys, report, now, updates);
    return std::to_string(keys->size());
  }

  std::shared_ptr<const health::MonitorOptions> monitor;
  PushBoard board;
  PushBoard::Now now{{1'000'000'000}, {1'790'000'000'000}};
  std::vector<health::CheckUpdate> updates;
};

PushReport from_fra(const std::string& health) {
  return {"beat", "192.0.2.1", "", health, "", {}};
}

}  // namespace

TEST_CASE("a report is a verdict, and so is the silence behind its deadline", "[push]") {
  Board board;
  CHECK(board.report(from_fra("up")) == "1");
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].check == 4);
  CHECK(board.updates[0].health == Health::up);
  board.pass(14);
  CHECK(board.updates.empty());
  CHECK(board.report(from_fra("up")) == "1");
  CHECK(board.updates.empty());  // no news
  board.pass(14);
  CHECK(board.report(from_fra("up")) == "1");
  board.pass(3);  // the other one never reported
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].check == 5);
  CHECK(board.updates[0].health == Health::down);
  board.pass(15);
  board.pass(12);
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].check == 4);
  CHECK(board.updates[0].health == Health::down);
  CHECK(board.updates[0].reason == "no heartbeat for 30s, wanted one each 30s");
  // That of the silence, not of the report half a minute ago.
  for (const auto& [key, entry] : board.board.entries()) {
    if (entry.place == 4) CHECK(board.now.wall - entry.verdict_at <= Milliseconds(1'000));
  }
  CHECK(board.report(from_fra("up")) == "1");
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].health == Health::up);
}

TEST_CASE("what reports itself down is down at once, with its own words", "[push]") {
  Board board;
  board.report(from_fra("up"));
  PushReport down = from_fra("down");
  down.reason = "draining";
  board.report(down);
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].health == Health::down);
  CHECK(board.updates[0].reason == "it reports itself down: draining");
}

TEST_CASE("while this process stands still nobody is silent", "[push]") {
  Board board;
  board.report(from_fra("up"));
  board.pass(20);
  board.updates.clear();
  board.move(Milliseconds(60'000));
  REQUIRE(board.updates.size() == 1);  // the deadline is said to be as far away as it was
  CHECK(board.updates[0].until_change == Milliseconds(10'000));
  board.pass(9);
  CHECK(board.updates.empty());
  board.pass(1);
  CHECK(board.updates.size() == 2);
}

TEST_CASE("a stored state holds until the deadline has passed once", "[push]") {
  Board board(tests::SmallWorld::push("beat"), Health::up);
  board.pass(29);
  CHECK(board.updates.empty());
  SECTION("a report confirms it") {
    board.report(from_fra("up"));
    REQUIRE(board.updates.size() == 1);
    CHECK_FALSE(board.updates[0].changed);
  }
  SECTION("silence ends it") {
    board.pass(1);
    REQUIRE(board.updates.size() == 2);
    CHECK(board.updates[0].health == Health::down);
  }
}

TEST_CASE("rise and fall count reports as they count probes", "[push]") {
  health::MonitorOptions monitor = tests::SmallWorld::push("beat");
  monitor.fall = 2;
  monitor.rise = 2;
  Board board(monitor, Health::up);
  board.report(from_fra("down"));
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].health == Health::up);
  board.pass(30);
  REQUIRE_FALSE(board.updates.empty());
  CHECK(board.updates[0].health == Health::down);
  board.report(from_fra("up"));
  CHECK(board.updates[0].health == Health::down);
  board.report(from_fra("up"));
  CHECK(board.updates[0].health == Health::up);
}

TEST_CASE("a report that is late makes the deadline the next change", "[push]") {
  Board board;
  board.report(from_fra("up"));
  CHECK(board.updates[0].until_change == Milliseconds(0));
  board.pass(15);
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].check == 4);
  CHECK(board.updates[0].health == Health::up);
  CHECK_FALSE(board.updates[0].changed);
  CHECK(board.updates[0].until_change == Milliseconds(15'000));
  board.pass(10);
  CHECK(board.updates.empty());  // that instant has not moved
  SECTION("until it comes") {
    board.report(from_fra("up"));
    REQUIRE(board.updates.size() == 1);
    CHECK(board.updates[0].until_change == Milliseconds(0));
  }
  SECTION("and when it does not it is down, with nothing in sight") {
    board.pass(5);
    REQUIRE(board.updates.size() == 2);
    CHECK(board.updates[0].health == Health::down);
    CHECK(board.updates[0].until_change == Milliseconds(0));
    board.pass(29);
    CHECK(board.updates.empty());
  }
}

TEST_CASE("who reports twice a deadline is never late", "[push]") {
  Board board;
  board.report(from_fra("up"));
  for (int i = 0; i < 8; ++i) {
    board.pass(14);
    CHECK((board.updates.empty() || board.updates[0].check == 5));  // that one never reports
    board.report(from_fra("up"));
    CHECK(board.updates.empty());
  }
}

TEST_CASE("silence is confirmed deadline by deadline, and so its end is told", "[push]") {
  health::MonitorOptions monitor = tests::SmallWorld::push("beat");
  monitor.fall = 3;
  Board board(monitor);
  board.report(from_fra("up"));
  board.pass(15);
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].until_change == Milliseconds(75'000));
  board.pass(15);
  REQUIRE_FALSE(board.updates.empty());
  CHECK(board.updates[0].health == Health::up);
  CHECK(board.updates[0].until_change == Milliseconds(60'000));
  board.pass(30);
  REQUIRE_FALSE(board.updates.empty());
  CHECK(board.updates[0].until_change == Milliseconds(30'000));
  board.pass(30);
  REQUIRE_FALSE(board.updates.empty());
  CHECK(board.updates[0].health == Health::down);
}

TEST_CASE("reports that confirm a change are expected at the pace at which they came", "[push]") {
  health::MonitorOptions monitor = tests::SmallWorld::push("beat");
  monitor.fall = 3;
  monitor.fall_hard = 3;
  Board board(monitor);
  board.report(from_fra("up"));
  board.pass(5);
  board.report(from_fra("down"));
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].until_change == Milliseconds(10'000));
  board.pass(5);
  board.report(from_fra("down"));
  CHECK(board.updates.empty());  // as was told
  board.pass(2);
  board.report(from_fra("down"));
  REQUIRE(board.updates.size() == 1);
  CHECK(board.updates[0].health == Health::down);
  CHECK(board.updates[0].until_change == Milliseconds(0));
}

TEST_CASE("a reload keeps deadlines, states and the last load", "[push]") {
  Board board;
  PushReport report = from_fra("up");
  report.load = 412.5;
  board.report(report);
  board.pass(20);
  board.replace(Health::up);
  const auto& entry = board.board.entries().begin()->second;
  REQUIRE(entry.load);
  CHECK(entry.load->value == 412.5);
  board.pass(9);
  CHECK(board.updates.empty());
  board.pass(1);
  CHECK(board.updates.size() == 2);
}

TEST_CASE("a report says of whom it is, or is told what is missing", "[push]") {
  Board board;
  CHECK(board.report({"beat", "", "fra", "up", "", {}}) == "1");
  CHECK(board.updates[0].check == 5);
  CHECK(board.report({"beat", "", "", "up", "", {}}) ==
        "address, cluster: needed, for 2 report by the monitor beat");
  CHECK(board.report({"beat", "192.0.2.9", "", "up", "", {}}) ==
        "the monitor beat is not in use at 192.0.2.9");
  CHECK(board.report({"heart", "", "", "up", "", {}}) ==
        "no push monitor of this name is in use: heart");
  CHECK(board.report(from_fra("fine")) == "health: up or down, not \"fine\"");
  CHECK(board.report({"beat", "192.0.2.1", "fra", "up", "", {}}) ==
        "address, cluster: one of them, not both");
}

TEST_CASE("a report costs no more where thousands report", "[push]") {
  const auto monitor =
      std::make_shared<const health::MonitorOptions>(tests::SmallWorld::push("beat"));
  const auto address = [](uint32_t i) {
    return "10.0." + std::to_string(i / 250) + "." + std::to_string(i % 250);
  };
  constexpr uint32_t all = 20'000;
  std::vector<std::pair<uint32_t, health::Check>> checks;
  for (uint32_t i = 0; i < all; ++i) checks.push_back({i, {monitor, address(i), "", {}}});
  PushBoard board;
  board.replace(checks, {});
  const std::clock_t began = std::clock();
  for (uint32_t i = 0; i < all; i += 5) {
    const auto keys = board.find({"beat", address(i), "", "up", "", {}});
    REQUIRE(keys);
    REQUIRE(keys->size() == 1);
  }
  // One look at every entry for each of these 4,000 would take seconds.
  CHECK(std::clock() - began < CLOCKS_PER_SEC / 2);
}
