#include "zones/steering/leaving.h"

#include <algorithm>
#include <cassert>

#include "zones/steering/share_rounding.h"

namespace swingover::steering {
namespace {

void take_out(Problem& problem, const Leaving& one) {
  if (one.localities.empty()) {
    problem.capacities[one.cluster] = 0;
    return;
  }
  for (const uint32_t locality : one.localities)
    problem.costs[locality * problem.clusters() + one.cluster] = forbidden;
}

}  // namespace

std::vector<LeavingPart> leaving_parts(const Problem& problem, std::span<const Leaving> leaving) {
  std::vector<const Leaving*> order;
  for (const Leaving& one : leaving) {
    assert(one.moved <= share_parts);
    if (one.moved > 0) order.push_back(&one);
  }
  std::ranges::stable_sort(order, std::ranges::greater(), &Leaving::moved);
  std::vector<LeavingPart> parts{{problem, share_parts}};
  for (size_t i = 0; i < order.size();) {
    const uint16_t moved = order[i]->moved;
    Problem without = parts.back().problem;
    for (; i < order.size() && order[i]->moved == moved; ++i) take_out(without, *order[i]);
    // So many parts go on to those who have left less, or to the end.
    parts.back().weight = static_cast<uint16_t>(parts.back().weight - moved);
    parts.push_back({std::move(without), moved});
  }
  return parts;
}

Allocation mix(const Problem& problem, std::span<const LeavingPart> parts,
               std::span<const Allocation* const> allocations) {
  assert(!parts.empty() && parts.size() == allocations.size());
  if (parts.size() == 1) return *allocations.front();
  const size_t clusters = problem.clusters();
  Allocation out;
  out.flows.assign(problem.costs.size(), 0);
  out.shares.assign(problem.costs.size(), 0);
  out.loads.assign(clusters, 0);
  out.levels.assign(clusters, 0);
  out.unserved = allocations.front()->unserved;
  for (size_t part = 0; part < parts.size(); ++part) {
    const double weight = double{1} * parts[part].weight / share_parts;
    for (size_t j = 0; j < clusters; ++j) out.levels[j] += weight * allocations[part]->levels[j];
    out.max_level += weight * allocations[part]->max_level;
  }
  ShareRounder rounder;
  std::vector<double> amounts(clusters);
  for (size_t i = 0; i < problem.localities(); ++i) {
    if (out.unserved[i]) continue;
    std::ranges::fill(amounts, 0.0);
    const Allocation* from = allocations.front();
    for (size_t part = 0; part < parts.size(); ++part) {
      if (!allocations[part]->unserved[i]) from = allocations[part];
      const double weight = parts[part].weight;
      for (size_t j = 0; j < clusters; ++j) {
        const size_t at = i * clusters + j;
        amounts[j] += weight * from->shares[at];
        out.flows[at] += weight / share_parts * from->flows[at];
      }
    }
    rounder.round(amounts, std::span(out.shares).subspan(i * clusters, clusters));
    for (size_t j = 0; j < clusters; ++j) {
      const double flow = out.flows[i * clusters + j];
      out.loads[j] += flow;
      if (flow > 0) out.total_cost += flow * problem.cost(i, j);
    }
  }
  out.regime = regime_of(out.max_level, problem);
  return out;
}

Allocation allocate_leaving(const Problem& problem, std::span<const Leaving> leaving,
                            const std::function<Allocation(const Problem&)>& allocate) {
  const std::vector<LeavingPart> parts = leaving_parts(problem, leaving);
  std::vector<Allocation> allocations;
  for (const LeavingPart& part : parts) allocations.push_back(allocate(part.problem));
  std::vector<const Allocation*> given;
  for (const Allocation& one : allocations) given.push_back(&one);
  return mix(problem, parts, given);
}

uint16_t staying_part(std::span<const Leaving> leaving, uint32_t cluster, uint32_t locality) {
  uint16_t moved = 0;
  for (const Leaving& one : leaving) {
    if (one.cluster != cluster || one.moved <= moved) continue;
    if (one.localities.empty() || std::ranges::count(one.localities, locality) > 0)
      moved = one.moved;
  }
  return static_cast<uint16_t>(share_parts - moved);
}

}  // namespace swingover::steering
