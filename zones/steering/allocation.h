#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

namespace swingover::steering {

/// The shares of one locality add up to so many, or are all 0: it is unserved.
inline constexpr uint32_t share_parts = 10'000;

/// No client of that locality may be sent to that cluster, such as by a geofence.
inline constexpr double forbidden = std::numeric_limits<double>::infinity();

/// Demands and capacities below the first count as none; none is above the second. What lies between may differ by as
/// many magnitudes within one Problem.
inline constexpr double least_amount = 1e-9;
inline constexpr double amount_max = 1e15;
/// Costs are read in whole thousandths, so that equal sums are equal.
inline constexpr double cost_max = 1e8;

/// Where demand is and who may carry it, for one service. Localities and clusters are places here; ties go to the
/// smaller place, so whoever wants equal results from equal inputs gives both in the order of their names.
struct Problem {
  double target = 0.70;         // utilisation up to which traffic stays where it is cheapest (soft)
  double limit = 1.00;          // utilisation above which a cluster is overloaded (hard); >= target
  std::vector<double> demands;  // by locality, in the service's unit of load; 0 to amount_max
  std::vector<double> capacities;  // by cluster, in that unit; effective: 0 when not eligible
  std::vector<double>
      costs;  // of one unit: [locality × clusters + cluster]; 0 to cost_max, or `forbidden`

  size_t localities() const { return demands.size(); }
  size_t clusters() const { return capacities.size(); }
  double cost(size_t locality, size_t cluster) const {
    return costs[locality * clusters() + cluster];
  }
  friend bool operator==(const Problem&, const Problem&) = default;
};

/// normal: nobody must go above the target. tight: nobody above the limit. overload: the demand does not fit, and
/// those who cannot avoid each other share the excess in proportion to their capacity.
enum class Regime : uint8_t { normal, tight, overload };
std::string_view word(Regime regime);

/// Of the highest level of all clusters.
Regime regime_of(double max_level, const Problem& problem);

/// Who serves whom. Rows as in Problem::costs.
struct Allocation {
  Regime regime = Regime::normal;
  std::vector<double>
      flows;  // [locality × clusters + cluster]: what the locality sends there, in units of load
  std::vector<uint16_t> shares;  // likewise, in parts of 10,000 of the locality's demand
  std::vector<double> loads;     // by cluster: the sum of its flows
  std::vector<double>
      levels;  // by cluster: the least utilisation that it can be spared to; it may use
               // capacity × max(target, level)
  double max_level = 0;
  double total_cost = 0;       // of all flows
  std::vector<bool> unserved;  // by locality: no allowed cluster has capacity
};

/// The allocation that four stages define, each choosing among the best of the one before: the sorted utilisations as
/// small as possible; the least cost within the room that this gives each cluster (a tie: the least moved away from its
/// cheapest clusters); the most even utilisation; the spread nearest to proportional. It is unique, and continuous in
/// demands and capacities. A locality without demand gets its cheapest clusters that are not full, by capacity.
///
/// Errors     None: a Problem that makes sense has an allocation. Asserts that it does (sizes, signs, finite numbers).
/// Precision  Flows within about 1e-10 of the locality's demand or the cluster's load, whichever is larger. A cluster
///            may carry 1e-12 of the other clusters' load less than it should.
/// Threads    Any. Pure: the same Problem gives the same Allocation, to the bit.
/// Cost       That of an Allocator (allocator.h), which whoever solves many keeps, and its memory once.
/// Source     shared capacity as flows: lexicographic min-max (Megiddo 1974), min-cost flow, balanced flow; the spread
///            by iterative proportional fitting (Sinkhorn 1964).
Allocation allocate(const Problem& problem);

}  // namespace swingover::steering
