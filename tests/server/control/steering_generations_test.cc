#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;
using steering::Regime;

TEST_CASE("a restart goes on with the shares, the demand and the ramp of the run before",
          "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  world.pass(Milliseconds(61'000));
  const Shares before = world.shares(0, 0);
  CHECK(before[0] > 1'000);
  CHECK(before[0] < 10'000);

  Steering::Memory memory;
  for (const auto& change : world.stored.changes()) {
    REQUIRE(change.key == "steering/shop.svc.example.test.");
    memory["shop.svc.example.test."] = *decode_steering(*change.value);
  }
  World next;
  next.clock = world.clock;
  next.add("shop", {{"B", 1'000}, {"A", 1'000}});  // in another order, too
  next.begin(Eligibility::eligible, memory);
  CHECK(next.shares(0, 0) == Shares{before[1], before[0]});
  CHECK(next.told("shares").empty());
  next.pass(Milliseconds(120'000));
  CHECK(next.shares(0, 0) == Shares{0, 10'000});
}

TEST_CASE("a wall clock that jumps takes nobody out who is on his way back", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  world.pass(Milliseconds(60'000));
  const Shares half = world.shares(0, 0);
  REQUIRE(half[0] > 3'000);
  const int64_t jump = GENERATE(-3'600'000, 3'600'000);
  world.clock.jump_wall(Milliseconds(jump));
  world.pass(Milliseconds(1'000));
  CHECK(world.shares(0, 0) == half);
  world.pass(Milliseconds(60'000));
  CHECK(world.shares(0, 0) == Shares{10'000, 0});
}

TEST_CASE("a restart knows what was learnt since shares changed last", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {100, 0, 0}}}));
  for (int i = 0; i < 20; ++i) {
    world.report("A", "shop", 400);
    world.pass(Milliseconds(10'000));
  }
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  Steering::Memory memory;
  for (const auto& change : world.stored.changes())
    memory["shop.svc.example.test."] = *decode_steering(*change.value);
  World next;
  next.add("shop", {{"A", 1'000}, {"B", 1'000}});
  next.begin(Eligibility::eligible, memory);
  CHECK(next.steering.view(ServiceId(0))->demand == Approx(400).epsilon(0.06));
}

TEST_CASE("what waits for a person does so after a restart, too", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).failback = zones::Failback::manual;
  world.begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  CHECK(world.shares(0, 0) == Shares{0, 10'000});
  Steering::Memory memory;
  for (const auto& change : world.stored.changes())
    memory["shop.svc.example.test."] = *decode_steering(*change.value);
  World next;
  next.clock = world.clock;
  next.add("shop", {{"A", 1'000}, {"B", 1'000}}).failback = zones::Failback::manual;
  next.begin(Eligibility::eligible, memory);
  CHECK(next.shares(0, 0) == Shares{0, 10'000});
  CHECK(next.steering.waiting_for_person(ServiceId(0)).size() == 1);
}

TEST_CASE("a reload keeps what it does not change", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {1'000, 0, 0}}}));
  const Shares before = world.shares(0, 0);
  world.entries.clear();
  world.put_in_force([](zones::Model& model) {
    model.topology.localities.insert(model.topology.localities.begin(),
                                     zones::Locality{"new", "", {}, {}});
    for (auto& cluster : model.topology.clusters) ++cluster.localities[0].value;
  });
  CHECK(world.shares(0, 1) == before);  // before anything is solved
  world.run();
  CHECK(world.shares(0, 1) == before);
  CHECK(world.shares(0, 0) != Shares{0, 0});  // the new locality's clients have shares now
}

TEST_CASE("a reload by itself moves nobody, however far demand has drifted", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.add("cart", {{"A", 400}, {"C", 400}}, 100);
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  for (int i = 0; i < 6; ++i) {  // to 760: above the target of 700, below `high`
    world.report("A", "shop", 760);
    world.pass(Milliseconds(10'000));
  }
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  const double demand = world.steering.view(ServiceId(0))->demand;
  REQUIRE(demand > 730);
  const auto before = world.steering.counters();

  SECTION("nothing is asked otherwise") {
    world.reload();
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
    CHECK(published(world.steering.counters()) == published(before));
    CHECK(world.steering.view(ServiceId(0))->demand == demand);
    // What clients followed before the reload is known: the next report is no surprise.
    world.report("A", "shop", 760);
    world.pass(Milliseconds(10'000));
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
  SECTION("a capacity is another") {
    world.reload([](zones::Model& model) { model.services[0].pools[0].capacity = 900; });
    CHECK(world.shares(0, 0)[0] < 9'000);
    CHECK(world.steering.view(ServiceId(0))->demand == demand);
  }
  SECTION("the TTL is another") {
    world.reload([](zones::Model& model) { model.services[0].ttl = Ttl(5); });
    CHECK(world.steering.view(ServiceId(0))->demand == Approx(demand));
    CHECK(world.shares(1, 0) == Shares{10'000, 0});
  }
  SECTION("another service stands before it") {
    world.reload([](zones::Model& model) { std::swap(model.services[0], model.services[1]); },
                 {1U, 0U});
    CHECK(world.shares(1, 0) == Shares{10'000, 0});
    CHECK(world.steering.view(ServiceId(1))->demand == demand);
    CHECK(published(world.steering.counters()) == published(before));
  }
  SECTION("it has another pool") {
    world.reload([](zones::Model& model) {
      zones::Pool pool = model.services[1].pools[1];
      pool.capacity = 1'000;
      model.services[0].pools.push_back(pool);
    });
    CHECK(world.steering.view(ServiceId(0))->demand == Approx(demand));
    CHECK(world.shares(0, 0).size() == 3);
  }
}

TEST_CASE("a reload in the midst of publishing loses nobody's new shares", "[steering]") {
  World world;
  constexpr size_t many = 13'000;  // more than one slice publishes
  for (size_t i = 0; i < many; ++i) world.add("s" + std::to_string(i), everywhere(), 0.01);
  world.begin();
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0, 0});
  for (size_t i = 0; i < many; ++i) world.set(i, "A", Eligibility::down);
  (void)world.steering.work();
  REQUIRE_FALSE(world.steering.is_idle());
  world.reload();
  size_t left = 0;
  for (size_t i = 0; i < many; ++i) left += world.shares(i, 0)[0] > 0 ? 1U : 0U;
  CHECK(left == 0);
}

TEST_CASE("a reload forgets neither a regime nor a load nor who is silent", "[steering]") {
  World world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 900}}}));
  world.report("A", "shop", 600);
  world.report("B", "shop", 900);
  world.pass(Milliseconds(10'000));
  world.pass(Milliseconds(30'000));
  world.report("A", "shop", 600);
  world.pass(Milliseconds(10'000));  // B is silent
  const auto before = world.steering.view(ServiceId(0));
  REQUIRE(before->regime == Regime::tight);
  REQUIRE(before->pools[1].usable < before->pools[1].capacity);
  world.reload();
  const auto after = world.steering.view(ServiceId(0));
  CHECK(after->pools[1].usable == before->pools[1].usable);
  CHECK(after->pools[0].load == before->pools[0].load);
  CHECK(world.shares(0, 2) == world.shares(0, 2));

  SECTION("it ends when the load does") {
    for (int i = 0; i < 30; ++i) {
      world.report("A", "shop", 100);
      world.report("B", "shop", 100);
      world.pass(Milliseconds(10'000));
    }
    CHECK(world.steering.view(ServiceId(0))->regime == Regime::normal);
  }
}

TEST_CASE("a service that is added moves none of those beside it", "[steering]") {
  World world;
  world.add("shop", {{"A", {}}, {"B", {}}});
  world.begin(Eligibility::eligible, asked({{"shop", {600, 0, 0}}}));
  for (int i = 0; i < 6; ++i) {  // to 760: above the target of 700, below `high`
    world.report("A", "shop", 760);
    world.pass(Milliseconds(10'000));
  }
  REQUIRE(world.shares(0, 0) == Shares{10'000, 0});
  const auto add_cart = [&](std::optional<double> demand) {
    world.reload(
        [&](zones::Model& model) {
          zones::Service cart = model.services[0];
          cart.name = *zones::parse_name("cart.svc.example.test.");
          cart.demand = demand;
          for (auto& pool : cart.pools) {
            for (auto& endpoint : pool.endpoints) endpoint.address = IpAddress::v4({10, 9, 9, 9});
          }
          model.services.push_back(cart);
        },
        {0U, std::nullopt});
  };

  SECTION("it asks for nothing yet") {
    add_cart({});
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
    const Shares first = world.shares(1, 0);
    CHECK(std::accumulate(first.begin(), first.end(), 0U) == 10'000);
    // And later nothing but load does.
    world.pass(Milliseconds(10'000));
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
  SECTION("it brings what the cluster cannot carry besides") {
    add_cart(900);
    CHECK(world.shares(0, 0)[0] < 10'000);
  }
  SECTION("its neighbour costs something else from now on") {
    world.reload(
        [](zones::Model& model) {
          zones::Service cart = model.services[0];
          cart.name = *zones::parse_name("cart.svc.example.test.");
          model.services.push_back(cart);
          model.services[0].policy = zones::Policy::active_active;
        },
        {0U, std::nullopt});
    CHECK(world.shares(0, 0) == Shares{5'000, 5'000});
  }
  SECTION("one that goes does not, either") {
    add_cart({});
    world.reload([](zones::Model& model) { model.services.pop_back(); }, {0U});
    CHECK(world.shares(0, 0) == Shares{10'000, 0});
  }
}
