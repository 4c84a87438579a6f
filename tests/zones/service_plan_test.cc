#include "zones/service_plan.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/support/served.h"

namespace swingover::zones {
namespace {

using tests::pool_of;
using tests::service_of;

std::vector<Service> three_services() {
  std::vector<Service> services{
      service_of("one.example.", {pool_of("fra", {"192.0.2.1"}, 2), pool_of("ams", {"192.0.2.2"})}),
      service_of("two.example.", {pool_of("fra", {"192.0.2.3", "2001:db8::3"}),
                                  pool_of("ams", {"2001:db8::4", "192.0.2.4", "192.0.2.5"})}),
      service_of("three.example.",
                 {pool_of("fra", {"lb.example.net."}, 1), pool_of("ams", {}, 2)})};
  services[1].policy = Policy::local;
  services[1].sticky = Sticky::client;
  services[2].ttl = Ttl(5);
  number(services);
  return services;
}

TEST_CASE("each plan begins a cache line and holds what its service says", "[service_plan]") {
  const std::vector<Service> services = three_services();
  const ServicePlans plans(services, tests::two_clusters());
  REQUIRE(plans.size() == services.size());
  for (size_t s = 0; s < services.size(); ++s) {
    CAPTURE(s);
    const ServicePlan& plan = plans[s];
    const Service& service = services[s];
    CHECK(reinterpret_cast<uintptr_t>(&plan) % 64 == 0);
    CHECK(plan.policy() == service.policy);
    CHECK(plan.sticky() == service.sticky);
    CHECK(plan.ttl() == service.ttl);
    REQUIRE(plan.pools().size() == service.pools.size());
    uint32_t place = 0;
    for (uint32_t p = 0; p < service.pools.size(); ++p) {
      CHECK(plan.pool_id(p) == service.pools[p].id);
      CHECK(plan.pools()[p].first_endpoint == place);
      REQUIRE(plan.pools()[p].endpoints == service.pools[p].endpoints.size());
      for (const Endpoint& endpoint : service.pools[p].endpoints) {
        CHECK(plan.endpoint_id(place) == endpoint.id);
        const auto* address = std::get_if<IpAddress>(&endpoint.address);
        CHECK((plan.kind(place) == ServicePlan::Kind::target) == (address == nullptr));
        if (address) {
          CHECK((plan.kind(place) == ServicePlan::Kind::v4) == address->is_v4());
          const Bytes octets = address->bytes();
          CHECK(std::equal(octets.begin(), octets.end(), plan.address(place).begin()));
        }
        ++place;
      }
    }
    CHECK(plan.endpoints() == place);
  }
  CHECK(plans[0].is_all_v4());
  CHECK_FALSE(plans[1].is_all_v4());
  CHECK(plans[2].has_targets());
  CHECK(plans[2].is_target(plans[2].pools()[0]));
  CHECK_FALSE(plans[2].is_target(plans[2].pools()[1]));
}

TEST_CASE("every row holds every pool once, in its own order", "[service_plan]") {
  const std::vector<Service> services = three_services();
  const ServicePlans plans(services, tests::two_clusters());
  using Places = std::vector<uint16_t>;
  const auto order = [](const ServicePlan::Row& row) {
    return Places(row.order.begin(), row.order.end());
  };
  CHECK_FALSE(plans[0].is_by_locality());
  CHECK(order(plans[0].row(LocalityId(1))) == Places{1, 0});
  REQUIRE(plans[1].is_by_locality());
  CHECK(order(plans[1].row(LocalityId(0))) == Places{0, 1});
  CHECK(order(plans[1].row(LocalityId(1))) == Places{1, 0});
  CHECK(plans[1].row(no_locality).tiers.size() == 1);
  CHECK(plans[1].row(LocalityId(1)).tiers.size() == 2);
  CHECK(plans[1].row(LocalityId(1)).pools_of(1).front() == 0);
}

}  // namespace
}  // namespace swingover::zones
