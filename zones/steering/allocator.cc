#include "zones/steering/allocator.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

namespace swingover::steering {

namespace {

/// What a full cluster may be off by and still counts as at its bound.
constexpr double at_bound = 1e-9;

/// Whole thousandths, and below them whether the locality is moved away from its cheapest clusters: the cost decides,
/// then that. A path passes a cluster once at most, so up to 2,047 clusters the lower part never carries over.
constexpr int64_t away = 1;
constexpr int64_t thousandth = 4096;

int64_t in_thousandths(double cost) {
  return std::isinf(cost) ? no_route : std::llround(cost * 1000) * thousandth;
}

[[maybe_unused]] bool makes_sense(const Problem& problem) {
  const auto is_amount = [](double value) { return value >= 0 && value <= amount_max; };
  return problem.costs.size() == problem.localities() * problem.clusters() && problem.target >= 0 &&
         problem.limit >= problem.target && std::isfinite(problem.limit) &&
         std::ranges::all_of(problem.demands, is_amount) &&
         std::ranges::all_of(problem.capacities, is_amount) &&
         std::ranges::all_of(problem.costs, [](double cost) {
           return cost == forbidden || (cost >= 0 && cost <= cost_max);
         });
}

}  // namespace

Allocation allocate(const Problem& problem) {
  return Allocator().allocate(problem);
}

Allocation Allocator::allocate(const Problem& problem) {
  assert(makes_sense(problem));
  Allocation out;
  out.flows.assign(problem.costs.size(), 0);
  out.shares.assign(problem.costs.size(), 0);
  out.loads.assign(problem.clusters(), 0);
  out.levels.assign(problem.clusters(), 0);
  out.unserved.assign(problem.localities(), false);
  keep_what_lives(problem, out);
  if (transport_.localities > 0) {
    find_levels();
    close_full_clusters(problem.target);
    rooms_.resize(transport_.clusters);
    for (size_t j = 0; j < transport_.clusters; ++j) {
      rooms_[j] = transport_.capacities[j] * std::max(problem.target, levels_[j]);
    }
    cheapest_.solve(transport_, rooms_);
    // Who has a price is full in each cheapest flow. So is who has a level beyond the target, but there nothing else is
    // possible, and balancing finds that by itself.
    for (size_t j = 0; j < transport_.clusters; ++j) fixed_[j] = cheapest_.prices()[j] > 0;
    balancer_.balance(transport_, fixed_, balanced_);
    spreader_.spread(transport_);
    give(problem, out);
  }
  fill_idle_rows(problem, out);
  return out;
}

/// Localities with demand and clusters with capacity that have one another.
void Allocator::keep_what_lives(const Problem& problem, Allocation& out) {
  live_clusters_.clear();
  for (size_t j = 0; j < problem.clusters(); ++j) {
    if (problem.capacities[j] >= least_amount) live_clusters_.push_back(j);
  }
  live_localities_.clear();
  for (size_t i = 0; i < problem.localities(); ++i) {
    const bool is_served = std::ranges::any_of(
        live_clusters_, [&](size_t j) { return problem.cost(i, j) != forbidden; });
    out.unserved[i] = !is_served;
    if (is_served && problem.demands[i] >= least_amount) live_localities_.push_back(i);
  }
  Transport& t = transport_;
  t.localities = live_localities_.size();
  t.clusters = live_clusters_.size();
  t.demands.resize(t.localities);
  t.capacities.resize(t.clusters);
  t.costs.resize(t.localities * t.clusters);
  t.flows.assign(t.localities * t.clusters, 0);
  t.loads.assign(t.clusters, 0);
  t.arcs.assign(t.localities, t.clusters);
  for (size_t j = 0; j < t.clusters; ++j) t.capacities[j] = problem.capacities[live_clusters_[j]];
  for (size_t i = 0; i < t.localities; ++i) {
    t.demands[i] = problem.demands[live_localities_[i]];
    int64_t* costs = &t.costs[i * t.clusters];
    for (size_t j = 0; j < t.clusters; ++j) {
      costs[j] = in_thousandths(problem.cost(live_localities_[i], live_clusters_[j]));
      if (costs[j] != no_route) t.arcs.insert(i, j);
    }
    const int64_t least = *std::min_element(costs, costs + t.clusters);
    for (size_t j = 0; j < t.clusters; ++j) {
      if (costs[j] != least && costs[j] != no_route) costs[j] += away;
    }
  }
}

/// The balance of all flows there are: it begins with each locality's demand spread by capacity, which is already the
/// answer when everybody may go everywhere.
void Allocator::find_levels() {
  Transport& t = transport_;
  for (size_t i = 0; i < t.localities; ++i) {
    double capacity = 0;
    for_each_cluster(t.arcs[i], [&](size_t j) { capacity += t.capacities[j]; });
    for_each_cluster(t.arcs[i], [&](size_t j) {
      const double flow = t.demands[i] * (t.capacities[j] / capacity);
      t.flows_to(j)[i] = flow;
      t.loads[j] += flow;
    });
  }
  fixed_.assign(t.clusters, false);
  levels_.assign(t.clusters, 0);
  balanced_.assign(t.clusters, 0);
  balancer_.balance(t, fixed_, levels_);
}

/// A cluster beyond the target is filled by those who can go nowhere lower, to its last digit; others would only bring
/// what its rounding takes in, which for a locality of hardly any demand can be a share.
void Allocator::close_full_clusters(double target) {
  Transport& t = transport_;
  for (size_t i = 0; i < t.localities; ++i) {
    double least = std::numeric_limits<double>::infinity();
    for_each_cluster(t.arcs[i], [&](size_t j) { least = std::min(least, levels_[j]); });
    const double highest = std::max(target, least) * (1 + at_bound);
    for_each_cluster(t.arcs[i], [&](size_t j) {
      if (levels_[j] > highest) t.costs[i * t.clusters + j] = no_route;
    });
  }
}

void Allocator::give(const Problem& problem, Allocation& out) {
  const Transport& t = transport_;
  row_.resize(t.clusters);
  row_shares_.resize(t.clusters);
  for (size_t i = 0; i < t.localities; ++i) {
    const size_t row = live_localities_[i] * problem.clusters();
    for (size_t j = 0; j < t.clusters; ++j) row_[j] = t.flows_to(j)[i];
    rounder_.round(row_, row_shares_);
    for (size_t j = 0; j < t.clusters; ++j) {
      if (row_[j] <= 0) continue;
      const size_t cluster = live_clusters_[j];
      out.flows[row + cluster] = row_[j];
      out.shares[row + cluster] = row_shares_[j];
      out.loads[cluster] += row_[j];
      out.total_cost += row_[j] * problem.costs[row + cluster];
    }
  }
  for (size_t j = 0; j < t.clusters; ++j) {
    out.levels[live_clusters_[j]] = levels_[j];
    out.max_level = std::max(out.max_level, levels_[j]);
  }
  out.regime = regime_of(out.max_level, problem);
}

/// A locality without demand moves nothing, but its next client must go somewhere: to its cheapest clusters that have
/// room, by capacity; when none has, to its cheapest.
void Allocator::fill_idle_rows(const Problem& problem, Allocation& out) {
  double lost = 0;  // a room that is this small may be the rounding of another
  for (const double load : out.loads) lost += 10 * slack * load;
  const auto has_room = [&](size_t j) {
    const double room = problem.capacities[j] * std::max(problem.target, out.levels[j]);
    return out.loads[j] < room * (1 - at_bound) - lost;
  };
  row_.assign(problem.clusters(), 0);
  for (size_t i = 0; i < problem.localities(); ++i) {
    if (out.unserved[i] || problem.demands[i] >= least_amount) continue;
    for (const bool with_room : {true, false}) {
      int64_t least = no_route;
      for (const size_t j : live_clusters_) {
        if (!with_room || has_room(j)) least = std::min(least, in_thousandths(problem.cost(i, j)));
      }
      if (least == no_route) continue;
      std::ranges::fill(row_, 0);
      for (const size_t j : live_clusters_) {
        const bool is_chosen =
            in_thousandths(problem.cost(i, j)) == least && (!with_room || has_room(j));
        if (is_chosen) row_[j] = problem.capacities[j];
      }
      rounder_.round(row_, std::span(out.shares).subspan(i * problem.clusters(), row_.size()));
      break;
    }
  }
}

}  // namespace swingover::steering
