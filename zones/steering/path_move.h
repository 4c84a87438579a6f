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
///            cluster has too much, below 0 its room; both follow the move, as the loads do. `for_each_mover(j, k,
///            visit)`: visit(i) for each locality that sends to j and may move to k in this stage, in their order, until
///            it returns false. `moved(i, j, k)`: told of each that did.
/// Result     The cluster at the beginning.
/// Cost       The movers of each step, twice.
template <class ForEachMover, class Moved>
size_t move_along_path(Transport& transport, std::span<const size_t> parents, size_t end,
                       std::span<double> excess, const ForEachMover& for_each_mover,
                       const Moved& moved) {
  double amount = -excess[end];
  size_t start = end;
  for (; parents[start] != start; start = parents[start]) {
    const auto flows = transport.flows_to(parents[start]);
    double width = 0;
    for_each_mover(parents[start], start, [&](size_t i) {
      width += flows[i];
      return true;
    });
    amount = std::min(amount, width);
  }
  amount = std::min(amount, excess[start]);

  for (size_t at = end; at != start; at = parents[at]) {
    const size_t from = parents[at];
    const auto out = transport.flows_to(from);
    const auto in = transport.flows_to(at);
    double left = amount;
    for_each_mover(from, at, [&](size_t i) {
      const double part = std::min(out[i], left);
      if (part > 0) {
        out[i] -= part;
        in[i] += part;
        left -= part;
        moved(i, from, at);
      }
      return left > 0;
    });
  }
  transport.loads[start] -= amount;
  transport.loads[end] += amount;
  excess[start] -= amount;
  excess[end] += amount;
  return start;
}

}  // namespace swingover::steering
