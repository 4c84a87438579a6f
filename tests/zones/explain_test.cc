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
    for (const PoolShare& share : pool_shares(plan, no_locality, map)) {
      CHECK(std::abs(seen[share.place] - share.share) < 0.01);
      seen[share.place] = 0;
    }
    for (const double rest : seen) CHECK(rest == 0);
  }
}

}  // namespace
}  // namespace swingover::zones
