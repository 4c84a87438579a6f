#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "tests/simulation/scenario.h"
#include "zones/policy.h"
#include "zones/service_plan.h"
#include "zones/share_rows.h"

namespace swingover::simulation {

/// A service with a pool in each cluster of the scenario, answered as the daemon answers it: choose() over its plan, its
/// share rows and what is eligible. Not sticky, so that answers follow the shares for big resolvers too.
class SteeredService {
 public:
  SteeredService(const Scenario& scenario, double ttl_seconds);

  void set_eligible(size_t cluster, bool is_eligible);
  /// [locality × clusters + cluster], in parts of 10,000.
  void set_shares(std::span<const uint16_t> shares);
  /// The cluster of the answer; World::no_cluster when there is none.
  size_t pick(size_t locality, uint64_t source);

 private:
  static constexpr size_t endpoints_each = 2;

  zones::Topology topology_;
  zones::ServicePlans plans_;
  zones::EligibilityMap eligibility_;
  zones::ShareRows rows_;
  std::vector<uint16_t> row_;
  uint32_t sequence_ = 0;
};

}  // namespace swingover::simulation
