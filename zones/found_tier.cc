#include "zones/found_tier.h"

#include <algorithm>

namespace swingover::zones {

bool has_endpoint(const ServicePlan& plan, uint32_t pool, Eligibility wanted,
                  const EligibilityMap& map) {
  const ServicePlan::PlanPool& p = plan.pools()[pool];
  for (uint32_t i = 0; i < p.endpoints; ++i) {
    if (map.get(plan.endpoint_id(p.first_endpoint + i)) == wanted) return true;
  }
  return false;
}

std::optional<FoundTier> find_tier(const ServicePlan& plan, const ServicePlan::Row& row,
                                   const EligibilityMap& map) {
  for (const bool is_last_resort : {false, true}) {
    for (const Eligibility wanted : {Eligibility::eligible, Eligibility::unknown}) {
      for (size_t t = 0; t < row.tiers.size(); ++t) {
        if (row.tiers[t].last_resort != is_last_resort) continue;
        for (const uint32_t pool : row.pools_of(t)) {
          if (has_endpoint(plan, pool, wanted, map)) return FoundTier{t, wanted};
        }
      }
    }
  }
  return std::nullopt;
}

namespace {

/// Tiers are looked at class by class, so a tier behind the one that answers takes over only with a better class, and
/// there is none above eligible.
bool is_in_play(const ServicePlan::Row& row, size_t tier, const std::optional<FoundTier>& found) {
  if (!found) return true;
  const bool is_behind_ordinary =
      row.tiers[tier].last_resort && !row.tiers[found->tier].last_resort;
  if (is_behind_ordinary) return false;
  const bool same_kind = row.tiers[tier].last_resort == row.tiers[found->tier].last_resort;
  return !same_kind || found->best != Eligibility::eligible || tier <= found->tier;
}

void add_pools_with_shares(ServiceId id, const ShareRows& shares, std::vector<bool>& out) {
  if (!shares.has_rows(id)) return;
  std::vector<uint16_t> row(out.size());
  for (size_t i = 0; i < shares.rows(); ++i) {
    if (std::find(out.begin(), out.end(), false) == out.end()) return;
    if (!shares.read(id, i, row)) continue;
    for (size_t pool = 0; pool < row.size(); ++pool) {
      if (row[pool] > 0) out[pool] = true;
    }
  }
}

}  // namespace

void find_pools_in_play(ServiceId id, const ServicePlan& plan, const EligibilityMap& map,
                        const ShareRows& shares, std::vector<bool>& out) {
  out.assign(plan.pools().size(), false);
  for (size_t i = 0; i < plan.rows(); ++i) {
    const ServicePlan::Row row = plan.row_at(i);
    const auto found = find_tier(plan, row, map);
    for (size_t t = 0; t < row.tiers.size(); ++t) {
      if (!is_in_play(row, t, found)) continue;
      for (const uint32_t pool : row.pools_of(t)) out[pool] = true;
    }
  }
  add_pools_with_shares(id, shares, out);
}

}  // namespace swingover::zones
