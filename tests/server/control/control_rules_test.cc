#include <catch2/catch.hpp>

#include <algorithm>

#include "tests/server/control/control_life.h"

namespace swingover::tests {
namespace {

const std::string shop = "service/shop.svc.example.test.";
const std::string refusal =
    "rule two-sites: 1 of 2 clusters of shop.svc.example.test. eligible, 2 are the least";

SmallWorld two_sites() {
  SmallWorld world;
  world.capacity = 1'000;
  world.demand = 500;
  world.offloads_at_once = true;
  world.housekeeping_every = Milliseconds(1);
  zones::Rule rule;
  rule.name = "two-sites";
  rule.services = {*zones::parse_name("shop.svc.example.test.")};
  rule.service_ids = {ServiceId(0)};
  rule.min_clusters = Portion{2, false};
  world.rules = {rule};
  return world;
}

IntentRequest drain_of_fra() {
  return {"drain", "cluster/fra", "ada", "rack work", ""};
}

std::vector<std::string> objections(Life& life, const IntentRequest& request) {
  std::optional<Result<Control::IntentTried>> tried;
  life.control.try_intent(request, [&](auto given) { tried = std::move(given); });
  REQUIRE(tried);
  REQUIRE(*tried);
  return (*tried)->objections;
}

}  // namespace

TEST_CASE("a rule refuses a person's act, and an override that is recorded does it",
          "[control_rules]") {
  store::MemoryStore store;
  ManualClock clock;
  Life life(store, clock, two_sites());
  life.all_up();
  CHECK(objections(life, drain_of_fra()) == std::vector{refusal});
  const auto refused = life.set(drain_of_fra());
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::conflict);
  CHECK(refused.error().message ==
        refusal + "; with an override and its reason it is done all the same");
  CHECK(life.control.intents().size() == 0);
  CHECK(life.fra() == zones::Eligibility::eligible);

  IntentRequest request = drain_of_fra();
  request.override_reason = "fire alarm";
  REQUIRE(life.set(request));
  CHECK(life.fra() == zones::Eligibility::excluded);
  const auto entries = life.history("cluster/fra");
  const auto told = std::ranges::find(entries, "intent", &store::JournalEntry::kind);
  REQUIRE(told != entries.end());
  CHECK(told->reason == "rack work (overrides " + refusal + ": fire alarm)");
  CHECK(life.control.intents().list().front()->override_reason == "fire alarm");

  // Asked for again it makes nothing worse, and to end it is always allowed.
  CHECK(objections(life, drain_of_fra()).empty());
}

TEST_CASE("until the first state is known no rule speaks against anything", "[control_rules]") {
  store::MemoryStore store;
  ManualClock clock;
  Life life(store, clock, two_sites());
  CHECK(objections(life, drain_of_fra()).empty());
}

TEST_CASE("health breaks a rule, and is not held back", "[control_rules]") {
  store::MemoryStore store;
  ManualClock clock;
  Life life(store, clock, two_sites());
  life.all_up();
  life.verdict("192.0.2.1", health::Health::down);
  CHECK(life.fra() == zones::Eligibility::down);
  life.loop.run_until(
      [&] {
        clock.advance(Milliseconds(1'000));
        return !life.control.rules().broken().empty();
      },
      patience);
  CHECK(life.control.rules().broken().at("two-sites") == refusal);
  const auto entries = life.history("rule/two-sites");
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].before == "holds");
  CHECK(entries[0].after == "broken");
}

TEST_CASE("what moves more than the budget at once is refused", "[control_rules]") {
  store::MemoryStore store;
  ManualClock clock;
  SmallWorld world = two_sites();
  world.rules.clear();
  world.move_budget = 0.2;
  Life life(store, clock, std::move(world));
  life.all_up();
  life.loop.run_until([&] { return !life.control.steering().parts(ServiceId(0)).empty(); },
                      patience);
  const auto words = objections(life, drain_of_fra());
  REQUIRE(words.size() == 1);
  CHECK(words[0].starts_with("move_budget: it moves "));
  CHECK(words[0].ends_with(": make it in steps"));
  CHECK_FALSE(life.set(drain_of_fra()));
  IntentRequest in_steps = drain_of_fra();
  in_steps.over = "10m";
  CHECK(objections(life, in_steps).empty());
  IntentRequest all_the_same = drain_of_fra();
  all_the_same.override_reason = "fire";
  CHECK(life.set(all_the_same));
}

}  // namespace swingover::tests
