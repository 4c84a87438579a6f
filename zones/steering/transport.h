#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <vector>

#include "zones/steering/cluster_sets.h"

namespace swingover::steering {

/// The live part of a Problem as a flow: localities that have demand and somewhere to go, clusters that have capacity.
///
/// Each stage takes the flow of the one before and moves it. A move is seen from the clusters: cluster j can pass load
/// to cluster k through a locality that sends to j and may send to k. So paths run over a few clusters, never over
/// many localities, and the whole demand of each locality is placed at every moment.
///
/// Units      demands, capacities, flows, loads: the service's unit of load. costs: see `cost_of`.
/// Precision  Flows carry the rounding of their own size: what a locality sends to a cluster is never more than the
///            smaller of its demand and the cluster's room, so a locality of 1e-6 beside one of 1e12 keeps its digits.
///            Amounts that a step uses up become exactly 0.
struct Transport {
  size_t localities = 0;
  size_t clusters = 0;
  std::vector<double> demands;
  std::vector<double> capacities;
  std::vector<int64_t> costs;  // [locality × clusters + cluster], or no_route
  ClusterSets arcs;            // by locality: where it may send in this stage
  std::vector<double> flows;   // [cluster × localities + locality]
  std::vector<double> loads;   // by cluster

  std::span<double> flows_to(size_t cluster) {
    return {flows.data() + cluster * localities, localities};
  }
  std::span<const double> flows_to(size_t cluster) const {
    return {flows.data() + cluster * localities, localities};
  }
  int64_t cost(size_t locality, size_t cluster) const {
    return costs[locality * clusters + cluster];
  }
};

/// A cost that no sum of others reaches: the locality may not use the cluster.
inline constexpr int64_t no_route = std::numeric_limits<int64_t>::max() / 4;

/// Rooms are widened by so much: what fits exactly would otherwise not fit by the rounding of a sum, and a tiny cluster
/// could not hand its excess to a huge one whose room is lost in its own last digit.
inline constexpr double slack = 1e-12;

}  // namespace swingover::steering
