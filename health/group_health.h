#pragma once

#include <span>
#include <vector>

#include "health/health.h"

namespace swingover::health {

/// Members to the health of their group, three-valued: `up` and `down` are said only when no
/// answer of an unknown member could make them wrong. Pure.

/// Up with at least `minimum` members up; down when not even the unknown ones could make it so
/// many. A minimum of 0 is always up; one above the number of members always down.
Health at_least_up(std::span<const Health> members, size_t minimum);

/// Up while one member is; no members: down.
Health any_up(std::span<const Health> members);
/// Up while every member is; no members: up, since nothing speaks against it.
Health all_up(std::span<const Health> members);

/// A cluster is up while each of its monitors passes at one of its addresses at least.
/// One row a monitor: the health that it sees at each address. No monitors: unknown, nobody looks.
Health cluster_health(std::span<const std::vector<Health>> monitors);

}  // namespace swingover::health
