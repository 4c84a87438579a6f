#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "zones/steering/allocation.h"

namespace swingover::steering {

/// What the places of a Problem are called.
struct PlaceNames {
  std::span<const std::string> localities;
  std::span<const std::string> clusters;
};

/// What a share table breaks of what each must keep, whoever made it; a table that breaks anything is not published.
///
/// - The shares of a locality add up to share_parts; all are 0 exactly when no cluster that it may use has capacity.
/// - No share leads to a cluster without capacity, or to a forbidden one.
/// - No cluster is above its limit while some of its load could move, directly or over others, to one below it.
///
/// Shape      `shares` as Allocation::shares. One line each, such as "locality fra-a: shares add up to 9,990"; empty
///            when nothing is broken.
/// Precision  Shares are rounded to parts: what that can put on a cluster is forgiven. So is less than a millionth of a
///            cluster's capacity from one locality, what a cluster above its limit could be relieved of by less than
///            one part of a locality's demand, and room of less than 1e-12 of all demand, which an Allocation may miss.
/// Cost       Localities × clusters, and as much again, with clusters², for each that is above its limit. Knows nothing
///            of the allocator.
/// Errors     Sizes that do not fit the Problem are a line too, and then the only one.
std::vector<std::string> broken_invariants(const Problem& problem, std::span<const uint16_t> shares,
                                           const PlaceNames& names);

/// What one row breaks, such as one that a swing or a spill changed after the allocation: its shares add up to share_parts,
/// or all are 0, and none leads where no client of the row may be sent. In words; empty when nothing is broken.
///
/// Cost  O(clusters).
std::string broken_row(std::span<const uint16_t> shares, const std::vector<bool>& may_serve);

}  // namespace swingover::steering
