#include "server/control/planned_swings.h"

#include <catch2/catch.hpp>

#include <cmath>
#include <set>

#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;

namespace {

const std::string shop_target = "service/shop.svc.example.test.";

/// Intents on a World, gone on with as the control thread does.
struct Plans : World {
  Intents intents{1};
  PlannedSwings swings{clock, steering, [](const auto& work, const auto& done) {
                         work();
                         done();
                       }};
  std::vector<PlannedSwings::Change> changes;
  bool brake_is_free = true;
  std::optional<AnswersLeft> left;  // of any drain, as counted
  std::vector<std::string> objections;
  std::vector<double> asked_parts;  // of what the source still has
  Milliseconds look_takes{0};       // at a plan whose step is due

  Result<Intents::Prepared> try_to(IntentRequest request) {
    request.owner = "ada";
    request.reason = "work";
    return intents.prepare(request, *model, clock.wall());
  }
  std::string ask(const IntentRequest& request) {
    const auto prepared = try_to(request);
    REQUIRE(prepared);
    intents.put(prepared->intent);
    follow();
    return prepared->intent.id;
  }
  void cancel(const std::string& id) {
    REQUIRE(intents.erase(id));
    follow();
  }
  void follow() {
    swings.follow(intents, snapshot);
    run();
  }
  /// What every tick does: what is due, stored and in force; a drain at its end takes the endpoints out.
  void tick() {
    const auto now = swings.tick({.why_not = brake_is_free ? "" : "the brake is engaged",
                                  .is_busy = {},
                                  .left = [this](const Intent&) { return left; },
                                  .objections =
                                      [this](const Intent&, double part) {
                                        asked_parts.push_back(part);
                                        clock.advance(look_takes);
                                        return objections;
                                      }});
    for (const auto& change : now) {
      // Through the store and back, as a restart would have it.
      const Intent kept = *decode_intent(encode_intent(change.intent));
      CHECK(kept == change.intent);
      intents.put(kept);
      changes.push_back(change);
    }
    if (!now.empty()) follow();
  }
  void go(int64_t seconds_long) {
    for (int64_t i = 0; i < seconds_long; ++i) {
      pass(Milliseconds(1'000));
      tick();
      tick();  // what was worked out is acted on by the next one
    }
  }
  std::string last() const {
    return changes.empty() ? "" : changes.back().entry.before + " -> " + changes.back().entry.after;
  }
  PlannedSwings::View view() const { return *swings.view(intents.list().front()->id); }
  void begin_asked(const std::vector<double>& of_shop) {
    begin(Eligibility::eligible, asked({{"shop", of_shop}}));
    follow();
  }
};

IntentRequest swing_to_b() {
  return {.kind = "swing",
          .target = shop_target,
          .owner = {},
          .reason = {},
          .expires = {},
          .over = "10m",
          .from = "A",
          .to = "B"};
}
IntentRequest drain(const std::string& target, const std::string& over = "10m") {
  return {
      .kind = "drain", .target = target, .owner = {}, .reason = {}, .expires = {}, .over = over};
}

}  // namespace

TEST_CASE("a swing moves a service's share in steps, after the old TTL", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  world.ask(swing_to_b());
  CHECK(world.swings.lowers_ttl(ServiceId(0)));
  CHECK(world.swings.touched() == std::vector<uint32_t>{0});
  world.go(29);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  std::vector<uint16_t> seen;
  for (int step = 0; step < 6; ++step) {
    world.go(step == 0 ? 1 : 120);
    seen.push_back(world.shares(0, 0)[1]);
  }
  CHECK(seen == std::vector<uint16_t>{500, 1'000, 2'500, 5'000, 7'500, 10'000});
  CHECK(world.last() == "moving, 75 % -> done, 100 %");
  CHECK(world.changes.back().entry.reason ==
        "the fullest that gains by it is B at 50.0 % of its capacity");
  CHECK_FALSE(world.swings.lowers_ttl(ServiceId(0)));
  CHECK(world.steering.view(ServiceId(0))->pools[0].load == Approx(0));
  CHECK(world.steering.view(ServiceId(0))->pools[1].load == Approx(500));
  // Locality b's clients were at B all the time.
  CHECK(world.shares(0, 1) == Shares{0, 10'000});

  world.cancel(world.intents.list().front()->id);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
}

TEST_CASE("no step would lift the target to high", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({600, 400, 0});
  world.ask(swing_to_b());
  world.go(30 + 10 * 120);
  // 400 and half of 600 are 70 % of B, three quarters would be 85 %.
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  CHECK(world.last() == "moving, 50 % -> held, 50 %");
  CHECK(world.changes.back().entry.reason ==
        "the next step would have B at 85.0 % of its capacity; 80.0 % is the most");
  CHECK(world.view().reason == steering::SwingReason::would_overheat);
  CHECK(world.changes.size() == 5);  // told once
}

TEST_CASE("a swing goes by the `high` of its service's own target and limit", "[planned_swings]") {
  Plans world;
  zones::Service& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000, 10}});
  shop.ttl = Ttl(30);
  SECTION("what a high target allows is stepped to") {
    shop.target = 0.9;
    world.begin_asked({600, 400, 0});
    world.ask(swing_to_b());
    world.go(30 + 10 * 120);
    CHECK(world.shares(0, 0) == Shares{2'500, 7'500});
    CHECK(world.changes.back().entry.reason ==
          "the next step would have B at 100.0 % of its capacity; 100.0 % is the most");
    CHECK(world.view().then.high == Approx(1));
  }
  SECTION("what is above a low limit is not, though below the common `high`") {
    shop.target = 0.5;
    shop.limit = 0.6;
    world.begin_asked({400, 300, 0});
    world.ask(swing_to_b());
    world.go(30 + 10 * 120);
    CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
    CHECK(world.changes.back().entry.reason ==
          "the next step would have B at 60.0 % of its capacity; 60.0 % is the most");
  }
  SECTION("what was moved is too much by it, too") {
    shop.target = 0.5;
    shop.limit = 0.6;
    world.begin_asked({400, 200, 0});
    world.ask(swing_to_b());
    world.go(30 + 5 * 120);
    REQUIRE(world.shares(0, 0) == Shares{2'500, 7'500});
    world.set(0, "B", Eligibility::down, 3);  // 500 of 700
    world.run();
    world.go(11);
    CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
    CHECK(world.changes.back().entry.reason ==
          "with 75 % moved it has B at 71.4 % of its capacity; 65.0 % is too much");
  }
}

TEST_CASE("a drain of several services waits for the one that comes first to its own `high`",
          "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  zones::Service& mail = world.add("mail", {{"A", 1'000}, {"B", 1'000}});
  mail.ttl = Ttl(30);
  mail.target = 0.4;
  mail.limit = 0.5;
  world.begin(Eligibility::eligible, asked({{"shop", {400, 320, 0}}, {"mail", {200, 320, 0}}}));
  world.follow();
  world.ask(drain("cluster/A"));
  world.go(30 + 10 * 120);
  // Shop's B is the fuller one, at 72 %; mail's at 52 % is beyond what it may be.
  CHECK(world.changes.back().entry.reason ==
        "the next step would have B at 52.0 % of its capacity; 50.0 % is the most");
}

TEST_CASE("a target that goes down sends all back at once", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  const std::string id = world.ask(swing_to_b());
  world.go(30 + 3 * 120);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  world.set_cluster("B", Eligibility::down);
  world.go(1);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  CHECK(world.last() == "moving, 50 % -> reversed, 0 %");
  CHECK(world.changes.back().line.level == LogLevel::warning);
  world.set_cluster("B", Eligibility::eligible);
  world.go(1'000);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});  // a person decides

  SECTION("who lets it go on") {
    CHECK(world.swings.resumed(shop_target, "bob")->entry.after == "moving, 0 %");
    CHECK(world.view().phase == steering::SwingPhase::reversed);  // that was a question
    const auto resumed = world.swings.resume(shop_target, "bob");
    REQUIRE(resumed);
    CHECK(resumed->entry.actor == "bob");
    CHECK(resumed->entry.after == "moving, 0 %");
    CHECK_FALSE(world.swings.resume(shop_target, "bob"));
    world.intents.put(resumed->intent);
    world.follow();
    world.go(120);
    CHECK(world.shares(0, 0) == Shares{9'500, 500});
  }
  SECTION("or asks for it again") {
    world.ask(swing_to_b());
    CHECK(world.intents.list().front()->id != id);
    world.go(120);
    CHECK(world.shares(0, 0) == Shares{9'500, 500});
  }
}

TEST_CASE("a swing that overheats its target takes one step back and stops", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000, 10}}).ttl = Ttl(30);
  world.begin_asked({600, 0, 0});
  world.ask(swing_to_b());
  world.go(30 + 4 * 120);
  CHECK(world.shares(0, 0) == Shares{2'500, 7'500});
  world.set(0, "B", Eligibility::down, 5);  // 450 of 500
  world.run();
  world.go(11);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  CHECK(world.last() == "moving, 75 % -> stopped, 50 %");
  CHECK(world.changes.back().entry.reason ==
        "with 75 % moved it has B at 90.0 % of its capacity; 85.0 % is too much");
  CHECK(world.view().why == world.changes.back().entry.reason);
  world.go(1'000);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
}

TEST_CASE("a drain gives a cluster's load to whoever is best, and ends empty", "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.begin_asked({600, 300, 100});
  const std::string id = world.ask(drain("cluster/A"));
  world.go(30);
  // A twentieth of the way to {0, 7778, 2222}: B is nearest, and takes 400 to its target; C the rest.
  CHECK(world.shares(0, 0) == Shares{9'500, 389, 111});
  CHECK_FALSE(decides_endpoints(*world.intents.find(id)));
  world.go(4 * 120);
  CHECK(world.shares(0, 0) == Shares{2'500, 5'834, 1'666});
  world.go(120);
  const Shares without_a = world.shares(0, 0);
  CHECK(without_a[0] == 0);
  CHECK(world.steering.view(ServiceId(0))->pools[1].load == Approx(700).margin(0.1));
  CHECK(world.steering.view(ServiceId(0))->pools[2].load == Approx(300).margin(0.1));
  CHECK(world.last() == "moving, 75 % -> done, 100 %");
  CHECK(decides_endpoints(*world.intents.find(id)));
  world.set_cluster("A", Eligibility::excluded);  // as the join does then
  CHECK(world.shares(0, 0) == without_a);
  world.go(29);
  CHECK(world.last() == "moving, 75 % -> done, 100 %");
  world.go(1);
  CHECK(world.last() == "done, 100 % -> empty");
  CHECK(world.changes.back().line.event == "planned drain is empty");

  // People are at work there: what breaks elsewhere brings nobody back by itself.
  world.set_cluster("B", Eligibility::down);
  world.set_cluster("C", Eligibility::down);
  world.go(100);
  CHECK(world.last() == "done, 100 % -> empty");
  CHECK(decides_endpoints(*world.intents.find(id)));
}

TEST_CASE("a pool's drain leaves the cluster's other services where they are", "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.add("cart", everywhere()).ttl = Ttl(30);
  world.begin(Eligibility::eligible, asked({{"shop", {300, 0, 0}}, {"cart", {300, 0, 0}}}));
  world.follow();
  world.ask(drain("pool/shop.svc.example.test./A"));
  world.go(30 + 3 * 120);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000, 0});  // B is nearest, and has room
  CHECK(world.shares(1, 0) == Shares{10'000, 0, 0});
  CHECK(world.steering.view(ServiceId(1))->pools[0].load == Approx(450));
  CHECK(world.steering.view(ServiceId(1))->pools[2].load == 0);
  CHECK(world.steering.view(ServiceId(1))->pools[1].load == Approx(150));
}

TEST_CASE("each step of a drain moves its part where all cost the same, too", "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).policy = zones::Policy::active_active;
  world.model->services[0].ttl = Ttl(30);
  world.begin_asked({100, 100, 100});
  CHECK(world.shares(0, 0) == Shares{3'334, 3'333, 3'333});
  world.ask(drain("cluster/A"));
  world.go(30);
  CHECK(world.shares(0, 0) == Shares{3'167, 3'417, 3'416});
  world.go(3 * 120);
  CHECK(world.shares(0, 0) == Shares{1'667, 4'167, 4'166});
}

TEST_CASE("a cluster that is being drained gives up what a swing brings it, too",
          "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.begin_asked({400, 0, 0});
  world.ask(swing_to_b());
  world.go(30 + 5 * 120);
  REQUIRE(world.shares(0, 0) == Shares{0, 10'000, 0});
  world.ask(drain("cluster/B"));
  world.go(30 + 4 * 120);
  CHECK(world.last() == "moving, 50 % -> moving, 75 %");
  CHECK(world.shares(0, 0)[1] == 2'500);
  world.go(240);
  CHECK(world.last() == "done, 100 % -> empty");
  CHECK(world.shares(0, 0)[1] == 0);
}

TEST_CASE("a plan whose pools a reload takes away goes back, and waits for a person",
          "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.begin_asked({400, 0, 0});
  world.ask(swing_to_b());
  world.go(30 + 120);
  REQUIRE(world.shares(0, 0)[1] == 1'000);
  world.put_in_force([](zones::Model& model) {
    model.services[0].pools.erase(model.services[0].pools.begin() + 1);
  });
  world.follow();
  world.go(11);
  CHECK(world.last() == "moving, 10 % -> reversed, 0 %");
  CHECK(world.changes.back().entry.reason == "a reload took its pools or their capacities away");
  world.go(1'000);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
}

TEST_CASE("what a frozen service brings is not there for the others", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", {}}, {"B", {}}});
  world.add("cart", {{"A", {}}, {"B", {}}});
  for (zones::Service& service : world.model->services) service.ttl = Ttl(30);
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}, {"cart", {100, 0, 0}}}));
  world.follow();
  world.ask({"freeze", shop_target, "ada", "a release", ""});
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  for (int i = 0; i < 30; ++i) {
    world.report("A", "cart", 1'000. * world.shares(1, 0)[0] / 10'000);
    world.report("B", "cart", 1'000. * world.shares(1, 0)[1] / 10'000);
    world.pass(Milliseconds(10'000));
  }
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  // 1,600 in all; A has room for 400 of the thousand, and nobody is above its limit.
  const auto view = *world.steering.view(ServiceId(1));
  CHECK(view.pools[0].load <= 1'000);
  CHECK(view.pools[1].load <= 1'000);
  CHECK(view.pools[0].load + view.pools[1].load == Approx(1'600).epsilon(0.05));
}

TEST_CASE("a drain with nobody else waits, and one that loses everybody comes back",
          "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  world.set_cluster("B", Eligibility::down);
  world.ask(drain("cluster/A"));
  world.go(31);
  CHECK(world.last() == "moving, 0 % -> held, 0 %");
  CHECK(world.changes.back().entry.reason == "whoever would take it is down");
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
}

TEST_CASE("plans on the same capacities step one after the other", "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.begin_asked({300, 300, 100});
  const std::string first = world.ask(drain("cluster/A"));
  world.go(1);
  world.ask(drain("cluster/B"));
  world.go(31);
  CHECK(world.shares(0, 0)[0] == 9'500);
  CHECK(world.shares(0, 1)[1] == 10'000);
  CHECK(world.changes.back().entry.reason ==
        "the plan of cluster/A (" + first + ") began before, and takes from the same capacities");
}

TEST_CASE("nothing steps while the brake is engaged or a service is frozen", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  SECTION("brake") {
    world.brake_is_free = false;
    world.ask(swing_to_b());
    world.go(31);
    CHECK(world.changes.back().entry.reason == "the brake is engaged");
  }
  SECTION("frozen") {
    world.ask(swing_to_b());
    world.ask({.kind = "freeze", .target = "everything", .owner = {}, .reason = {}, .expires = {}});
    world.go(31);
    CHECK(world.changes.back().entry.reason == "a service of it is frozen");
  }
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
}

TEST_CASE("a swing waits while its service is frozen beside it, and goes on where it is",
          "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000, 2}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  const IntentRequest freeze{
      .kind = "freeze", .target = shop_target, .owner = {}, .reason = {}, .expires = {}};
  world.ask(swing_to_b());
  world.go(30 + 2 * 120);
  REQUIRE(world.shares(0, 0) == Shares{7'500, 2'500});
  const std::string id = world.ask(freeze);
  CHECK(world.shares(0, 0) == Shares{7'500, 2'500});
  world.go(3 * 120);
  CHECK(world.shares(0, 0) == Shares{7'500, 2'500});
  CHECK(world.last() == "moving, 25 % -> held, 25 %");
  CHECK(world.changes.back().entry.reason == "a service of it is frozen");
  SECTION("until it is thawed") {
    world.cancel(id);
    world.go(120);
    CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  }
  SECTION(
      "and one whose target goes down goes back in the shadow, where clients have left at once") {
    world.set_cluster("B", Eligibility::down);
    world.go(1);
    CHECK(world.last() == "held, 25 % -> reversed, 0 %");
    CHECK(world.shares(0, 0) == Shares{7'500, 2'500});  // B's are nobody's: it is masked
    REQUIRE(world.steering.shadow(ServiceId(0)));
    world.cancel(id);
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
}

TEST_CASE("a weight and a drain of one pool stand side by side", "[planned_swings]") {
  Plans world;
  zones::Service& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  shop.pools[0].weight = shop.pools[1].weight = Weight(10);
  shop.ttl = Ttl(30);
  world.begin_asked({600, 0, 0});
  const std::string pool = "pool/shop.svc.example.test./A";
  IntentRequest weight{
      .kind = "weight", .target = pool, .owner = {}, .reason = {}, .expires = {}, .weight = 5};
  world.ask(weight);  // 500, and 70 % of that is what A may use: as high as B
  const Shares halved = world.shares(0, 0);
  CHECK(halved == Shares{5'833, 4'167});
  const std::string drained = world.ask(drain(pool));
  world.go(30 + 10 * 120);
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  world.cancel(drained);
  CHECK(world.shares(0, 0) == halved);
}

TEST_CASE("a restart goes on with the step that was made", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  world.ask(swing_to_b());
  world.go(30 + 2 * 120 + 60);
  CHECK(world.shares(0, 0) == Shares{7'500, 2'500});

  Plans next;
  next.clock = world.clock;
  next.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  next.intents.put(*decode_intent(encode_intent(*world.intents.list().front())));
  next.begin_asked({500, 0, 0});
  CHECK(next.shares(0, 0) == Shares{7'500, 2'500});
  next.go(59);
  CHECK(next.shares(0, 0) == Shares{7'500, 2'500});
  next.go(2);
  CHECK(next.shares(0, 0) == Shares{5'000, 5'000});
}

TEST_CASE("what is frozen stays, and what thawing would move is known", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000, 2}, {"B", 1'000, 2}});
  world.begin_asked({700, 0, 0});
  const std::string id = world.ask(
      {.kind = "freeze", .target = shop_target, .owner = {}, .reason = {}, .expires = {}});
  CHECK(world.steering.difference(ServiceId(0)) == 0);
  world.set(0, "A", Eligibility::down, 1);
  world.run();
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  REQUIRE(world.steering.shadow(ServiceId(0)));
  CHECK(world.steering.difference(ServiceId(0)) == Approx(0.5));
  world.set(0, "A", Eligibility::eligible, 1);
  world.run();
  CHECK(world.steering.shadow(ServiceId(0)) == nullptr);
  world.set(0, "A", Eligibility::down, 1);
  world.run();
  world.cancel(id);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  CHECK(world.steering.difference(ServiceId(0)) == 0);
}

TEST_CASE("what is frozen leads where it really leads when a cluster dies", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", {}}, {"B", {}}});
  world.add("cart", {{"B", {}}, {"C", {}}});
  world.begin(Eligibility::eligible, asked({{"shop", {800, 0, 0}}, {"cart", {0, 1'000, 0}}}));
  world.ask({.kind = "freeze", .target = shop_target, .owner = {}, .reason = {}, .expires = {}});
  world.set_cluster("A", Eligibility::down);
  // All 800 of the frozen one are B's now: 200 are left of it for the other, and 1,000 of C.
  CHECK(world.shares(1, 1)[0] == Approx(1'667).margin(5));
  const auto shop = world.steering.view(ServiceId(0));
  CHECK(shop->pools[0].load == 0);
  CHECK(shop->pools[1].load == Approx(967).margin(1));
  CHECK(shop->regime == steering::Regime::tight);

  world.report("B", "shop", 800);
  world.report("B", "cart", 167);
  world.report("C", "cart", 833);
  for (int i = 0; i < 6; ++i) world.pass(Milliseconds(1'000));
  CHECK(world.steering.view(ServiceId(0))->demand == Approx(800).epsilon(0.02));
}

TEST_CASE("what thawing would come to is no reason to hold the others back", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", {}}, {"B", {}}});
  world.add("cart", {{"A", {}}, {"B", {}}});
  world.begin(Eligibility::eligible, asked({{"shop", {300, 0, 0}}, {"cart", {0, 300, 0}}}));
  world.ask({.kind = "freeze", .target = shop_target, .owner = {}, .reason = {}, .expires = {}});
  world.is_faulty_from = 500;  // the whole demand; without what is frozen it is 300
  world.set_cluster("B", Eligibility::down);
  CHECK(world.shares(1, 1) == Shares{10'000, 0});
  CHECK(world.steering.counters().refused > 0);
}

TEST_CASE("a weight by intent is a part of the pool's own capacity", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin_asked({700, 0, 0});
  const std::string pool = "pool/shop.svc.example.test./A";
  IntentRequest half{.kind = "weight", .target = pool, .owner = {}, .reason = {}, .expires = {}};
  half.weight = 50;
  const std::string id = world.ask(half);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  CHECK(world.steering.view(ServiceId(0))->pools[0].usable == 500);
  world.cancel(id);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  half.weight = 101;
  CHECK(world.try_to(half).error().message.starts_with("weight: a whole number up to 100"));
}

TEST_CASE("what makes no sense is refused by the field's name", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}, {"C", 1'000, 1, true}});
  world.add("cart", everywhere());
  world.begin_asked({700, 0, 0});
  const auto refusal = [&](const IntentRequest& request) {
    const auto prepared = world.try_to(request);
    REQUIRE_FALSE(prepared);
    return prepared.error().message;
  };
  IntentRequest swing = swing_to_b();
  swing.to = "C";
  CHECK(refusal(swing) == "to: C is of last resort, and has no share");
  swing.to = "D";
  CHECK(refusal(swing) == "to: the service has no pool in a cluster D");
  swing.to = "A";
  CHECK(refusal(swing) == "to: the same as from");
  swing = swing_to_b();
  swing.over = "1";
  CHECK(refusal(swing).starts_with("over: "));
  swing.over = "8d";
  CHECK(refusal(swing).starts_with("over: "));
  swing.over = "";
  CHECK(refusal(swing).starts_with("over: "));
  swing = swing_to_b();
  swing.target = "cluster/A";
  CHECK(refusal(swing) == "target: a swing is of a service");
  swing = swing_to_b();
  swing.weight = 5;
  CHECK(refusal(swing) == "weight: belongs to weight");
  IntentRequest wrong = drain("cluster/A");
  wrong.from = "A";
  CHECK(refusal(wrong) == "from: belongs to swing");
  IntentRequest weight{.kind = "weight",
                       .target = "pool/cart.svc.example.test./A",
                       .owner = {},
                       .reason = {},
                       .expires = {}};
  CHECK(refusal(weight) == "weight: needed");
  weight.weight = 5;
  CHECK(refusal(weight).starts_with("target: a weight by intent cuts the pool's own"));
  zones::Service& cart = world.model->services[1];
  for (zones::Pool& pool : cart.pools) pool.has_own_capacity = true;
  cart.may_be_steered = false;
  CHECK(refusal(weight).ends_with("set `weight` in the config and reload"));
  CHECK(refusal(drain("pool/cart.svc.example.test./A")).starts_with("over: steps are of shares"));
  cart.may_be_steered = true;
  cart.policy = zones::Policy::all;
  CHECK(refusal(weight).ends_with("set `weight` in the config and reload"));
  CHECK(refusal(drain("pool/cart.svc.example.test./A")).starts_with("over: steps are of shares"));
  cart.policy = zones::Policy::failover;
  for (zones::Pool& pool : cart.pools) pool.capacity.reset();
  CHECK(refusal(drain("pool/cart.svc.example.test./A")).starts_with("over: steps are of shares"));
}

TEST_CASE("a dry run tells each step, when it would come and who would be fullest",
          "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.begin_asked({600, 300, 100});
  std::vector<PlannedSwings::Step> steps;
  world.swings.dry_run(world.try_to(drain("cluster/A"))->intent,
                       [&](auto given) { steps = std::move(given); });
  REQUIRE(steps.size() == 6);
  CHECK(steps[0].after == Milliseconds(30'000));
  CHECK(steps[0].utilisation.cluster == "B");
  CHECK(steps[0].utilisation.utilisation == Approx(0.32));
  CHECK(steps[5].after == Milliseconds(630'000));
  CHECK(steps[5].moved == 10'000);
  CHECK(steps[5].utilisation.utilisation == Approx(0.7));
  CHECK(world.shares(0, 0) == Shares{10'000, 0, 0});

  world.swings.dry_run(world.try_to(drain("cluster/A", ""))->intent,
                       [&](auto given) { steps = std::move(given); });
  REQUIRE(steps.size() == 1);
  CHECK(steps[0].utilisation.utilisation == Approx(0.7));
}

TEST_CASE("a drain is empty by count: not before its answers have run out", "[planned_swings]") {
  Plans world;
  world.add("shop", everywhere()).ttl = Ttl(30);
  world.begin_asked({600, 300, 100});
  world.ask(drain("cluster/A"));
  world.left = AnswersLeft{.answers = 40, .of = 100};
  world.go(30 + 5 * 120);
  REQUIRE(world.last() == "moving, 75 % -> done, 100 %");

  SECTION("although the TTL is over long since") {
    world.go(600);
    CHECK(world.last() == "moving, 75 % -> done, 100 %");
    world.left->answers = 0;
    world.go(2);
    CHECK(world.last() == "done, 100 % -> empty");
    CHECK(world.changes.back().entry.reason ==
          "by count: of all answers that led there the TTL has run out");
  }
  SECTION("and at once when there are none") {
    world.left->answers = 0;
    world.go(2);
    CHECK(world.last() == "done, 100 % -> empty");
  }
  SECTION("but as long as some were not counted only when the TTL is over") {
    world.left->answers = 0;
    world.left->whole_at = world.clock.wall() + Milliseconds(600'000);
    world.go(28);
    CHECK(world.last() == "moving, 75 % -> done, 100 %");
    world.go(3);
    CHECK(world.last() == "done, 100 % -> empty");
  }
}

TEST_CASE("a step waits for what speaks against it, and says so", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin_asked({500, 0, 0});
  world.ask(swing_to_b());
  world.go(30 + 120);
  CHECK(world.shares(0, 0) == Shares{9'000, 1'000});
  // 5 % of all, then 5 of the 95 that were left.
  REQUIRE(world.asked_parts.size() == 2);
  CHECK(world.asked_parts[0] == Approx(0.05));
  CHECK(world.asked_parts[1] == Approx(5.0 / 95));
  world.objections = {"rule two-sites: too few", "move_budget: too much"};
  world.go(600);
  CHECK(world.shares(0, 0) == Shares{9'000, 1'000});
  CHECK(world.last() == "moving, 10 % -> held, 10 %");
  CHECK(world.changes.back().entry.reason == "rule two-sites: too few; move_budget: too much");
  CHECK(world.view().why == "rule two-sites: too few; move_budget: too much");
  world.objections.clear();
  world.go(120);
  CHECK(world.shares(0, 0) == Shares{7'500, 2'500});
  CHECK(world.view().why.empty());
}

TEST_CASE("a swing moves no clients whom its target must not serve", "[planned_swings]") {
  Plans world;
  world.model->topology.localities[0].region = "eu";
  world.model->topology.localities[1].region = "us";
  zones::Service& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  shop.ttl = Ttl(30);
  shop.policy = zones::Policy::active_active;
  shop.pools[1].only_regions = {"us"};
  world.begin_asked({100, 300, 0});
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  const uint16_t of_us = world.shares(0, 1)[1];
  world.ask(swing_to_b());
  world.go(30 + 10 * 120);
  CHECK(world.last().ends_with("done, 100 %"));
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  CHECK(world.shares(0, 1) == Shares{0, 10'000});
  CHECK(of_us < 10'000);
}

TEST_CASE("a tick looks at as many plans as fit, and the next one goes on", "[planned_swings]") {
  Plans world;
  const std::vector<std::string> names{"mail", "news", "shop"};
  for (const std::string& name : names)
    world.add(name, {{"A", 1'000}, {"B", 1'000}}, 300).ttl = Ttl(30);
  world.begin();
  for (const std::string& name : names) {
    IntentRequest request = swing_to_b();
    request.target = "service/" + name + ".svc.example.test.";
    world.ask(request);
  }
  world.go(29);
  REQUIRE(world.changes.empty());
  world.look_takes = Milliseconds(6);
  world.pass(Milliseconds(1'000));
  world.tick();  // forecasts
  std::set<std::string> stepped;
  for (size_t looks = 1; looks <= names.size(); ++looks) {
    world.tick();
    REQUIRE(world.changes.size() == looks);
    stepped.insert(world.changes.back().entry.target);
  }
  CHECK(stepped.size() == names.size());
}

TEST_CASE("load that follows old answers counts where it still goes", "[planned_swings]") {
  Plans world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  double old_at_b = 0.2;  // of 1,000: 200
  world.steering.count_old_answers([&](ServiceId) {
    return OldAnswers{.part = old_at_b,
                      .by_pool = {0, old_at_b},
                      .held = {1, 0},
                      .until = world.clock.wall() + Milliseconds(30'000)};
  });
  world.begin_asked({600, 400, 0});
  world.ask(swing_to_b());
  world.go(30 + 10 * 120);
  // 400 and half of 600 are 70 % of B; with the 200 of old answers 90 %. A quarter is 55 %, and 75 % with them.
  CHECK(world.shares(0, 0) == Shares{7'500, 2'500});
  CHECK(world.last() == "moving, 25 % -> held, 25 %");
  old_at_b = 0;
  world.go(120);
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
}
