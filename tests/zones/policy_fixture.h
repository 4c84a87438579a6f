#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "zones/policy.h"

namespace swingover::tests {

/// A pool as a test writes it; addresses "192.0.2.1", or one target with a final dot.
struct PoolText {
  std::string cluster;
  std::vector<std::string> endpoints;
  uint32_t priority = 1;
  uint32_t weight = 100;
  bool last_resort = false;
  std::vector<std::string> only_regions{};
  std::optional<double> capacity{};
};

/// What of a service the policy reads, besides its pools.
struct Shape {
  zones::Policy policy = zones::Policy::failover;
  uint32_t answers = 1;
  zones::Sticky sticky = zones::Sticky::none;
  zones::WhenAllDown when_all_down = zones::WhenAllDown::all;
};

/// One question of one client.
struct Asked {
  uint32_t sequence = 0;
  uint64_t client = 0;
  zones::AddressFamily family = zones::AddressFamily::v4;
  LocalityId locality = no_locality;
  bool is_many_caches = false;
  std::vector<uint16_t> shares{};  // the client's row
};

/// A service with its plan and eligibility, everything eligible at first.
struct PlannedService {
  zones::Topology topology;
  zones::Service service;
  zones::ServicePlans plans;
  std::unique_ptr<zones::EligibilityMap> eligibility;

  PlannedService(Shape shape, const std::vector<PoolText>& pools, zones::Topology places = {})
      : topology(std::move(places)) {
    service.policy = shape.policy;
    service.answers = shape.answers;
    service.sticky = shape.sticky;
    service.when_all_down = shape.when_all_down;
    service.name = *zones::parse_name("shop.svc.example.com.");
    for (const PoolText& text : pools) service.pools.push_back(pool_of(text));
    std::vector<zones::Service> numbered{service};
    const zones::Counts counts = number(numbered);
    service = numbered[0];
    plan_again();
    eligibility = std::make_unique<zones::EligibilityMap>(counts.endpoints);
    for (uint32_t i = 0; i < counts.endpoints; ++i) {
      eligibility->set(EndpointId(i), zones::Eligibility::eligible);
    }
  }

  const zones::ServicePlan& plan() const { return plans[0]; }
  void set_sticky(zones::Sticky sticky) {
    service.sticky = sticky;
    plan_again();
  }
  void set_answers(uint32_t answers) {
    service.answers = answers;
    plan_again();
  }
  void set(const std::string& endpoint, zones::Eligibility value) {
    for (const zones::Pool& pool : service.pools) {
      for (const zones::Endpoint& e : pool.endpoints) {
        if (e.text() == endpoint) eligibility->set(e.id, value);
      }
    }
  }
  void set_pool(size_t place, zones::Eligibility value) {
    for (const zones::Endpoint& e : service.pools[place].endpoints) eligibility->set(e.id, value);
  }
  void set_all(zones::Eligibility value) {
    for (size_t i = 0; i < service.pools.size(); ++i) set_pool(i, value);
  }

  zones::Choice ask(Asked asked = {}) {
    return choose(plan(), asked.locality, *eligibility, asked.family,
                  {asked.client, asked.sequence, asked.is_many_caches}, out, asked.shares);
  }
  /// The endpoints of an answer, "192.0.2.1 192.0.2.2"; "nodata" or "servfail" instead of none.
  std::string answer(Asked asked = {}) {
    const zones::Choice choice = ask(asked);
    if (choice.outcome == zones::ChoiceOutcome::nodata) return "nodata";
    if (choice.outcome == zones::ChoiceOutcome::servfail) return "servfail";
    std::string text;
    for (uint32_t i = 0; i < choice.count; ++i) {
      text += (i > 0 ? " " : "") + endpoint_at(out[i]).text();
    }
    return text;
  }
  const zones::Endpoint& endpoint_at(uint32_t place) const {
    for (const zones::Pool& pool : service.pools) {
      if (place < pool.endpoints.size()) return pool.endpoints[place];
      place -= static_cast<uint32_t>(pool.endpoints.size());
    }
    throw std::out_of_range("no endpoint at this place");
  }

  std::array<uint32_t, 16> out{};

 private:
  void plan_again() { plans = zones::ServicePlans(std::span(&service, 1), topology); }
  static zones::Pool pool_of(const PoolText& text) {
    zones::Pool pool;
    pool.cluster_name = text.cluster;
    for (const char letter : text.cluster) {  // "c3" is cluster 3 of the topology
      if (letter >= '0' && letter <= '9')
        pool.cluster = ClusterId(static_cast<uint32_t>(letter - '0'));
    }
    pool.priority = text.priority;
    pool.weight = Weight(text.weight);
    pool.last_resort = text.last_resort;
    pool.only_regions = text.only_regions;
    pool.capacity = text.capacity;
    for (const std::string& endpoint : text.endpoints) {
      if (endpoint.ends_with('.')) {
        pool.endpoints.push_back({*zones::parse_name(endpoint), {}});
      } else {
        pool.endpoints.push_back({*parse_ip_address(endpoint), {}});
      }
    }
    return pool;
  }
};

}  // namespace swingover::tests
