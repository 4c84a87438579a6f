#include "zones/steering/leaving.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "tests/zones/steering/random_problem.h"

namespace swingover::steering {
namespace {

/// A mix, and what it is of.
struct Mixed {
  std::vector<LeavingPart> parts;
  std::vector<Allocation> allocations;
  Allocation result;
};

Mixed mixed(const Problem& problem, const std::vector<Leaving>& leaving) {
  Mixed out;
  out.parts = leaving_parts(problem, leaving);
  std::vector<const Allocation*> given;
  for (const LeavingPart& part : out.parts) out.allocations.push_back(allocate(part.problem));
  for (const Allocation& one : out.allocations) given.push_back(&one);
  out.result = mix(problem, out.parts, given);
  return out;
}

using Shares = std::vector<uint16_t>;

}  // namespace

TEST_CASE("equal costs: who leaves in steps has the rest of his load after each", "[leaving]") {
  const Problem problem{.demands = {400}, .capacities = {1'000, 1'000}, .costs = {0, 0}};
  CHECK(allocate_leaving(problem, std::vector{Leaving{0, {}, 500}}, allocate).shares ==
        Shares{4'750, 5'250});
  CHECK(mixed(problem, {}).result.shares == Shares{5'000, 5'000});
  CHECK(mixed(problem, {{0, {}, 500}}).result.shares == Shares{4'750, 5'250});
  CHECK(mixed(problem, {{0, {}, 5'000}}).result.shares == Shares{2'500, 7'500});
  CHECK(mixed(problem, {{0, {}, 10'000}}).result.shares == Shares{0, 10'000});
}

TEST_CASE("whoever leaves has the rest of what he would have, on random problems", "[leaving]") {
  Random random(7);
  for (int run = 0; run < 5'000; ++run) {
    const Problem problem = random_problem(random);
    const auto leaver = static_cast<uint32_t>(random.below(problem.clusters()));
    const auto moved = static_cast<uint16_t>(random.below(share_parts + 1));
    const Mixed of = mixed(problem, {{leaver, {}, moved}});
    const Allocation& first = of.allocations.front();
    const Allocation& last = of.allocations.back();
    INFO(to_text(problem) << " leaver " << leaver << " moved " << moved);
    for (size_t i = 0; i < problem.localities(); ++i) {
      const auto row = [&](const Allocation& of_one) {
        return std::span(of_one.shares).subspan(i * problem.clusters(), problem.clusters());
      };
      const auto got = row(of.result);
      REQUIRE(std::accumulate(got.begin(), got.end(), 0U) ==
              (first.unserved[i] ? 0U : share_parts));
      if (first.unserved[i]) continue;
      const bool stays = last.unserved[i];
      const double rest = stays ? 1 : 1 - double{1} * moved / share_parts;
      REQUIRE(got[leaver] == Approx(row(first)[leaver] * rest).margin(1));
      for (size_t j = 0; j < problem.clusters(); ++j) {
        const auto [least, most] = std::minmax(row(first)[j], stays ? row(first)[j] : row(last)[j]);
        REQUIRE(got[j] + 1 >= least);
        REQUIRE(got[j] <= most + 1);
      }
    }
    for (size_t j = 0; j < problem.clusters(); ++j) {
      double load = 0;
      for (size_t i = 0; i < problem.localities(); ++i)
        load += of.result.flows[i * problem.clusters() + j];
      REQUIRE(of.result.loads[j] == Approx(load).margin(1e-9));
      if (j != leaver) REQUIRE(load <= std::max(first.loads[j], last.loads[j]) * (1 + 1e-9) + 1e-9);
    }
  }
}

TEST_CASE("several leave by different parts, and some localities alone", "[leaving]") {
  const Problem problem{
      .demands = {300, 300}, .capacities = {1'000, 1'000, 1'000}, .costs = {0, 1, 2, 0, 1, 2}};
  SECTION("each has his own rest") {
    const Allocation got = mixed(problem, {{0, {}, 4'000}, {1, {}, 7'000}}).result;
    // A keeps 60 %; of the rest B, who would have it, keeps 30 % of all.
    CHECK(got.shares == Shares{6'000, 0, 4'000, 6'000, 0, 4'000});
    const Allocation less = mixed(problem, {{0, {}, 7'000}, {1, {}, 4'000}}).result;
    CHECK(less.shares == Shares{3'000, 3'000, 4'000, 3'000, 3'000, 4'000});
  }
  SECTION("of one locality alone") {
    const std::vector<Leaving> leaving{{0, {1}, 2'500}};
    CHECK(mixed(problem, leaving).result.shares == Shares{10'000, 0, 0, 7'500, 2'500, 0});
    CHECK(staying_part(leaving, 0, 1) == 7'500);
    CHECK(staying_part(leaving, 0, 0) == 10'000);
    CHECK(staying_part(leaving, 1, 1) == 10'000);
  }
  SECTION("where nobody else can, it stays") {
    Problem alone = problem;
    alone.capacities = {1'000, 0, 0};
    CHECK(mixed(alone, {{0, {}, 10'000}}).result.shares == Shares{10'000, 0, 0, 10'000, 0, 0});
  }
}

TEST_CASE("nobody leaves: the allocation itself", "[leaving]") {
  const Problem problem{.demands = {400}, .capacities = {1'000, 500}, .costs = {0, 1}};
  const Mixed of = mixed(problem, {{0, {}, 0}});
  CHECK(of.parts.size() == 1);
  CHECK(of.parts.front().weight == share_parts);
  CHECK(of.result.shares == allocate(problem).shares);
}

}  // namespace swingover::steering
