#include "zones/steering/ramp.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace swingover::steering {
namespace {

int64_t step_length(const RampRules& rules) {
  const int64_t tenth = (rules.duration.value + ramp_steps_max - 1) / ramp_steps_max;
  return std::max<int64_t>({rules.ttl.value, tenth, 1});
}

/// Demand that nobody serves, or that is above what its clusters may carry.
double shortage(const Problem& problem, const Allocation& allocation) {
  double excess = 0;
  for (size_t j = 0; j < problem.clusters(); ++j) {
    excess += std::max(0.0, allocation.loads[j] - problem.limit * problem.capacities[j]);
  }
  for (size_t i = 0; i < problem.localities(); ++i) {
    if (allocation.unserved[i]) excess += problem.demands[i];
  }
  return excess;
}

double all_demand(const Problem& problem) {
  double sum = 0;
  for (const double demand : problem.demands) sum += demand;
  return sum;
}

}  // namespace

double ramp_factor(Milliseconds since_up, const RampRules& rules) {
  if (since_up >= rules.duration) return 1;
  const int64_t step = step_length(rules);
  const int64_t reached = std::max<int64_t>(since_up.value, 0) / step * step;
  const double part = static_cast<double>(reached) / static_cast<double>(rules.duration.value);
  return std::min(1.0, rules.start + (1 - rules.start) * part);
}

Milliseconds ramp_reaches(double factor, const RampRules& rules) {
  if (factor <= rules.start) return Milliseconds(0);
  if (factor >= 1) return rules.duration;
  const int64_t step = step_length(rules);
  const double line = (factor - rules.start) / (1 - rules.start);
  const double steps = line * static_cast<double>(rules.duration.value) / static_cast<double>(step);
  const auto whole = static_cast<int64_t>(std::ceil(steps - 1e-9));
  return Milliseconds(std::min(whole * step, rules.duration.value));
}

double healthy_fraction(size_t eligible, size_t all) {
  assert(eligible <= all);
  return all ? static_cast<double>(eligible) / static_cast<double>(all) : 0;
}

void order_yielding(std::vector<Yielding>& exclusions, const Problem& problem) {
  const auto brings = [&](const Yielding& one) {
    return one.capacity - problem.capacities[one.cluster];
  };
  std::ranges::sort(exclusions, [&](const Yielding& a, const Yielding& b) {
    if (a.kind != b.kind) return a.kind < b.kind;
    if (brings(a) != brings(b)) return brings(a) > brings(b);
    return a.cluster < b.cluster;
  });
}

std::vector<Yielding> yield_to_shortage(Problem& problem, std::vector<Yielding> exclusions,
                                        const std::function<Allocation(const Problem&)>& solve) {
  std::vector<Yielding> yielded;
  if (exclusions.empty()) return yielded;
  const double none = 1e-9 * all_demand(problem);
  double short_of = shortage(problem, solve(problem));
  order_yielding(exclusions, problem);
  for (const Yielding& one : exclusions) {
    if (short_of <= none) break;
    const double before = problem.capacities[one.cluster];
    if (one.capacity <= before) continue;
    problem.capacities[one.cluster] = one.capacity;
    const double left = shortage(problem, solve(problem));
    if (left < short_of - none) {
      short_of = left;
      yielded.push_back(one);
    } else {
      problem.capacities[one.cluster] = before;  // it shares no locality with those who are short
    }
  }
  return yielded;
}

}  // namespace swingover::steering
