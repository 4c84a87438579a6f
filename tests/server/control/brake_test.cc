#include "server/control/brake.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <ctime>
#include <nlohmann/json.hpp>

#include "server/control/views.h"
#include "tests/server/control/control_life.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using zones::Eligibility;

namespace {

constexpr WallTime wall{1'790'000'000'000};
constexpr MonotonicTime at(int64_t seconds) {
  return {seconds * 1'000'000'000};
}

using tests::Life;

/// Four endpoints in fra, of which two may go down within 30 s.
tests::SmallWorld braked_world() {
  tests::SmallWorld world;
  world.fra = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
  world.has_ams = false;
  world.brake.endpoints = Portion{50, true};
  return world;
}

void all_up(Life& life) {
  for (const std::string& address : life.world.fra) life.verdict(address, Health::up);
}

Eligibility seen(const Life& life, uint32_t id) {
  return life.control.snapshot().eligibility->get(EndpointId(id));
}

/// The third failure is one too many.
void engage(Life& life) {
  all_up(life);
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    life.verdict(address, Health::down);
}

Result<size_t> steer(Life& life, const std::string& action) {
  std::optional<Result<size_t>> result;
  life.control.steer_brake({action, "ada", "looked at it"},
                           [&](auto given) { result = std::move(given); });
  life.loop.run_until([&] { return result.has_value(); }, 5'000);
  return *result;
}

/// What the journal says of who keeps the target, newest first: "brake>: a person released it; …".
std::vector<std::string> kept(Life& life, const std::string& target) {
  std::vector<std::string> told;
  for (const store::JournalEntry& entry : life.history(target)) {
    if (entry.kind != "kept") continue;
    CHECK(entry.actor == "swingoverd");
    told.push_back(entry.before + ">" + entry.after + ": " + entry.reason);
  }
  return told;
}
const std::string third = "endpoint/shop.svc.example.test./192.0.2.3";
const std::string third_is_kept =
    ">brake: until its probes agree or a person releases it; held by the brake; the probes say: "
    "monitor web at 192.0.2.3: connect: refused";
using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("the brake engages with the first eviction beyond its bound in the window", "[brake]") {
  Brake brake;
  brake.configure({.endpoints = Portion{50, true}, .clusters = Portion{1, false}});
  using Of = Brake::Of;
  CHECK(brake.let_go(Of::endpoints, 3, 8, at(0), wall));
  CHECK(brake.let_go(Of::clusters, 1, 3, at(1), wall));
  CHECK(brake.let_go(Of::endpoints, 1, 8, at(10), wall));
  SECTION("what lies before the window no longer counts") {
    CHECK(brake.let_go(Of::endpoints, 3, 8, at(30), wall));
    CHECK_FALSE(brake.is_engaged());
  }
  SECTION("what would be too much goes not even in part, and then nothing does") {
    CHECK_FALSE(brake.let_go(Of::endpoints, 1, 8, at(29), wall));
    CHECK(brake.is_engaged());
    CHECK(brake.reason() == "5 of 8 endpoints would be down within 30s, brake 50%");
    CHECK_FALSE(brake.let_go(Of::endpoints, 1, 8, at(3'600), wall));
    brake.disengage();
    CHECK(brake.let_go(Of::endpoints, 4, 8, at(3'600), wall));
  }
  SECTION("clusters have a bound of their own") {
    CHECK_FALSE(brake.let_go(Of::clusters, 1, 3, at(5), wall));
    CHECK(brake.reason() == "2 of 3 clusters would be down within 30s, brake 1");
  }
}

TEST_CASE("without a bound all that fails goes down", "[brake]") {
  Brake brake;
  brake.configure({});
  CHECK(brake.let_go(Brake::Of::endpoints, 1000, 1000, at(0), wall));
}

TEST_CASE("an edge doubts itself when its own targets fail and most of everything does",
          "[brake]") {
  SelfDoubt doubt;
  doubt.configure(Milliseconds(30'000));
  CHECK_FALSE(doubt.look({2, 2, 10, 5}, at(0)));
  CHECK_FALSE(doubt.look({2, 1, 10, 9}, at(1)));
  CHECK(doubt.look({2, 2, 10, 6}, at(2)));
  CHECK(doubt.is_in_doubt());
  CHECK_FALSE(doubt.look({2, 0, 10, 6}, at(3)));
  CHECK(doubt.is_in_doubt());  // slower probes have not seen it yet
  CHECK(doubt.look({2, 0, 10, 6}, at(32)));
  CHECK_FALSE(doubt.is_in_doubt());
}

TEST_CASE("beyond the brake an endpoint stays in answers, and says so", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock, braked_world());
  engage(life);
  CHECK(life.control.brake().is_engaged());
  CHECK(seen(life, 1) == Eligibility::down);
  CHECK(seen(life, 2) == Eligibility::eligible);
  CHECK(life.control.join().endpoint(EndpointId(2)).health == Health::down);
  CHECK(life.control.join().reason(EndpointId(2)) ==
        "held by the brake; the probes say: monitor web at 192.0.2.3: connect: refused");
  const auto entries = life.history("");
  CHECK(std::any_of(entries.begin(), entries.end(), [](const store::JournalEntry& entry) {
    return entry.kind == "brake" && entry.after == "engaged" &&
           entry.reason == "3 of 4 endpoints would be down within 30s, brake 50%";
  }));

  SECTION("the window goes by, and nothing goes down by itself all the same") {
    clock.advance(Milliseconds(3'600'000));
    life.verdict("192.0.2.4", Health::down);
    CHECK(seen(life, 3) == Eligibility::eligible);
  }
  SECTION("it lets go when the probes agree with what it keeps") {
    life.verdict("192.0.2.3", Health::up);
    CHECK_FALSE(life.control.brake().is_engaged());
    clock.advance(Milliseconds(31'000));
    life.verdict("192.0.2.3", Health::down);
    CHECK(seen(life, 2) == Eligibility::down);
  }
  SECTION("a person lets the evictions through") {
    CHECK(*steer(life, "release") == 1);
    CHECK(seen(life, 2) == Eligibility::down);
    CHECK_FALSE(life.control.brake().is_engaged());
    CHECK_FALSE(steer(life, "release"));  // nothing is kept any more
  }
  SECTION("a person keeps them until the probes agree, and the brake is free for others") {
    CHECK(*steer(life, "keep") == 1);
    CHECK_FALSE(life.control.brake().is_engaged());
    CHECK(seen(life, 2) == Eligibility::eligible);
    life.verdict("192.0.2.4", Health::down);
    CHECK(seen(life, 3) == Eligibility::down);
    life.verdict("192.0.2.3", Health::up);
    clock.advance(Milliseconds(31'000));
    life.verdict("192.0.2.3", Health::down);
    CHECK(seen(life, 2) == Eligibility::down);
  }
  SECTION("a reload keeps what is kept") {
    CHECK(life.reload().reloaded);
    CHECK(life.control.brake().is_engaged());
    CHECK(seen(life, 2) == Eligibility::eligible);
    CHECK(seen(life, 1) == Eligibility::down);
    CHECK(*steer(life, "release") == 1);
    CHECK(seen(life, 2) == Eligibility::down);
  }
  SECTION("a reload with another bound keeps it too") {
    life.world.brake.endpoints = Portion{3, false};
    CHECK(life.reload().reloaded);
    CHECK(life.control.brake().is_engaged());
    CHECK(seen(life, 2) == Eligibility::eligible);
  }
  SECTION("a reload that takes the bounds away takes the brake off") {
    life.world.brake.endpoints.reset();
    CHECK(life.reload().reloaded);
    CHECK_FALSE(life.control.brake().is_engaged());
    CHECK(seen(life, 2) == Eligibility::down);
    const auto told = life.history("");
    CHECK(std::any_of(told.begin(), told.end(), [](const store::JournalEntry& entry) {
      return entry.kind == "brake" && entry.after == "free" &&
             entry.reason == "the configuration has no bound any more";
    }));
  }
}

TEST_CASE("a restart keeps what the brake kept, engaged as it was", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock, braked_world());
    engage(life);
  }
  {
    Life life(store, clock, braked_world());
    CHECK(life.control.brake().is_engaged());
    CHECK(seen(life, 2) == Eligibility::eligible);
    CHECK(seen(life, 1) == Eligibility::down);
    life.verdict("192.0.2.3", Health::up);
    CHECK_FALSE(life.control.brake().is_engaged());
  }
  Life life(store, clock, braked_world());
  CHECK_FALSE(life.control.brake().is_engaged());
}

TEST_CASE(
    "what the brake kept stays in an edge that doubts itself, though its bounds are taken away",
    "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world = braked_world();
  world.self_checks = {"203.0.113.1"};
  Life life(store, clock, world);
  life.verdict("203.0.113.1", Health::up);
  engage(life);
  life.verdict("203.0.113.1", Health::down);
  REQUIRE(life.control.self_doubt().is_in_doubt());
  life.world.brake.endpoints.reset();
  CHECK(life.reload().reloaded);
  CHECK_FALSE(life.control.brake().is_engaged());
  CHECK(seen(life, 2) == Eligibility::eligible);
}

TEST_CASE("a restart without bounds does not brake again", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock, braked_world());
    engage(life);
  }
  tests::SmallWorld world = braked_world();
  world.brake.endpoints.reset();
  {
    Life life(store, clock, world);
    CHECK_FALSE(life.control.brake().is_engaged());
    CHECK(seen(life, 2) == Eligibility::down);
  }
  Life life(store, clock, braked_world());
  CHECK_FALSE(life.control.brake().is_engaged());
}

TEST_CASE("a cluster beyond the brake stays up for its endpoints", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.service_monitors = {};
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.9"};
  world.brake.clusters = Portion{10, true};  // of two: none
  Life life(store, clock, world);
  life.verdict("192.0.2.9", Health::up);
  life.verdict("192.0.2.9", Health::down);
  CHECK(life.control.join().cluster(ClusterId(0)).health == Health::down);
  CHECK(seen(life, 0) == Eligibility::eligible);
  CHECK(life.control.join().reason(EndpointId(0)) ==
        "held by the brake; the probes say: cluster fra is down: monitor ingress at 192.0.2.9: "
        "connect: refused");
  SECTION("until a person lets it go") {
    CHECK(*steer(life, "release") == 1);
    CHECK(seen(life, 0) == Eligibility::down);
  }
  SECTION("until a person drains it") {
    REQUIRE(life.set({"drain", "cluster/fra", "ada", "it burns", "1h"}));
    CHECK_FALSE(life.control.brake().is_engaged());
    CHECK(life.control.join().cluster(ClusterId(0)).kept == KeptBy::nobody);
  }
}

TEST_CASE("an edge that doubts itself takes back what just fell, and then evicts nothing",
          "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world = braked_world();
  world.brake = {};
  world.self_checks = {"203.0.113.1"};
  Life life(store, clock, world);
  all_up(life);
  life.verdict("203.0.113.1", Health::up);
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    life.verdict(address, Health::down);
  CHECK(seen(life, 0) == Eligibility::down);
  life.verdict("203.0.113.1", Health::down);
  CHECK(life.control.self_doubt().is_in_doubt());
  CHECK(seen(life, 0) == Eligibility::eligible);
  life.verdict("192.0.2.4", Health::down);
  CHECK(seen(life, 3) == Eligibility::eligible);
  CHECK(
      life.control.join().reason(EndpointId(3)).starts_with("held while this edge doubts itself"));

  life.verdict("203.0.113.1", Health::up);
  life.verdict("192.0.2.1", Health::up);
  clock.advance(Milliseconds(31'000));
  life.verdict("192.0.2.2", Health::up);  // any turn looks at it; so does the housekeeping
  CHECK_FALSE(life.control.self_doubt().is_in_doubt());
  CHECK(seen(life, 0) == Eligibility::eligible);
  CHECK(seen(life, 1) == Eligibility::eligible);
  CHECK(seen(life, 3) == Eligibility::down);  // it fails still
}

TEST_CASE("a self_check target that cannot be looked at is shown, and is not down", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world = braked_world();
  world.brake = {};
  world.self_checks = {"203.0.113.1", "203.0.113.2"};
  Life life(store, clock, world);
  all_up(life);
  life.verdict("203.0.113.2", Health::down);
  health::CheckUpdate blind;
  blind.epoch = life.epoch;
  while (life.checks.at(blind.check).address != "203.0.113.1") ++blind.check;
  blind.verdict = health::Verdict::fail;
  blind.reason = "no right to send echo requests";
  blind.at = clock.wall();
  life.control.on_updates({blind});
  for (const std::string& address : world.fra) life.verdict(address, Health::down);
  CHECK_FALSE(life.control.self_doubt().is_in_doubt());

  const auto shown = nlohmann::json::parse(brake_json(life.control)).at("self_checks");
  REQUIRE(shown.size() == 2);
  CHECK(shown[0]["target"] == "203.0.113.1");
  CHECK(shown[0]["health"] == "unknown");
  CHECK(shown[0]["reason"] == "no right to send echo requests");
  CHECK(shown[1]["target"] == "203.0.113.2");
  CHECK(shown[1]["health"] == "down");
}

TEST_CASE("a person's resume is stored, journaled, and told to the probes", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  life.verdict("192.0.2.1", Health::up, 0, health::Hold::resume);
  CHECK(seen(life, 0) == Eligibility::down);
  const auto resume = [&](const std::string& target) {
    std::optional<Result<Control::Resumed>> result;
    life.control.resume({target, "ada", "mended"}, [&](auto given) { result = std::move(given); });
    life.loop.run_until([&] { return result.has_value(); }, 5'000);
    return *result;
  };
  CHECK_FALSE(resume("cluster/ams"));
  CHECK(resume("cluster/fra")->checks == 1);
  CHECK(life.resumed == std::vector<uint32_t>{0});
  CHECK(life.history("cluster/fra").front().kind == "resume");
  Life next(store, clock);  // before any probe of the first life answered
  CHECK(seen(next, 0) == Eligibility::eligible);
}

TEST_CASE("a report swings as a verdict does, and its silence too", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.service_monitors = {};
  world.cluster_monitors = {"beat"};
  world.more_monitors = {tests::SmallWorld::push("beat")};
  Life life(store, clock, world);
  CHECK(life.checks.empty());
  CHECK(*life.control.push({"beat", "", "fra", "up", "", 12.5}) == 1);
  CHECK(seen(life, 0) == Eligibility::eligible);
  CHECK(*life.control.push({"beat", "", "fra", "down", "maintenance", {}}) == 1);
  CHECK(seen(life, 0) == Eligibility::down);
  CHECK(life.control.join().reason(EndpointId(0)) ==
        "cluster fra is down: monitor beat at cluster/fra: it reports itself down: maintenance");
  CHECK_FALSE(life.control.push({"beat", "", "ams", "up", "", {}}));
}

TEST_CASE("what goes down behind a drain is no eviction, and what is drained is not kept",
          "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world = braked_world();
  world.has_ams = true;
  world.brake.endpoints = Portion{1, false};
  Life life(store, clock, world);
  all_up(life);
  life.verdict("198.51.100.1", Health::up);
  SECTION("maintenance") {
    REQUIRE(life.set({"drain", "cluster/fra", "ada", "rack work", "1h"}));
    for (const std::string& address : life.world.fra) life.verdict(address, Health::down);
    CHECK_FALSE(life.control.brake().is_engaged());
    life.verdict("198.51.100.1", Health::down);
    CHECK(seen(life, 4) == Eligibility::down);
  }
  SECTION("an outage that a person answers with a drain") {
    for (const std::string& address : life.world.fra) life.verdict(address, Health::down);
    REQUIRE(life.control.brake().is_engaged());
    REQUIRE(life.set({"drain", "cluster/fra", "ada", "it burns", "1h"}));
    CHECK_FALSE(life.control.brake().is_engaged());
    CHECK(life.control.join().kept_count(KeptBy::brake) == 0);
  }
}

TEST_CASE("what is kept goes on in the next generation at a cost that grows with it alone",
          "[brake]") {
  constexpr uint32_t all = 4'000;
  auto model = std::make_shared<zones::Model>();
  model->topology.clusters.push_back({"fra", {}, {}, {}, {}});
  for (uint32_t i = 0; i < all; ++i) {
    zones::Service service;
    service.name = *zones::parse_name("s" + std::to_string(i) + ".svc.example.test.");
    zones::Pool pool;
    pool.cluster = ClusterId(0);
    pool.cluster_name = "fra";
    pool.endpoints.push_back({*parse_ip_address("192.0.2.1"), {}});
    service.pools.push_back(pool);
    model->services.push_back(service);
  }
  zones::number(model->services);
  Join before(model, {});
  for (uint32_t i = 0; i < all; ++i) before.keep(EndpointId(i), KeptBy::brake);
  Join after(model, {});
  const std::clock_t began = std::clock();
  after.follow(before);
  CHECK(after.kept_count(KeptBy::brake) == all);
  // To look each one up among all services would take seconds.
  CHECK(std::clock() - began < CLOCKS_PER_SEC / 2);
}

TEST_CASE("the journal says of each endpoint who keeps it, until when, and why no longer",
          "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock, braked_world());
  engage(life);
  REQUIRE(kept(life, third) == Words{third_is_kept});
  CHECK(kept(life, "endpoint/shop.svc.example.test./192.0.2.1").empty());

  SECTION("a person releases it") {
    CHECK(*steer(life, "release") == 1);
    CHECK(kept(life, third) ==
          Words{"brake>: a person released it; monitor web at 192.0.2.3: connect: refused",
                third_is_kept});
  }
  SECTION("a person keeps it, until its probes agree") {
    CHECK(*steer(life, "keep") == 1);
    life.verdict("192.0.2.3", Health::up);
    CHECK(kept(life, third) ==
          Words{"person>: its probes agree again",
                "brake>person: until its probes agree or a person releases it; held by `swingctl "
                "brake keep`; the probes say: monitor web at 192.0.2.3: connect: refused",
                third_is_kept});
  }
  SECTION("a person takes it out") {
    REQUIRE(life.set({"drain", "cluster/fra", "ada", "it burns", "1h"}));
    CHECK(kept(life, third) == Words{"brake>: drained by ada: it burns", third_is_kept});
  }
  SECTION("a reload keeps it, which is nothing new") {
    CHECK(life.reload().reloaded);
    CHECK(kept(life, third) == Words{third_is_kept});
  }
  SECTION("a reload takes the bounds away") {
    life.world.brake.endpoints.reset();
    CHECK(life.reload().reloaded);
    CHECK(kept(life, third) == Words{"brake>: the configuration has no bound any more; monitor web "
                                     "at 192.0.2.3: connect: refused",
                                     third_is_kept});
  }
}

TEST_CASE("a restart tells who is no longer kept, and frees a brake of which nothing is left",
          "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock, braked_world());
    engage(life);
  }
  SECTION("kept as it was, told once") {
    Life life(store, clock, braked_world());
    CHECK(kept(life, third) == Words{third_is_kept});
  }
  SECTION("without bounds") {
    tests::SmallWorld world = braked_world();
    world.brake.endpoints.reset();
    Life life(store, clock, world);
    CHECK(kept(life, third) == Words{"brake>: the configuration has no bound any more; monitor web "
                                     "at 192.0.2.3: connect: refused",
                                     third_is_kept});
  }
  SECTION("without the endpoint") {
    tests::SmallWorld world = braked_world();
    world.fra = {"192.0.2.1"};
    Life life(store, clock, world);
    CHECK_FALSE(life.control.brake().is_engaged());
    const auto told = life.history("");
    CHECK(std::any_of(told.begin(), told.end(), [](const store::JournalEntry& entry) {
      return entry.kind == "brake" && entry.before == "engaged" && entry.after == "free";
    }));
  }
}

TEST_CASE("the journal says what doubt takes back, and what of it the brake keeps then",
          "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world = braked_world();
  world.brake.endpoints = Portion{75, true};
  world.self_checks = {"203.0.113.1"};
  Life life(store, clock, world);
  all_up(life);
  life.verdict("203.0.113.1", Health::up);
  for (const char* address : {"192.0.2.1", "192.0.2.2", "192.0.2.3"})
    life.verdict(address, Health::down);
  life.verdict("203.0.113.1", Health::down);
  const std::string doubted =
      ">doubt: until its probes agree or this edge no longer doubts itself; held while this edge "
      "doubts itself; the probes say: monitor web at 192.0.2.3: connect: refused";
  CHECK(kept(life, third) == Words{doubted});
  life.verdict("203.0.113.1", Health::up);
  clock.advance(Milliseconds(31'000));
  SECTION("what fails still goes down") {
    life.verdict("203.0.113.1", Health::up);
    CHECK(kept(life, third) == Words{"doubt>: this edge no longer doubts itself; monitor web at "
                                     "192.0.2.3: connect: refused",
                                     doubted});
  }
  SECTION("or is the brake's") {
    life.world.brake.endpoints = Portion{1, false};
    CHECK(life.reload().reloaded);
    life.verdict("203.0.113.1", Health::up);
    REQUIRE(kept(life, third).size() == 2);
    CHECK(kept(life, third).front().starts_with("doubt>brake: until"));
  }
}

TEST_CASE("the journal says who keeps a cluster, and of its health what changed alone", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.service_monitors = {};
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.9"};
  world.brake.clusters = Portion{10, true};
  Life life(store, clock, world);
  life.verdict("192.0.2.9", Health::up);
  life.verdict("192.0.2.9", Health::down);
  CHECK(*steer(life, "release") == 1);
  const std::string why = "monitor ingress at 192.0.2.9: connect: refused";
  CHECK(kept(life, "cluster/fra") ==
        Words{"brake>: a person released it; " + why,
              ">brake: until its probes agree or a person releases it; held by the brake; the "
              "probes say: " +
                  why});
  // Its endpoints are not kept themselves, and in answers only because it is.
  const std::string of_cluster = "cluster fra is down: " + why;
  CHECK(kept(life, "endpoint/shop.svc.example.test./192.0.2.1") ==
        Words{"brake>: a person released it; " + of_cluster,
              ">brake: until its probes agree or a person releases it; held by the brake; the "
              "probes say: " +
                  of_cluster});
  Words health;
  for (const store::JournalEntry& entry : life.history("cluster/fra")) {
    if (entry.kind == "health") health.push_back(entry.before + ">" + entry.after);
  }
  CHECK(health == Words{"up>down", "unknown>up"});
}

TEST_CASE("a person's word on what is kept stays in the store as he gave it", "[brake]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock, braked_world());
  engage(life);
  CHECK(*steer(life, "keep") == 1);
  life.writer.flush(Milliseconds(5'000));
  const auto stored = store.get(store::Table::state, kept_key(third));
  REQUIRE(stored->has_value());
  CHECK(decode_kept(**stored)->reason == "looked at it");
}
