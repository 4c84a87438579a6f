#include "server/control/rules.h"

#include <catch2/catch.hpp>

#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;

namespace {

const std::string shop_target = "service/shop.svc.example.test.";

struct Ruled : World {
  Intents intents{1};

  zones::Rule& rule(const std::string& name) {
    model->rules.push_back({.name = name, .services = {}, .clusters = {}});
    return model->rules.back();
  }
  Rules rules() const { return {*snapshot, steering}; }
  static Intent intent(IntentKind kind, const std::string& target) {
    Intent intent;
    intent.id = target;
    intent.kind = kind;
    intent.target = target;
    return intent;
  }
  /// The words of what the intent would break.
  std::vector<std::string> would_break(const Intent& intent) const {
    std::vector<std::string> words;
    const Act act = rules().act_of(intent, intents);
    const Act before = rules().acts_on_their_way(intents, intent.target);
    for (const BrokenRule& one : rules().broken_by(act, before)) words.push_back(one.words);
    return words;
  }
  std::vector<std::string> would_break(IntentKind kind, const std::string& target) const {
    return would_break(intent(kind, target));
  }
};

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("at least so many clusters of a service stay eligible", "[rules]") {
  Ruled world;
  world.add("shop", {{"A", 1'000, 2}, {"B", 1'000}, {"C", 1'000, 1, true}});
  zones::Rule& two = world.rule("two-sites");
  two.service_ids = {ServiceId(0)};
  two.services = {world.model->services[0].name};
  two.min_clusters = Portion{2, false};
  world.begin();
  const Words refusal{
      "rule two-sites: 1 of 2 clusters of shop.svc.example.test. eligible, 2 are the least"};
  CHECK(world.would_break(IntentKind::drain, "cluster/A") == refusal);
  CHECK(world.would_break(IntentKind::force_down, "pool/shop.svc.example.test./B") == refusal);
  CHECK(world.would_break(IntentKind::force_up, "cluster/A").empty());
  CHECK(world.would_break(IntentKind::freeze, shop_target).empty());
  CHECK(world.would_break(IntentKind::drain, "cluster/C").empty());  // of last resort
  CHECK(world.would_break(IntentKind::force_down, shop_target).size() == 1);

  SECTION("an endpoint of several may go, the last one may not") {
    CHECK(
        world.would_break(IntentKind::drain, "endpoint/shop.svc.example.test./10.65.0.1").empty());
    world.set(0, "A", Eligibility::down, 1);
    CHECK(
        world.would_break(IntentKind::drain, "endpoint/shop.svc.example.test./10.65.0.1").empty());
    CHECK(world.would_break(IntentKind::drain, "endpoint/shop.svc.example.test./10.65.0.2") ==
          refusal);
  }
  SECTION("who breaks nothing further is not refused") {
    world.set_cluster("A", Eligibility::down);
    CHECK(world.would_break(IntentKind::drain, "cluster/A").empty());
    CHECK(world.would_break(IntentKind::drain, "cluster/B").size() == 1);
  }
  SECTION("a swing leaves its pool, a weight of 0 as well") {
    Intent swing = Ruled::intent(IntentKind::swing, shop_target);
    swing.plan = PlannedSwing{.from = "A", .to = "B"};
    CHECK(world.would_break(swing) == refusal);
    Intent weight = Ruled::intent(IntentKind::weight, "pool/shop.svc.example.test./A");
    CHECK(world.would_break(weight) == refusal);
    weight.weight = 1;
    CHECK(world.would_break(weight).empty());
  }
  SECTION("a drain on its way counts as made") {
    world.model->rules[0].min_clusters = Portion{1, false};
    Intent drain = Ruled::intent(IntentKind::drain, "cluster/B");
    drain.plan = PlannedSwing{};
    world.intents.put(drain);
    CHECK(world.would_break(IntentKind::drain, "cluster/A").size() == 1);
    CHECK(world.would_break(drain).empty());  // asked for again
  }
}

TEST_CASE("what is left must carry enough", "[rules]") {
  Ruled world;
  world.add("shop", {{"A", 600}, {"B", 400}});
  zones::Rule& floor = world.rule("floor");
  floor.service_ids = {ServiceId(0)};
  floor.services = {world.model->services[0].name};
  SECTION("in units of load") {
    floor.min_capacity = 500;
    world.begin();
    CHECK(world.would_break(IntentKind::drain, "cluster/A") ==
          Words{"rule floor: capacity of shop.svc.example.test. 400 of 1000, 500 is the least "
                "(min_capacity)"});
    CHECK(world.would_break(IntentKind::drain, "cluster/B").empty());
  }
  SECTION("as a part of all") {
    floor.min_capacity_part = 0.5;
    world.begin();
    CHECK(world.would_break(IntentKind::drain, "cluster/A") ==
          Words{"rule floor: capacity of shop.svc.example.test. 400 of 1000, 500 is the least "
                "(50 % of all)"});
    CHECK(world.would_break(IntentKind::drain, "cluster/B").empty());
  }
  SECTION("as a multiple of the demand") {
    floor.covers_demand = 1.2;
    world.begin(Eligibility::eligible, asked({{"shop", {400, 0, 0}}}));
    CHECK(world.would_break(IntentKind::drain, "cluster/A") ==
          Words{"rule floor: capacity of shop.svc.example.test. 400 of 1000, 480 is the least "
                "(1.2 times the demand of 400)"});
    CHECK(world.would_break(IntentKind::drain, "cluster/B").empty());
    Intent weight = Ruled::intent(IntentKind::weight, "pool/shop.svc.example.test./A");
    CHECK(world.would_break(weight).size() == 1);
  }
}

TEST_CASE("the clusters as a whole are bounded by capacities that services share", "[rules]") {
  Ruled world;
  world.add("shop", everywhere());
  world.add("cart", {{"A", {}}, {"B", {}}});
  zones::Rule& whole = world.rule("whole");
  whole.clusters = {"A", "B"};
  whole.min_clusters = Portion{100, true};
  whole.covers_demand = 1;
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}, {"cart", {0, 500, 0}}}));
  CHECK(world.would_break(IntentKind::drain, "cluster/A") ==
        Words{"rule whole: 1 of 2 clusters eligible, 2 are the least",
              "rule whole: capacity 1000 of 2000, 1200 is the least (1 times the demand of 1200)"});
  CHECK(world.would_break(IntentKind::drain, "cluster/C").empty());
  // The other service is still there.
  CHECK(world.would_break(IntentKind::drain, "pool/cart.svc.example.test./A").empty());
}

TEST_CASE("when health alone breaks a rule it is told, and when it holds again", "[rules]") {
  Ruled world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  zones::Rule& two = world.rule("two-sites");
  two.service_ids = {ServiceId(0)};
  two.services = {world.model->services[0].name};
  two.min_clusters = Portion{2, false};
  world.begin();
  RuleWatch watch(world.clock);
  world.clock.advance(Milliseconds(1'000));
  CHECK_FALSE(watch.tick(*world.snapshot, world.steering));
  world.set_cluster("A", Eligibility::down);
  CHECK(world.shares(0, 0) == Shares{0, 10'000});            // health is not held back
  CHECK_FALSE(watch.tick(*world.snapshot, world.steering));  // not more often than once a second
  world.clock.advance(Milliseconds(1'000));
  const auto told = watch.tick(*world.snapshot, world.steering);
  REQUIRE(told);
  REQUIRE(told->entries.size() == 1);
  CHECK(told->entries[0].kind == "rule");
  CHECK(told->entries[0].target == "rule/two-sites");
  CHECK(told->entries[0].after == "broken");
  CHECK(told->entries[0].reason ==
        "rule two-sites: 1 of 2 clusters of shop.svc.example.test. eligible, 2 are the least");
  CHECK(told->lines[0].level == LogLevel::warning);
  CHECK(watch.broken().size() == 1);
  world.clock.advance(Milliseconds(1'000));
  CHECK_FALSE(watch.tick(*world.snapshot, world.steering));
  world.set_cluster("A", Eligibility::eligible);
  world.clock.advance(Milliseconds(1'000));
  const auto after = watch.tick(*world.snapshot, world.steering);
  REQUIRE(after);
  CHECK(after->entries[0].after == "holds");
  CHECK(watch.broken().empty());
}
