#include "tests/zones/steering/random_problem.h"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace swingover::steering {

namespace {

/// Whole numbers meet one another exactly often, as those that people write do.
double amount(Random& random, int magnitudes) {
  const double small = static_cast<double>(1 + random.below(random.below(2) ? 20 : 1000));
  if (magnitudes == 0) return small;
  return small * std::pow(10, (random.unit() - 0.5) * magnitudes);
}

double cost(Random& random, uint64_t style, size_t i, size_t j) {
  switch (style) {
    case 0:
      return static_cast<double>(random.below(9));
    case 1:
      return static_cast<double>(random.below(3));
    case 2:  // tiers: localities and clusters in two regions
      return i == j ? 0 : i % 2 == j % 2 ? 2 : 8;
    case 3:  // failover: the rank alone
      return static_cast<double>(j);
    case 4:  // active-active
      return 0;
    default:
      return static_cast<double>(random.below(5000)) / 1000;
  }
}

}  // namespace

Problem random_problem(Random& random, const ProblemKind& kind) {
  Problem problem;
  const size_t localities = 1 + random.below(kind.localities_max);
  const size_t clusters = 1 + random.below(kind.clusters_max);
  problem.target = random.below(4) == 0 ? 0.3 + random.unit() * 0.7 : 0.7;
  const bool has_dead = random.below(3) == 0;
  const bool has_idle = random.below(3) == 0;
  const bool has_forbidden = random.below(2) == 0;
  const uint64_t style = random.below(6);
  double capacity = 0;
  for (size_t j = 0; j < clusters; ++j) {
    const bool is_dead = has_dead && random.below(4) == 0;
    problem.capacities.push_back(is_dead ? 0 : amount(random, kind.magnitudes));
    capacity += problem.capacities.back();
  }
  double demand = 0;
  for (size_t i = 0; i < localities; ++i) {
    const bool is_idle = has_idle && random.below(4) == 0;
    problem.demands.push_back(is_idle ? 0 : amount(random, kind.magnitudes));
    demand += problem.demands.back();
    for (size_t j = 0; j < clusters; ++j) {
      const bool is_forbidden = has_forbidden && random.below(10) < 3;
      problem.costs.push_back(is_forbidden ? forbidden : cost(random, style, i, j));
    }
  }
  // Most Problems should be near a bound. The factor is a short one, so that sums still meet.
  const double load = 0.1 * static_cast<double>(1 + random.below(14));
  if (demand > 0 && capacity > 0 && random.below(4) != 0) {
    const double factor = std::exp2(std::round(std::log2(load * capacity / demand) * 4) / 4);
    for (double& d : problem.demands) {
      if (d > 0) d = std::clamp(d * factor, 1e-8, 1e13);
    }
  }
  return problem;
}

std::string to_text(const Problem& problem) {
  std::ostringstream out;
  out.precision(17);
  out << "target " << problem.target << " limit " << problem.limit << "\ncapacities";
  for (const double c : problem.capacities) out << ' ' << c;
  for (size_t i = 0; i < problem.localities(); ++i) {
    out << "\ndemand " << problem.demands[i] << " costs";
    for (size_t j = 0; j < problem.clusters(); ++j) out << ' ' << problem.cost(i, j);
  }
  return out.str();
}

}  // namespace swingover::steering
