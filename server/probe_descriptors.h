#pragma once

#include <cstdint>

#include "server/config.h"

namespace swingover::server {

/// How many descriptors the probes of this config may hold at once at most: those under way, watched connections, and
/// connections that are kept (keep_alive). Checks that several services share count for each. Cost: endpoints times
/// monitors of each.
uint32_t probe_descriptors(const Config& config);

}  // namespace swingover::server
