#pragma once

#include <cstdint>
#include <span>

#include "zones/steering/allocation.h"

namespace swingover::steering {

/// What a planned swing (swing_plan.h) to one cluster does to who serves whom; to the best: leaving.h. `moved`: parts of
/// 10,000 of what A would carry. Pure.

/// Of so many parts those that are asked to go, rounded.
uint16_t moved_of(uint16_t parts, uint16_t moved);

/// A swing to one cluster: of the parts that this locality has on A, so many go to B, rounded; what the row adds up to
/// stays. The caller leaves out localities that B may not serve. Never looks at capacity: the plan's gates do.
void swing_row(std::span<uint16_t> row, size_t from, size_t to, uint16_t moved);

}  // namespace swingover::steering
