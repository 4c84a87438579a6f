#include "zones/steering/publish_rule.h"

#include <algorithm>
#include <cassert>
#include <cmath>

namespace swingover::steering {
namespace {

/// A cluster counts as gaining from so much of its capacity: less is rounding, not traffic.
constexpr double gain_min = 0.001;
/// A cluster is hot above the best level that it could have, and this much: 1.05 λ + 0.02.
constexpr double level_factor = 1.05;
constexpr double level_margin = 0.02;
/// What coming home saves at least, as a part of all demand at the highest cost.
constexpr double saving_min = 0.002;

double utilisation(double load, double capacity) {
  if (load <= 0) return 0;
  return capacity > 0 ? load / capacity : forbidden;
}

struct Costs {
  double now = 0;      // of the demands with the shares in force
  double least = 0;    // were every locality served where it is cheapest
  double highest = 0;  // of one unit, anywhere
};

Costs costs_of(const Problem& problem, std::span<const uint16_t> shares) {
  Costs costs;
  for (size_t i = 0; i < problem.localities(); ++i) {
    double cheapest = forbidden;
    for (size_t j = 0; j < problem.clusters(); ++j) {
      const double cost = problem.cost(i, j);
      const double share = shares[i * problem.clusters() + j];
      if (share > 0) costs.now += problem.demands[i] * share / share_parts * cost;
      if (problem.capacities[j] > 0) cheapest = std::min(cheapest, cost);
      if (cost != forbidden) costs.highest = std::max(costs.highest, cost);
    }
    if (cheapest != forbidden) costs.least += problem.demands[i] * cheapest;
  }
  return costs;
}

/// What must be saved for traffic to come home.
double saving_needed(const Problem& problem, const Costs& costs, const PublishRules& rules) {
  double demand = 0;
  for (const double d : problem.demands) demand += d;
  return std::max(rules.min_gain * costs.now, saving_min * demand * costs.highest);
}

bool sends_to_forbidden(const Problem& problem, std::span<const uint16_t> shares) {
  for (size_t k = 0; k < shares.size(); ++k) {
    if (shares[k] > 0 && problem.costs[k] == forbidden) return true;
  }
  return false;
}

bool must_change(const Problem& problem, const InForce& in_force) {
  return in_force.changed || in_force.shares.empty() ||
         sends_to_forbidden(problem, in_force.shares);
}

}  // namespace

DeadBand dead_band(const Marks& common, double target, double limit) {
  if (target == common.target) return {.low = common.low, .high = std::min(common.high, limit)};
  const double high = std::max(common.high, target + (common.high - common.target));
  return {.low = common.low * (target / common.target), .high = std::min(high, limit)};
}

std::string_view word(PublishReason reason) {
  switch (reason) {
    case PublishReason::none:
      return "none";
    case PublishReason::changed:
      return "changed";
    case PublishReason::load:
      return "load";
    case PublishReason::home:
      return "home";
  }
  return "";
}

std::vector<double> predicted_loads(const Problem& problem, std::span<const uint16_t> shares) {
  assert(shares.size() == problem.costs.size());
  std::vector<double> loads(problem.clusters());
  for (size_t i = 0; i < problem.localities(); ++i) {
    for (size_t j = 0; j < problem.clusters(); ++j) {
      loads[j] += problem.demands[i] * shares[i * problem.clusters() + j] / share_parts;
    }
  }
  return loads;
}

bool may_publish(const Problem& problem, const InForce& in_force, MonotonicTime now,
                 const PublishRules& rules) {
  if (must_change(problem, in_force)) return true;
  const bool waited = now >= in_force.last_by_load + rules.ttl;
  const std::vector<double> loads = predicted_loads(problem, in_force.shares);
  for (size_t j = 0; j < loads.size(); ++j) {
    const double used = utilisation(loads[j], problem.capacities[j]);
    if (used > rules.high && (waited || used > problem.limit)) return true;
  }
  if (!waited) return false;
  const Costs costs = costs_of(problem, in_force.shares);
  return costs.now > costs.least && costs.now - costs.least >= saving_needed(problem, costs, rules);
}

PublishVerdict decide(const Problem& problem, const InForce& in_force, const Allocation& best,
                      MonotonicTime now, const PublishRules& rules) {
  PublishVerdict verdict;
  if (must_change(problem, in_force)) {
    verdict.reason = PublishReason::changed;
    return verdict;
  }
  if (std::ranges::equal(in_force.shares, best.shares)) return verdict;

  const bool waited = now >= in_force.last_by_load + rules.ttl;
  const std::vector<double> loads = predicted_loads(problem, in_force.shares);
  double furthest = 0;
  for (size_t j = 0; j < loads.size(); ++j) {
    const double used = utilisation(loads[j], problem.capacities[j]);
    const double allowed = std::max(rules.high, level_factor * best.levels[j] + level_margin);
    if (used <= allowed) continue;
    verdict.above_limit |= used > problem.limit;
    if (used - allowed <= furthest) continue;
    furthest = used - allowed;
    verdict.cluster = static_cast<uint32_t>(j);
    verdict.utilisation = used;
  }
  if (furthest > 0) {
    if (waited || verdict.above_limit) verdict.reason = PublishReason::load;
    return verdict;
  }
  if (!waited) return verdict;

  for (size_t j = 0; j < loads.size(); ++j) {
    const bool gains = best.loads[j] > loads[j] + gain_min * problem.capacities[j];
    if (gains && utilisation(loads[j], problem.capacities[j]) >= rules.low) return verdict;
  }
  const Costs costs = costs_of(problem, in_force.shares);
  const double saved = costs.now - best.total_cost;
  if (saved <= 0 || saved < saving_needed(problem, costs, rules)) return verdict;
  verdict.reason = PublishReason::home;
  verdict.saved = saved;
  return verdict;
}

}  // namespace swingover::steering
