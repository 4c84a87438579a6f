#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "server/control/views.h"
#include "tests/server/control/control_life.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using tests::Life;
using tests::SmallWorld;
using zones::Eligibility;

namespace {

constexpr const char* fra_address = "192.0.2.1";
constexpr const char* fra_endpoint = "endpoint/shop.svc.example.test./192.0.2.1";

/// Of two clusters each is half of all that there is.
struct Doubtful {
  explicit Doubtful(SmallWorld world = {}) : life(store, clock, std::move(world)) {
    for (const std::string& address : life.world.fra) life.verdict(address, Health::up);
    life.verdict("198.51.100.1", Health::up);
  }
  void fra_reports() {
    const LoadReport report{.cluster = "fra", .service = "", .load = 5};
    REQUIRE(life.control.report_loads(std::span(&report, 1)));
  }
  Eligibility seen(uint32_t id = 0) const {
    return life.control.snapshot().eligibility->get(EndpointId(id));
  }
  bool is_doubted() const { return life.control.join().is_doubted(ClusterId(0)); }
  void wait_until_believed() {
    life.loop.run_until([this] { return !is_doubted(); }, tests::patience);
  }
  /// "doubted: why", newest first.
  std::vector<std::string> told() {
    std::vector<std::string> all;
    for (const store::JournalEntry& entry : life.history("cluster/fra")) {
      if (entry.kind == "corroboration") all.push_back(entry.after + ": " + entry.reason);
    }
    return all;
  }

  store::MemoryStore store;
  tests::ManualClock clock;
  Life life;
};

}  // namespace

TEST_CASE("half of all that times out stays in answers while it reports its load",
          "[corroboration]") {
  Doubtful world;
  world.fra_reports();
  world.life.times_out(fra_address);
  CHECK(world.seen() == Eligibility::eligible);
  const Join& join = world.life.control.join();
  CHECK(join.endpoint(EndpointId(0)).health == Health::down);
  CHECK(join.endpoint(EndpointId(0)).kept == KeptBy::reports);
  CHECK(join.reason(EndpointId(0)) ==
        "held because its cluster still reports load; the probes say: monitor web at 192.0.2.1: "
        "connect: refused");
  CHECK(world.told() ==
        std::vector<std::string>{
            "doubted: 50 % of all capacity seems down, and it still reports its load"});

  SECTION("people see it") {
    const auto json = nlohmann::json::parse(status_json(world.life.control))["clusters"][0];
    CHECK(json["doubted"] == true);
    CHECK(json["reason"] == "its probes are not believed: it still reports its load");
    const auto kept = world.life.history(fra_endpoint);
    REQUIRE_FALSE(kept.empty());
    CHECK(std::ranges::any_of(kept, [](const store::JournalEntry& entry) {
      return entry.kind == "kept" && entry.after == "reports";
    }));
  }
  SECTION("and leaves once no report has come for as long as one counts") {
    world.clock.advance(Milliseconds(20'000));
    world.fra_reports();
    world.clock.advance(Milliseconds(24'000));
    world.life.verdict("198.51.100.1", Health::up);
    CHECK(world.seen() == Eligibility::eligible);
    world.clock.advance(Milliseconds(1'000));
    world.wait_until_believed();
    CHECK(world.seen() == Eligibility::down);
    CHECK(world.told().front() ==
          "believed: 50 % of all capacity seems down, its last load report is of 25s ago");
  }
  SECTION("and leaves at once when its host says so itself") {
    world.life.verdict(fra_address, Health::down, 0, health::Hold::none, health::Failure::hard);
    CHECK(world.seen() == Eligibility::down);
    CHECK_FALSE(world.is_doubted());
    CHECK(world.told().front() == "believed: it no longer fails in silence");
  }
  SECTION("and is as ever when its probes pass again") {
    world.life.verdict(fra_address, Health::up);
    CHECK_FALSE(world.is_doubted());
    CHECK(world.seen() == Eligibility::eligible);
    CHECK(world.life.control.join().endpoint(EndpointId(0)).kept == KeptBy::nobody);
    CHECK(world.told().front() == "believed: its probes no longer say that it is down");
  }
  SECTION("and leaves when a person takes it out") {
    REQUIRE(world.life.set({"drain", "cluster/fra", "ada", "rack work", "1h"}));
    CHECK(world.seen() == Eligibility::excluded);
    CHECK(world.life.control.join().endpoint(EndpointId(0)).kept == KeptBy::nobody);
  }
  SECTION("and stays so over a reload") {
    REQUIRE(world.life.reload().reloaded);
    CHECK(world.seen() == Eligibility::eligible);
    CHECK(world.is_doubted());
    world.clock.advance(Milliseconds(26'000));
    world.wait_until_believed();
    CHECK(world.seen() == Eligibility::down);
  }
}

TEST_CASE("what is down already comes back when its cluster reports load", "[corroboration]") {
  Doubtful world;
  world.life.times_out(fra_address);
  CHECK(world.seen() == Eligibility::down);
  world.fra_reports();
  world.life.loop.run_until([&] { return world.is_doubted(); }, tests::patience);
  CHECK(world.seen() == Eligibility::eligible);
}

TEST_CASE("a wrong answer is no silence, and is believed", "[corroboration]") {
  Doubtful world;
  world.fra_reports();
  world.life.verdict(fra_address, Health::down);
  CHECK(world.seen() == Eligibility::down);
  CHECK_FALSE(world.is_doubted());
}

TEST_CASE("a cluster is doubted as a whole, once less than a quarter of it is up",
          "[corroboration]") {
  SmallWorld small;
  small.fra = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"};
  Doubtful world(small);
  world.fra_reports();
  for (size_t i = 0; i < 3; ++i) world.life.times_out(small.fra[i]);
  // The way there is open, so these are what is wrong.
  CHECK(world.seen(0) == Eligibility::down);
  CHECK_FALSE(world.is_doubted());
  world.life.times_out(small.fra[3]);
  CHECK(world.is_doubted());
  for (uint32_t id = 0; id < 5; ++id) CHECK(world.seen(id) == Eligibility::eligible);
  SECTION("and what falls then is kept with the others") {
    world.life.times_out(small.fra[4]);
    CHECK(world.life.control.join().endpoint(EndpointId(4)).kept == KeptBy::reports);
    CHECK(world.seen(4) == Eligibility::eligible);
  }
  SECTION("but for what refuses") {
    world.life.verdict(small.fra[4], Health::down, 0, health::Hold::none, health::Failure::hard);
    CHECK(world.is_doubted());
    CHECK(world.seen(4) == Eligibility::down);
    CHECK(world.seen(0) == Eligibility::eligible);
  }
  SECTION("until more than a third is up again") {
    world.life.verdict(small.fra[0], Health::up);
    CHECK_FALSE(world.is_doubted());
    CHECK(world.seen(1) == Eligibility::down);
  }
}

TEST_CASE("a cluster that is down by monitors of its own is kept with all that is in it",
          "[corroboration]") {
  SmallWorld small;
  small.cluster_monitors = {"ingress"};
  small.fra_ingress = {"203.0.113.9"};
  Doubtful world(small);
  world.life.verdict("203.0.113.9", Health::up);
  world.fra_reports();
  world.life.times_out("203.0.113.9");
  CHECK(world.life.control.join().cluster(ClusterId(0)).kept == KeptBy::reports);
  CHECK(world.life.control.join().endpoint(EndpointId(0)).kept_with == KeptBy::reports);
  CHECK(world.seen() == Eligibility::eligible);
  world.life.verdict("203.0.113.9", Health::down, 0, health::Hold::none, health::Failure::hard);
  CHECK(world.seen() == Eligibility::down);
}

TEST_CASE("what reports kept stays over a restart until one had time to come", "[corroboration]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock);
    life.all_up();
    const LoadReport report{.cluster = "fra", .service = "", .load = 5};
    REQUIRE(life.control.report_loads(std::span(&report, 1)));
    life.times_out(fra_address);
    REQUIRE(life.fra() == Eligibility::eligible);
  }
  Life next(store, clock);
  CHECK(next.fra() == Eligibility::eligible);
  next.times_out(fra_address);
  CHECK(next.fra() == Eligibility::eligible);
  CHECK(next.control.join().endpoint(EndpointId(0)).kept == KeptBy::reports);
  clock.advance(Milliseconds(26'000));
  next.loop.run_until([&] { return next.fra() == Eligibility::down; }, tests::patience);
  CHECK(next.fra() == Eligibility::down);
}

TEST_CASE("who does not want probes doubted has none doubted", "[corroboration]") {
  SmallWorld small;
  small.corroborate = false;
  Doubtful world(small);
  world.fra_reports();
  world.life.times_out(fra_address);
  CHECK(world.seen() == Eligibility::down);
}
