#include "server/control/steering.h"

#include <catch2/catch.hpp>

#include <set>
#include <utility>

#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;
using zones::Eligibility;

TEST_CASE("clients stay in their locality while its cluster is below the target", "[steering]") {
  World world;
  world.add("shop", everywhere(), 900);
  world.begin();
  CHECK(world.shares(0, 0) == Shares{10'000, 0, 0});
  CHECK(world.shares(0, 1) == Shares{0, 10'000, 0});
  CHECK(world.shares(0, 2) == Shares{0, 0, 10'000});
  CHECK(world.told("shares").size() == 1);
  CHECK(world.told("regime").empty());
}

TEST_CASE("only the surplus leaves, to the cheapest clusters with room", "[steering]") {
  World world;
  world.add("shop", everywhere());
  world.begin(Eligibility::eligible, asked({{"shop", {1'100, 500, 100}}}));
  CHECK(world.shares(0, 0) == Shares{6'364, 1'818, 1'818});
  CHECK(world.shares(0, 1) == Shares{0, 10'000, 0});
  CHECK(world.shares(0, 2) == Shares{0, 0, 10'000});
  CHECK(world.told("shares").back().starts_with("service/shop.svc.example.test. "));
}

TEST_CASE("a dead cluster's clients go where there is room, and the others stay", "[steering]") {
  World world;
  world.add("shop", everywhere());
  world.add("cart", {{"B", 500}, {"C", 500}}, 100);
  world.begin(Eligibility::eligible, asked({{"shop", {400, 300, 300}}}));
  const auto before = world.steering.counters();
  world.set_cluster("A", Eligibility::down);
  CHECK(world.shares(0, 0) == Shares{0, 10'000, 0});
  CHECK(world.shares(0, 1) == Shares{0, 10'000, 0});
  CHECK(world.shares(0, 2) == Shares{0, 0, 10'000});
  CHECK(world.steering.counters().solved == before.solved + 1);
  CHECK(published(world.steering.counters()) == published(before) + 1);
  CHECK(world.told("shares").back() == "service/shop.svc.example.test. - c: C 10000; *: B 10000");
}

TEST_CASE("a service that loses only what carried nothing is not solved again", "[steering]") {
  World world;
  world.add("shop", everywhere());
  world.begin(Eligibility::eligible, asked({{"shop", {400, 300, 0}}}));
  const auto before = world.steering.counters();
  // Clients of c would go to C: without demand it has their share.
  REQUIRE(world.shares(0, 2) == Shares{0, 0, 10'000});
  world.set_cluster("C", Eligibility::down);
  CHECK(world.steering.counters().solved == before.solved + 1);
  CHECK(world.shares(0, 0) == Shares{10'000, 0, 0});
  CHECK(world.shares(0, 1) == Shares{0, 10'000, 0});
  // Now nothing leads to C any more: it may come and go.
  const auto without = world.steering.counters();
  world.set_cluster("C", Eligibility::excluded);
  world.set_cluster("C", Eligibility::down);
  CHECK(world.steering.counters().solved == without.solved);
  CHECK(published(world.steering.counters()) == published(without));
}

TEST_CASE("the busiest group gets its new shares first", "[steering]") {
  World world;
  for (const int i : {0, 1, 2, 3})
    world.add("s" + std::to_string(i), {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin(
      Eligibility::eligible,
      asked({{"s0", {100, 0, 0}}, {"s1", {400, 0, 0}}, {"s2", {200, 0, 0}}, {"s3", {300, 0, 0}}}));
  const auto before = world.entries.size();
  world.set_cluster("A", Eligibility::down);
  std::vector<std::string> told;
  for (size_t i = before; i < world.entries.size(); ++i) {
    if (world.entries[i].kind == "shares") told.push_back(world.entries[i].target);
  }
  CHECK(told ==
        std::vector<std::string>{"service/s1.svc.example.test.", "service/s3.svc.example.test.",
                                 "service/s2.svc.example.test.", "service/s0.svc.example.test."});
}

TEST_CASE("services of one kind with equal demand are solved once", "[steering]") {
  World world;
  for (int i = 0; i < 300; ++i)
    world.add("s" + std::to_string(i), {{"A", 1'000}, {"B", 1'000}, {"C", 1'000}}, 900);
  world.begin();
  CHECK(world.steering.counters().solved == 1);
  CHECK(world.steering.counters().shared == 299);
  CHECK(published(world.steering.counters()) == 300);
  CHECK(world.slices > 1);
}

TEST_CASE("shares that break an invariant are refused, those before stay, and it is told once",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 500}, {"B", 500}}).demand = 600;
  world.begin();
  const Shares before = world.shares(0, 1);
  const size_t told = world.lines.size();
  world.is_faulty = true;
  for (int i = 1; i <= 3; ++i) {
    world.report("A", "shop", 600 + i);
    world.set_cluster("B", i % 2 == 1 ? Eligibility::down : Eligibility::eligible);
    CHECK(world.shares(0, 1) == before);
    CHECK(world.steering.counters().refused == static_cast<uint64_t>(i));
  }
  REQUIRE(world.lines.size() == told + 1);
  CHECK(world.lines.back().event == "shares refused: they break an invariant; those before stay");
  CHECK(world.entries.back().after == "refused");
  CHECK(world.entries.back().reason == "locality unknown: shares add up to 9,999");

  world.is_faulty = false;
  world.set_cluster("B", Eligibility::down);
  CHECK(world.shares(0, 1) == Shares{10'000, 0});
}

TEST_CASE("services that share a cluster's capacity are within it together", "[steering]") {
  World world;
  world.add("shop", everywhere());
  world.add("cart", everywhere());
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}, {"cart", {500, 500, 100}}}));
  // As the one of 1,100 in a: A takes 700, and each service leaves alike.
  CHECK(world.shares(0, 0) == Shares{6'364, 1'818, 1'818});
  CHECK(world.shares(1, 0) == Shares{6'364, 1'818, 1'818});
  CHECK(world.steering.counters().solved == 1);
}

TEST_CASE("half of the endpoints are half of the capacity", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000, 2}, {"B", 1'000, 2}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  world.set(0, "A", Eligibility::down, 1);
  world.run();
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  CHECK(world.steering.view(ServiceId(0))->pools[0].usable == 500);
}

TEST_CASE("a trial by capacities of 380 and 20 gets one answer in twenty", "[steering]") {
  World world;
  zones::Service& service = world.add("search", {{"A", 380}, {"B", 20}});
  service.policy = zones::Policy::active_active;
  service.sticky = zones::Sticky::client;
  SECTION("of clients of whom no demand is known") {
    world.begin();
  }
  SECTION("and of a known one") {
    world.begin(Eligibility::eligible, asked({{"search", {120, 60, 20}}}));
  }
  for (int row = -1; row < 3; ++row) CHECK(world.shares(0, row) == Shares{9'500, 500});
}

TEST_CASE("who comes back gets his share in steps", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  world.set_cluster("A", Eligibility::eligible);
  std::vector<uint16_t> seen;
  for (int i = 0; i < 14; ++i) {
    seen.push_back(world.shares(0, 0)[0]);
    world.pass(Milliseconds(10'000));
  }
  CHECK(std::ranges::is_sorted(seen));
  CHECK(seen.front() == 1'000);  // a tenth of 1,000, at the target 70 of 700
  CHECK(seen.back() == 10'000);
  CHECK(std::set(seen.begin(), seen.end()).size() == 5);  // a step a TTL
}

TEST_CASE("a pool on its way back that dies begins anew", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  world.pass(Milliseconds(70'000));
  CHECK(world.shares(0, 0)[0] > 1'000);
  world.set_cluster("A", Eligibility::down);
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  world.set_cluster("A", Eligibility::eligible);
  CHECK(world.shares(0, 0)[0] == 1'000);
}

TEST_CASE("failback at once, after a hold, and by hand", "[steering]") {
  World world;
  zones::Service& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  SECTION("at once: the whole share with the verdict") {
    shop.failback = zones::Failback::at_once;
    world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
    world.set_cluster("A", Eligibility::down);
    world.set_cluster("A", Eligibility::eligible);
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
  SECTION("hold: nothing until it is over") {
    shop.failback = zones::Failback::hold;
    shop.failback_hold = Milliseconds(300'000);
    world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
    world.set_cluster("A", Eligibility::down);
    world.set_cluster("A", Eligibility::eligible);
    world.pass(Milliseconds(299'000));
    CHECK(world.shares(0, 0) == Shares{0, 10'000});
    world.pass(Milliseconds(2'000));
    CHECK(world.shares(0, 0) == Shares{1'000, 9'000});
    world.pass(Milliseconds(120'000));
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
  SECTION("manual: nothing until a person says so") {
    shop.failback = zones::Failback::manual;
    world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
    const PoolId pool = world.pool(0, "A").id;
    CHECK_FALSE(world.steering.resume(ServiceId(0), pool));
    world.set_cluster("A", Eligibility::down);
    world.set_cluster("A", Eligibility::eligible);
    world.pass(Milliseconds(3'600'000));
    CHECK(world.shares(0, 0) == Shares{0, 10'000});
    CHECK(world.steering.view(ServiceId(0))->pools[0].waits_for_person);
    CHECK(world.steering.waiting_for_person(ServiceId(0)) == std::vector{pool});
    CHECK(world.steering.record_with(ServiceId(0), std::vector{pool}).back_since[0] ==
          world.clock.wall());
    CHECK(world.steering.resume(ServiceId(0), pool));
    world.run();
    CHECK(world.shares(0, 0) == Shares{1'000, 9'000});
    world.pass(Milliseconds(120'000));
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
}

TEST_CASE("a ramp yields when the others cannot carry the demand", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 500}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  CHECK(world.told("regime").back() == "service/shop.svc.example.test. overload");
  world.set_cluster("A", Eligibility::eligible);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  CHECK(world.told("regime").back() == "service/shop.svc.example.test. normal");
}

TEST_CASE("who was needed before his ramp was over keeps what he carries", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  REQUIRE(world.shares(0, 0)[1] > 8'000);  // A begins its ramp
  world.set_cluster("B", Eligibility::down);
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  world.pass(Milliseconds(1'000));
  const auto view = world.steering.view(ServiceId(0));
  CHECK(view->pools[0].usable == 1'000);
  CHECK(view->pools[0].comeback == 1);
  world.set_cluster("B", Eligibility::eligible);
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  world.pass(Milliseconds(10'000));
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
}

TEST_CASE("what is held for its flaps is let in when the others cannot carry the demand",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 720}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.flap("A");
  CHECK(world.shares(0, 0) == Shares{0, 10'000});  // 97 % of B
  const auto is_in = [&] {
    return world.snapshot->eligibility->get(world.pool(0, "A").endpoints.front().id) ==
           Eligibility::eligible;
  };
  CHECK_FALSE(is_in());
  world.report("B", "shop", 690, 600);
  world.pass(Milliseconds(10'000));
  CHECK(is_in());
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  CHECK(world.told("regime").back() == "service/shop.svc.example.test. normal");

  SECTION("and stays in while the others could carry it just so") {
    world.clock.advance(Milliseconds(1'000));
    world.report("B", "shop", 680, 720);  // its clients have not left yet
    world.pass(Milliseconds(9'000));
    CHECK(is_in());
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
  SECTION("and is out again once they can with something to spare") {
    world.clock.advance(Milliseconds(1'000));
    world.report("B", "shop", 680, 1'000);
    world.pass(Milliseconds(9'000));
    CHECK_FALSE(is_in());
    CHECK(world.shares(0, 0) == Shares{0, 10'000});
  }
  SECTION("and comes back in steps when its hold ends") {
    world.flapping.clear();
    world.clock.advance(Milliseconds(1'000));
    world.report("B", "shop", 680, 1'000);
    world.set_cluster("A", Eligibility::eligible);
    CHECK(world.shares(0, 0)[0] > 900);
    CHECK(world.shares(0, 0)[0] < 1'100);  // a tenth of its capacity
  }
}

TEST_CASE("ramps yield before flap holds", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}, {"C", 300}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.flap("A");
  world.set_cluster("B", Eligibility::down);
  CHECK(world.shares(0, 0)[0] > 0);  // C alone has 300
  world.set_cluster("B", Eligibility::eligible);
  CHECK(world.shares(0, 0)[0] == 0);
  CHECK(world.snapshot->eligibility->get(world.pool(0, "A").endpoints.front().id) ==
        Eligibility::unknown);
  CHECK(world.shares(0, 0)[1] > 5'000);  // at once, and not a tenth
}

TEST_CASE("what does not fit is shared by all alike, and told", "[steering]") {
  World world;
  world.add("shop", {{"A", 500}, {"B", 500}});
  world.begin(Eligibility::eligible, asked({{"shop", {900, 300, 0}}}));
  CHECK(world.shares(0, 0) == Shares{6'667, 3'333});
  CHECK(world.shares(0, 1) == Shares{0, 10'000});
  REQUIRE(world.told("regime").size() == 1);
  CHECK(world.entries.front().reason ==
        "its clusters have to go to 120.0 % of their capacity; 200 units more than their limits "
        "allow are shared by all of them alike");
}

TEST_CASE("demand that fits to the last unit is no overload", "[steering]") {
  World world;
  world.add("shop", {{"A", 500}, {"B", 500}}, 500);
  world.begin();
  world.set_cluster("A", Eligibility::down);
  CHECK(world.told("regime").back() == "service/shop.svc.example.test. tight");
}

TEST_CASE("overload that comes by load is told, however equal the shares are", "[steering]") {
  World world;
  zones::Service& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000}, {"C", 900, 1, true}});
  shop.policy = zones::Policy::active_active;
  const bool spills = GENERATE(false, true);
  if (spills) shop.overflow = zones::Overflow::last_resort;
  world.begin(Eligibility::eligible, asked({{"shop", {400, 0, 0}}}));
  REQUIRE(world.shares(0, 0) == Shares{5'000, 5'000, 0});
  const auto say = [&](double each) {
    for (int i = 0; i < 15; ++i) {
      world.report("A", "shop", each);
      world.report("B", "shop", each);
      world.pass(Milliseconds(10'000));
    }
  };
  say(1'500);
  const auto view = *world.steering.view(ServiceId(0));
  CHECK(view.regime == steering::Regime::overload);
  CHECK(world.told("regime").back() == "service/shop.svc.example.test. overload");
  CHECK(view.demand > 2'900);
  if (spills) {
    CHECK(world.shares(0, 0)[2] > 3'000);
    CHECK(view.pools[0].load == Approx(1'000).epsilon(0.02));
  } else {
    CHECK(view.pools[0].load == Approx(1'500).epsilon(0.02));
    say(200);
    CHECK(world.told("regime").back() == "service/shop.svc.example.test. normal");
  }
}

TEST_CASE("demand that no capacity is there for is overload", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {400, 0, 0}}}));
  world.report("A", "shop", 400, 0);
  world.report("B", "shop", 0, 0);
  world.pass(Milliseconds(10'000));
  CHECK(world.steering.view(ServiceId(0))->regime == steering::Regime::overload);
  CHECK(world.entries.back().reason ==
        "400 units come from clients whom no cluster with capacity serves");
}

TEST_CASE("what does not fit goes to the last resort where that is asked for", "[steering]") {
  World world;
  zones::Service& shop = world.add("shop", {{"A", 500}, {"B", 500}, {"C", 100, 1, true}});
  shop.overflow = zones::Overflow::last_resort;
  world.begin(Eligibility::eligible, asked({{"shop", {900, 300, 0}}}));
  CHECK(world.shares(0, 0) == Shares{5'555, 2'777, 1'668});
  CHECK(world.shares(0, 1) == Shares{0, 8'333, 1'667});
}

TEST_CASE("a pool of last resort that dies leaves what did not fit to the others", "[steering]") {
  World world;
  zones::Service& shop = world.add("shop", {{"A", 500}, {"B", 100, 1, true}, {"C", 100, 1, true}});
  shop.overflow = zones::Overflow::last_resort;
  world.begin(Eligibility::eligible, asked({{"shop", {1'000, 0, 0}}}));
  CHECK(world.shares(0, 0) == Shares{5'000, 2'500, 2'500});
  world.set_cluster("B", Eligibility::down);
  CHECK(world.shares(0, 0) == Shares{5'000, 0, 5'000});
}

TEST_CASE("no last resort gets clients whom it does not serve", "[steering]") {
  World world;
  world.model->topology.regions = {"eu", "us"};
  for (size_t i = 0; i < 3; ++i) world.model->topology.localities[i].region = i == 0 ? "us" : "eu";
  zones::Service& shop = world.add("shop", {{"A", 500}, {"B", 100, 1, true}, {"C", 100, 1, true}});
  shop.overflow = zones::Overflow::last_resort;
  shop.pools[2].only_regions = {"eu"};
  world.begin(Eligibility::eligible, asked({{"shop", {500, 500, 0}}}));
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000, 0});
  CHECK(world.shares(0, 1) == Shares{5'000, 2'500, 2'500});
}

TEST_CASE("clients whom nobody can serve keep their shares, for whoever is back first",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}, 900);
  world.begin();
  const Shares before = world.shares(0, 0);
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("B", Eligibility::down);
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  CHECK(before == Shares{10'000, 0});
}

TEST_CASE("reported load that grows beyond `high` moves the surplus, and nothing before",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  std::vector<double> moved_at;
  for (double load = 600; load <= 1'200; load += 20) {
    world.clock.advance(Milliseconds(50'000));  // reports are fresh for less
    const double kept = load * world.shares(0, 0)[0] / 10'000;
    world.report("A", "shop", kept);
    world.report("B", "shop", load - kept);
    const Shares before = world.shares(0, 0);
    world.pass(Milliseconds(10'000));
    if (world.shares(0, 0) != before) moved_at.push_back(load);
  }
  REQUIRE_FALSE(moved_at.empty());
  CHECK(moved_at.front() > 800);
  CHECK(moved_at.front() < 1'000);
  CHECK(moved_at.size() < 8);
  CHECK(world.told("shares").size() == 1 + moved_at.size());
}

TEST_CASE("a service's own target and limit have a dead band of their own", "[steering]") {
  World world;
  zones::Service& service = world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  const auto grow = [&](double from, double to) {
    world.begin(Eligibility::eligible, asked({{"shop", {from, 0, 0}}}));
    const Shares before = world.shares(0, 0);
    world.clock.advance(Milliseconds(50'000));
    const double kept = to * before[0] / 10'000;
    world.report("A", "shop", kept);
    world.report("B", "shop", to - kept);
    world.pass(Milliseconds(10'000));
    return std::pair(before, world.shares(0, 0));
  };
  SECTION("what is above a low limit is relieved, though below the common `high`") {
    service.target = 0.5;
    service.limit = 0.6;
    const auto [before, after] = grow(500, 1'000);
    CHECK(before == Shares{10'000, 0});
    CHECK(after[0] < 10'000);
  }
  SECTION("what a high target allows stays, though above the common `high`") {
    service.target = 0.9;
    const auto [before, after] = grow(950, 951);
    CHECK(before[0] < 10'000);
    CHECK(after == before);
  }
}

TEST_CASE("amounts beyond all bounds are allocated within them", "[steering]") {
  World world;
  SECTION("a limit that lies below the common target") {
    world.add("shop", {{"A", 1'000}, {"B", 1'000}}).limit = 0.5;
    world.begin(Eligibility::eligible, asked({{"shop", {1'200, 0, 0}}}));
  }
  SECTION("demands of services alike whose sum is beyond the most") {
    for (const char* name : {"shop", "mail"}) world.add(name, {{"A", {}}, {"B", {}}});
    const std::vector<double> most{1e15, 0, 0};
    world.begin(Eligibility::eligible, asked({{"shop", most}, {"mail", most}}));
  }
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
}

TEST_CASE("a cluster that says it can carry less is taken at its word", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.report("A", "shop", 700, 500);
  world.pass(Milliseconds(10'000));
  CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  CHECK(world.entries.back().reason == "capacity");
}

TEST_CASE("a report above the limit that nobody expected moves shares at once", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  world.report("A", "shop", 600);
  world.report("B", "shop", 0);
  world.pass(Milliseconds(10'000));
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  const std::vector<ServiceId> news{ServiceId(0)};
  const auto hear = [&](double load) {
    world.clock.advance(Milliseconds(1'000));
    world.report("A", "shop", load);
    world.steering.hear(news);
    world.run();
  };
  hear(990);  // below the limit: it can wait
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  hear(1'300);
  CHECK(world.shares(0, 0)[1] > 3'000);
  CHECK(world.entries.back().reason == "load");

  // The clients are on their way: what is above the limit still is no news.
  const uint64_t solved = world.steering.counters().solved;
  hear(1'270);
  CHECK(world.steering.counters().solved == solved);
}

TEST_CASE("who reports a capacity of 0 gets nobody, as long as somebody else has one",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {400, 0, 0}}}));
  world.report("A", "shop", 400, 0);
  world.report("B", "shop", 0, 1'000);
  world.pass(Milliseconds(10'000));
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  CHECK(world.told("regime").empty());

  // Nobody is turned away on the word of numbers alone: what is up goes on as it was, and it is told.
  world.report("A", "shop", 0, 0);
  world.report("B", "shop", 400, 0);
  world.pass(Milliseconds(10'000));
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  CHECK(world.told("regime") ==
        std::vector<std::string>{"service/shop.svc.example.test. overload"});
  CHECK(world.lines.back().event == "regime changed");

  world.report("A", "shop", 0, 1'000);
  world.report("B", "shop", 400, 0);
  world.pass(Milliseconds(10'000));
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  CHECK(world.told("regime").size() == 2);
}

TEST_CASE("while nobody reports, answers tell where the demand is, and not how much",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}, {"C", 1'000}}, 900);
  world.begin();
  CHECK(world.steering.view(ServiceId(0))->demands == std::vector<double>{0, 300, 300, 300});
  world.answered = {0, 3'000, 1'000, 0};
  world.pass(Milliseconds(10'000));
  const auto at = [&](size_t row) { return world.steering.view(ServiceId(0))->demands[row]; };
  CHECK(at(1) == Approx(657).margin(1));  // some are taken to come from everywhere
  CHECK(at(2) == Approx(229).margin(1));
  CHECK(at(3) == Approx(14).margin(1));
  world.answered = {0, 3'010, 1'010, 0};  // too few more to change it much
  world.pass(Milliseconds(10'000));
  CHECK(world.steering.view(ServiceId(0))->demand == Approx(900));
  CHECK(at(1) == Approx(657).epsilon(0.01));
}

TEST_CASE("a handful of questions from one place does not make all demand come from there",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}, {"C", 1'000}}, 900);
  world.begin();
  world.answered = {0, 60, 0, 0};
  world.pass(Milliseconds(10'000));
  CHECK(world.steering.view(ServiceId(0))->demands[1] < 450);
}

TEST_CASE("the requests under way at its endpoints are a pool's capacity where it has a band",
          "[steering]") {
  World world;
  zones::Service& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  shop.pools[0].in_flight_low = 0.8;
  shop.pools[0].in_flight_high = 2.0;
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
  for (int i = 0; i < 20; ++i) {
    world.report("A", "shop", 600, {}, 4.0);  // twice what its one endpoint should have
    world.pass(Milliseconds(10'000));
  }
  const auto view = world.steering.view(ServiceId(0));
  CHECK(view->pools[0].capacity < 450);
  CHECK(view->pools[0].capacity > 250);
  CHECK(view->pools[1].capacity == 1'000);
  CHECK(world.shares(0, 0)[0] < 6'000);
}

TEST_CASE("a dead cluster's clients are no demand that was not there before", "[steering]") {
  World world;
  world.model->steering.connection_life = Milliseconds(60'000);
  world.add("shop", {{"A", {}}, {"B", {}}, {"C", {}}}, 1'200);
  world.begin();
  const auto report = [&](double a, double b, double c) {
    if (a >= 0) world.report("A", "shop", a);
    world.report("B", "shop", b);
    world.report("C", "shop", c);
    world.pass(Milliseconds(10'000));
  };
  for (int i = 0; i < 60; ++i) report(600, 300, 300);
  REQUIRE(world.steering.view(ServiceId(0))->demand == Approx(1'200).epsilon(0.02));
  const bool is_dead = GENERATE(true, false);
  world.set_cluster("A", is_dead ? Eligibility::down : Eligibility::excluded);
  double most = 0;
  for (int i = 1; i <= 20; ++i) {
    // Caches ask again within 30 s; whoever is merely out keeps his connections for long.
    const double moved = is_dead ? std::min(1.0, i / 3.0) : 1 - std::exp(-i * 10 / 75.0);
    const Shares from_a = world.shares(0, 0);
    const double to_b = 600 * moved * from_a[1] / 10'000;
    report(is_dead ? -1 : 600 * (1 - moved), 300 + to_b, 300 + 600 * moved - to_b);
    most = std::max(most, world.steering.view(ServiceId(0))->demand);
  }
  INFO("at most " << most);
  CHECK(most < 1.1 * 1'200);
  CHECK(world.told("regime").empty());
}

TEST_CASE("a cluster that no longer reports counts for less, while others do", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  const auto usable = [&](size_t pool) {
    return world.steering.view(ServiceId(0))->pools[pool].usable;
  };
  world.report("A", "shop", 600);
  world.report("B", "shop", 0);
  world.pass(Milliseconds(10'000));
  CHECK(usable(0) == 1'000);
  world.pass(Milliseconds(30'000));  // nobody reports: that is not the clusters' doing
  CHECK(usable(0) == 1'000);
  world.report("B", "shop", 0);
  world.pass(Milliseconds(10'000));
  CHECK(usable(0) == 800);
  CHECK(usable(1) == 1'000);
}
