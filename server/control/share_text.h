#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "zones/service.h"
#include "zones/topology.h"

namespace swingover::control {

// The share rows of a service as the journal keeps them, exact and readable: "fra-a: fra 6364, ams 3636; *: ams 10000".
// Localities with equal rows stand together before one colon, "-" is for clients of none, and "*" for all that are not
// named: the row that most of them have. A pool without a share is left out, a row of zeros is "none". Shares are parts of 10,000.

/// `shares`: by row, by pool, as ShareRows has them. All zeros: empty.
std::string share_text(std::span<const uint16_t> shares, const zones::Service& service,
                       const zones::Topology& topology);

/// Reads it back for a service and localities that may be others by now: what they no longer have is left out, what they
/// have more of has no share. Errors: invalid.
Result<std::vector<uint16_t>> parse_share_text(std::string_view text, const zones::Service& service,
                                               const zones::Topology& topology);

}  // namespace swingover::control
