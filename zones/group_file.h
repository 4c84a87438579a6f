#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/diagnostics.h"
#include "base/toml_source.h"
#include "zones/topology.h"

namespace swingover::zones {

/// Reports what is wrong with the monitors of a [[cluster]], [[service]] or [[service.pool]]: names that no [[monitor]]
/// has, and those that stand in two of the three lists.
void check_monitor_lists(const TomlValue& table, std::span<const std::string> monitors,
                         Diagnostics& diagnostics);

/// How many endpoints there are to be healthy.
struct MemberCounts {
  size_t all = 0;
  size_t ipv4 = 0;
  size_t ipv6 = 0;
};
/// Reports bounds that can never be reached, and `min_healthy_up` where it makes no sense. `whose` completes
/// "there are 3 endpoints in": "this pool".
void check_min_healthy(const TomlValue& table, const MinHealthy& bounds,
                       const MemberCounts& members, const std::string& whose,
                       Diagnostics& diagnostics);

}  // namespace swingover::zones
