#include "zones/steering/share_check.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tests/support/seeds.h"
#include "tests/zones/steering/random_problem.h"
#include "zones/steering/allocator.h"

namespace swingover::steering {

namespace {

const std::vector<std::string> localities{"fra-a", "ams-a", "waw-a", "par-a", "lon-a"};
const std::vector<std::string> clusters{"fra", "ams", "waw", "par", "lon"};

using Lines = std::vector<std::string>;
using Shares = std::vector<uint16_t>;

Lines broken(const Problem& problem, const Shares& shares) {
  return broken_invariants(problem, shares, {localities, clusters});
}

/// Two localities, three clusters; the second locality may not use the last one.
Problem example() {
  return {.demands = {600, 300}, .capacities = {1000, 500, 0}, .costs = {0, 2, 5, 2, 0, forbidden}};
}

}  // namespace

TEST_CASE("a table that keeps everything breaks nothing", "[share_check]") {
  CHECK(broken(example(), {10'000, 0, 0, 0, 10'000, 0}).empty());
  CHECK(broken(example(), {5'000, 5'000, 0, 10'000, 0, 0}).empty());
}

TEST_CASE("shares that do not add up are told", "[share_check]") {
  CHECK(broken(example(), {9'990, 0, 0, 0, 10'000, 0}) ==
        Lines{"locality fra-a: shares add up to 9,990"});
  CHECK(broken(example(), {10'000, 0, 0, 1, 10'000, 0}) ==
        Lines{"locality ams-a: shares add up to 10,001"});
  CHECK(broken(example(), {0, 0, 0, 0, 10'000, 0}) == Lines{"locality fra-a: shares add up to 0"});
}

TEST_CASE("shares at closed doors are told", "[share_check]") {
  CHECK(broken(example(), {7'000, 0, 3'000, 0, 10'000, 0}) ==
        Lines{"locality fra-a: a share of 3,000 at waw, which has no capacity"});
  CHECK(broken(example(), {10'000, 0, 0, 0, 0, 10'000}) ==
        Lines{"locality ams-a: a share of 10,000 at waw, which is forbidden"});
}

TEST_CASE("a locality that nobody can serve has no shares", "[share_check]") {
  Problem problem = example();
  problem.costs[3] = problem.costs[4] = forbidden;
  CHECK(broken(problem, {10'000, 0, 0, 0, 0, 0}).empty());
  CHECK(broken(problem, {10'000, 0, 0, 10'000, 0, 0}) ==
        Lines{"locality ams-a: a share of 10,000 at fra, which is forbidden",
              "locality ams-a: has shares although no cluster can serve it"});
}

TEST_CASE("a cluster above its limit is told when its load has somewhere to go", "[share_check]") {
  Problem problem = example();
  CHECK(broken(problem, {0, 10'000, 0, 0, 10'000, 0}) ==
        Lines{"cluster ams: 400 above its limit, while fra has room for 1,000"});

  SECTION("also over another cluster that is full") {
    // fra-a may go to fra and ams, ams-a to ams and waw: fra's excess pushes ams-a on to waw.
    problem = {.demands = {1000, 400},
               .capacities = {500, 500, 500},
               .costs = {0, 0, forbidden, forbidden, 0, 0}};
    CHECK(broken(problem, {9'000, 1'000, 0, 0, 10'000, 0}) ==
          Lines{"cluster fra: 400 above its limit, while waw has room for 500"});
  }
  SECTION("not when nobody has room") {
    problem.demands = {2000, 0};
    CHECK(broken(problem, {6'667, 3'333, 0, 0, 10'000, 0}).empty());
  }
  SECTION("not when it has no other way") {
    problem.costs[0] = problem.costs[3] = forbidden;
    CHECK(broken(problem, {0, 10'000, 0, 0, 10'000, 0}).empty());
  }
  SECTION("and rounding to whole parts is forgiven") {
    problem = {.demands = {1000, 0}, .capacities = {100.05, 2000, 0}, .costs = example().costs};
    CHECK(broken(problem, {1'001, 8'999, 0, 0, 10'000, 0}).empty());
    CHECK(broken(problem, {1'003, 8'997, 0, 0, 10'000, 0}) ==
          Lines{"cluster fra: 0.25 above its limit, while ams has room for 1,100"});
  }
}

TEST_CASE("a locality's last part is nothing that could be moved elsewhere", "[share_check]") {
  // The first cluster is overloaded by the second locality; of the first one it has a single part, or two.
  const Problem problem{.demands = {10'000, 9'000},
                        .capacities = {1'000, 1'000, 90'000},
                        .costs = {0, forbidden, 0, 0, 0, forbidden}};
  CHECK(broken(problem, {1, 0, 9'999, 5'000, 5'000, 0}).empty());
  CHECK(broken(problem, {2, 0, 9'998, 5'000, 5'000, 0}) ==
        Lines{"cluster fra: 3,502 above its limit, while waw has room for 80,002",
              "cluster ams: 3,500 above its limit, while waw has room for 80,002"});
}

TEST_CASE("what lies many magnitudes below the demand is no room", "[share_check]") {
  Allocator allocator;
  Random random(1);
  for (int k = 0; k < 4'000; ++k) {
    Problem problem;
    const size_t places = 1 + random.below(5);
    const auto amount = [&] { return std::pow(10, random.unit() * 24 - 9); };
    for (size_t i = 0; i < places; ++i) problem.demands.push_back(amount());
    for (size_t j = 0; j < clusters.size(); ++j) problem.capacities.push_back(amount());
    for (size_t at = 0; at < places * clusters.size(); ++at)
      problem.costs.push_back(random.below(4) == 0 ? forbidden
                                                   : static_cast<double>(random.below(4)));
    const Allocation got = allocator.allocate(problem);
    const Lines lines = broken(problem, got.shares);
    if (!lines.empty()) FAIL(k << ": " << lines[0] << '\n' << to_text(problem));
  }
}

TEST_CASE("a table of another size is told and not read", "[share_check]") {
  CHECK(broken(example(), {10'000, 0}) == Lines{"the table has 2 shares, not 6"});
}

TEST_CASE("every allocation passes the check, and none with a part more or less", "[share_check]") {
  Allocator allocator;
  size_t tried = 0;
  size_t caught = 0;
  for (const uint64_t seed : tests::simulation_seeds(3'000)) {
    Random random(seed);
    const ProblemKind kind{.magnitudes = static_cast<int>(random.below(3)) * 4};
    const Problem problem = random_problem(random, kind);
    const Allocation got = allocator.allocate(problem);
    const Lines lines = broken(problem, got.shares);
    if (!lines.empty()) FAIL("seed " << seed << ": " << lines[0] << '\n' << to_text(problem));
    Shares shares = got.shares;
    const size_t at = random.below(shares.size());
    shares[at] = static_cast<uint16_t>(shares[at] ^ 1);
    ++tried;
    caught += !broken(problem, shares).empty();
  }
  CHECK(caught == tried);
}

TEST_CASE("localities of hardly any demand leave no share at clusters that others overload",
          "[share_check]") {
  Allocator allocator;
  for (const uint64_t seed : tests::simulation_seeds(1'000)) {
    Random random(seed);
    const ProblemKind kind{.localities_max = 30, .clusters_max = 6, .magnitudes = 7};
    const Problem problem = random_problem(random, kind);
    const Allocation got = allocator.allocate(problem);
    for (size_t i = 0; i < problem.localities(); ++i) {
      double least = forbidden;
      for (size_t j = 0; j < problem.clusters(); ++j) {
        if (problem.capacities[j] > 0 && problem.cost(i, j) != forbidden) {
          least = std::min(least, got.levels[j]);
        }
      }
      if (problem.demands[i] == 0) continue;
      for (size_t j = 0; j < problem.clusters(); ++j) {
        const bool is_full = got.levels[j] > std::max(problem.target, least) * (1 + 1e-6);
        if (is_full && got.shares[i * problem.clusters() + j] > 0) {
          FAIL("seed " << seed << " locality " << i << '\n' << to_text(problem));
        }
      }
    }
  }
}

TEST_CASE("a row that was changed after the allocation is checked by itself", "[share_check]") {
  const std::vector<bool> all{true, true, true};
  CHECK(broken_row(std::vector<uint16_t>{2'500, 7'500, 0}, all).empty());
  CHECK(broken_row(std::vector<uint16_t>{0, 0, 0}, all).empty());
  CHECK(broken_row(std::vector<uint16_t>{2'500, 7'490, 0}, all) == "shares add up to 9,990");
  CHECK(broken_row(std::vector<uint16_t>{2'500, 7'500, 1}, all) == "shares add up to 10,001");
  CHECK(broken_row(std::vector<uint16_t>{2'500, 7'500, 0}, {true, false, true}) ==
        "share 7,500 leads to place 1, which must not serve it");
  CHECK(broken_row(std::vector<uint16_t>{10'000, 0, 0}, {true, false, true}).empty());
}

}  // namespace swingover::steering
