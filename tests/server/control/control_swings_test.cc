#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "store/journal.h"
#include "tests/server/control/control_life.h"

namespace swingover::tests {
namespace {

using health::Health;
using steering::SwingPhase;

const std::string target = "service/shop.svc.example.test.";

SmallWorld within_capacity() {
  SmallWorld world;
  world.capacity = 1'000;
  world.demand = 500;
  world.offloads_at_once = true;
  world.housekeeping_every = Milliseconds(1);
  return world;
}

/// One swing from fra to ams that was reversed, since ams went down.
struct Reversed : Life {
  Reversed(store::MemoryStore& on_store, ManualClock& by_clock)
      : Life(on_store, by_clock, within_capacity()) {
    all_up();
    IntentRequest request{"swing", target, "ada", "fra gets new switches", ""};
    request.over = "15m";
    request.from = "fra";
    request.to = "ams";
    id = set(request)->intent.id;
    until([&] { return control.planned_swings().view(id)->moved > 0; });
    verdict("198.51.100.1", Health::down);
    until([&] { return phase() == SwingPhase::reversed; });
    verdict("198.51.100.1", Health::up);
  }

  SwingPhase phase() const { return control.planned_swings().view(id)->phase; }
  /// A second goes by with each turn of the loop.
  void until(const std::function<bool()>& is_so) {
    loop.run_until(
        [&] {
          clock.advance(Milliseconds(1'000));
          return is_so();
        },
        patience);
    REQUIRE(is_so());
  }
  Result<Control::Resumed> resume() {
    std::optional<Result<Control::Resumed>> result;
    control.resume({target, "bob", "ams is well"}, [&](auto given) { result = std::move(given); });
    CHECK(phase() == SwingPhase::reversed);  // nothing is in force before it is stored
    loop.run_until([&] { return result.has_value(); }, patience);
    return *result;
  }

  std::string id;
};

}  // namespace

TEST_CASE("a person lets a swing go on, and that is stored first", "[control_swings]") {
  store::MemoryStore store;
  ManualClock clock;
  Reversed life(store, clock);
  store.fail_commits(Error{ErrorCode::unavailable, "no space"});
  CHECK(life.resume().error().code == ErrorCode::unavailable);
  CHECK(life.phase() == SwingPhase::reversed);
  store.fail_commits({});
  const auto resumed = life.resume();
  REQUIRE(resumed);
  CHECK(resumed->plans == 1);
  CHECK(resumed->checks == 0);
  CHECK(life.phase() == SwingPhase::moving);
  const auto entries = life.history(target);
  const auto told = std::ranges::find(entries, "bob", &store::JournalEntry::actor);
  REQUIRE(told != entries.end());
  CHECK(told->reason == "ams is well");

  std::optional<Result<Control::Resumed>> again;
  life.control.resume({target, "bob", "once more"}, [&](auto given) { again = std::move(given); });
  CHECK(again->error().code == ErrorCode::conflict);
}

TEST_CASE("a freeze beside a swing is stored, told and expires by itself", "[control_swings]") {
  store::MemoryStore store;
  ManualClock clock;
  const auto kinds = [](const Life& life) {
    std::vector<std::string_view> all;
    for (const control::Intent* intent : life.control.intents().list())
      all.push_back(control::word(intent->kind));
    return all;
  };
  using Kinds = std::vector<std::string_view>;
  {
    Life life(store, clock, within_capacity());
    life.all_up();
    IntentRequest swing{"swing", target, "ada", "fra gets new switches", ""};
    swing.over = "15m";
    swing.from = "fra";
    swing.to = "ams";
    REQUIRE(life.set(swing));
    clock.advance(Milliseconds(1'000));
    REQUIRE(life.set({"freeze", target, "bob", "a launch", "1h"}));
    CHECK(kinds(life) == Kinds{"swing", "freeze"});
  }
  Life life(store, clock, within_capacity());
  life.all_up();
  CHECK(kinds(life) == Kinds{"swing", "freeze"});
  CHECK(life.control.steering().plans().is_frozen(ServiceId(0)));
  clock.advance(Milliseconds(3'600'000));
  life.loop.run_until([&] { return life.control.intents().size() == 1; }, patience);
  CHECK(kinds(life) == Kinds{"swing"});
  CHECK_FALSE(life.control.steering().plans().is_frozen(ServiceId(0)));
  std::vector<std::string> told;
  for (const store::JournalEntry& entry : life.history(target)) {
    if (entry.kind == "intent")
      told.push_back(entry.actor + ": " + entry.before + " -> " + entry.after);
  }
  REQUIRE(told.size() == 3);
  CHECK(told[0].starts_with("swingoverd: freeze until "));
  CHECK(told[0].ends_with(" -> expired"));
  CHECK(told[1].starts_with("bob:  -> freeze until "));
  CHECK(told[2] == "ada:  -> swing");
}

TEST_CASE("what a person resumes comes back although a reload came between", "[control_swings]") {
  store::MemoryStore store;
  ManualClock clock;
  SmallWorld world = within_capacity();
  world.failback = zones::Failback::manual;
  Life life(store, clock, world);
  life.all_up();
  life.verdict("192.0.2.1", Health::down);
  int turns = 0;
  const auto pass_turns = [&] {
    turns = 0;
    life.loop.run_until(
        [&] {
          clock.advance(Milliseconds(1'000));
          return ++turns > 50;
        },
        patience);
  };
  pass_turns();
  life.verdict("192.0.2.1", Health::up);
  pass_turns();
  const auto waits = [&] {
    const auto view = life.control.steering().view(ServiceId(0));
    return view && view->pools[0].waits_for_person;
  };
  REQUIRE(waits());
  const uint64_t generation = life.control.snapshot().generation;
  std::optional<Result<Control::Resumed>> resumed;
  life.control.resume({"cluster/fra", "bob", "fra is well"},
                      [&](auto given) { resumed = std::move(given); });
  life.control.reload([](const auto&) {});
  REQUIRE(life.control.snapshot().generation == generation + 1);  // before that is stored
  REQUIRE_FALSE(resumed);
  life.loop.run_until([&] { return resumed.has_value(); }, patience);
  REQUIRE(*resumed);
  CHECK((*resumed)->pools == 1);
  CHECK_FALSE(waits());
  life.writer.flush(Milliseconds(patience));
  Life next(store, clock, world);
  const auto view = next.control.steering().view(ServiceId(0));
  REQUIRE(view);
  CHECK_FALSE(view->pools[0].waits_for_person);
}

}  // namespace swingover::tests
