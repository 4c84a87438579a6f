#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "tests/support/seeds.h"
#include "tests/zones/steering/allocation_oracle.h"
#include "tests/zones/steering/random_problem.h"
#include "zones/steering/allocator.h"

namespace swingover::steering {

namespace {

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// How much load goes elsewhere, in units of load.
double moved(const Allocation& a, const Allocation& b) {
  double difference = 0;
  for (size_t at = 0; at < a.flows.size(); ++at) difference += std::abs(a.flows[at] - b.flows[at]);
  return difference / 2;
}

std::vector<size_t> shuffled(Random& random, size_t size) {
  std::vector<size_t> order(size);
  std::iota(order.begin(), order.end(), size_t{0});
  for (size_t at = size; at > 1; --at) std::swap(order[at - 1], order[random.below(at)]);
  return order;
}

}  // namespace

TEST_CASE("nobody is above the limit when everybody can be below it", "[allocation_properties]") {
  Allocator allocator;
  for (const uint64_t seed : tests::simulation_seeds(2'000)) {
    Random random(seed);
    const Problem problem = random_problem(random);
    const Allocation got = allocator.allocate(problem);
    const std::vector<double> levels = levels_by_enumeration(problem);
    const double highest = *std::ranges::max_element(levels);
    INFO("seed " << seed << '\n' << to_text(problem));
    for (size_t j = 0; j < problem.clusters(); ++j) {
      const double bound =
          std::max(problem.target, highest <= problem.limit ? problem.limit : highest);
      if (got.loads[j] > problem.capacities[j] * bound * (1 + 1e-9)) FAIL("cluster " << j);
    }
    const Regime regime = highest <= problem.target * (1 + 1e-9)  ? Regime::normal
                          : highest <= problem.limit * (1 + 1e-9) ? Regime::tight
                                                                  : Regime::overload;
    if (got.regime != regime) FAIL(word(got.regime));
  }
}

TEST_CASE("more capacity never lowers what a cluster may carry, nor raises the highest level",
          "[allocation_properties]") {
  Allocator allocator;
  for (const uint64_t seed : tests::simulation_seeds(4'000)) {
    Random random(seed);
    Problem problem = random_problem(random);
    const Allocation before = allocator.allocate(problem);
    const size_t which = random.below(problem.clusters());
    INFO("seed " << seed << " cluster " << which << '\n' << to_text(problem));
    const double room = rooms_of(problem, before.levels)[which];
    problem.capacities[which] =
        problem.capacities[which] * (1 + random.unit()) + static_cast<double>(random.below(2));
    const Allocation after = allocator.allocate(problem);
    if (after.max_level > before.max_level * (1 + 1e-9) && before.unserved == after.unserved) {
      FAIL("the highest level rose");
    }
    if (rooms_of(problem, after.levels)[which] < room * (1 - 1e-9)) FAIL("it may carry less");
    if (after.loads[which] < before.loads[which] * (1 - 1e-9)) FAIL("it carries less");
    for (size_t i = 0; i < problem.localities(); ++i) {
      if (after.unserved[i] && !before.unserved[i]) FAIL("a locality is unserved");
    }
  }
}

TEST_CASE("the order of localities and clusters changes no flow", "[allocation_properties]") {
  Allocator allocator;
  for (const uint64_t seed : tests::simulation_seeds(3'000)) {
    Random random(seed);
    const Problem problem = random_problem(random, {.localities_max = 9, .clusters_max = 7});
    const auto rows = shuffled(random, problem.localities());
    const auto columns = shuffled(random, problem.clusters());
    Problem other;
    other.target = problem.target;
    other.limit = problem.limit;
    for (const size_t j : columns) other.capacities.push_back(problem.capacities[j]);
    for (const size_t i : rows) {
      other.demands.push_back(problem.demands[i]);
      for (const size_t j : columns) other.costs.push_back(problem.cost(i, j));
    }
    const Allocation a = allocator.allocate(problem);
    const Allocation b = allocator.allocate(other);
    INFO("seed " << seed << '\n' << to_text(problem));
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < columns.size(); ++c) {
        const size_t there = rows[r] * columns.size() + columns[c];
        const size_t here = r * columns.size() + c;
        if (std::abs(a.flows[there] - b.flows[here]) > 1e-8 * problem.demands[rows[r]]) {
          FAIL("locality " << rows[r] << " to cluster " << columns[c]);
        }
        // Of equal remainders the smaller place wins, and that is another one now.
        if (std::abs(a.shares[there] - b.shares[here]) > 1) FAIL("shares of " << rows[r]);
      }
    }
  }
}

TEST_CASE("a little more demand moves little load", "[allocation_properties]") {
  Allocator allocator;
  double worst = 0;
  for (const uint64_t seed : tests::simulation_seeds(4'000)) {
    Random random(seed);
    Problem problem = random_problem(random);
    const Allocation before = allocator.allocate(problem);
    const size_t which = random.below(problem.localities());
    // From no demand to some is another Problem: the locality's arcs come to life.
    if (before.unserved[which] || problem.demands[which] == 0) continue;
    const double more = problem.demands[which] * 0.001;
    problem.demands[which] += more;
    const double times = moved(before, allocator.allocate(problem)) / more;
    INFO("seed " << seed << " locality " << which << '\n' << to_text(problem));
    if (times > 8) FAIL(times << " times as much");
    worst = std::max(worst, times);
  }
  INFO("worst " << worst);
  CHECK(worst > 0.4);
}

TEST_CASE("the unit of load does not matter", "[allocation_properties]") {
  Allocator allocator;
  for (const uint64_t seed : tests::simulation_seeds(1'000)) {
    Random random(seed);
    Problem problem = random_problem(random, {.localities_max = 9, .clusters_max = 7});
    const Allocation before = allocator.allocate(problem);
    const double unit = std::exp2(static_cast<double>(random.below(50)) - 20);
    for (double& demand : problem.demands) demand *= unit;
    for (double& capacity : problem.capacities) capacity *= unit;
    const Allocation after = allocator.allocate(problem);
    if (before.shares != after.shares) FAIL("seed " << seed << '\n' << to_text(problem));
  }
}

TEST_CASE("losing a cluster that carries nothing changes no share", "[allocation_properties]") {
  Allocator allocator;
  size_t tried = 0;
  for (const uint64_t seed : tests::simulation_seeds(4'000)) {
    Random random(seed);
    Problem problem = random_problem(random);
    const Allocation before = allocator.allocate(problem);
    if (before.regime != Regime::normal) continue;
    for (size_t j = 0; j < problem.clusters(); ++j) {
      if (before.loads[j] > 0 || problem.capacities[j] == 0) continue;
      Problem without = problem;
      without.capacities[j] = 0;
      const Allocation after = allocator.allocate(without);
      if (after.regime != Regime::normal) continue;
      ++tried;
      for (size_t i = 0; i < problem.localities(); ++i) {
        if (problem.demands[i] == 0 || after.unserved[i]) continue;
        for (size_t k = 0; k < problem.clusters(); ++k) {
          const size_t at = i * problem.clusters() + k;
          if (before.shares[at] != after.shares[at]) {
            FAIL("seed " << seed << " without " << j << '\n' << to_text(problem));
          }
        }
      }
    }
  }
  CHECK(tried > 0);
}

TEST_CASE("demands and capacities may differ by 18 powers of ten", "[allocation_properties]") {
  Allocator allocator;
  for (const uint64_t seed : tests::simulation_seeds(4'000)) {
    Random random(seed);
    const ProblemKind kind{.localities_max = 6, .clusters_max = 5, .magnitudes = 18};
    const Problem problem = random_problem(random, kind);
    const Allocation got = allocator.allocate(problem);
    INFO("seed " << seed << '\n' << to_text(problem));
    if (const std::string wrong = wrong_row(problem, got); !wrong.empty()) FAIL(wrong);
    const std::vector<double> levels = levels_by_enumeration(problem);
    for (size_t j = 0; j < problem.clusters(); ++j) {
      if (!is_near(got.levels[j], levels[j], 1e-8)) {
        FAIL("level " << j << ' ' << got.levels[j] << " not " << levels[j]);
      }
    }
    const std::vector<double> rooms = rooms_of(problem, levels);
    const double lost = 1e-12 * sum(problem.demands);
    for (size_t j = 0; j < problem.clusters(); ++j) {
      if (got.loads[j] > rooms[j] * (1 + 1e-8) + lost)
        FAIL("cluster " << j << " is above its room");
    }
    if (const std::string wrong = uneven(problem, rooms, got.flows); !wrong.empty()) FAIL(wrong);
  }
}

TEST_CASE("a huge demand that leaves a tiny cluster leaves no rounding there",
          "[allocation_properties]") {
  const Problem problem{
      .demands = {71234567.891}, .capacities = {356343948.5, 1.47e-7}, .costs = {8, 0}};
  const double room = problem.target * problem.capacities[1];
  CHECK(is_near(allocate(problem).loads[1], room, 1e-8));
}

TEST_CASE("amounts that are farther apart than a number's digits leave numbers everywhere",
          "[allocation_properties]") {
  const Problem problem{.demands = {1e15, 1e15, 1e15, 1e-9},
                        .capacities = {1e-9, 1e-9, 1e-9},
                        .costs = {1, 0, forbidden, 0, forbidden, 0, forbidden, 1, 0, 1, 1, 1}};
  const Allocation got = allocate(problem);
  CHECK(wrong_row(problem, got) == "");
  Allocator allocator;
  Random random(1);
  for (int k = 0; k < 20'000; ++k) {
    Problem other = problem;
    for (std::vector<double>* amounts : {&other.demands, &other.capacities}) {
      for (double& value : *amounts) value = random.below(2) ? amount_max : least_amount;
    }
    for (double& cost : other.costs)
      cost = random.below(3) ? static_cast<double>(random.below(2)) : forbidden;
    const Allocation all = allocator.allocate(other);
    if (!std::ranges::all_of(all.flows, [](double flow) { return std::isfinite(flow); }))
      FAIL(to_text(other));
    if (const std::string wrong = wrong_row(other, all); !wrong.empty())
      FAIL(wrong << '\n' << to_text(other));
  }
}

TEST_CASE("large problems keep what defines an allocation", "[allocation_properties]") {
  Allocator allocator;
  struct Size {
    size_t localities, clusters;
  };
  for (const Size size : {Size{50, 8}, Size{50, 8}, Size{50, 8}, Size{20, 20}, Size{40, 70},
                          Size{120, 30}, Size{300, 64}}) {
    for (const uint64_t seed : tests::simulation_seeds(3)) {
      Random random(seed);
      const ProblemKind kind{.localities_max = size.localities, .clusters_max = size.clusters};
      const Problem problem = random_problem(random, kind);
      const Allocation got = allocator.allocate(problem);
      INFO("seed " << seed << ", up to " << size.localities << " by " << size.clusters);
      CHECK(wrong_row(problem, got) == "");
      const std::vector<double> rooms = rooms_of(problem, got.levels);
      for (size_t j = 0; j < problem.clusters(); ++j) {
        if (got.loads[j] > rooms[j] * (1 + 1e-8)) FAIL("cluster " << j << " is above its room");
      }
      CHECK(unlevel(problem, got) == "");
      CHECK(uneven(problem, rooms, got.flows) == "");
      CHECK(unspread(problem, got.flows) == "");
      CHECK(sum(got.loads) == Approx(sum(got.flows)));
    }
  }
}

TEST_CASE("a locality without demand gets its cheapest clusters that have room, by capacity",
          "[allocation_properties]") {
  // The first cluster is full by the other locality, the next two cost the same.
  Problem problem{
      .demands = {70, 0}, .capacities = {100, 300, 100, 500}, .costs = {0, 5, 5, 5, 0, 2, 2, 3}};
  const Allocation got = allocate(problem);
  CHECK(std::vector(got.shares.begin() + 4, got.shares.end()) ==
        std::vector<uint16_t>{0, 7500, 2500, 0});
  CHECK(got.loads[1] == 0);
  CHECK_FALSE(got.unserved[1]);

  SECTION("when all are full, its cheapest") {
    problem.demands[0] = 2000;
    CHECK(allocate(problem).shares[4] == share_parts);
  }
  SECTION("of those that live") {
    problem.capacities[1] = 0;
    CHECK(allocate(problem).shares[6] == share_parts);
  }
  SECTION("or none, when none that it may use lives") {
    problem.capacities = {100, 0, 0, 0};
    problem.costs[4] = forbidden;
    const Allocation unserved = allocate(problem);
    CHECK(unserved.unserved == std::vector<bool>{false, true});
    CHECK(std::vector(unserved.shares.begin() + 4, unserved.shares.end()) ==
          std::vector<uint16_t>{0, 0, 0, 0});
  }
}

TEST_CASE("problems without anything have an allocation", "[allocation_properties]") {
  CHECK(allocate({}).regime == Regime::normal);
  const Allocation no_cluster = allocate({.demands = {5}, .capacities = {}, .costs = {}});
  CHECK(no_cluster.unserved == std::vector<bool>{true});
  CHECK(allocate({.demands = {}, .capacities = {7}, .costs = {}}).loads == std::vector<double>{0});

  const Problem all_forbidden{
      .demands = {5, 6}, .capacities = {7}, .costs = {forbidden, forbidden}};
  CHECK(allocate(all_forbidden).unserved == std::vector<bool>{true, true});
  const Problem all_dead{.demands = {5}, .capacities = {0, 0}, .costs = {0, 0}};
  CHECK(allocate(all_dead).unserved == std::vector<bool>{true});

  const Problem one{.demands = {5}, .capacities = {10}, .costs = {3}};
  const Allocation got = allocate(one);
  CHECK(got.shares == std::vector<uint16_t>{share_parts});
  CHECK(got.loads == std::vector<double>{5});
  CHECK(got.total_cost == 15);
  CHECK(got.max_level == 0.5);
}

}  // namespace swingover::steering
