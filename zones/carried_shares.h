#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "zones/snapshot.h"

namespace swingover::zones {

/// Gives `next` the shares that are in force in `previous`, so that a reload by itself moves nobody: of services by
/// `old_services` (for each of next's its place in previous, if it had one), of localities and pools by name. What is
/// new has zeros, and what is gone took its share with it: the others of that row go on by theirs until
/// the shares are worked out anew. Control thread, before next is published. Cost: O(rows × pools).
void carry_shares(const Snapshot& previous, std::span<const std::optional<ServiceId>> old_services,
                  const Snapshot& next);

}  // namespace swingover::zones
