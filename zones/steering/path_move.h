#pragma once

#include <algorithm>
#include <cstddef>
#include <span>

#include "zones/steering/transport.h"

namespace swingover::steering {

/// Moves load along the path that a search found: from the cluster at its beginning, which has too much, to the one at its
/// end, which has room. As much goes as the one has too much, the other has room for, and each step can carry.
///
/// Shape      `parents`: of each cluster on the path the one before it; the first is its own. `excess`: above 0 what a
///            cluster has too much, below 0 its room; both follow the move, as the loads do. `may_move(i, j, k)`:
///            whether locality i may move from j to k in this stage. Localities move in their order.
/// Result     The cluster at the beginning.
/// Cost       Localities × steps, twice.
template <class MayMove>
size_t move_along_path(Transport& transport, std::span<const size_t> parents, size_t end,
                       std::span<double> excess, const MayMove& may_move) {
  double amount = -excess[end];
  size_t start = end;
  for (; parents[start] != start; start = parents[start]) {
    const auto flows = transport.flows_to(parents[start]);
    double width = 0;
    for (size_t i = 0; i < flows.size(); ++i) {
      if (flows[i] > 0 && may_move(i, parents[start], start)) width += flows[i];
    }
    amount = std::min(amount, width);
  }
  amount = std::min(amount, excess[start]);

  for (size_t at = end; at != start; at = parents[at]) {
    const auto out = transport.flows_to(parents[at]);
    const auto in = transport.flows_to(at);
    double left = amount;
    for (size_t i = 0; i < out.size() && left > 0; ++i) {
      if (out[i] == 0 || !may_move(i, parents[at], at)) continue;
      const double moved = std::min(out[i], left);
      out[i] -= moved;
      in[i] += moved;
      left -= moved;
    }
  }
  transport.loads[start] -= amount;
  transport.loads[end] += amount;
  excess[start] -= amount;
  excess[end] += amount;
  return start;
}

}  // namespace swingover::steering
