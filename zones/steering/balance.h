#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zones/steering/transport.h"

namespace swingover::steering {

/// Moves a flow along its arcs until the utilisations, sorted from the highest, are as small as they can be; that is
/// also where the sum of load² / capacity is least.
///
/// How      All clusters should get the utilisation of all together. Load moves from those above to those below, over
///          shortest paths. What stays above can reach no room: those clusters, and all that they reach, are a block
///          of their own with a higher level, the others one with a lower, and each goes on alone.
/// Shape    Keeps its memory from call to call. One thread.
/// Cost     At most 2 × clusters rounds of a few paths each; a path costs localities × its length.
/// Source   lexicographic optimal flow (Megiddo 1974); decomposition of convex separable resource allocation
///          (Fujishige 1980).
class Balancer {
 public:
  /// The loads of clusters in `fixed` stay as they are, though load may pass through them. levels[j] becomes the
  /// utilisation of each other cluster.
  void balance(Transport& transport, const std::vector<bool>& fixed, std::vector<double>& levels);

 private:
  static constexpr uint32_t no_block = UINT32_MAX;
  static constexpr size_t none = SIZE_MAX;

  double level_of(const Transport& transport, uint32_t block) const;
  void settle(Transport& transport, uint32_t block, std::vector<double>& levels);
  void move_excess(Transport& transport, uint32_t block, double level);
  bool split(uint32_t block);
  size_t find_room(uint32_t block);
  void move_to(Transport& transport, size_t to);
  void find_neighbours(const Transport& transport, size_t cluster);

  ClusterSets neighbours_;  // by cluster: those that it can pass load to
  std::vector<uint32_t>
      blocks_;  // by cluster: which block it is in; no_block when its load is fixed
  std::vector<uint32_t> unsettled_;
  uint32_t blocks_made_ = 0;
  std::vector<size_t> members_;  // of the block at hand
  std::vector<double> excess_;   // by cluster of the block: above its room; below 0: room
  std::vector<size_t>
      parents_;  // by cluster, in the last search: where it was reached from; itself at a start
  std::vector<size_t> queue_;
};

}  // namespace swingover::steering
