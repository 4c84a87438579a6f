#include "zones/steering/swing_shares.h"

#include <algorithm>
#include <cassert>

namespace swingover::steering {

uint16_t moved_of(uint16_t parts, uint16_t moved) {
  assert(moved <= share_parts);
  return static_cast<uint16_t>((uint32_t{parts} * moved + share_parts / 2) / share_parts);
}

void swing_row(std::span<uint16_t> row, size_t from, size_t to, uint16_t moved) {
  assert(from < row.size());
  assert(to < row.size());
  assert(from != to);
  const uint16_t parts = moved_of(row[from], moved);
  row[from] = static_cast<uint16_t>(row[from] - parts);
  row[to] = static_cast<uint16_t>(row[to] + parts);
}

Problem swing_to_best(const Problem& problem, const Allocation& without, size_t from,
                      uint16_t moved) {
  assert(from < problem.clusters());
  assert(without.loads.size() == problem.clusters());
  assert(moved <= share_parts);
  Problem swung = problem;
  if (moved == 0) return swung;
  // A cluster may use capacity × max(target, level): this capacity is what gives it just the rest of its load.
  const double kept = without.loads[from] * (share_parts - moved) / share_parts;
  const double room = kept / std::max(problem.target, without.levels[from]);
  swung.capacities[from] = std::min(problem.capacities[from], room);
  return swung;
}

}  // namespace swingover::steering
