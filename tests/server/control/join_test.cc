#include "server/control/join.h"

#include <catch2/catch.hpp>
#include <set>

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

TEST_CASE("a change of intents touches what they cover, or did before, and nothing else",
          "[join]") {
  tests::SmallWorld world;
  world.copies = 3;  // of the service, so with six endpoints
  Join join(world.model(), world.monitors());
  join.settle(now);
  const auto covered = [&](const Intents& intents) {
    std::set<uint32_t> ids;
    for (const EndpointId id : join.set_intents(intents)) ids.insert(id.value);
    return ids;
  };
  const std::set<uint32_t> all_of_fra{0, 2, 4};
  Intents intents(1);
  CHECK(covered(intents).empty());
  intents.put(intent(IntentKind::drain, "cluster/fra"));
  CHECK(covered(intents) == all_of_fra);
  CHECK(join.settle(now).endpoints.size() == 3);
  intents.put(intent(IntentKind::force_up, "service/shop.svc.example.test."));
  CHECK(covered(intents) == std::set<uint32_t>{0, 1, 2, 4});
  CHECK(join.settle(now).endpoints.size() == 1);  // the drain stands
  CHECK(join.endpoint(ams).intent->kind == IntentKind::force_up);

  intents.erase("cluster/fra");
  CHECK(covered(intents) == std::set<uint32_t>{0, 1, 2, 4});
  CHECK(join.settle(now).endpoints.size() == 3);
  CHECK(join.endpoint(fra).intent->kind == IntentKind::force_up);
  CHECK_FALSE(join.endpoint(EndpointId(2)).intent);
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

TEST_CASE("of voting monitors more than half must fail, and an observing one never counts",
          "[join]") {
  tests::SmallWorld world;
  world.service_voting = {"power", "db", "disk"};
  world.service_observing = {"ingress"};
  Join join(world.model(), world.monitors());
  join.settle(now);
  REQUIRE(join.checks_of(fra).size() == 5);
  for (const char* monitor : {"web", "power", "db"}) tell(join, monitor, "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).health == Health::up);  // disk can no longer change the vote
  tell(join, "ingress", "192.0.2.1", Health::down, "refused");
  tell(join, "power", "192.0.2.1", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::unknown);  // disk would decide
  tell(join, "disk", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).health == Health::up);
  CHECK(join.reason(fra).empty());
  tell(join, "disk", "192.0.2.1", Health::down, "full");
  CHECK(join.endpoint(fra).eligibility == Eligibility::down);
  CHECK(join.reason(fra) == "2 of 3 votes down: monitor power at 192.0.2.1: refused");
  tell(join, "web", "192.0.2.1", Health::down, "timed out");
  tell(join, "disk", "192.0.2.1", Health::up);
  CHECK(join.reason(fra) == "monitor web at 192.0.2.1: timed out");
}

TEST_CASE("a pool's monitors look at its own endpoints, and overrule the service's part for them",
          "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"web", "db"};
  world.pool_monitors = {"power"};
  world.pool_voting = {"db"};
  Join join(world.model(), world.monitors());
  CHECK(join.checks_of(fra).size() == 3);
  CHECK(join.checks_of(ams).size() == 2);
  for (const char* monitor : {"web", "power"}) tell(join, monitor, "192.0.2.1", Health::up);
  tell(join, "db", "192.0.2.1", Health::down, "refused");
  CHECK(join.reason(fra) == "1 of 1 votes down: monitor db at 192.0.2.1: refused");
  tell(join, "db", "192.0.2.1", Health::up);
  tell(join, "power", "192.0.2.1", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::down);
}

TEST_CASE("a cluster goes by its votes too, each up at one address at least", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {};
  world.cluster_monitors = {"ingress"};
  world.cluster_voting = {"power", "db", "disk"};
  world.fra_ingress = {"192.0.2.8", "192.0.2.9"};
  Join join(world.model(), world.monitors());
  for (const char* monitor : {"ingress", "power", "db", "disk"}) {
    tell(join, monitor, "192.0.2.8", Health::up);
    tell(join, monitor, "192.0.2.9", Health::up);
  }
  for (const char* monitor : {"power", "db"}) tell(join, monitor, "192.0.2.8", Health::down, "no");
  CHECK(join.cluster(ClusterId(0)).health == Health::up);
  for (const char* monitor : {"power", "db"}) tell(join, monitor, "192.0.2.9", Health::down, "no");
  CHECK(join.cluster(ClusterId(0)).health == Health::down);
  CHECK(join.reason(fra) ==
        "cluster fra is down: 2 of 3 votes down: monitor power at 192.0.2.8: no");
}

TEST_CASE("a pool with too few healthy endpoints is down as a whole, and says how few", "[join]") {
  tests::SmallWorld world;
  world.fra = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"};
  world.pool_floor.all = Portion{50, true};
  world.pool_floor.all_up = Portion{3, false};
  Join join(world.model(), world.monitors());
  for (const auto& address : world.fra) tell(join, "web", address, Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
  tell(join, "web", "192.0.2.2", Health::down, "refused");
  tell(join, "web", "192.0.2.3", Health::down, "refused");
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);

  join.set_check(place(join, "web", "192.0.2.4"), {Health::down, now, "refused", false, {}});
  const Join::Changes changes = join.settle(now);
  REQUIRE(changes.pools.size() == 1);
  CHECK(changes.pools[0].after == Health::down);
  CHECK(changes.pools[0].reason == "1 of 4 endpoints up, min_healthy 50%");
  CHECK(changes.endpoints.size() == 2);
  CHECK(join.endpoint(fra).health == Health::down);
  CHECK(join.reason(fra) == "pool fra is down: 1 of 4 endpoints up, min_healthy 50%");
  CHECK(join.reason(EndpointId(3)) == "monitor web at 192.0.2.4: refused");

  tell(join, "web", "192.0.2.4", Health::up);
  CHECK(join.reason(fra) == "pool fra is down: 2 of 4 endpoints up, min_healthy_up 3");
  tell(join, "web", "192.0.2.3", Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
  CHECK(join.endpoint(EndpointId(1)).eligibility == Eligibility::down);
}

TEST_CASE("a floor waits for those that could still make it", "[join]") {
  tests::SmallWorld world;
  world.fra = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};
  world.pool_floor.all = Portion{2, false};
  Join join(world.model(), world.monitors());
  tell(join, "web", "192.0.2.1", Health::up);
  tell(join, "web", "192.0.2.2", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::unknown);
  CHECK(join.reason(fra) == "pool fra is unknown: 1 of 3 endpoints up, 1 not known, min_healthy 2");
  tell(join, "web", "192.0.2.3", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::down);
}

TEST_CASE("a pool asks for IPv4 and IPv6 apart", "[join]") {
  tests::SmallWorld world;
  world.fra = {"192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2"};
  world.pool_floor.ipv6 = Portion{100, true};
  Join join(world.model(), world.monitors());
  for (const auto& address : world.fra) tell(join, "web", address, Health::up);
  tell(join, "web", "192.0.2.1", Health::down, "refused");
  CHECK(join.endpoint(EndpointId(1)).eligibility == Eligibility::eligible);
  tell(join, "web", "2001:db8::2", Health::down, "refused");
  CHECK(join.endpoint(EndpointId(1)).eligibility == Eligibility::down);
  CHECK(join.reason(EndpointId(1)) ==
        "pool fra is down: 1 of 2 IPv6 endpoints up, min_healthy_ipv6 100%");
}

TEST_CASE("a cluster counts the endpoints of all its services, each by itself", "[join]") {
  tests::SmallWorld world;
  world.fra = {"192.0.2.1", "192.0.2.2"};
  world.cluster_floor.all = Portion{2, false};
  Join join(world.model(), world.monitors());
  for (const auto& address : world.fra) tell(join, "web", address, Health::up);
  CHECK(join.cluster(ClusterId(0)).health == Health::up);
  tell(join, "web", "192.0.2.2", Health::down, "refused");
  CHECK(join.cluster(ClusterId(0)).health == Health::down);
  CHECK(join.endpoint(fra).health == Health::down);
  CHECK(join.reason(fra) == "cluster fra is down: 1 of 2 endpoints up, min_healthy 2");
  // That the cluster is down took the first endpoint with it, and must not hold itself up.
  tell(join, "web", "192.0.2.2", Health::up);
  CHECK(join.cluster(ClusterId(0)).health == Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
}

TEST_CASE("a cluster that no service uses yet is not below its floor", "[join]") {
  tests::SmallWorld world;
  world.fra.clear();
  world.cluster_floor.all = Portion{1, false};
  Join join(world.model(), world.monitors());
  CHECK(join.settle(now).clusters.size() == 2);
  CHECK(join.cluster(ClusterId(0)).health == Health::up);
}

TEST_CASE("what is down says what is down of it, not what is held", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"web", "db"};
  Join join(world.model(), world.monitors());
  tell(join, "db", "192.0.2.1", Health::down, "refused");
  CheckState held;
  held.health = Health::up;
  held.hold = health::Hold::resume;
  join.set_check(place(join, "web", "192.0.2.1"), held);
  join.settle(now);
  CHECK(join.endpoint(fra).health == Health::down);
  CHECK(join.reason(fra) == "monitor db at 192.0.2.1: refused");
}

TEST_CASE("a check that is up and held is worth less, and says why", "[join]") {
  tests::SmallWorld world;
  world.fra = {"192.0.2.1", "192.0.2.2"};
  world.pool_floor.all = Portion{2, false};
  Join join(world.model(), world.monitors());
  for (const auto& address : world.fra) tell(join, "web", address, Health::up);
  const auto hold = [&](health::Hold held) {
    CheckState state = join.check(place(join, "web", "192.0.2.2"));
    state.hold = held;
    join.set_check(place(join, "web", "192.0.2.2"), state);
    join.settle(now);
  };
  hold(health::Hold::settling);
  CHECK(join.endpoint(EndpointId(1)).health == Health::up);
  CHECK(join.endpoint(EndpointId(1)).eligibility == Eligibility::unknown);
  CHECK(join.hold_of(EndpointId(1)) == health::Hold::settling);
  CHECK(join.reason(EndpointId(1)).find("held until it has been so") != std::string::npos);
  CHECK(join.endpoint(fra).eligibility == Eligibility::unknown);  // the pool's bound counts on both
  hold(health::Hold::resume);
  CHECK(join.endpoint(EndpointId(1)).health == Health::up);
  CHECK(join.endpoint(EndpointId(1)).eligibility == Eligibility::down);
  CHECK(join.endpoint(fra).eligibility == Eligibility::down);
  CHECK(join.reason(fra) == "pool fra: 1 of 2 endpoints up, min_healthy 2");
  hold(health::Hold::none);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
}

TEST_CASE(
    "a calculated monitor is worked out at its children's address, and names the one to blame",
    "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"site"};
  world.more_monitors = {world.calculated("site", {"web", "pair"}),
                         world.calculated("pair", {"db", "disk"}, {1, false})};
  Join join(world.model(), world.monitors());
  CHECK(join.probed_count() ==
        6);  // web, db and disk at each address, though nobody else names them
  CHECK(join.told_count() == 6);
  CHECK(join.checks().size() == 10);
  join.settle(now);
  CHECK(join.endpoint(fra).health == Health::unknown);
  tell(join, "web", "192.0.2.1", Health::up);
  tell(join, "db", "192.0.2.1", Health::up);  // disk can no longer change the pair
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
  CHECK(join.reason(fra).empty());
  CHECK(join.endpoint(ams).health == Health::unknown);

  tell(join, "db", "192.0.2.1", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::unknown);
  tell(join, "disk", "192.0.2.1", Health::down, "full");
  CHECK(join.endpoint(fra).eligibility == Eligibility::down);
  CHECK(join.reason(fra) ==
        "monitor site at 192.0.2.1: 1 of 2 up, needs all; pair is down: 0 of 2 up, needs any; "
        "db is down: refused");
  tell(join, "disk", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::eligible);
}

TEST_CASE("an inverted monitor is up while its children are not, and unknown while they are",
          "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"standby"};
  world.more_monitors = {world.calculated("standby", {"web"}, {100, true}, true)};
  Join join(world.model(), world.monitors());
  join.settle(now);
  CHECK(join.endpoint(fra).health == Health::unknown);
  tell(join, "web", "192.0.2.1", Health::down, "refused");
  CHECK(join.endpoint(fra).health == Health::up);
  tell(join, "web", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).health == Health::down);
  CHECK(join.reason(fra) == "monitor standby at 192.0.2.1: 1 of 1 up, fails with all; web is up");
}

TEST_CASE("what holds a child keeps what is calculated of it from being eligible", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"site"};
  world.more_monitors = {world.calculated("site", {"web", "db"})};
  Join join(world.model(), world.monitors());
  tell(join, "web", "192.0.2.1", Health::up);
  tell(join, "db", "192.0.2.1", Health::up);
  CheckState state = join.check(place(join, "db", "192.0.2.1"));
  state.hold = health::Hold::flapping;
  join.set_check(place(join, "db", "192.0.2.1"), state);
  join.settle(now);
  CHECK(join.endpoint(fra).health == Health::up);
  CHECK(join.endpoint(fra).eligibility == Eligibility::unknown);
  CHECK(join.hold_of(fra) == health::Hold::flapping);
}

TEST_CASE(
    "words of a child reach everything that is calculated of it, though its worth is the same",
    "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"site"};
  world.more_monitors = {world.calculated("site", {"web", "pair"}),
                         world.calculated("pair", {"db", "disk"})};
  Join join(world.model(), world.monitors());
  const auto change = [&](const std::string& monitor, auto how) {
    CheckState state = join.check(place(join, monitor, "192.0.2.1"));
    how(state);
    join.set_check(place(join, monitor, "192.0.2.1"), state);
    join.settle(now);
  };
  for (const char* name : {"web", "db", "disk"}) tell(join, name, "192.0.2.1", Health::up);
  const CheckState& site = join.check(place(join, "site", "192.0.2.1"));
  CHECK(site.warning.empty());

  change("db", [](CheckState& state) { state.warning = "certificate expires in 12 days"; });
  change("web", [](CheckState& state) { state.warning = "certificate expires in 2 days"; });
  CHECK(site.warning ==
        "web: certificate expires in 2 days; pair: db: certificate expires in 12 days");
  change("web", [](CheckState& state) { state.warning.clear(); });
  CHECK(site.warning == "pair: db: certificate expires in 12 days");

  change("db", [](CheckState& state) {
    state.hold = health::Hold::settling;
    state.held_until = now + Milliseconds(60'000);
  });
  CHECK(site.held_until == now + Milliseconds(60'000));
  change("db", [](CheckState& state) { state.held_until = now + Milliseconds(90'000); });
  CHECK(site.held_until == now + Milliseconds(90'000));
  change("db", [](CheckState& state) { state.hold = health::Hold::none; });
  CHECK(site.held_until == WallTime{});

  tell(join, "db", "192.0.2.1", Health::down, "refused");
  tell(join, "db", "192.0.2.1", Health::down, "timed out");
  CHECK(site.reason ==
        "1 of 2 up, needs all; pair is down: 1 of 2 up, needs all; db is down: timed out");
}

TEST_CASE("each check of an endpoint and of a cluster says how it counts, and for whom", "[join]") {
  tests::SmallWorld world;
  world.service_monitors = {"site"};
  world.service_voting = {"power"};
  world.service_observing = {"disk"};
  world.more_monitors = {world.calculated("site", {"web", "db"}), world.push("beat")};
  world.cluster_monitors = {"beat"};
  world.cluster_voting = {"ingress"};
  world.cluster_observing = {"db"};
  world.fra_ingress = {"192.0.2.1", "192.0.2.9"};
  const Join join(world.model(), world.monitors());
  const auto texts = [&](const std::vector<Join::Member>& members) {
    std::vector<std::string> all;
    for (const Join::Member& member : members) {
      const health::Check& check = join.checks()[member.check];
      all.push_back(check.monitor->name + " " + check.address + " " +
                    std::string(word(member.role)) + (member.is_of_cluster ? " cluster" : ""));
    }
    return all;
  };
  CHECK(texts(join.members_of(fra)) ==
        std::vector<std::string>{"site 192.0.2.1 critical", "power 192.0.2.1 voting",
                                 "disk 192.0.2.1 observing", "beat cluster/fra critical cluster",
                                 "ingress 192.0.2.1 voting cluster",
                                 "db 192.0.2.1 observing cluster"});
  CHECK(texts(join.members_of(ams)) == std::vector<std::string>{"site 198.51.100.1 critical",
                                                                "power 198.51.100.1 voting",
                                                                "disk 198.51.100.1 observing"});
  CHECK(texts(join.members_of(ClusterId(0))) ==
        std::vector<std::string>{
            "beat cluster/fra critical cluster", "ingress 192.0.2.1 voting cluster",
            "ingress 192.0.2.9 voting cluster", "db 192.0.2.1 observing cluster",
            "db 192.0.2.9 observing cluster"});
  CHECK(join.members_of(ClusterId(1)).empty());

  const auto children = join.children_of(place(join, "site", "192.0.2.1"));
  REQUIRE(children.size() == 2);
  CHECK(join.checks()[children[0]].monitor->name == "web");
  CHECK(join.checks()[children[1]].monitor->name == "db");
  CHECK(join.children_of(children[0]).empty());
}

TEST_CASE("a cluster that reports itself has one check, address or not", "[join]") {
  tests::SmallWorld world;
  world.cluster_monitors = {"beat"};
  world.more_monitors = {world.push("beat")};
  Join join(world.model(), world.monitors());
  CHECK(join.probed_count() == 2);
  REQUIRE(join.told_count() == 3);
  CHECK(join.checks()[2].address == "cluster/fra");
  tell(join, "web", "192.0.2.1", Health::up);
  CHECK(join.endpoint(fra).health == Health::unknown);
  tell(join, "beat", "cluster/fra", Health::up);
  CHECK(join.endpoint(fra).health == Health::up);

  world.fra_ingress = {"192.0.2.1", "192.0.2.9"};
  Join addressed(world.model(), world.monitors());
  CHECK(addressed.told_count() == 3);
}

namespace {

zones::Pool pool_of(const std::string& endpoint) {
  zones::Pool pool;
  pool.cluster = ClusterId(0);
  pool.cluster_name = "fra";
  if (const auto address = parse_ip_address(endpoint)) {
    pool.endpoints.push_back({*address, {}});
  } else {
    pool.endpoints.push_back({*zones::parse_name(endpoint), {}});
  }
  return pool;
}

zones::Service nested_service(const std::string& name, const std::vector<std::string>& endpoints,
                              const std::vector<std::string>& monitors) {
  zones::Service service;
  service.name = *zones::parse_name(name);
  service.monitors = monitors;
  for (const std::string& endpoint : endpoints) service.pools.push_back(pool_of(endpoint));
  return service;
}

/// top -> middle -> inner -> 192.0.2.1 and .2; middle has 192.0.2.3 beside. Parents stand before their children, and
/// the case of a name does not matter.
struct Nest {
  std::shared_ptr<zones::Model> model = std::make_shared<zones::Model>();
  tests::SmallWorld world;
  EndpointId top{0}, middle{1}, beside{2}, first{3}, second{4};

  explicit Nest(const std::vector<std::string>& monitors = {"web"}) {
    model->topology.clusters.push_back({"fra", {}, {}, {}, {}});
    model->services = {nested_service("top.example.", {"Middle.example."}, {}),
                       nested_service("middle.example.", {"inner.EXAMPLE.", "192.0.2.3"}, {}),
                       nested_service("inner.example.", {"192.0.2.1", "192.0.2.2"}, monitors)};
    number(model->services);
  }
};

}  // namespace

TEST_CASE("a nested service is up while anything of it is, and down when nothing is", "[join]") {
  const Nest nest;
  Join join(nest.model, nest.world.monitors());
  const auto is = [&](EndpointId id) { return join.endpoint(id).eligibility; };
  join.settle(now);
  CHECK(is(nest.middle) == Eligibility::unknown);
  CHECK(is(nest.top) == Eligibility::eligible);  // of 192.0.2.3, which nobody looks at
  CHECK(join.reason(nest.middle) ==
        "service inner.example. has nothing yet that is known to be up");

  tell(join, "web", "192.0.2.1", Health::up);
  CHECK(is(nest.middle) == Eligibility::eligible);
  CHECK(join.reason(nest.middle).empty());
  tell(join, "web", "192.0.2.2", Health::up);
  tell(join, "web", "192.0.2.1", Health::down);
  CHECK(is(nest.middle) == Eligibility::eligible);

  join.set_check(place(join, "web", "192.0.2.2"), {Health::down, now, "refused", false, {}});
  const Join::Changes changes = join.settle(now);
  CHECK(is(nest.middle) == Eligibility::down);
  CHECK(join.reason(nest.middle) == "service inner.example. has nothing left that is up");
  CHECK(is(nest.top) == Eligibility::eligible);  // 192.0.2.3 is still there
  REQUIRE(changes.endpoints.size() == 2);        // what is inside first
  CHECK(changes.endpoints[0].id == nest.second);
  CHECK(changes.endpoints[1].id == nest.middle);
  CHECK(changes.endpoints[1].after.health == Health::down);

  tell(join, "web", "192.0.2.1", Health::unknown);
  CHECK(is(nest.middle) == Eligibility::unknown);
  tell(join, "web", "192.0.2.1", Health::up);
  CHECK(is(nest.middle) == Eligibility::eligible);
}

TEST_CASE("what people drain inside a service passes up through all that it is nested in",
          "[join]") {
  const Nest nest(std::vector<std::string>{});
  Join join(nest.model, nest.world.monitors());
  const auto is = [&](EndpointId id) { return join.endpoint(id).eligibility; };
  join.settle(now);
  CHECK(is(nest.top) == Eligibility::eligible);
  const auto set = [&](Intents& intents, const std::vector<Intent>& all) {
    for (const Intent& one : all) intents.put(one);
    join.set_intents(intents);
    join.settle(now);
  };
  Intents inner(1);
  set(inner, {intent(IntentKind::drain, "service/inner.example.")});
  CHECK(is(nest.first) == Eligibility::excluded);
  CHECK(is(nest.middle) == Eligibility::down);
  CHECK(is(nest.top) == Eligibility::eligible);
  Intents both(1);
  set(both, {intent(IntentKind::drain, "service/inner.example."),
             intent(IntentKind::force_down, "endpoint/middle.example./192.0.2.3")});
  CHECK(is(nest.top) == Eligibility::down);
  // What a person says of the outer one goes before what is inside.
  Intents forced(1);
  set(forced, {intent(IntentKind::drain, "service/inner.example."),
               intent(IntentKind::force_up, "endpoint/middle.example./inner.example.")});
  CHECK(is(nest.middle) == Eligibility::eligible);
  CHECK(is(nest.top) == Eligibility::eligible);
  Intents none(1);
  set(none, {});
  for (uint32_t i = 0; i < 5; ++i) CHECK(is(EndpointId(i)) == Eligibility::eligible);
}

TEST_CASE("a nested service that is kept by the brake is kept outside too", "[join]") {
  const Nest nest;
  Join join(nest.model, nest.world.monitors());
  join.settle(now);
  tell(join, "web", "192.0.2.1", Health::up);
  size_t asked = 0;
  join.set_gate([&](bool, size_t count, size_t) { return asked += count, KeptBy::brake; });
  tell(join, "web", "192.0.2.1", Health::down);
  CHECK(join.endpoint(nest.first).eligibility == Eligibility::eligible);
  CHECK(join.endpoint(nest.middle).eligibility == Eligibility::eligible);
  CHECK(asked == 1);
  join.let_go(KeptBy::brake, true);
  join.settle(now);
  CHECK(join.endpoint(nest.middle).eligibility == Eligibility::unknown);  // 192.0.2.2 never was up
  CHECK(asked == 1);  // nobody is asked for what follows from inside
}
