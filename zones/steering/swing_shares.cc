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

}  // namespace swingover::steering
