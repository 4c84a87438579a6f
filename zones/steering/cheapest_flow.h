#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "zones/steering/cheapest_steps.h"
#include "zones/steering/transport.h"

namespace swingover::steering {

/// Finds a cheapest flow that keeps each cluster within its room, and the prices that prove it.
///
/// How      Everybody goes to the cheapest cluster first; then what is above a cluster's room moves on, over the
///          cheapest paths, to where room is. Costs are whole numbers, so prices are exact, and so is the question
///          which arcs a cheapest flow may use: cost + price must be the locality's least.
/// Shape    Keeps its memory from call to call. One thread.
/// Cost     There are about as many paths as localities that must move, each at clusters² and what cheapest_steps.h says:
///          ten thousand localities of costs of their own and 8 clusters take some 10 ms.
/// Source   successive shortest paths with potentials (Edmonds and Karp 1972).
class CheapestFlow {
 public:
  /// `rooms` must have a flow (the levels make sure of that). Replaces the transport's flows and loads, and leaves as
  /// its arcs those of least cost + price: all cheapest flows, and only they, use these alone and fill each cluster
  /// that has a price.
  void solve(Transport& transport, const std::vector<double>& rooms);

  /// By cluster: what one more unit of room would save. 0 for those with room left.
  const std::vector<int64_t>& prices() const { return prices_; }

 private:
  static constexpr size_t none = SIZE_MAX;

  void place_cheapest(Transport& transport);
  bool find_excess(Transport& transport, const std::vector<double>& rooms);
  size_t find_room(size_t clusters);
  void move_to(Transport& transport, size_t to);
  void keep_cheapest_arcs(Transport& transport);

  CheapestSteps steps_;
  std::vector<CheapestSteps::Move> moves_;  // of the last path
  std::vector<int64_t>
      potentials_;                  // by cluster: how far from those with too much, in all searches
  int64_t farthest_ = 0;            // the potential of wherever room is
  std::vector<int64_t> distances_;  // by cluster, in the last search
  std::vector<size_t> parents_;     // by cluster, in the last search; itself at a start
  std::vector<bool> is_final_;
  std::vector<double> excess_;  // by cluster: above its room; below 0: room
  std::vector<int64_t> prices_;
};

}  // namespace swingover::steering
