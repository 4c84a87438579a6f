#include "zones/steering/publish_rule.h"

#include <catch2/catch.hpp>

namespace swingover::steering {
namespace {

constexpr MonotonicTime at_second(int64_t second) {
  return {second * 1'000'000'000};
}

/// Localities a and b, at home in a cluster of 1,000 each; abroad costs 2 a unit.
Problem two(double demand_a, double demand_b) {
  Problem problem;
  problem.demands = {demand_a, demand_b};
  problem.capacities = {1'000, 1'000};
  problem.costs = {0, 2, 2, 0};
  return problem;
}

std::vector<uint16_t> spilling(uint16_t parts) {
  return {static_cast<uint16_t>(10'000 - parts), parts, 0, 10'000};
}

/// What an allocation of `problem` would be that sends `parts` of a's demand to b's cluster.
Allocation best(const Problem& problem, uint16_t parts, std::vector<double> levels) {
  Allocation allocation;
  allocation.shares = spilling(parts);
  allocation.loads = predicted_loads(problem, allocation.shares);
  allocation.levels = std::move(levels);
  allocation.max_level = *std::ranges::max_element(allocation.levels);
  allocation.unserved.assign(2, false);
  allocation.total_cost = problem.demands[0] * parts / share_parts * 2;
  return allocation;
}

struct Row {
  const char* name;
  double demand_a;
  uint16_t spills;       // in force
  uint16_t would_spill;  // in the best allocation
  double level;          // of both clusters in it
  int64_t waited;        // seconds since the last change by load
  PublishReason reason;
};

}  // namespace

TEST_CASE("load moves shares by these rules", "[publish_rule]") {
  const std::vector<Row> rows{
      {"cool: nothing", 600, 0, 0, 0.5, 1'000, PublishReason::none},
      {"above target, within the band", 790, 0, 1'139, 0.62, 1'000, PublishReason::none},
      {"above high", 850, 0, 1'764, 0.65, 1'000, PublishReason::load},
      {"above high, a TTL not over", 850, 0, 1'764, 0.65, 29, PublishReason::none},
      {"above high, a TTL just over", 850, 0, 1'764, 0.65, 30, PublishReason::load},
      {"above the limit, a TTL not over", 1'010, 0, 3'000, 0.73, 1, PublishReason::load},
      {"hot, but hardly better is possible", 960, 400, 500, 0.88, 1'000, PublishReason::none},
      {"hot, and better is possible", 960, 0, 1'000, 0.88, 1'000, PublishReason::load},
      {"hot, but within 0.02 of the twentieth above the best", 960, 0, 500, 0.9, 1'000,
       PublishReason::none},
      {"hot, and beyond that", 970, 0, 500, 0.9, 1'000, PublishReason::load},
      {"overload: as good as it gets", 1'500, 3'300, 3'333, 1.0, 1'000, PublishReason::none},
      {"home: it saves enough and there is room", 500, 2'000, 0, 0.5, 1'000, PublishReason::home},
      {"home: a TTL not over", 500, 2'000, 0, 0.5, 29, PublishReason::none},
      {"home: too warm there", 760, 2'000, 790, 0.65, 1'000, PublishReason::none},
      {"home: just below low", 740, 2'000, 541, 0.62, 1'000, PublishReason::home},
      {"home: under a twentieth of the cost", 650, 2'000, 1'920, 0.6, 1'000, PublishReason::none},
      {"home: a part, over a twentieth", 650, 2'000, 1'800, 0.6, 1'000, PublishReason::home},
  };
  for (const Row& row : rows) {
    INFO(row.name);
    const Problem problem = two(row.demand_a, 500);
    const std::vector<uint16_t> shares = spilling(row.spills);
    const InForce in_force{.shares = shares, .last_by_load = at_second(5'000 - row.waited)};
    const Allocation to = best(problem, row.would_spill, {row.level, row.level});
    const PublishVerdict verdict = decide(problem, in_force, to, at_second(5'000), {});
    CHECK(word(verdict.reason) == word(row.reason));
    // What may be published is never kept from the solver.
    if (row.reason != PublishReason::none) {
      CHECK(may_publish(problem, in_force, at_second(5'000), {}));
    }
  }
}

TEST_CASE("the dead band of a service lies around its own target, within its limit",
          "[publish_rule]") {
  struct Row {
    double target, limit, low, high;
  };
  const std::vector<Row> rows{
      {0.7, 1.0, 0.6, 0.8},    // the common ones
      {0.7, 0.75, 0.6, 0.75},  // the limit is below the common high
      {0.5, 0.6, 0.6 / 7 * 5, 0.6},
      {0.5, 1.0, 0.6 / 7 * 5, 0.8},
      {0.75, 1.0, 0.6 / 7 * 7.5, 0.85},
      {0.9, 1.0, 0.6 / 7 * 9, 1.0},
      {0.95, 1.0, 0.6 / 7 * 9.5, 1.0},
      {3.0, 10.0, 0.6 / 7 * 30, 3.1},
  };
  for (const Row& row : rows) {
    INFO(row.target << " " << row.limit);
    const DeadBand band = dead_band({}, row.target, row.limit);
    CHECK(band.low == Approx(row.low));
    CHECK(band.high == Approx(row.high));
    CHECK(band.low < row.target);
    CHECK(band.high >= row.target);
  }
}

TEST_CASE("a load verdict names the cluster that is furthest beyond", "[publish_rule]") {
  const Problem problem = two(900, 1'100);
  const std::vector<uint16_t> shares = spilling(0);
  Allocation to = best(problem, 0, {0.7, 0.7});
  to.shares = spilling(1'000);
  const PublishVerdict verdict = decide(problem, {.shares = shares}, to, at_second(100), {});
  CHECK(verdict.reason == PublishReason::load);
  CHECK(verdict.cluster == 1);
  CHECK(verdict.utilisation == Approx(1.1));
  CHECK(verdict.above_limit);
}

TEST_CASE("home saves at least two thousandths of all demand at the highest cost",
          "[publish_rule]") {
  // 12 of 600,500 units abroad: the whole cost is saved, and it is nothing.
  Problem problem = two(500, 600'000);
  problem.capacities = {1'000, 1'000'000};
  const std::vector<uint16_t> shares = spilling(240);
  const Allocation to = best(problem, 0, {0.5, 0.6});
  CHECK(decide(problem, {.shares = shares}, to, at_second(100), {}).reason == PublishReason::none);
  CHECK_FALSE(may_publish(problem, {.shares = shares}, at_second(100), {}));
}

TEST_CASE("what is not load waits for nothing", "[publish_rule]") {
  const Problem problem = two(500, 500);
  const std::vector<uint16_t> shares = spilling(0);
  const Allocation to = best(problem, 1'000, {0.5, 0.5});
  InForce in_force{.shares = shares, .changed = true, .last_by_load = at_second(99)};
  CHECK(decide(problem, in_force, to, at_second(100), {}).reason == PublishReason::changed);
  CHECK(may_publish(problem, in_force, at_second(100), {}));

  in_force.changed = false;
  CHECK(decide(problem, in_force, to, at_second(100), {}).reason == PublishReason::none);

  SECTION("the first shares of a service") {
    in_force.shares = {};
    CHECK(decide(problem, in_force, to, at_second(100), {}).reason == PublishReason::changed);
  }
  SECTION("shares that lead where they may not") {
    Problem fenced = problem;
    fenced.costs[1] = forbidden;
    const std::vector<uint16_t> leak = spilling(1);
    CHECK(decide(fenced, {.shares = leak}, to, at_second(100), {}).reason ==
          PublishReason::changed);
  }
  SECTION("load on a cluster without capacity is above any limit") {
    Problem dead = problem;
    dead.capacities[1] = 0;
    const PublishVerdict verdict = decide(dead, in_force, to, at_second(100), {});
    CHECK(verdict.reason == PublishReason::load);
    CHECK(verdict.cluster == 1);
  }
}

TEST_CASE("nothing is solved for a service that is home and cool", "[publish_rule]") {
  const Problem problem = two(700, 500);
  const std::vector<uint16_t> home = spilling(0);
  CHECK_FALSE(may_publish(problem, {.shares = home}, at_second(100), {}));
  const std::vector<uint16_t> abroad = spilling(1'000);
  CHECK(may_publish(problem, {.shares = abroad}, at_second(100), {}));
  CHECK_FALSE(
      may_publish(problem, {.shares = abroad, .last_by_load = at_second(71)}, at_second(100), {}));
}

}  // namespace swingover::steering
