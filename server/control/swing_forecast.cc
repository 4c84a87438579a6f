#include "server/control/swing_forecast.h"

#include <limits>
#include <utility>

#include "zones/steering/swing_shares.h"

namespace swingover::control {

using steering::Allocation;

namespace {

constexpr double noise = 1e-9;

/// What each holder carries with so much of what is asked about.
std::vector<double> loads_with(const SwingCase& swing, uint16_t moved,
                               steering::Allocator& allocator) {
  std::vector<steering::Leaving> leaving;
  for (const SwingCase::Leaver& one : swing.leavers) {
    leaving.push_back(one.leaving);
    if (one.is_asked_about) leaving.back().moved = moved;
  }
  const Allocation given = steering::allocate_leaving(
      swing.problem, leaving,
      [&](const steering::Problem& problem) { return allocator.allocate(problem); });
  std::vector<double> loads = given.loads;
  for (const SwingCase::Move& move : swing.moves) {
    const uint16_t share = given.shares[move.locality * swing.problem.clusters() + move.from];
    const uint16_t parts =
        steering::moved_of(steering::moved_of(share, move.moved.value_or(moved)),
                           steering::staying_part(leaving, move.to, move.locality));
    const double load = move.demand * parts / steering::share_parts;
    loads[move.from] -= load;
    loads[move.to] += load;
  }
  return loads;
}

}  // namespace

Utilisation forecast(const SwingCase& swing, uint16_t moved, steering::Allocator& allocator) {
  const std::vector<double> before = loads_with(swing, 0, allocator);
  const std::vector<double> loads = loads_with(swing, moved, allocator);
  Utilisation worst{.utilisation = 0, .cluster = {}, .high = swing.high};
  for (size_t i = 0; i < loads.size(); ++i) {
    if (loads[i] <= before[i] * (1 + noise) + noise) continue;
    const double capacity = swing.problem.capacities[i];
    const double load = loads[i] + (swing.old_loads.empty() ? 0 : swing.old_loads[i]);
    const double utilisation =
        capacity > 0 ? load / capacity : std::numeric_limits<double>::infinity();
    if (worst.cluster.empty() || utilisation > worst.utilisation)
      worst = {utilisation, swing.clusters[i], swing.high};
  }
  return worst;
}

Utilisation forecast(std::span<const SwingCase> cases, uint16_t moved) {
  steering::Allocator allocator;
  Utilisation worst;
  for (const SwingCase& one : cases) {
    Utilisation here = forecast(one, moved, allocator);
    const bool is_worse = here.utilisation - here.high > worst.utilisation - worst.high;
    if (!here.cluster.empty() && (worst.cluster.empty() || is_worse)) worst = std::move(here);
  }
  return worst;
}

}  // namespace swingover::control
