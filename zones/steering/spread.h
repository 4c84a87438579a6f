#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zones/steering/laplacian.h"
#include "zones/steering/transport.h"

namespace swingover::steering {

/// Among all flows of the same loads on the transport's arcs, finds the one nearest to proportional: localities that
/// share clusters share them alike. It is the only stage that looks at who sends where and not at how much arrives.
///
/// How      Only clusters that can pass load round in a circle can exchange clients; within such a group each locality
///          sends to its clusters in proportion to a weight of the cluster, and the weights are fitted until the loads
///          come out. A group where everybody may go everywhere needs no fitting: the weights are the loads.
/// Result   Within 1e-11 of each load, relatively. Demands are met exactly. A group whose amounts are too far apart for its
///          weights to be found keeps the flows that it came with, which have the same loads.
/// Shape    Keeps its memory from call to call. One thread.
/// Cost     A group: kinds of localities × clusters² a round of fitting, some 5 to 15 rounds.
/// Source   iterative proportional fitting (Deming and Stephan 1940; Sinkhorn 1964); Newton on its convex dual, with
///          steps damped as for generalised self-concordant functions (Sun and Tran-Dinh 2019).
class Spreader {
 public:
  void spread(Transport& transport);

 private:
  /// Localities that may go to the same clusters of a group get the same shares there.
  struct Kind {
    size_t first_arc;  // in arcs_
    size_t arcs;
    double demand;  // what its localities send to the group
  };

  void drop_rounding(Transport& transport);
  void find_reach(const Transport& transport);
  bool gather_kinds(const Transport& transport);
  void spread_evenly(Transport& transport);
  bool fit();
  double find_shares();
  void scale_weights();
  bool step_newton();
  void set_flows(Transport& transport);

  static constexpr uint32_t no_kind = UINT32_MAX;

  ClusterSets reach_;   // by cluster: where its load can go on to
  ClusterSets routes_;  // by locality: the clusters of the group that it may use
  std::vector<bool> is_done_;
  std::vector<size_t> group_;      // the clusters at hand
  std::vector<size_t> place_;      // by cluster: where it stands in group_
  std::vector<double> demands_;    // by locality: what it sends to the group
  std::vector<uint32_t> kind_of_;  // by locality
  std::vector<size_t> example_;    // by kind: one of its localities
  std::vector<Kind> kinds_;
  std::vector<size_t> arcs_;     // places in group_, kind after kind
  std::vector<double> shares_;   // by arc: of the kind's demand
  std::vector<double> wanted_;   // by place: the load
  std::vector<double> logs_;     // by place: the weight's logarithm
  std::vector<double> weights_;  // by place
  std::vector<double> found_;    // by place: the load that the shares give
  Laplacian laplacian_;
  std::vector<double> step_;
};

}  // namespace swingover::steering
