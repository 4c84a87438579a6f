#include "server/control/join.h"

#include <catch2/catch.hpp>

#include "tests/server/control/small_world.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using zones::Eligibility;

namespace {

const WallTime now{1'790'000'000'000};
const EndpointId fra{0};
const EndpointId ams{1};

uint32_t place(const Join& join, const std::string& monitor, const std::string& address) {
  for (uint32_t i = 0; i < join.checks().size(); ++i) {
    if (join.checks()[i].monitor->name == monitor && join.checks()[i].address == address) return i;
  }
  FAIL("no check of " << monitor << " at " << address);
  return 0;
}

void tell(Join& join, const std::string& monitor, const std::string& address, Health health,
          const std::string& reason = "") {
  join.set_check(place(join, monitor, address), {health, now, reason, false, {}});
  join.settle(now);
}

Intent intent(IntentKind kind, const std::string& target) {
  return {target, kind, target, "ada", "work", now, {}};
}

}  // namespace

TEST_CASE("an endpoint is what its checks are, and asks for its service by name", "[join]") {
  tests::SmallWorld world;
  Join join(world.model(), world.monitors());
  join.settle(now);
  REQUIRE(join.checks().size() == 2);
  CHECK(join.checks()[0].host == "shop.svc.example.test");
  CHECK(join.endpoint(fra).eligibility == Eligibility::unknown);
  CHECK(join.reason(fra) == "monitor web at 192.0.2.1: not probed yet");

  tell(join, "web", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
  CHECK(join.reason(fra).empty());
  tell(join, "web", "192.0.2.1", Health::down, "connect: timed out");
  CHECK(join.endpoint(fra).eligibility == Eligibility::down);
  CHECK(join.reason(fra) == "monitor web at 192.0.2.1: connect: timed out");
  CHECK(join.endpoint(ams).eligibility == Eligibility::unknown);
}

TEST_CASE("an endpoint with two monitors is up only while both pass", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"web", "power"};
  Join join(world.model(), world.monitors());
  tell(join, "web", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).health == Health::unknown);
  tell(join, "power", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).health == Health::up);
  tell(join, "web", "192.0.2.1", Health::down);
  CHECK(join.endpoint(fra).health == Health::down);
}

TEST_CASE("a cluster is up while each monitor passes at one of its addresses", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {};
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.8", "192.0.2.9"};
  Join join(world.model(), world.monitors());
  join.settle(now);
  CHECK(join.cluster(ClusterId(0)).health == Health::unknown);
  CHECK(join.cluster(ClusterId(1)).health == Health::up);  // nothing says otherwise
  CHECK(join.endpoint(ams).eligibility == Eligibility::eligible);

  tell(join, "ingress", "192.0.2.8", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::unknown);
  tell(join, "ingress", "192.0.2.9", Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
  tell(join, "ingress", "192.0.2.9", Health::down, "refused");
  CHECK(join.endpoint(fra).eligibility == Eligibility::down);
  CHECK(join.reason(fra) == "cluster fra is down: monitor ingress at 192.0.2.8: refused");
}

TEST_CASE("an endpoint at one of its cluster's addresses needs that very address", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {};
  world.cluster_monitors = {"ingress"};
  world.fra_ingress = {"192.0.2.1", "192.0.2.9"};
  Join join(world.model(), world.monitors());
  tell(join, "ingress", "192.0.2.9", Health::up);
  tell(join, "ingress", "192.0.2.1", Health::down, "refused");
  CHECK(join.cluster(ClusterId(0)).health == Health::up);
  CHECK(join.endpoint(fra).health == Health::down);
  CHECK(join.reason(fra) == "monitor ingress at 192.0.2.1: refused");
}

TEST_CASE("equal checks are one, and it moves all that hangs on it", "[join]") {
  tests::SmallWorld world;
  world.ams = {"192.0.2.1"};
  Join join(world.model(), world.monitors());
  join.settle(now);
  REQUIRE(join.checks().size() == 1);
  join.set_check(0, {Health::up, now, "", false, {}});
  const Join::Changes changes = join.settle(now);
  CHECK(changes.endpoints.size() == 2);
  CHECK(join.settle(now).endpoints.empty());
}

TEST_CASE("a drain excludes, a force decides by the narrowest target, health otherwise", "[join]") {
  tests::SmallWorld world;
  Join join(world.model(), world.monitors());
  tell(join, "web", "192.0.2.1", Health::down, "refused");
  Intents intents(1);
  const auto settle_with = [&](const Intent& more) {
    intents.put(more);
    join.set_intents(intents);
    join.settle(now);
    return join.endpoint(fra).eligibility;
  };
  CHECK(settle_with(intent(IntentKind::force_up, "cluster/fra")) == Eligibility::eligible);
  CHECK(join.reason(fra) == "forced up by ada: work");
  CHECK(settle_with(intent(IntentKind::force_down, "pool/shop.svc.example.test./fra")) ==
        Eligibility::down);
  CHECK(settle_with(intent(IntentKind::force_up, "endpoint/shop.svc.example.test./192.0.2.1")) ==
        Eligibility::eligible);
  CHECK(settle_with(intent(IntentKind::drain, "cluster/fra")) == Eligibility::excluded);
  CHECK(join.endpoint(ams).eligibility == Eligibility::unknown);
  CHECK(join.endpoint(fra).health == Health::down);  // what it is, whatever people want

  intents.erase("cluster/fra");
  intents.erase("pool/shop.svc.example.test./fra");
  intents.erase("endpoint/shop.svc.example.test./192.0.2.1");
  join.set_intents(intents);
  join.settle(now);
  CHECK(join.endpoint(fra).eligibility == Eligibility::down);
}

TEST_CASE("what a restart remembers is as old as it was", "[join]") {
  tests::SmallWorld world;
  Join join(world.model(), world.monitors());
  const WallTime yesterday{now.unix_milliseconds - 86'400'000};
  join.set_check(place(join, "web", "192.0.2.1"), {Health::up, yesterday, "", true, {}});
  join.settle(now);
  CHECK(join.endpoint(fra).since == yesterday);
  tell(join, "web", "192.0.2.1", Health::down);
  CHECK(join.endpoint(fra).since == now);
}
