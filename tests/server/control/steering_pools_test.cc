#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;

namespace {

/// Two services that share the capacities of A and B, one in each of localities a and b.
struct Shared : World {
  Shared() {
    model->steering.ramp = Milliseconds(120'000);
    add("shop", {{"A", {}}, {"B", {}}});
    add("cart", {{"A", {}}, {"B", {}}});
  }
  void begin_asked(double of_shop = 300, double of_cart = 300) {
    begin(Eligibility::eligible, asked({{"shop", {of_shop, 0, 0}}, {"cart", {of_cart, 0, 0}}}));
  }
  /// The shop's pool alone; cart's endpoints there are in all the time.
  void set_shop(Eligibility value) {
    set(0, "A", value);
    run();
  }
  uint16_t shop_at_home() const { return shares(0, 0)[0]; }
};

}  // namespace

TEST_CASE("a pool that was out alone comes back in steps, though its cluster was in",
          "[steering_pools]") {
  Shared world;
  world.begin_asked();
  REQUIRE(world.shop_at_home() == 10'000);
  world.set_shop(Eligibility::down);
  CHECK(world.shop_at_home() == 0);
  world.set_shop(Eligibility::eligible);
  CHECK(world.shop_at_home() == 1'000);
  CHECK(world.shares(1, 0) == Shares{10'000, 0});  // nobody else is touched
  CHECK(world.steering.view(ServiceId(0))->pools[0].comeback == Approx(0.1));
  CHECK(world.steering.view(ServiceId(1))->pools[0].comeback == 1);

  uint16_t before = 1'000;
  size_t steps = 0;
  for (int second = 0; second < 130; ++second) {
    world.pass(Milliseconds(1'000));
    CHECK(world.shop_at_home() >= before);
    steps += world.shop_at_home() > before ? 1U : 0U;
    before = world.shop_at_home();
  }
  CHECK(world.shop_at_home() == 10'000);
  CHECK(steps >= 3);
  CHECK(world.steering.view(ServiceId(0))->pools[0].comeback == 1);

  SECTION("it begins anew when it dies on the way") {
    world.set_shop(Eligibility::down);
    world.set_shop(Eligibility::eligible);
    world.pass(Milliseconds(60'000));
    REQUIRE(world.shop_at_home() > 1'000);
    world.set_shop(Eligibility::down);
    CHECK(world.shop_at_home() == 0);
    world.set_shop(Eligibility::eligible);
    CHECK(world.shop_at_home() == 1'000);
  }
}

TEST_CASE("a pool that comes back with its cluster has one ramp, not two", "[steering_pools]") {
  Shared world;
  world.begin_asked();
  world.set_cluster("A", Eligibility::down);
  CHECK(world.shop_at_home() == 0);
  world.set_cluster("A", Eligibility::eligible);
  const uint16_t first = world.shop_at_home();
  CHECK(first > 0);
  CHECK(world.steering.view(ServiceId(0))->pools[0].comeback == Approx(0.1));
  world.pass(Milliseconds(120'000));
  CHECK(world.shop_at_home() == 10'000);
}

TEST_CASE("a pool in a shared cluster comes back as its service says", "[steering_pools]") {
  Shared world;
  SECTION("at once") {
    world.model->services[0].failback = zones::Failback::at_once;
    world.begin_asked();
    world.set_shop(Eligibility::down);
    world.set_shop(Eligibility::eligible);
    CHECK(world.shop_at_home() == 10'000);
  }
  SECTION("after a hold") {
    world.model->services[0].failback = zones::Failback::hold;
    world.model->services[0].failback_hold = Milliseconds(60'000);
    world.begin_asked();
    world.set_shop(Eligibility::down);
    world.set_shop(Eligibility::eligible);
    CHECK(world.shop_at_home() == 0);
    world.pass(Milliseconds(59'000));
    CHECK(world.shop_at_home() == 0);
    world.pass(Milliseconds(2'000));
    CHECK(world.shop_at_home() == 1'000);
  }
  SECTION("by a person") {
    world.model->services[0].failback = zones::Failback::manual;
    world.begin_asked();
    world.set_shop(Eligibility::down);
    CHECK(world.steering.waiting_for_person(ServiceId(0)).empty());  // it is out
    world.set_shop(Eligibility::eligible);
    world.pass(Milliseconds(300'000));
    CHECK(world.shop_at_home() == 0);
    const PoolId pool = world.pool(0, "A").id;
    CHECK(world.steering.waiting_for_person(ServiceId(0)) == std::vector{pool});
    CHECK(world.steering.waiting_for_person(ServiceId(1)).empty());
    SECTION("and then in steps") {
      CHECK(world.steering.resume(ServiceId(0), pool));
      CHECK_FALSE(world.steering.resume(ServiceId(0), pool));
      world.run();
      CHECK(world.shop_at_home() == 1'000);
    }
    SECTION("also after a reload") {
      world.reload();
      world.pass(Milliseconds(10'000));
      CHECK(world.shop_at_home() == 0);
      CHECK(world.steering.waiting_for_person(ServiceId(0)).size() == 1);
    }
    SECTION("also after a restart") {
      const auto record = world.steering.record_with(ServiceId(0), {});
      Shared next;
      next.model->services[0].failback = zones::Failback::manual;
      Steering::Memory memory = asked({{"cart", {300, 0, 0}}});
      memory.emplace("shop.svc.example.test.", record);
      next.begin(Eligibility::eligible, memory);
      CHECK(next.shop_at_home() == 0);
      CHECK(next.shares(1, 0) == Shares{10'000, 0});
    }
  }
}

TEST_CASE("a reload goes on with a pool's way back", "[steering_pools]") {
  Shared world;
  world.begin_asked();
  world.set_shop(Eligibility::down);
  world.set_shop(Eligibility::eligible);
  world.pass(Milliseconds(60'000));
  const uint16_t before = world.shop_at_home();
  REQUIRE(before > 1'000);
  REQUIRE(before < 10'000);
  world.reload();
  CHECK(world.shop_at_home() == before);
  world.pass(Milliseconds(61'000));
  const auto view = world.steering.view(ServiceId(0));
  CAPTURE(view->pools[0].comeback, view->waiting ? view->waiting->reason : "");
  CHECK(world.shop_at_home() == 10'000);
}

TEST_CASE("who comes back is let in when the others cannot do without", "[steering_pools]") {
  Shared world;
  world.begin_asked(900, 600);
  world.set_shop(Eligibility::down);
  CHECK(world.told("regime").back() == "service/cart.svc.example.test. tight");
  world.report("B", "shop", 900);
  world.set_cluster("B", Eligibility::down);
  world.set_shop(Eligibility::eligible);
  CHECK(world.shop_at_home() == 10'000);
}
