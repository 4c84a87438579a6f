#include "zones/steering/cheapest_steps.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>
#include <vector>

#include "base/random.h"
#include "zones/steering/allocation.h"

namespace swingover::steering {
namespace {

/// Everybody at home, at costs of so many values; some pairs are forbidden.
Transport random_transport(Random& random, size_t localities, size_t clusters, uint64_t values) {
  Transport t;
  t.localities = localities;
  t.clusters = clusters;
  t.flows.assign(localities * clusters, 0);
  for (size_t i = 0; i < localities; ++i) {
    const size_t home = random.below(clusters);
    for (size_t j = 0; j < clusters; ++j) {
      const bool is_open = j == home || random.below(5) != 0;
      t.costs.push_back(is_open ? static_cast<int64_t>(random.below(values)) : no_route);
    }
    t.flows_to(home)[i] = 1;
  }
  return t;
}

/// As one who looks at everybody each time would have it.
struct Looked {
  int64_t cost = no_route;
  std::vector<size_t> movers;
};

Looked look(const Transport& t, size_t from, size_t to) {
  Looked out;
  for (size_t i = 0; i < t.localities; ++i) {
    if (t.flows_to(from)[i] == 0 || t.cost(i, to) == no_route) continue;
    const int64_t cost = t.cost(i, to) - t.cost(i, from);
    if (cost < out.cost) out = {cost, {}};
    if (cost == out.cost) out.movers.push_back(i);
  }
  return out;
}

/// How many pairs are not as they should be.
size_t wrong_pairs(const Transport& t, const CheapestSteps& steps) {
  size_t wrong = 0;
  for (size_t from = 0; from < t.clusters; ++from) {
    for (size_t to = 0; to < t.clusters; ++to) {
      if (to == from) continue;
      const Looked wanted = look(t, from, to);
      if (wanted.movers.empty()) {
        wrong += steps.from(from)[to] < no_route / 2;
        continue;
      }
      std::vector<size_t> movers;
      steps.for_each_mover(t, from, to, [&](size_t i) {
        movers.push_back(i);
        return true;
      });
      wrong += steps.from(from)[to] != wanted.cost || movers != wanted.movers;
    }
  }
  return wrong;
}

}  // namespace

TEST_CASE("the cheapest steps are what a look at everybody finds, after any moves",
          "[cheapest_steps]") {
  Random random(1);
  for (const uint64_t values : {1U, 3U, 40U, 20'000U}) {
    for (const size_t localities : {size_t{5}, CheapestSteps::kept, size_t{900}}) {
      const size_t clusters = 2 + random.below(4);
      Transport t = random_transport(random, localities, clusters, values);
      CheapestSteps steps;
      steps.begin(t);
      INFO(localities << " x " << clusters << ", costs of " << values << " values");
      REQUIRE(wrong_pairs(t, steps) == 0);
      for (size_t round = 0; round < 60; ++round) {
        // Over one step or two, as paths go: all of some localities, half of others.
        std::vector<CheapestSteps::Move> moves;
        size_t from = random.below(clusters);
        for (size_t step = 0; step <= round % 2; ++step) {
          const size_t to = (from + 1 + random.below(clusters - 1)) % clusters;
          if (steps.from(from)[to] >= no_route / 2) break;
          if (random.below(2) == 0) steps.prepare(t, from, to);
          size_t left = 1 + random.below(localities / 20 + 1);
          steps.for_each_mover(t, from, to, [&](size_t i) {
            const double part =
                random.below(4) == 0 ? t.flows_to(from)[i] / 2 : t.flows_to(from)[i];
            t.flows_to(from)[i] -= part;
            t.flows_to(to)[i] += part;
            moves.push_back({i, from, to});
            return --left > 0;
          });
          from = to;
        }
        steps.follow(t, moves);
        INFO("round " << round);
        REQUIRE(wrong_pairs(t, steps) == 0);
      }
      // The same memory, another problem.
      t = random_transport(random, localities / 2 + 1, clusters, values);
      steps.begin(t);
      REQUIRE(wrong_pairs(t, steps) == 0);
    }
  }
}

TEST_CASE("thousands of localities of costs of their own are served at least cost",
          "[cheapest_steps][allocation]") {
  for (const uint64_t seed : {1U, 2U, 3U}) {
    Random random(seed);
    constexpr size_t localities = 3'000;
    constexpr size_t clusters = 7;
    Problem problem;
    for (size_t j = 0; j < clusters; ++j) problem.capacities.push_back(200 + 1'800 * random.unit());
    const double capacity =
        std::accumulate(problem.capacities.begin(), problem.capacities.end(), 0.0);
    for (size_t i = 0; i < localities; ++i) {
      problem.demands.push_back(0.68 * capacity / localities * (0.5 + random.unit()));
      for (size_t j = 0; j < clusters; ++j)
        problem.costs.push_back(static_cast<double>(random.below(20'000)) / 1'000);
    }
    const Allocation allocation = allocate(problem);
    REQUIRE(allocation.regime == Regime::normal);
    size_t moved = 0;
    // Least cost: no round trip over clusters saves anything, nor does a way to a cluster with room.
    std::vector<double> ways(clusters * clusters, forbidden);
    for (size_t i = 0; i < localities; ++i) {
      const double* costs = &problem.costs[i * clusters];
      double least = forbidden;
      for (size_t j = 0; j < clusters; ++j) least = std::min(least, costs[j]);
      for (size_t from = 0; from < clusters; ++from) {
        if (allocation.flows[i * clusters + from] <= 0) continue;
        moved += costs[from] > least;
        for (size_t to = 0; to < clusters; ++to) {
          double& way = ways[from * clusters + to];
          way = std::min(way, costs[to] - costs[from]);
        }
      }
    }
    REQUIRE(moved > 200);
    for (size_t through = 0; through < clusters; ++through) {
      for (size_t from = 0; from < clusters; ++from) {
        for (size_t to = 0; to < clusters; ++to) {
          double& way = ways[from * clusters + to];
          way = std::min(way, ways[from * clusters + through] + ways[through * clusters + to]);
        }
      }
    }
    for (size_t from = 0; from < clusters; ++from) {
      CHECK(ways[from * clusters + from] >= -1e-9);
      for (size_t to = 0; to < clusters; ++to) {
        const bool has_room =
            allocation.loads[to] < problem.target * problem.capacities[to] * (1 - 1e-6);
        if (has_room) CHECK(ways[from * clusters + to] >= -1e-9);
      }
      CHECK(allocation.loads[from] <= problem.target * problem.capacities[from] * (1 + 1e-9));
    }
  }
}

}  // namespace swingover::steering
