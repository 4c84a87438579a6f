#include "server/control/control_loop.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <functional>
#include <set>

#include "store/memory_store.h"
#include "tests/server/control/control_life.h"
#include "tests/server/control/small_world.h"
#include "tests/support/manual_clock.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using zones::Eligibility;

namespace {

using tests::patience;

using tests::Life;

const std::string service = "shop.svc.example.test.";
const IntentRequest drain_fra{"drain", "cluster/fra", "ada", "rack work", "1h"};

}  // namespace

TEST_CASE("a verdict flips its byte at once, and the swing is counted, timed and journaled",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  CHECK(life.fra() == Eligibility::eligible);
  CHECK(life.control.problems().empty());

  life.verdict("192.0.2.1", Health::down);
  CHECK(life.fra() == Eligibility::down);
  CHECK(life.control.swings().at({service, "failover"}) == 1);
  CHECK(life.control.swing_durations().sum == Approx(0.3));
  life.verdict("192.0.2.1", Health::up);
  CHECK(life.control.swings().at({service, "failback"}) == 1);

  const auto swings = life.history("service/" + service);
  REQUIRE(swings.size() == 2);
  CHECK(swings[1].before == "fra");
  CHECK(swings[1].after == "ams");
  const auto changes = life.history("endpoint/" + service + "/192.0.2.1");
  REQUIRE(changes.size() == 3);
  CHECK(changes[1].reason == "monitor web at 192.0.2.1: connect: refused");
}

TEST_CASE("a check that this host may not look at does not keep the start open", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.verdict("192.0.2.1", Health::up);
  REQUIRE(life.control.problems().size() == 1);
  CHECK(life.control.problems()[0].find("1 of 2 checks") != std::string::npos);
  life.verdict("198.51.100.1", Health::unknown);
  CHECK(life.control.problems().empty());
}

TEST_CASE("a service's TTL falls while its health is being confirmed, and rises when it is settled",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.has_outer = true;
  Life life(store, clock, world);
  const auto ttl = [&](uint32_t service = 0) {
    const zones::Snapshot& snapshot = life.control.snapshot();
    const auto now = static_cast<uint32_t>(clock.wall().unix_milliseconds / 1000);
    return snapshot.plans[service].ttl(snapshot.changes->get(ServiceId(service)), now).value;
  };
  const auto tell = [&](const std::string& address, Health health, Milliseconds until_change) {
    health::CheckUpdate update;
    update.epoch = life.epoch;
    while (life.checks.at(update.check).address != address) ++update.check;
    update.health = health;
    update.until_change = until_change;
    update.at = clock.wall();
    life.control.on_updates({update});
  };
  CHECK(ttl() == 5);  // nobody knows
  life.all_up();
  CHECK(ttl() == 30);
  tell("192.0.2.1", Health::up, Milliseconds(12'000));
  CHECK(ttl() == 12);
  clock.advance(Milliseconds(4'000));
  CHECK(ttl() == 8);
  CHECK(change_words(life.control.next_change(ServiceId(0)), life.control.join(), clock.wall()) ==
        "endpoint 192.0.2.1: monitor web may go down in 8.0 s");
  clock.advance(Milliseconds(4'000));
  CHECK(ttl() == 5);
  tell("192.0.2.1", Health::up, Milliseconds(0));
  CHECK(ttl() == 30);

  SECTION("an endpoint that does not answer leaves it alone") {
    tell("198.51.100.1", Health::up, Milliseconds(1'000));
    CHECK(ttl() == 30);
    life.verdict("192.0.2.1", Health::down);
    CHECK(ttl() == 5);  // now it does
  }
  SECTION("a service that has it for an endpoint follows when nothing else of it is up") {
    tell("192.0.2.1", Health::up, Milliseconds(15'000));
    CHECK(ttl(1) == 30);
    life.verdict("198.51.100.1", Health::down);
    tell("192.0.2.1", Health::up, Milliseconds(12'000));
    CHECK(ttl(1) == 12);
    tell("192.0.2.1", Health::up, Milliseconds(0));
    CHECK(ttl(1) == 30);
  }
  SECTION("a drain that ends soon is a change that is near") {
    REQUIRE(life.set({"drain", "cluster/fra", "ada", "rack work", "20s"}));
    CHECK(ttl() == 20);
    clock.advance(Milliseconds(8'000));
    CHECK(ttl() == 12);
    REQUIRE(life.set({"drain", "cluster/fra", "ada", "longer", "2h"}));
    CHECK(ttl() == 30);
  }
  SECTION("a reload keeps what is known of it") {
    tell("192.0.2.1", Health::up, Milliseconds(15'000));
    REQUIRE(life.reload().reloaded);
    CHECK(ttl() == 15);
  }
}

TEST_CASE("a hold keeps an endpoint out though it is up, in the journal and over a restart",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock);
    life.all_up();
    life.verdict("192.0.2.1", Health::down, 0, health::Hold::flapping);
    CHECK(life.fra() == Eligibility::down);
    life.verdict("192.0.2.1", Health::up, 0, health::Hold::flapping);
    CHECK(life.fra() == Eligibility::unknown);
    const auto told = life.history("endpoint/" + service + "/192.0.2.1");
    REQUIRE(told.size() == 4);
    const bool is_newest = told[0].kind == "hold";
    CHECK(told[is_newest ? 0 : 1].after == "held");
    CHECK(told[is_newest ? 1 : 0].after == "up");
    CHECK(told[0].reason ==
          "monitor web at 192.0.2.1: up, held because it went down too often lately");
  }
  Life life(store, clock);
  CHECK(life.fra() == Eligibility::unknown);
  CHECK(life.checks.at(0).initial.hold == health::Hold::flapping);
  life.verdict("192.0.2.1", Health::up);
  CHECK(life.fra() == Eligibility::eligible);
  const auto told = life.history("endpoint/" + service + "/192.0.2.1");
  REQUIRE(told.size() == 5);
  CHECK(told[0].kind == "hold");
  CHECK(told[0].before == "held");
  CHECK(told[0].after.empty());
}

TEST_CASE("health changes show while the store fails, and intents do not", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  life.writer.flush(Milliseconds(patience));
  store.fail_commits(Error{ErrorCode::unavailable, "No space left on device"});
  const auto refused = life.set(drain_fra);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unavailable);
  CHECK(life.fra() == Eligibility::eligible);
  CHECK(life.control.intents().size() == 0);

  life.verdict("192.0.2.1", Health::down);
  CHECK(life.fra() == Eligibility::down);
  REQUIRE(life.control.problems().size() == 1);
  CHECK(life.control.problems()[0].find("No space left") != std::string::npos);

  store.fail_commits(std::nullopt);
  CHECK(life.set(drain_fra));
  CHECK(life.control.problems().empty());
}

TEST_CASE("a restart answers from what was stored, and marks it so", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock);
    life.all_up();
    life.verdict("192.0.2.1", Health::down);
  }
  Life life(store, clock);
  CHECK(life.control.snapshot().generation == 2);
  CHECK(life.fra() == Eligibility::down);
  CHECK(life.checks[0].initial.health == Health::down);
  CHECK(life.control.join().check(0).stored);
  CHECK(life.control.problems().empty());
  life.verdict("192.0.2.1", Health::down);
  CHECK_FALSE(life.control.join().check(0).stored);
}

TEST_CASE("an intent holds over a restart, and expires in any life", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  {
    Life life(store, clock);
    life.all_up();
    REQUIRE(life.set(drain_fra));
    CHECK(life.fra() == Eligibility::excluded);
    CHECK(life.control.swings().at({service, "intent"}) == 1);
  }
  {
    Life life(store, clock);
    CHECK(life.fra() == Eligibility::excluded);
    clock.jump_wall(Milliseconds(3'600'000));
    REQUIRE(life.loop.run_until([&] { return life.control.intents().size() == 0; }, patience));
    CHECK(life.fra() == Eligibility::eligible);
    CHECK(life.history("cluster/fra").front().after == "expired");
    REQUIRE(life.set(drain_fra));
  }
  clock.jump_wall(Milliseconds(7'200'000));  // while nobody was there
  Life life(store, clock);
  CHECK(life.control.intents().size() == 0);
  CHECK(life.fra() == Eligibility::eligible);
  CHECK(life.history("cluster/fra").front().after == "expired");
  CHECK(restore(store)->intents.empty());
}

TEST_CASE("an intent that is taken back is gone from the store too", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  const auto set = life.set(drain_fra);
  REQUIRE(set);
  std::optional<Result<Intent>> cancelled;
  life.control.cancel_intent(set->intent.id, "bob", "done",
                             [&](auto result) { cancelled = std::move(result); });
  REQUIRE(life.loop.run_until([&] { return cancelled.has_value(); }, patience));
  REQUIRE(*cancelled);
  CHECK(life.fra() == Eligibility::eligible);
  CHECK(restore(store)->intents.empty());
  CHECK(life.history("cluster/fra").front().actor == "bob");
}

TEST_CASE("a reload carries health over, and leaves intents without a target dangling",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  const IntentRequest drain_ams{"drain", "pool/" + service + "/ams", "ada", "work", ""};
  REQUIRE(life.set(drain_ams));
  life.world.has_ams = false;
  life.world.fra.push_back("192.0.2.2");
  const Control::ReloadResult result = life.reload();
  CHECK(result.reloaded);
  CHECK(result.generation == 2);
  CHECK(life.published.size() == 2);
  CHECK(life.fra() == Eligibility::eligible);
  CHECK(life.control.snapshot().eligibility->get(EndpointId(1)) == Eligibility::unknown);
  CHECK(life.control.intents().size() == 1);

  // What the probe thread had told before it heard of the new checks still counts.
  life.checks = {life.checks[0]};
  life.verdict("192.0.2.1", Health::down, 1);
  CHECK(life.fra() == Eligibility::down);
}

TEST_CASE("a reload moves nobody: the shares in force stay", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.capacity = 100;
  Life life(store, clock, world);
  life.all_up();
  const auto is_steered = [&] { return life.control.steering().is_idle(); };
  const auto shares = [&] {
    std::vector<uint16_t> row(2);
    life.control.snapshot().shares->read(ServiceId(0), 0, row);
    return row;
  };
  REQUIRE(life.loop.run_until(is_steered, tests::patience));
  CHECK(shares() == std::vector<uint16_t>{10'000, 0});
  REQUIRE(life.reload().reloaded);
  REQUIRE(life.control.snapshot().generation == 2);
  CHECK(shares() == std::vector<uint16_t>{10'000, 0});  // at once
  REQUIRE(life.loop.run_until(is_steered, tests::patience));
  CHECK(shares() == std::vector<uint16_t>{10'000, 0});
}

TEST_CASE("a reload with an error changes nothing and says what is wrong", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  life.refusal = "swingover.toml:3:1: error: unknown key\n";
  const Control::ReloadResult result = life.reload();
  CHECK_FALSE(result.reloaded);
  CHECK(result.problems == life.refusal);
  CHECK(result.generation == 1);
  CHECK(life.published.size() == 1);
  CHECK(life.control.reload_failures() == 1);
  CHECK(life.control.problems().empty());
}

TEST_CASE("callers during a reload share the one that follows it", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  std::vector<uint64_t> generations;
  for (int i = 0; i < 4; ++i) {
    life.control.reload([&](const auto& result) { generations.push_back(result.generation); });
  }
  REQUIRE(life.loop.run_until([&] { return generations.size() == 4; }, patience));
  CHECK(generations == std::vector<uint64_t>{2, 3, 3, 3});
  life.loop.run_until([] { return false; }, 50);
  CHECK(life.control.snapshot().generation == 3);
  CHECK(life.reloading == std::vector<bool>{true, false, true, false});
}

TEST_CASE(
    "a dead cluster of many services is told in parts, with others served in between, and whole",
    "[control_loop]") {
  constexpr uint32_t services = 3'000;  // more than the journal's bound for a disk that fails
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.99"};
  world.copies = services;
  Life life(store, clock, world);
  std::vector<health::CheckUpdate> all_up;
  for (uint32_t i = 0; i < life.checks.size(); ++i) {
    health::CheckUpdate update;
    update.epoch = life.epoch;
    update.check = i;
    update.health = Health::up;
    update.changed = true;
    update.at = clock.wall();
    all_up.push_back(update);
  }
  life.control.on_updates(std::move(all_up));
  REQUIRE(life.loop.run_until(
      [&] { return life.control.problems().empty() && life.control.is_all_told(); }, patience));
  const auto swings = [&] {
    uint64_t sum = 0;
    for (const auto& [key, count] : life.control.swings()) {
      if (key.cause == "failover") sum += count;
    }
    return sum;
  };
  REQUIRE(swings() == 0);

  life.verdict("192.0.2.99", Health::down);
  for (uint32_t i = 0; i < services; ++i)
    REQUIRE(life.control.snapshot().eligibility->get(EndpointId(2 * i)) == Eligibility::down);
  CHECK(swings() < services);

  // Others are served between the parts: each of their turns finds some more told, and not all at once.
  std::set<uint64_t> seen;
  std::function<void()> look = [&] {
    seen.insert(swings());
    if (swings() < services) life.loop.post(look);
  };
  life.loop.post(look);
  REQUIRE(life.loop.run_until([&] { return swings() == services; }, patience));
  CHECK(seen.size() > 5);

  const auto is_whole = [&] {
    store::Journal::Query query;
    query.most = 100'000;
    size_t health_down = 0;
    size_t swung = 0;
    const auto entries = store::Journal::read(store, query);
    for (const store::JournalEntry& entry : *entries) {
      if (entry.kind == "health" && entry.after == "down") ++health_down;
      if (entry.kind == "swing" && entry.reason == "failover") ++swung;
    }
    return health_down == services + 1 && swung == services;
  };
  CHECK(life.loop.run_until(is_whole, patience));
  CHECK(life.writer.state().journal_lost == 0);
}

TEST_CASE("a reload waits until what happened before is told, and finds the same pools chosen",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.99"};
  world.copies = 1'000;
  Life life(store, clock, world);
  REQUIRE(life.loop.run_until([&] { return life.control.is_all_told(); }, patience));
  life.verdict("192.0.2.99", Health::down);
  CHECK(!life.control.is_all_told());
  const Control::ReloadResult result = life.reload();
  CHECK(result.reloaded);
  std::vector<store::JournalEntry> entries;
  const auto count = [&](const std::string& kind, const std::string& reason) {
    return std::count_if(entries.begin(), entries.end(), [&](const store::JournalEntry& entry) {
      return entry.kind == kind && (reason.empty() || entry.reason == reason);
    });
  };
  life.writer.flush(Milliseconds(patience));
  store::Journal::Query query;
  query.most = 100'000;
  entries = *store::Journal::read(store, query);
  CHECK(count("health", "") == 1'001);
  CHECK(count("swing", "reload") == 0);
}

TEST_CASE("a reload that waits until a large change is told ends, though small ones come between",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.offloads_at_once = true;
  world.has_ams = false;
  world.fra.clear();
  for (int i = 0; i < 250; ++i) world.fra.push_back("192.0.2." + std::to_string(i));
  Life life(store, clock, world);
  const auto all = [&](Health health, uint32_t from, uint32_t to) {
    std::vector<health::CheckUpdate> updates;
    for (uint32_t check = from; check < to; ++check) {
      health::CheckUpdate update;
      update.epoch = life.epoch;
      update.check = check;
      update.health = health;
      update.verdict = health == Health::up ? health::Verdict::pass : health::Verdict::fail;
      update.at = clock.wall();
      updates.push_back(update);
    }
    life.control.on_updates(updates);
  };
  all(Health::up, 0, 250);
  std::optional<Control::ReloadResult> result;
  life.control.reload([&](const auto& given) { result = given; });
  CHECK_FALSE(result);  // it waits
  all(Health::down, 0, 10);
  REQUIRE(life.loop.run_until([&] { return result.has_value(); }, patience));
  CHECK(result->reloaded);
}

TEST_CASE("many small deliveries in one turn are many: most are told once all answers have them",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  world.has_ams = false;
  world.fra.clear();
  constexpr uint32_t count = 1'000;
  for (uint32_t i = 0; i < count; ++i)
    world.fra.push_back("192.0." + std::to_string(i / 250) + '.' + std::to_string(i % 250));
  Life life(store, clock, world);
  const auto deliver = [&](Health health) {
    for (uint32_t first = 0; first < count; first += 20) {
      std::vector<health::CheckUpdate> updates(20);
      for (uint32_t i = 0; i < 20; ++i) {
        updates[i].epoch = life.epoch;
        updates[i].check = first + i;
        updates[i].health = health;
        updates[i].changed = true;
        updates[i].verdict = health == Health::up ? health::Verdict::pass : health::Verdict::fail;
        updates[i].at = clock.wall();
      }
      life.control.on_updates(std::move(updates));
    }
  };
  const auto told_down = [&] {
    life.writer.flush(Milliseconds(patience));
    store::Journal::Query query;
    query.most = 100'000;
    const auto entries = store::Journal::read(store, query);
    return std::count_if(entries->begin(), entries->end(), [](const auto& entry) {
      return entry.kind == "health" && entry.after == "down";
    });
  };
  deliver(Health::up);
  REQUIRE(life.loop.run_until([&] { return life.control.is_all_told(); }, patience));
  deliver(Health::down);
  CHECK(told_down() <= 200);
  REQUIRE(life.loop.run_until([&] { return life.control.is_all_told(); }, patience));
  CHECK(told_down() == count);
  for (uint32_t i = 0; i < count; ++i)
    CHECK(life.control.snapshot().eligibility->get(EndpointId(i)) == Eligibility::down);
}

TEST_CASE("the journal tells what a reload finds otherwise, and nothing of what stays",
          "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  life.world.service_monitors = {};
  life.world.pool_monitors = {"db"};
  life.world.fra = {"192.0.2.7", "192.0.2.1"};
  CHECK(life.reload().reloaded);
  std::vector<std::string> told;
  for (const store::JournalEntry& entry : life.history("endpoint/" + service + "/")) {
    told.push_back(entry.target.substr(entry.target.rfind('/') + 1) + " " + entry.before + ">" +
                   entry.after);
  }
  CHECK(told == std::vector<std::string>{"192.0.2.1 up>unknown", "198.51.100.1 unknown>up",
                                         "192.0.2.1 unknown>up"});
}

TEST_CASE("a hold that begins behind a drain is told", "[control_loop]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  life.all_up();
  REQUIRE(life.set(drain_fra));
  const auto holds = [&] {
    std::vector<std::string> told;
    for (const store::JournalEntry& entry : life.history("endpoint/" + service + "/192.0.2.1")) {
      if (entry.kind == "hold") told.push_back(entry.before + ">" + entry.after);
    }
    return told;
  };
  life.verdict("192.0.2.1", Health::up, 0, health::Hold::flapping);
  CHECK(holds() == std::vector<std::string>{">held"});
  life.verdict("192.0.2.1", Health::up, 0, health::Hold::resume);
  CHECK(holds() == std::vector<std::string>{"held>held out", ">held"});
}
