#pragma once

#include <cstddef>
#include <optional>
#include <vector>

#include "zones/eligibility.h"
#include "zones/service_plan.h"
#include "zones/share_rows.h"

namespace swingover::zones {

// What `choose` does, for who tells of it or looks ahead. Control path.

/// Whether an endpoint of the pool has this very class.
bool has_endpoint(const ServicePlan& plan, uint32_t pool, Eligibility wanted,
                  const EligibilityMap& map);

/// The tier of a row that answers: ordinary ones by eligible, then by unknown endpoints, then last-resort ones
/// likewise. Nothing: `when_all_down` decides.
struct FoundTier {
  size_t tier = 0;  // place in the row
  Eligibility best = Eligibility::eligible;
};
std::optional<FoundTier> find_tier(const ServicePlan& plan, const ServicePlan::Row& row,
                                   const EligibilityMap& map);

/// By place: whether a change of one of the pool's endpoints can change an answer now, to clients of any locality. The
/// pools behind those that answer cannot, unless they have a share of some locality's clients. `id`: of the plan's
/// service. `out` is used again and again. Reads rows of shares until each pool has one.
void find_pools_in_play(ServiceId id, const ServicePlan& plan, const EligibilityMap& map,
                        const ShareRows& shares, std::vector<bool>& out);

}  // namespace swingover::zones
