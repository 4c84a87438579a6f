#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "zones/name.h"
#include "zones/respond.h"
#include "zones/snapshot.h"

namespace swingover::zones {

/// A pool's part of the answers of its service.
struct PoolShare {
  uint32_t place = 0;  // in Service::pools and ServicePlan::pools
  double share = 0;    // above 0, up to 1; all of one list add up to 1
};

/// The pools that answers to clients of `locality` come from now, as configured order has them. Empty when the
/// answer is nodata or servfail. The tier is found as `choose` finds it; where `when_all_down` decides,
/// `choose` itself is asked over and over. Control path.
std::vector<PoolShare> pool_shares(const ServicePlan& plan, LocalityId locality,
                                   const EligibilityMap& eligibility);

/// What one client would get now, and why.
struct Explanation {
  std::string zone;      // the closest zone above the name; empty: none of ours
  std::string service;   // of the name, else where its CNAMEs lead; empty: no service answers here
  std::string locality;  // empty: none known
  uint16_t rcode = 0;
  std::vector<std::string> answers;  // "shop.svc.example.com. 30 IN A 192.0.2.10"
  std::string pool;                  // the cluster of the first answer's pool; empty: none

  struct Step {
    std::string step;    // "zone", "pool fra", "endpoint 192.0.2.10", …
    std::string result;  // "chosen", "not reached", "down", …
    std::string reason;
  };
  std::vector<Step> steps;
};

/// What an explanation cannot see by itself; what is empty is not told.
struct Insight {
  uint32_t now = 0;                                 // wall-clock seconds, as Client has them
  std::function<std::string(EndpointId)> endpoint;  // why it is as it is, in words
  std::function<std::string(ServiceId)> change;     // what may change its answers next, in words
};

/// Runs the query through respond(), as a worker would over TCP with a tally of its own, then tells the steps.
/// A share of several pools is told as such: the next query of the same client may get another of them.
Explanation explain(const Snapshot& snapshot, const Name& name, uint16_t type,
                    const IpAddress& client, const Insight& insight = {});

}  // namespace swingover::zones
