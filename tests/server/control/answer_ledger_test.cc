#include "server/control/answer_ledger.h"

#include <catch2/catch.hpp>

#include "server/control/intents.h"
#include "tests/server/control/steering_world.h"

using namespace swingover;
using namespace swingover::control;
using namespace swingover::tests;

namespace {

/// A World whose workers' counters are set by hand.
struct Counted : World {
  std::vector<uint64_t> given = std::vector<uint64_t>(16);  // by PoolId
  size_t looks = 0;
  AnswerLedger ledger{clock, [this](ServiceId id, std::span<uint64_t> sums) {
                        ++looks;
                        const auto& pools = model->services[id.value].pools;
                        for (size_t i = 0; i < sums.size(); ++i)
                          sums[i] += given[pools[i].id.value];
                      }};

  void start() {
    begin();
    ledger.follow(snapshot, {});
    clock.advance(Milliseconds(600'000));  // what the run before answered is over
  }
  void go(int64_t seconds_long) {
    for (int64_t i = 0; i < seconds_long * 4; ++i) {
      clock.advance(Milliseconds(250));
      ledger.tick();
    }
  }
  const zones::Service& shop() const { return model->services.front(); }
  uint64_t held(size_t pool) const { return ledger.held(ServiceId(0), pool).answers; }
  void out(const std::string& cluster) {
    set_cluster(cluster, Eligibility::excluded);
    for (const zones::Service& service : model->services) ledger.changed(service.id);
  }
};

Intent drain_of(const std::string& target) {
  Intent intent;
  intent.id = "1";
  intent.kind = IntentKind::drain;
  intent.target = target;
  return intent;
}

}  // namespace

TEST_CASE("what was answered is held for its TTL, as counted", "[answer_ledger]") {
  Counted world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.start();
  world.given = {70, 30};
  world.go(1);
  CHECK(world.held(0) == 70);
  CHECK(world.held(1) == 30);
  world.go(28);
  CHECK(world.held(0) == 70);
  world.go(6);  // a second of the clock, one of the look, a slot of the ledger
  CHECK(world.held(0) == 0);
  CHECK_FALSE(world.ledger.held(ServiceId(0), 0).until);
}

TEST_CASE("a service is looked at once a second, however often it ticks", "[answer_ledger]") {
  Counted world;
  for (int i = 0; i < 4; ++i) world.add("s" + std::to_string(i), {{"A", 1'000}});
  world.start();
  world.ledger.tick();
  world.looks = 0;
  world.go(10);
  CHECK(world.looks == 40);
}

TEST_CASE("a drain has left what leads to its pools, and when that ends", "[answer_ledger]") {
  Counted world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.start();
  world.given = {31, 69};
  world.go(1);
  world.out("A");
  const auto left = answers_left(drain_of("cluster/A"), *world.model, world.ledger);
  REQUIRE(left);
  CHECK(left->answers == 31);
  CHECK(left->part() == Approx(0.31));
  REQUIRE(left->until);
  CHECK(*left->until - world.clock.wall() >= Milliseconds(29'000));
  CHECK(*left->until - world.clock.wall() <= Milliseconds(35'000));
  CHECK_FALSE(left->whole_at);

  // New answers lead elsewhere; the old ones are still there.
  world.given[1] += 100;
  world.go(10);
  CHECK(answers_left(drain_of("pool/shop.svc.example.test./A"), *world.model, world.ledger)
            ->answers == 31);
  const auto old = old_answers(world.shop(), std::vector<double>{0, 1}, world.ledger);
  REQUIRE(old);
  CHECK(old->part == Approx(0.155));
  CHECK(old->by_pool[1] == 0);
  world.go(26);
  CHECK(answers_left(drain_of("cluster/A"), *world.model, world.ledger)->answers == 0);
  CHECK_FALSE(old_answers(world.shop(), std::vector<double>{0, 1}, world.ledger)->until);
}

TEST_CASE("old answers that lead where new ones do are no surplus", "[answer_ledger]") {
  Counted world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(30);
  world.start();
  world.given = {60, 40};
  world.go(1);
  world.ledger.changed(ServiceId(0));
  const std::vector<double> same{0.6, 0.4};
  CHECK(old_answers(world.shop(), same, world.ledger)->part == Approx(0).margin(1e-9));
  const std::vector<double> other{0.5, 0.5};
  CHECK(old_answers(world.shop(), other, world.ledger)->part == Approx(0.1));
}

TEST_CASE("answers of a lowered TTL are over sooner, those before are not", "[answer_ledger]") {
  Counted world;
  auto& shop = world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  shop.ttl = Ttl(300);
  shop.ttl_min = Ttl(5);
  world.start();
  const auto seconds = [&] {
    return static_cast<uint32_t>(world.clock.wall().unix_milliseconds / 1'000);
  };
  world.given[0] = 10;
  world.go(1);
  world.snapshot->changes->set(ServiceId(0), seconds());
  world.ledger.ttl_changed(ServiceId(0));
  world.given[0] += 1;  // before the look that sees the lower TTL: it may be of either
  world.go(1);
  world.given[1] = 5;
  world.go(1);
  world.go(29);  // 5 s, the clock's, and a slot of 21.5 s
  CHECK(world.held(1) == 0);
  CHECK(world.held(0) == 11);

  // It goes up in between: what comes next may be held as long as that.
  world.snapshot->changes->set(ServiceId(0), zones::ChangeTimes::unknown);
  world.ledger.ttl_changed(ServiceId(0));
  world.snapshot->changes->set(ServiceId(0), seconds());
  world.ledger.ttl_changed(ServiceId(0));
  world.given[1] += 3;
  world.go(1);
  world.go(200);
  CHECK(world.held(1) == 3);
}

TEST_CASE("an answer of all pools counts for each that could be in it", "[answer_ledger]") {
  Counted world;
  auto& shop = world.add("shop", {{"A", {}}, {"B", {}}});
  shop.policy = zones::Policy::all;
  shop.ttl = Ttl(30);
  world.start();
  world.given[0] = 10;
  world.go(1);
  CHECK(world.held(0) == 10);
  CHECK(world.held(1) == 10);
  world.out("B");
  world.given[0] += 7;  // a worker may have begun them before: they count for both
  world.go(1);
  CHECK(world.held(1) <= 17);
  world.given[0] += 5;
  world.go(1);
  CHECK(world.held(0) == 22);
  CHECK(world.held(1) == 10);
  const auto left = answers_left(drain_of("cluster/B"), *world.model, world.ledger);
  CHECK(left->of == 22);
  CHECK(left->answers == 10);
}

TEST_CASE("a reload keeps what is held, and says that a moment was not counted",
          "[answer_ledger]") {
  Counted world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}}).ttl = Ttl(300);
  world.start();
  CHECK_FALSE(world.ledger.whole_at(ServiceId(0)));
  world.given = {5, 0};
  world.go(1);
  world.given[0] += 2;  // not looked at yet
  // The next generation: another service in front, and a shorter TTL.
  auto next = std::make_shared<zones::Model>(*world.model);
  next->services.front().ttl = Ttl(10);
  next->services.insert(next->services.begin(), next->services.front());
  next->services.front().name = *zones::parse_name("cart.svc.example.test.");
  number(next->services);
  const auto snapshot = zones::build_snapshot(next, {});
  world.ledger.follow(snapshot, std::vector<std::optional<uint32_t>>{std::nullopt, 0});
  world.model = next;
  world.given.assign(16, 0);
  world.go(100);
  CHECK(world.ledger.held(ServiceId(0), 0).answers == 0);
  CHECK(world.ledger.held(ServiceId(1), 0).answers == 7);
  CHECK(world.ledger.held(ServiceId(1), 0).old == 7);
  CHECK(world.ledger.whole_at(ServiceId(1)));
  world.go(260);
  CHECK(world.ledger.held(ServiceId(1), 0).answers == 0);
  CHECK_FALSE(world.ledger.whole_at(ServiceId(1)));
}

TEST_CASE("where nobody counts nothing is told", "[answer_ledger]") {
  Counted world;
  world.add("shop", {{"A", 1'000}, {"B", 1'000}});
  world.begin();
  AnswerLedger blind(world.clock, nullptr);
  blind.follow(world.snapshot, {});
  blind.tick();
  blind.changed(ServiceId(0));
  CHECK_FALSE(answers_left(drain_of("cluster/A"), *world.model, blind));
  CHECK_FALSE(old_answers(world.shop(), std::vector<double>{0, 1}, blind));
}
