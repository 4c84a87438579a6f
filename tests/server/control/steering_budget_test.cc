#include <catch2/catch.hpp>

#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;

namespace {

/// Two clusters of 1,000, where A serves 700 of its own clients, and at most a fifth of all moves in 5 minutes.
struct Bounded : World {
  explicit Bounded(double budget = 0.2, double capacity_of_b = 2'000,
                   std::optional<double> target = {}) {
    model->steering.move_budget = budget;
    model->steering.move_window = Milliseconds(300'000);
    zones::Service& shop = add("shop", {{"A", 1'000}, {"B", capacity_of_b}});
    shop.ttl = Ttl(30);
    shop.target = target;
    begin(Eligibility::eligible, asked({{"shop", {700, 0, 0}}}));
  }
  void go(int64_t seconds_long) {
    for (int64_t i = 0; i < seconds_long; ++i) pass(Milliseconds(1'000));
  }
  double at_a() const { return shares(0, 0)[0] / 10'000.0; }
  std::optional<Steering::Waiting> waiting() const { return steering.view(ServiceId(0))->waiting; }
};

}  // namespace

TEST_CASE("health moves everything at once, whatever the budget", "[steering_budget]") {
  Bounded world;
  world.set_cluster("A", Eligibility::down);
  CHECK(world.at_a() == 0);
  CHECK(world.steering.budget().spent(world.clock.now()) == 0);
}

TEST_CASE("a ramp keeps to the budget, and says what it waits for", "[steering_budget]") {
  Bounded world;
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  const double first = world.at_a();
  CHECK(first == Approx(0.1));  // with the verdict: the ramp begins
  std::vector<double> seen;     // each second
  for (int i = 0; i < 3'000; ++i) {
    world.go(1);
    seen.push_back(world.at_a());
    const double window_ago = i >= 300 ? seen[static_cast<size_t>(i) - 300] : first;
    // A step may be a quarter of the ramp, 22.5 %: more than the budget, and so made when nothing else counts.
    REQUIRE(seen.back() - window_ago <= 0.225 + 1e-6);
  }
  CHECK(std::ranges::is_sorted(seen));
  CHECK(seen.back() == 1.0);
  CHECK(seen[200] < 0.4);
}

TEST_CASE("who waits is told why and until when", "[steering_budget]") {
  Bounded world;
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  world.go(90);
  REQUIRE(world.waiting());
  CHECK(world.waiting()->reason.find("of all load would move; of the move_budget of 20 %") !=
        std::string::npos);
  CHECK(world.waiting()->until > world.clock.wall());
  CHECK(world.waiting()->until - world.clock.wall() <= Milliseconds(306'000));
  world.go(3'000);
  CHECK_FALSE(world.waiting());
}

TEST_CASE("without a bound a ramp takes the time that it takes", "[steering_budget]") {
  Bounded world(1);
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  world.go(121);
  CHECK(world.at_a() == 1.0);
  CHECK(world.steering.budget().spent(world.clock.now()) == Approx(0.9));
}

TEST_CASE("a ramp that others need is not held back", "[steering_budget]") {
  Bounded world(0.01, 700);  // B alone is at its limit, and at 87.5 % with the first tenth of A
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  CHECK(world.at_a() == Approx(0.125));  // both at 87.5 %
  world.go(31);
  CHECK(world.at_a() == Approx(0.325));
  CHECK(world.steering.budget().spent(world.clock.now()) == 0);
  CHECK_FALSE(world.waiting());
}

TEST_CASE("traffic comes home where those who still follow old answers leave it room",
          "[steering_budget]") {
  Bounded world(1);
  double old_at_a = 0.2;  // 140 of 700
  world.steering.count_old_answers([&](ServiceId) {
    return OldAnswers{.part = old_at_a,
                      .by_pool = {old_at_a, 0},
                      .held = {0, 1},
                      .until = world.clock.wall() + Milliseconds(20'000)};
  });
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  world.go(30);
  // A tenth of A is ready: 70, and 140 come on top.
  CHECK(world.at_a() == Approx(0.1));
  REQUIRE(world.waiting());
  CHECK(world.waiting()->reason.find("that may still follow old answers") != std::string::npos);
  old_at_a = 0;
  world.go(150);
  CHECK(world.at_a() == 1.0);
}

TEST_CASE("a service's own target says who is too hot to wait for the budget",
          "[steering_budget]") {
  Bounded world(0.01, 750, 0.95);
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  // B has 605 of 750: above the common `high`, and what this service may use.
  world.go(31);
  CHECK(world.steering.budget().spent(world.clock.now()) > 0);
  world.go(30);
  CHECK(world.waiting());
}

TEST_CASE("a service's own target says what room those who follow old answers are to leave",
          "[steering_budget]") {
  Bounded world(1, 2'000, 0.9);
  world.steering.count_old_answers([&](ServiceId) {
    return OldAnswers{.part = 0.01,
                      .by_pool = {0.01, 0},
                      .held = {0, 1},
                      .until = world.clock.wall() + Milliseconds(20'000)};
  });
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  const double first = world.at_a();
  world.go(31);
  // To 90 % of what is ready of A, and 7 of 325 on top.
  CHECK(world.at_a() > first);
  CHECK_FALSE(world.waiting());
}

TEST_CASE("who still follows old answers counts among thousands of services, too",
          "[steering_budget]") {
  World world;
  world.model->steering.move_budget = 1;
  constexpr int services = 1'500;
  for (int i = 0; i < services; ++i) {
    zones::Service& service = world.add("s" + std::to_string(i), {{"A", {}}, {"B", {}}});
    service.ttl = Ttl(30);
    service.demand = 0.4;  // 600 in all, of the 1,000 that A and B have
  }
  double old_at_a = 0.2;  // 120 of 600
  world.steering.count_old_answers([&](ServiceId) {
    return OldAnswers{.part = old_at_a,
                      .by_pool = {old_at_a, 0},
                      .held = {0, 1},
                      .until = world.clock.wall() + Milliseconds(20'000)};
  });
  world.begin();
  const auto go = [&](int seconds_long) {
    for (int i = 0; i < seconds_long; ++i) world.pass(Milliseconds(1'000));
  };
  const auto at_a = [&] { return world.steering.view(ServiceId(0))->pools[0].load; };
  world.set_cluster("A", Eligibility::down);
  world.set_cluster("A", Eligibility::eligible);
  const double first = at_a();
  go(31);
  CHECK(at_a() == Approx(first));
  const auto waiting = world.steering.view(ServiceId(0))->waiting;
  REQUIRE(waiting);
  CHECK(waiting->reason.find("with the 120 units that may still follow old answers") !=
        std::string::npos);
  old_at_a = 0;
  go(150);
  CHECK(at_a() > 2 * first);
}
