#include "zones/steering/ramp.h"

#include <catch2/catch.hpp>

namespace swingover::steering {
namespace {

constexpr Milliseconds seconds(int64_t n) {
  return Milliseconds(n * 1'000);
}

/// One locality that may use every cluster: all are used alike.
Allocation all_alike(const Problem& problem) {
  Allocation allocation;
  double capacity = 0;
  for (const double c : problem.capacities) capacity += c;
  for (const double c : problem.capacities) {
    allocation.loads.push_back(capacity > 0 ? problem.demands[0] * c / capacity : 0);
  }
  allocation.unserved.assign(1, capacity <= 0);
  return allocation;
}

/// Each locality has the cluster of its place alone.
Allocation each_alone(const Problem& problem) {
  Allocation allocation;
  for (size_t i = 0; i < problem.localities(); ++i) {
    const bool unserved = problem.capacities[i] <= 0;
    allocation.loads.push_back(unserved ? 0 : problem.demands[i]);
    allocation.unserved.push_back(unserved);
  }
  return allocation;
}

Problem shared(double demand, std::vector<double> capacities) {
  Problem problem;
  problem.demands = {demand};
  problem.costs.assign(capacities.size(), 0);
  problem.capacities = std::move(capacities);
  return problem;
}

std::vector<uint32_t> clusters(const std::vector<Yielding>& all) {
  std::vector<uint32_t> places;
  for (const Yielding& one : all) places.push_back(one.cluster);
  return places;
}

}  // namespace

TEST_CASE("a recovered cluster's capacity rises by one step a TTL", "[ramp]") {
  const RampRules rules;  // 120 s from 0.10, a TTL of 30 s
  CHECK(ramp_factor(seconds(0), rules) == Approx(0.10));
  CHECK(ramp_factor(seconds(29), rules) == Approx(0.10));
  CHECK(ramp_factor(seconds(30), rules) == Approx(0.325));
  CHECK(ramp_factor(seconds(89), rules) == Approx(0.55));
  CHECK(ramp_factor(seconds(90), rules) == Approx(0.775));
  CHECK(ramp_factor(seconds(120), rules) == 1);
  CHECK(ramp_factor(seconds(100'000), rules) == 1);
  CHECK(ramp_factor(seconds(-5), rules) == Approx(0.10));
}

TEST_CASE("a ramp has ten steps at most, however short the TTL", "[ramp]") {
  const RampRules rules{.duration = seconds(600), .start = 0.10, .ttl = seconds(5)};
  int steps = 0;
  double last = ramp_factor(seconds(0), rules);
  for (int at = 1; at <= 700; ++at) {
    const double part = ramp_factor(seconds(at), rules);
    CHECK(part >= last);
    if (part > last) ++steps;
    last = part;
  }
  CHECK(steps == 10);
  CHECK(last == 1);
}

TEST_CASE("a TTL longer than the ramp, or no ramp at all, still ends at the whole capacity",
          "[ramp]") {
  const RampRules slow{.duration = seconds(120), .start = 0.10, .ttl = seconds(300)};
  CHECK(ramp_factor(seconds(119), slow) == Approx(0.10));
  CHECK(ramp_factor(seconds(120), slow) == 1);
  const RampRules none{.duration = seconds(0), .start = 0.10, .ttl = seconds(30)};
  CHECK(ramp_factor(seconds(0), none) == 1);
}

TEST_CASE("a part of the capacity is reached at the step that has it", "[ramp]") {
  for (const auto& [ramp, ttl] : {std::pair(120'000, 30'000), std::pair(120'000, 1'000),
                                  std::pair(50'000, 30'000), std::pair(0, 30'000)}) {
    const RampRules rules{.duration = Milliseconds(ramp), .start = 0.10, .ttl = Milliseconds(ttl)};
    for (const double factor : {0.0, 0.05, 0.10, 0.11, 0.325, 0.5, 0.99, 1.0, 1.5}) {
      const Milliseconds at = ramp_reaches(factor, rules);
      CHECK(ramp_factor(at, rules) >= std::min(factor, 1.0) - 1e-9);
      if (at > Milliseconds(0))
        CHECK(ramp_factor(Milliseconds(at.value - 1), rules) < std::min(factor, 1.0));
    }
  }
}

TEST_CASE("a pool has the part of its capacity that its endpoints still are", "[ramp]") {
  CHECK(healthy_fraction(3, 4) == Approx(0.75));
  CHECK(healthy_fraction(0, 4) == 0);
  CHECK(healthy_fraction(0, 0) == 0);
}

TEST_CASE("ramps yield before flap holds, those that bring most first", "[ramp]") {
  Problem problem = shared(1'000, {500, 100, 0, 0, 50});
  std::vector<Yielding> exclusions{{2, SoftExclusion::flap_hold, 900},
                                   {1, SoftExclusion::ramp, 300},
                                   {3, SoftExclusion::flap_hold, 1'000},
                                   {4, SoftExclusion::ramp, 400}};
  order_yielding(exclusions, problem);
  CHECK(clusters(exclusions) == std::vector<uint32_t>{4, 1, 3, 2});
}

TEST_CASE("exclusions yield one by one until everybody fits", "[ramp]") {
  const std::vector<Yielding> exclusions{{2, SoftExclusion::flap_hold, 900},
                                         {1, SoftExclusion::ramp, 600}};
  SECTION("nobody, when the demand fits") {
    Problem problem = shared(500, {500, 100, 0});
    CHECK(yield_to_shortage(problem, exclusions, all_alike).empty());
    CHECK(problem.capacities == std::vector<double>{500, 100, 0});
  }
  SECTION("the ramp, when that is enough") {
    Problem problem = shared(1'000, {500, 100, 0});
    CHECK(clusters(yield_to_shortage(problem, exclusions, all_alike)) == std::vector<uint32_t>{1});
    CHECK(problem.capacities == std::vector<double>{500, 600, 0});
  }
  SECTION("all, when it is not") {
    Problem problem = shared(5'000, {500, 100, 0});
    CHECK(clusters(yield_to_shortage(problem, exclusions, all_alike)) ==
          std::vector<uint32_t>{1, 2});
    CHECK(problem.capacities == std::vector<double>{500, 600, 900});
  }
  SECTION("one that is unserved counts as short") {
    Problem problem = shared(10, {0, 0, 0});
    CHECK(clusters(yield_to_shortage(problem, {{2, SoftExclusion::flap_hold, 900}}, all_alike)) ==
          std::vector<uint32_t>{2});
  }
}

TEST_CASE("who cannot help those who are short does not yield", "[ramp]") {
  Problem problem;
  problem.demands = {900, 50};
  problem.capacities = {500, 60};
  problem.costs = {0, forbidden, forbidden, 0};
  const std::vector<Yielding> exclusions{{1, SoftExclusion::ramp, 5'000},
                                         {0, SoftExclusion::flap_hold, 1'000}};
  CHECK(clusters(yield_to_shortage(problem, exclusions, each_alone)) == std::vector<uint32_t>{0});
  CHECK(problem.capacities == std::vector<double>{1'000, 60});
}

}  // namespace swingover::steering
