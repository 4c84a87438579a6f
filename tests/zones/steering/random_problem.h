#pragma once

#include <cstdint>
#include <string>

#include "base/random.h"
#include "zones/steering/allocation.h"

namespace swingover::steering {

/// What random Problems look like. The defaults are small enough for enumeration.
struct ProblemKind {
  size_t localities_max = 5;
  size_t clusters_max = 5;
  int magnitudes = 0;  // demands and capacities differ by up to so many powers of ten
};

/// Costs of all kinds (random, few values, tiers, ranks, all 0, thousandths), forbidden pairs, dead clusters, idle
/// localities, and demand from a tenth of the capacity to twice of it.
Problem random_problem(Random& random, const ProblemKind& kind = {});

/// For a test's message: what to type to see it again.
std::string to_text(const Problem& problem);

}  // namespace swingover::steering
