#include "zones/explain.h"

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <string>

#include "base/random.h"
#include "tests/support/served.h"
#include "zones/policy.h"

namespace swingover::zones {
namespace {

using tests::Served;

Model shop_model() {
  Model model;
  model.topology = tests::two_clusters();
  model.zones.push_back(tests::zone_source("svc.example.", R"(
  @ 300 IN SOA ns1 hostmaster 1 3600 600 604800 60
  @ 300 IN NS ns1
  ns1 300 IN A 192.0.2.53
  www 300 IN CNAME shop
)"));
  model.zones.push_back({.apex = *parse_name("broken.example."), .contents = nullptr});
  model.services.push_back(tests::service_of(
      "shop.svc.example.",
      {tests::pool_of("fra", {"192.0.2.1"}, 1), tests::pool_of("ams", {"192.0.2.2"}, 2)}));
  return model;
}

Explanation explained(Served& served, std::string_view name, std::string_view client = "10.2.0.1") {
  return explain(
      served.snapshot(), *parse_name(name), 1, *parse_ip_address(client),
      {.now = 1'000,
       .endpoint = [](EndpointId id) { return "because of " + std::to_string(id.value); },
       .change = nullptr});
}

std::string result_of(const Explanation& told, std::string_view step) {
  const auto found = std::find_if(told.steps.begin(), told.steps.end(),
                                  [&](const auto& s) { return s.step == step; });
  return found == told.steps.end() ? "no such step" : found->result;
}

TEST_CASE(
    "an explanation names the zone, the locality, the pools and why each endpoint is as it is",
    "[explain]") {
  Served served(shop_model());
  served.set_all(Eligibility::eligible);
  served.set(0, Eligibility::down);
  const Explanation told = explained(served, "SHOP.svc.example.");

  CHECK(told.zone == "svc.example.");
  CHECK(told.service == "shop.svc.example.");
  CHECK(told.locality == "ams-a");
  CHECK(told.pool == "ams");
  CHECK(told.answers == std::vector<std::string>{"SHOP.svc.example. 30 IN A 192.0.2.2"});
  CHECK(result_of(told, "pool fra") == "passed over");
  CHECK(result_of(told, "pool ams") == "chosen");
  CHECK(result_of(told, "endpoint 192.0.2.2") == "answered");
  const auto dead = std::find_if(told.steps.begin(), told.steps.end(),
                                 [](const auto& s) { return s.step == "endpoint 192.0.2.1"; });
  REQUIRE(dead != told.steps.end());
  CHECK(dead->result == "not answered");
  CHECK(dead->reason == "down: because of 0");
}

TEST_CASE("a CNAME that leads to a service is explained up to the endpoint", "[explain]") {
  Served served(shop_model());
  served.set_all(Eligibility::eligible);
  const Explanation told = explained(served, "www.svc.example.");

  CHECK(result_of(told, "records") == "found");
  CHECK(told.service == "shop.svc.example.");
  CHECK(told.pool == "fra");
  CHECK(result_of(told, "endpoint 192.0.2.1") == "answered");
}

Model steered_model(Sticky sticky) {
  Model model = shop_model();
  model.services[0].sticky = sticky;
  for (Pool& pool : model.services[0].pools) pool.capacity = 100;
  return model;
}

std::string reason_of(const Explanation& told, std::string_view step) {
  const auto found = std::find_if(told.steps.begin(), told.steps.end(),
                                  [&](const auto& s) { return s.step == step; });
  return found == told.steps.end() ? "no such step" : found->reason;
}

TEST_CASE("an explanation of a steered service tells the shares of the client's locality",
          "[explain]") {
  Served served(steered_model(Sticky::none));
  served.set_all(Eligibility::eligible);
  const std::array<uint16_t, 2> shares{6'364, 3'636};
  served.snapshot().shares->set(ServiceId(0), 2, shares);  // of ams-a

  const Explanation told = explained(served, "shop.svc.example.");
  CHECK(result_of(told, "shares") == "used");
  CHECK(reason_of(told, "shares") == "within capacity: fra 63.64 %, ams 36.36 %");
  CHECK(result_of(told, "pool " + told.pool).ends_with(" %, chosen"));
  CHECK(result_of(told, "pool fra").starts_with("share 63.64 %"));
  CHECK(result_of(told, "pool ams").starts_with("share 36.36 %"));
  CHECK(result_of(told, "tier 1") == "no such step");

  SECTION("of those that are eligible") {
    served.set(0, Eligibility::down);
    const Explanation swung = explained(served, "shop.svc.example.");
    CHECK(swung.pool == "ams");
    CHECK(result_of(swung, "pool fra") == "passed over");
    CHECK(reason_of(swung, "pool fra") ==
          "priority 1, 0 of 1 endpoints eligible; its share of 63.64 % goes to the others");
    CHECK(result_of(swung, "pool ams") == "share 100.00 %, chosen");
  }
  SECTION("and of the tiers, where no pool with a share is eligible") {
    const std::array<uint16_t, 2> none_of_fra{0, 10'000};
    served.snapshot().shares->set(ServiceId(0), 2, none_of_fra);
    served.set(1, Eligibility::down);
    const Explanation backup = explained(served, "shop.svc.example.");
    CHECK(backup.pool == "fra");
    CHECK(result_of(backup, "shares") == "passed over");
    CHECK(result_of(backup, "tier 1") == "used");
  }
  SECTION("and clients elsewhere have none yet") {
    const Explanation elsewhere = explained(served, "shop.svc.example.", "10.1.0.1");
    CHECK(elsewhere.pool == "fra");
    CHECK(result_of(elsewhere, "shares") == "none");
    CHECK(result_of(elsewhere, "pool fra") == "chosen");
  }
}

TEST_CASE("an explanation tells what others know of shares, intents and holds", "[explain]") {
  Served served(steered_model(Sticky::none));
  served.set_all(Eligibility::eligible);
  served.set(0, Eligibility::unknown);
  const std::array<uint16_t, 2> shares{10'000, 0};
  served.snapshot().shares->set(ServiceId(0), 2, shares);
  const Explanation told = explain(
      served.snapshot(), *parse_name("shop.svc.example."), 1, *parse_ip_address("10.2.0.1"),
      {.now = 1'000,
       .endpoint = {},
       .change = {},
       .is_held = [](EndpointId id) { return id.value == 0; },
       .shaping =
           [](const Service& service) {
             return std::vector<Explanation::Step>{{"intent 7", "freeze", service.name.text()}};
           },
       .pool =
           [](const Service&, uint32_t place, LocalityId client) {
             return "place " + std::to_string(place) + " from " + std::to_string(client.value);
           }});
  CHECK(reason_of(told, "intent 7") == "shop.svc.example.");
  CHECK(reason_of(told, "pool fra").ends_with("; place 0 from 1"));
  CHECK(reason_of(told, "pool ams").ends_with("; place 1 from 1"));
  CHECK(reason_of(told, "endpoint 192.0.2.1") == "held");
  CHECK(reason_of(told, "endpoint 192.0.2.2") == "eligible");
}

TEST_CASE("what an explanation says a sticky client gets is what it gets", "[explain]") {
  Served served(steered_model(Sticky::client));
  served.set_all(Eligibility::eligible);
  const std::array<uint16_t, 2> shares{5'000, 5'000};
  served.snapshot().shares->set(ServiceId(0), 0, shares);
  std::array<int, 2> seen{};
  for (uint8_t network = 0; network < 100; ++network) {
    const IpAddress client = IpAddress::v4({198, 51, network, 1});
    served.set_client(client);
    const Explanation told = explained(served, "shop.svc.example.", client.text());
    REQUIRE(told.answers == served.ask("shop.svc.example.").answer);
    CHECK(result_of(told, "sticky") == "yes");
    ++seen[told.pool == "fra" ? 0 : 1];
  }
  CHECK(seen[0] > 25);
  CHECK(seen[1] > 25);

  SECTION("unless it is many caches now") {
    Insight insight{.now = 1'000,
                    .endpoint = nullptr,
                    .change = nullptr,
                    .is_many_caches = [](ServiceId, uint64_t) { return true; }};
    const Explanation told = explain(served.snapshot(), *parse_name("shop.svc.example."), 1,
                                     IpAddress::v4({198, 51, 0, 1}), insight);
    CHECK(result_of(told, "sticky") == "no");
    CHECK(result_of(told, "pool fra").starts_with("share 50.00 %"));
  }
}

TEST_CASE("names without a service say what became of them", "[explain]") {
  Served served(shop_model());
  CHECK(result_of(explained(served, "elsewhere.test."), "zone") == "none");
  CHECK(explained(served, "elsewhere.test.").rcode == 5);
  CHECK(explained(served, "x.broken.example.").rcode == 2);
  CHECK(result_of(explained(served, "nothing.svc.example."), "records") == "NXDOMAIN");
  CHECK(result_of(explained(served, "ams.on.shop.svc.example."), "pool ams") == "chosen");
}

TEST_CASE("what is down everywhere is explained by when_all_down", "[explain]") {
  Served served(shop_model());
  served.set_all(Eligibility::down);
  CHECK(result_of(explained(served, "shop.svc.example."), "all down") == "all");
}

/// A service of random pools; policies, weights and priorities as they come.
Service random_service(Random& random) {
  Service service = tests::service_of("shop.svc.example.", {});
  const auto pools = 1 + random.below(5);
  for (uint64_t i = 0; i < pools; ++i) {
    Pool pool =
        tests::pool_of(i % 2 == 0 ? "fra" : "ams", {}, static_cast<uint32_t>(1 + random.below(2)));
    pool.cluster_name = "c" + std::to_string(i);
    pool.weight = Weight(static_cast<uint32_t>(random.below(4) * 10));
    pool.last_resort = i > 0 && random.below(5) == 0;
    const auto endpoints = 1 + random.below(3);
    for (uint64_t e = 0; e < endpoints; ++e) {
      pool.endpoints.push_back(
          {IpAddress::v4({10, 0, static_cast<uint8_t>(i), static_cast<uint8_t>(e)}), {}});
    }
    service.pools.push_back(std::move(pool));
  }
  service.policy = random.below(2) == 0 ? Policy::failover : Policy::active_active;
  return service;
}

TEST_CASE("the shares that people are shown are the shares that choose() gives", "[explain]") {
  const uint64_t seed = 20'261'122;
  CAPTURE(seed);
  Random random(seed);
  for (int round = 0; round < 300; ++round) {
    CAPTURE(round);
    std::vector<Service> services{random_service(random)};
    const Counts counts = number(services);
    const ServicePlans plans(services, tests::two_clusters());
    const ServicePlan& plan = plans[0];
    EligibilityMap map(counts.endpoints);
    for (uint32_t i = 0; i < counts.endpoints; ++i)
      map.set(EndpointId(i), static_cast<Eligibility>(random.below(4)));

    constexpr uint32_t picks = 2'000;
    std::vector<double> seen(plan.pools().size());
    std::array<uint32_t, 16> out{};
    for (uint32_t i = 0; i < picks; ++i) {
      const Choice choice = choose(plan, no_locality, map, AddressFamily::any, {0, i}, out);
      if (choice.outcome == ChoiceOutcome::endpoints) seen[choice.pool.value] += 1.0 / picks;
    }
    for (const PoolShare& share : pool_shares(plan, ShareRows(plans), no_locality, map)) {
      CHECK(std::abs(seen[share.place] - share.share) < 0.01);
      seen[share.place] = 0;
    }
    for (const double rest : seen) CHECK(rest == 0);
  }
}

}  // namespace
}  // namespace swingover::zones
