#include "zones/policy.h"

#include <catch2/catch.hpp>

#include "policy_fixture.h"

namespace swingover::zones {
namespace {

using tests::Asked;
using tests::PlannedService;
using tests::Shape;
using E = Eligibility;

PlannedService two_clusters(Shape shape = {}) {
  return {shape,
          {{.cluster = "fra", .endpoints = {"192.0.2.1"}, .priority = 1},
           {.cluster = "ams", .endpoints = {"192.0.2.2"}, .priority = 2}}};
}

TEST_CASE("failover answers the lowest priority until nothing of it is eligible", "[policy]") {
  auto shop = two_clusters();
  CHECK(shop.answer() == "192.0.2.1");
  shop.set("192.0.2.1", E::down);
  CHECK(shop.answer() == "192.0.2.2");
  shop.set("192.0.2.1", E::eligible);
  CHECK(shop.answer() == "192.0.2.1");
}

TEST_CASE("failover follows priorities, whatever the order in the file", "[policy]") {
  PlannedService shop({}, {{.cluster = "ams", .endpoints = {"192.0.2.2"}, .priority = 20},
                           {.cluster = "fra", .endpoints = {"192.0.2.1"}, .priority = 10}});
  CHECK(shop.answer() == "192.0.2.1");
}

TEST_CASE("an endpoint never seen waits behind every eligible one, and stands before those down",
          "[policy]") {
  auto shop = two_clusters();
  shop.set("192.0.2.1", E::unknown);
  CHECK(shop.answer() == "192.0.2.2");
  shop.set("192.0.2.2", E::down);
  CHECK(shop.answer() == "192.0.2.1");
  CHECK(shop.ask().best == E::unknown);
  CHECK_FALSE(shop.ask().all_down);
}

TEST_CASE("a last-resort pool waits behind unknown ordinary ones", "[policy]") {
  PlannedService shop({}, {{.cluster = "sorry", .endpoints = {"192.0.2.9"}, .last_resort = true},
                           {.cluster = "fra", .endpoints = {"192.0.2.1"}, .priority = 7}});
  CHECK(shop.answer() == "192.0.2.1");
  shop.set("192.0.2.1", E::unknown);
  CHECK(shop.answer() == "192.0.2.1");
  shop.set("192.0.2.1", E::down);
  CHECK(shop.answer() == "192.0.2.9");
  shop.set("192.0.2.9", E::unknown);
  CHECK(shop.answer() == "192.0.2.9");
  CHECK_FALSE(shop.ask().all_down);
}

TEST_CASE("when all is down, `all` answers as if everything not drained were eligible",
          "[policy]") {
  auto shop = two_clusters({.when_all_down = WhenAllDown::all});
  shop.set_all(E::down);
  CHECK(shop.answer() == "192.0.2.1");
  CHECK(shop.ask().all_down);
  shop.set("192.0.2.1", E::excluded);
  CHECK(shop.answer() == "192.0.2.2");
  shop.set("192.0.2.2", E::excluded);
  CHECK(shop.answer() == "192.0.2.1");
  CHECK(shop.ask().best == E::excluded);
}

TEST_CASE("when all is down, `all` takes a last-resort pool before a drained ordinary one",
          "[policy]") {
  PlannedService shop({.when_all_down = WhenAllDown::all},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1"}},
                       {.cluster = "sorry", .endpoints = {"192.0.2.9"}, .last_resort = true}});
  shop.set("192.0.2.1", E::excluded);
  shop.set("192.0.2.9", E::down);
  CHECK(shop.answer() == "192.0.2.9");
}

TEST_CASE("when all is down, `last_resort` answers those pools whatever their health", "[policy]") {
  PlannedService shop(
      {.when_all_down = WhenAllDown::last_resort},
      {{.cluster = "fra", .endpoints = {"192.0.2.1"}},
       {.cluster = "sorry", .endpoints = {"192.0.2.9"}, .priority = 1, .last_resort = true},
       {.cluster = "page", .endpoints = {"192.0.2.8"}, .priority = 2, .last_resort = true}});
  shop.set_all(E::down);
  CHECK(shop.answer() == "192.0.2.9");
  shop.set("192.0.2.9", E::excluded);
  CHECK(shop.answer() == "192.0.2.8");
  shop.set("192.0.2.8", E::excluded);
  CHECK(shop.answer() == "192.0.2.9");
  CHECK(shop.ask().all_down);
}

TEST_CASE("`last_resort` without such a pool answers as `all` does", "[policy]") {
  auto shop = two_clusters({.when_all_down = WhenAllDown::last_resort});
  shop.set_all(E::down);
  CHECK(shop.answer() == "192.0.2.1");
}

TEST_CASE("when all is down, `nodata` and `servfail` say so", "[policy]") {
  auto none = two_clusters({.when_all_down = WhenAllDown::nodata});
  none.set_all(E::down);
  CHECK(none.answer() == "nodata");
  CHECK(none.ask().all_down);
  auto fails = two_clusters({.when_all_down = WhenAllDown::servfail});
  fails.set_all(E::excluded);
  CHECK(fails.answer() == "servfail");
  fails.set("192.0.2.2", E::unknown);
  CHECK(fails.answer() == "192.0.2.2");
}

TEST_CASE("A and AAAA come from one pool, though another has the better family", "[policy]") {
  PlannedService shop(
      {}, {{.cluster = "fra", .endpoints = {"192.0.2.1", "2001:db8::1"}, .priority = 1},
           {.cluster = "ams", .endpoints = {"192.0.2.2", "2001:db8::2"}, .priority = 2}});
  shop.set("2001:db8::1", E::down);
  CHECK(shop.answer() == "192.0.2.1");
  CHECK(shop.answer({.family = AddressFamily::v6}) == "nodata");
  CHECK(shop.ask({.family = AddressFamily::v6}).pool == PoolId(0));
  CHECK_FALSE(shop.ask({.family = AddressFamily::v6}).all_down);
  shop.set("192.0.2.1", E::down);
  CHECK(shop.answer({.family = AddressFamily::v6}) == "2001:db8::2");
}

TEST_CASE("any family gives the addresses of both", "[policy]") {
  PlannedService shop({.answers = 0},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1", "2001:db8::1"}}});
  CHECK(shop.ask({.family = AddressFamily::any}).count == 2);
}

TEST_CASE("a target is answered whatever family is asked", "[policy]") {
  PlannedService shop({}, {{.cluster = "cdn", .endpoints = {"lb.fra.example.net."}, .priority = 1},
                           {.cluster = "ams", .endpoints = {"192.0.2.2"}, .priority = 2}});
  for (const auto family : {AddressFamily::v4, AddressFamily::v6, AddressFamily::any}) {
    CHECK(shop.answer({.family = family}) == "lb.fra.example.net.");
    CHECK(shop.ask({.family = family}).is_target);
  }
  shop.set("lb.fra.example.net.", E::down);
  CHECK(shop.answer() == "192.0.2.2");
  CHECK_FALSE(shop.ask().is_target);
}

TEST_CASE("only what has the chosen class is answered, up to `answers`", "[policy]") {
  PlannedService shop(
      {.answers = 2},
      {{.cluster = "fra", .endpoints = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}}});
  shop.set("192.0.2.2", E::down);
  shop.set("192.0.2.3", E::unknown);
  for (uint32_t i = 0; i < 20; ++i) {
    const std::string text = shop.answer({.sequence = i});
    CHECK((text == "192.0.2.1 192.0.2.4" || text == "192.0.2.4 192.0.2.1"));
  }
}

TEST_CASE("no more places are set than there is room for", "[policy]") {
  PlannedService shop({.answers = 0},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}}});
  std::array<uint32_t, 2> room{99, 99};
  for (const Sticky sticky : {Sticky::none, Sticky::client}) {
    shop.set_sticky(sticky);
    const Choice choice =
        choose(shop.plan(), no_locality, *shop.eligibility, AddressFamily::v4, {}, room);
    CHECK(choice.count == 2);
    CHECK(room[0] != room[1]);
    const Choice none =
        choose(shop.plan(), no_locality, *shop.eligibility, AddressFamily::v4, {}, {});
    CHECK(none.count == 0);
  }
}

TEST_CASE("a pool of weight 0 is used only when nothing heavier of its tier can be", "[policy]") {
  PlannedService shop({.policy = Policy::active_active},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1"}, .weight = 0},
                       {.cluster = "ams", .endpoints = {"192.0.2.2"}, .weight = 1},
                       {.cluster = "lon", .endpoints = {"192.0.2.3"}, .weight = 0}});
  for (const Sticky sticky : {Sticky::none, Sticky::client}) {
    shop.set_sticky(sticky);
    shop.set_all(E::eligible);
    for (uint32_t i = 0; i < 50; ++i)
      REQUIRE(shop.answer({.sequence = i, .client = i}) == "192.0.2.2");
    shop.set("192.0.2.2", E::down);
    std::map<std::string, int> seen;
    for (uint32_t i = 0; i < 100; ++i) ++seen[shop.answer({.sequence = i, .client = i})];
    CHECK(seen.size() == 2);
    CHECK(seen["192.0.2.1"] > 25);
    CHECK(seen["192.0.2.3"] > 25);
  }
}

TEST_CASE("active-active shares among all ordinary pools, whatever their priority", "[policy]") {
  auto shop = two_clusters({.policy = Policy::active_active});
  std::map<std::string, int> seen;
  for (uint32_t i = 0; i < 100; ++i) ++seen[shop.answer({.sequence = i})];
  CHECK(std::abs(seen["192.0.2.1"] - 50) <= 1);
  CHECK(std::abs(seen["192.0.2.2"] - 50) <= 1);
}

TEST_CASE("policy `all` answers every eligible endpoint of every pool, and limits by `answers`",
          "[policy]") {
  PlannedService shop({.policy = Policy::all, .answers = 0},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1", "2001:db8::1"}, .priority = 5},
                       {.cluster = "ams", .endpoints = {"192.0.2.2", "192.0.2.3"}},
                       {.cluster = "sorry", .endpoints = {"192.0.2.9"}, .last_resort = true}});
  CHECK(shop.ask().count == 3);
  CHECK(shop.answer({.family = AddressFamily::v6}) == "2001:db8::1");
  shop.set("192.0.2.2", E::down);
  CHECK(shop.ask().count == 2);
  shop.set_answers(1);
  std::map<std::string, int> seen;
  for (uint32_t i = 0; i < 100; ++i) {
    const std::string text = shop.answer({.sequence = i});
    ++seen[text];
    CHECK(shop.ask({.sequence = i}).pool == PoolId(text == "192.0.2.1" ? 0 : 1));
  }
  CHECK(std::abs(seen["192.0.2.1"] - 50) <= 2);
  CHECK(std::abs(seen["192.0.2.3"] - 50) <= 2);
  shop.set_pool(0, E::down);
  shop.set_pool(1, E::down);
  CHECK(shop.answer() == "192.0.2.9");
}

TEST_CASE("policy `all` never puts a target beside addresses", "[policy]") {
  PlannedService shop({.policy = Policy::all, .answers = 0},
                      {{.cluster = "cdn", .endpoints = {"lb.example.net."}},
                       {.cluster = "ams", .endpoints = {"192.0.2.2"}}});
  CHECK(shop.answer() == "192.0.2.2");
  shop.set("192.0.2.2", E::down);
  CHECK(shop.answer() == "lb.example.net.");
  CHECK(shop.ask().is_target);
}

Topology three_localities() {
  Topology topology;
  topology.localities = {{"fra-a", "eu", {}}, {"ams-a", "eu", {}}, {"nyc-a", "us", {}}};
  topology.clusters.resize(3);
  for (uint32_t i = 0; i < 3; ++i) topology.clusters[i].localities = {LocalityId(i)};
  return topology;
}

TEST_CASE("local answers the client's own locality, then its region, then the rest", "[policy]") {
  PlannedService shop({.policy = Policy::local},
                      {{.cluster = "c0", .endpoints = {"192.0.2.1"}, .priority = 3},
                       {.cluster = "c1", .endpoints = {"192.0.2.2"}, .priority = 2},
                       {.cluster = "c2", .endpoints = {"192.0.2.3"}, .priority = 1}},
                      three_localities());
  REQUIRE(shop.plan().is_by_locality());
  const Asked fra{.locality = LocalityId(0)};
  CHECK(shop.answer(fra) == "192.0.2.1");
  shop.set("192.0.2.1", E::down);
  CHECK(shop.answer(fra) == "192.0.2.2");
  shop.set("192.0.2.2", E::down);
  CHECK(shop.answer(fra) == "192.0.2.3");
  shop.set_all(E::eligible);
  CHECK(shop.answer({.locality = LocalityId(2)}) == "192.0.2.3");
  CHECK(shop.answer() == "192.0.2.3");  // nowhere known: by priority
  CHECK(shop.answer({.locality = LocalityId(77)}) == "192.0.2.3");
}

TEST_CASE("a tier of `local` says how near it is", "[policy]") {
  PlannedService shop({.policy = Policy::local},
                      {{.cluster = "c1", .endpoints = {"192.0.2.2"}},
                       {.cluster = "c0", .endpoints = {"192.0.2.1"}}},
                      three_localities());
  const ServicePlan::Row row = shop.plan().row(LocalityId(0));
  REQUIRE(row.tiers.size() == 2);
  CHECK(row.tiers[0].nearness == Nearness::same_locality);
  CHECK(row.tiers[1].nearness == Nearness::same_region);
}

TEST_CASE("local goes to what is declared to cost less before the rest", "[policy]") {
  Topology topology = three_localities();
  topology.localities[1].region = "west";  // now both of the others are anywhere
  const std::vector<tests::PoolText> pools{{.cluster = "c1", .endpoints = {"192.0.2.2"}},
                                           {.cluster = "c2", .endpoints = {"192.0.2.3"}},
                                           {.cluster = "c0", .endpoints = {"192.0.2.1"}}};
  PlannedService alike({.policy = Policy::local}, pools, topology);
  CHECK(alike.plan().row(LocalityId(0)).tiers.size() == 2);

  topology.distances = {{{false, "fra-a"}, {true, "us"}, 3, {}}};
  PlannedService declared({.policy = Policy::local}, pools, topology);
  const ServicePlan::Row row = declared.plan().row(LocalityId(0));
  REQUIRE(row.tiers.size() == 3);
  CHECK(row.tiers[1].nearness == Nearness::near);
  CHECK(row.tiers[2].nearness == Nearness::anywhere);
  declared.set("192.0.2.1", E::down);
  CHECK(declared.answer({.locality = LocalityId(0)}) == "192.0.2.3");
  declared.set("192.0.2.3", E::down);
  CHECK(declared.answer({.locality = LocalityId(0)}) == "192.0.2.2");
}

TEST_CASE("a pool with only_regions answers nobody else, whatever is down", "[policy]") {
  const Asked fra{.locality = LocalityId(0)};
  const Asked ams{.locality = LocalityId(1)};
  const Asked nyc{.locality = LocalityId(2)};
  for (const Policy policy :
       {Policy::failover, Policy::active_active, Policy::local, Policy::all}) {
    for (const WhenAllDown rule : {WhenAllDown::all, WhenAllDown::nodata, WhenAllDown::servfail}) {
      for (const Sticky sticky : {Sticky::none, Sticky::client}) {
        PlannedService shop(
            {.policy = policy, .sticky = sticky, .when_all_down = rule},
            {{.cluster = "c0", .endpoints = {"192.0.2.1"}, .only_regions = {"eu"}},
             {.cluster = "c2", .endpoints = {"192.0.2.3"}, .only_regions = {"us", "asia"}}},
            three_localities());
        const std::string nothing = rule == WhenAllDown::servfail ? "servfail" : "nodata";
        const std::vector<E> states{E::eligible, E::unknown, E::down, E::excluded};
        for (const E first : states) {
          for (const E second : states) {
            shop.set("192.0.2.1", first);
            shop.set("192.0.2.3", second);
            for (uint32_t i = 0; i < 20; ++i) {
              Asked asked = i % 2 == 0 ? fra : ams;
              asked.sequence = i;
              asked.client = i;
              const bool answers = first > E::down || rule == WhenAllDown::all;
              REQUIRE(shop.answer(asked) == (answers ? "192.0.2.1" : nothing));
              asked.locality = nyc.locality;
              const bool others = second > E::down || rule == WhenAllDown::all;
              REQUIRE(shop.answer(asked) == (others ? "192.0.2.3" : nothing));
              asked.locality = no_locality;
              REQUIRE(shop.answer(asked) == nothing);
              CHECK(shop.ask(asked).is_forbidden);
              CHECK_FALSE(shop.ask(nyc).is_forbidden);
            }
          }
        }
      }
    }
  }
}

TEST_CASE("a last resort inside the fence is one, outside of it is none", "[policy]") {
  PlannedService shop(
      {.when_all_down = WhenAllDown::last_resort},
      {{.cluster = "c0", .endpoints = {"192.0.2.1"}, .only_regions = {"eu"}},
       {.cluster = "c2", .endpoints = {"192.0.2.3"}, .last_resort = true, .only_regions = {"us"}}},
      three_localities());
  shop.set_all(E::down);
  CHECK(shop.answer({.locality = LocalityId(0)}) == "192.0.2.1");
  CHECK(shop.answer({.locality = LocalityId(2)}) == "192.0.2.3");
  const ServicePlan::Row row = shop.plan().row(LocalityId(0));
  REQUIRE(row.forbidden().size() == 1);
  CHECK(row.forbidden()[0] == 1);
}

TEST_CASE("a service without endpoints has no data", "[policy]") {
  PlannedService shop({}, {{.cluster = "fra", .endpoints = {}}});
  CHECK(shop.answer() == "nodata");
}

TEST_CASE("keys come from names and addresses alone, so that every edge picks alike", "[policy]") {
  const Shape sticky{.sticky = Sticky::client};
  PlannedService one(sticky, {{.cluster = "fra", .endpoints = {"192.0.2.1", "LB.example.net."}}});
  PlannedService two(sticky, {{.cluster = "ams", .endpoints = {"192.0.2.7"}},
                              {.cluster = "fra", .endpoints = {"lb.EXAMPLE.net.", "192.0.2.1"}}});
  CHECK(one.plan().pool_key(0) == two.plan().pool_key(1));
  CHECK(one.plan().pool_key(0) ==
        0xdc8d8718febad7d0U);  // pinned: another value would move every sticky client
  CHECK(one.plan().endpoint_key(0) == two.plan().endpoint_key(2));
  CHECK(one.plan().endpoint_key(1) == two.plan().endpoint_key(1));
}

}  // namespace
}  // namespace swingover::zones
