#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "zones/choices.h"
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
/// answer is nodata or servfail. Of a steered service those with a share that have an eligible endpoint. Else the
/// tier is found as `choose` finds it; where `when_all_down` decides, `choose` itself is asked over and over. Control
/// path.
std::vector<PoolShare> pool_shares(const ServicePlan& plan, const ShareRows& rows,
                                   LocalityId locality, const EligibilityMap& eligibility);

/// The same by tiers alone, as of a service that has no shares; empty where `when_all_down` decides. Control path.
std::vector<PoolShare> tier_shares(const ServicePlan& plan, LocalityId locality,
                                   const EligibilityMap& eligibility);

/// What one client would get, and why; with a snapshot of then, at any instant.
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

  /// What equal questions of this instant could get: of the service that answers and all that it leads to. Empty where
  /// nothing is chosen: then everybody gets these answers.
  std::vector<ServiceChoices> choices;
};

/// What an explanation cannot see by itself; what is empty is not told.
struct Insight {
  uint32_t now = 0;                                 // wall-clock seconds, as Client has them
  std::function<std::string(EndpointId)> endpoint;  // why it is as it is, in words
  std::function<std::string(ServiceId)> change;     // what may change its answers next, in words
  // Whether a client (PickKey::client) is many caches to the workers (ManyCaches).
  std::function<bool(ServiceId, uint64_t)> is_many_caches{};
  // Whether the endpoint is up, and kept out of answers nevertheless.
  std::function<bool(EndpointId)> is_held{};
  // Steps of what shapes the answers of a service beside health: what people ask of it, how its shares came about.
  std::function<std::vector<Explanation::Step>(const Service&)> shaping{};
  // Of a steered service: why that pool has the share that it has among clients there, in words.
  std::function<std::string(const Service&, uint32_t place, LocalityId)> pool{};
};

/// Runs the query through respond(), as a worker would over TCP with a tally of its own, then tells the steps.
///
/// Exact   `choose` gives what is equal for what is equal, so for a time of which shares, eligibility and model are
///         known the pools that could be answered, and with which part, are told exactly. Which of them it was is
///         certain where there is one only, and for sticky clients, which hang on the client's network alone. Of
///         picks in turn the steps tell each pool's share: the next query of the same client may get
///         another. So it is of a sticky client that is many caches now (Insight::is_many_caches): nobody keeps who
///         was that in the past, and whoever explains an old answer tells both: its pool, and the shares.
Explanation explain(const Snapshot& snapshot, const Name& name, uint16_t type,
                    const IpAddress& client, const Insight& insight = {});

}  // namespace swingover::zones
