#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "zones/name.h"
#include "zones/snapshot.h"

namespace swingover::zones {

/// All that a service may answer to equal questions of equal clients at one instant: each gets one of these.
struct ServiceChoices {
  struct Choice {
    std::string pool;  // its cluster; of the policy `all` those of all pools that answer together
    double share = 1;  // of the answers, above 0
    std::vector<std::string> may;  // addresses of the type asked for, or the one name of a CNAME
    uint32_t count = 0;            // how many of those an answer holds; 0: it has none of the type
  };
  std::string service;
  std::vector<Choice>
      choices;  // none: there is nothing to choose from, the zone or when_all_down decides
  std::optional<Choice>
      sticks{};  // the one of a sticky client, unless it is many caches (ManyCaches)
};

/// Of the service, and of every service that its pools lead to, the first first. `client`: as PickKey has it. Empty for
/// types of which services have nothing. Control path; reads each endpoint's byte more than once, so the map must
/// stand still, or belong to the caller's thread.
std::vector<ServiceChoices> choices_of(const Snapshot& snapshot, ServiceId service, uint16_t type,
                                       const IpAddress& client);

}  // namespace swingover::zones
