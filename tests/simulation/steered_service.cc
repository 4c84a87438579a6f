#include "tests/simulation/steered_service.h"

#include <string>
#include <vector>

#include "tests/simulation/world.h"

namespace swingover::simulation {
namespace {

constexpr ServiceId the_service{0};

zones::Topology topology_of(const Scenario& scenario) {
  zones::Topology topology;
  for (size_t i = 0; i < scenario.size(); ++i) {
    const std::string name = "l" + std::to_string(i);
    topology.localities.push_back(
        {.name = name, .region = "r" + std::to_string(scenario.regions[i]), .clients = {}});
    zones::Cluster cluster;
    cluster.name = "c" + std::to_string(i);
    cluster.localities = {LocalityId(static_cast<uint32_t>(i))};
    cluster.capacity = scenario.capacities[i];
    topology.clusters.push_back(std::move(cluster));
  }
  return topology;
}

zones::ServicePlans plans_of(const Scenario& scenario, const zones::Topology& topology,
                             double ttl_seconds, size_t endpoints_each) {
  zones::Service service;
  service.name = *zones::parse_name("shop.svc.example.");
  service.policy = zones::Policy::local;
  service.ttl = Ttl(static_cast<uint32_t>(ttl_seconds));
  for (size_t j = 0; j < scenario.size(); ++j) {
    zones::Pool pool;
    pool.cluster = ClusterId(static_cast<uint32_t>(j));
    pool.cluster_name = topology.clusters[j].name;
    pool.capacity = scenario.capacities[j];
    for (size_t e = 0; e < endpoints_each; ++e) {
      const std::string text = "192.0." + std::to_string(j) + "." + std::to_string(e + 1);
      pool.endpoints.push_back({*parse_ip_address(text), {}});
    }
    service.pools.push_back(std::move(pool));
  }
  std::vector<zones::Service> services{std::move(service)};
  number(services);
  return {services, topology};
}

}  // namespace

SteeredService::SteeredService(const Scenario& scenario, double ttl_seconds)
    : topology_(topology_of(scenario)),
      plans_(plans_of(scenario, topology_, ttl_seconds, endpoints_each)),
      eligibility_(scenario.size() * endpoints_each),
      rows_(plans_),
      row_(scenario.size()) {
  for (size_t j = 0; j < scenario.size(); ++j) set_eligible(j, true);
}

void SteeredService::set_eligible(size_t cluster, bool is_eligible) {
  for (size_t e = 0; e < endpoints_each; ++e) {
    eligibility_.set(EndpointId(static_cast<uint32_t>(cluster * endpoints_each + e)),
                     is_eligible ? zones::Eligibility::eligible : zones::Eligibility::down);
  }
}

void SteeredService::set_shares(std::span<const uint16_t> shares) {
  for (size_t i = 0; i < row_.size(); ++i) {
    rows_.set(the_service, i + 1, shares.subspan(i * row_.size(), row_.size()));
  }
}

size_t SteeredService::pick(size_t locality, uint64_t source) {
  const LocalityId client(static_cast<uint32_t>(locality));
  const zones::ServicePlan& plan = plans_[the_service.value];
  rows_.read(plan, client, row_);
  std::array<uint32_t, 4> out;
  const zones::Choice choice = choose(plan, client, eligibility_, zones::AddressFamily::v4,
                                      {.client = source, .sequence = sequence_++}, out, row_);
  if (choice.outcome != zones::ChoiceOutcome::endpoints) return World::no_cluster;
  return choice.pool.value;
}

}  // namespace swingover::simulation
