#include "server/control/swing_forecast.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "zones/steering/share_rounding.h"
#include "zones/steering/swing_shares.h"

namespace swingover::control {

using steering::Allocation;
using steering::Problem;

namespace {

constexpr double noise = 1e-9;

/// What the moves change in `loads`, with `moved` for those that are not in force.
void add_moves(const SwingCase& swing, bool in_force, uint16_t moved, const Problem& problem,
               const Allocation& given, std::vector<double>& loads) {
  for (const SwingCase::Move& move : swing.moves) {
    if (move.moved.has_value() != in_force) continue;
    const uint16_t share = given.shares[move.locality * problem.clusters() + move.from];
    const uint16_t parts = steering::moved_of(share, move.moved.value_or(moved));
    const std::vector<uint16_t> split = divided_by_room(parts, move.to, problem, given.loads);
    for (size_t i = 0; i < split.size(); ++i) {
      const double load = move.demand * split[i] / steering::share_parts;
      loads[move.from] -= load;
      loads[move.to[i]] += load;
    }
  }
}

}  // namespace

std::vector<uint16_t> divided(uint16_t whole, std::span<const double> weights) {
  std::vector<uint16_t> parts(weights.size(), 0);
  steering::ShareRounder().round(weights, parts, whole);
  return parts;
}

std::vector<uint16_t> divided_by_room(uint16_t parts, std::span<const uint32_t> to,
                                      const Problem& problem, std::span<const double> loads) {
  std::vector<double> rooms(to.size(), 0);
  for (const double bound : {problem.target, problem.limit}) {
    for (size_t i = 0; i < to.size(); ++i)
      rooms[i] = std::max(problem.capacities[to[i]] * bound - loads[to[i]], 0.0);
    if (std::ranges::any_of(rooms, [](double room) { return room > 0; }))
      return divided(parts, rooms);
  }
  for (size_t i = 0; i < to.size(); ++i) rooms[i] = problem.capacities[to[i]];
  return divided(parts, rooms);
}

Utilisation forecast(const SwingCase& swing, uint16_t moved, steering::Allocator& allocator) {
  const Allocation without = allocator.allocate(swing.problem);
  Allocation with = without;
  Problem problem = swing.problem;
  for (const uint32_t holder : swing.cuts) {
    problem = steering::swing_to_best(problem, with, holder, moved);
    with = allocator.allocate(problem);
  }
  std::vector<double> before = without.loads;
  add_moves(swing, true, 0, swing.problem, without, before);
  std::vector<double> loads = with.loads;
  add_moves(swing, true, 0, problem, with, loads);
  add_moves(swing, false, moved, problem, with, loads);
  Utilisation worst;
  for (size_t i = 0; i < loads.size(); ++i) {
    if (loads[i] <= before[i] * (1 + noise) + noise) continue;
    const double capacity = swing.problem.capacities[i];
    const double load = loads[i] + (swing.old_loads.empty() ? 0 : swing.old_loads[i]);
    const double utilisation =
        capacity > 0 ? load / capacity : std::numeric_limits<double>::infinity();
    if (worst.cluster.empty() || utilisation > worst.utilisation)
      worst = {utilisation, swing.clusters[i]};
  }
  return worst;
}

Utilisation forecast(std::span<const SwingCase> cases, uint16_t moved) {
  steering::Allocator allocator;
  Utilisation worst;
  for (const SwingCase& one : cases) {
    Utilisation here = forecast(one, moved, allocator);
    if (!here.cluster.empty() && (worst.cluster.empty() || here.utilisation > worst.utilisation))
      worst = std::move(here);
  }
  return worst;
}

}  // namespace swingover::control
