#include "zones/steering/allocator.h"

#include <catch2/catch.hpp>

#include "tests/support/seeds.h"
#include "tests/zones/steering/allocation_oracle.h"
#include "tests/zones/steering/random_problem.h"

namespace swingover::steering {

TEST_CASE("allocations of small problems are what the four stages define", "[allocation]") {
  Allocator allocator;
  size_t of_regime[3] = {};
  for (const uint64_t seed : tests::simulation_seeds(12'000)) {
    Random random(seed);
    const Problem problem = random_problem(random);
    const Allocation got = allocator.allocate(problem);
    ++of_regime[static_cast<size_t>(got.regime)];
    std::string wrong = wrong_row(problem, got);
    if (wrong.empty()) wrong = wrong_stage(problem, got);
    if (!wrong.empty()) FAIL("seed " << seed << ": " << wrong << '\n' << to_text(problem));
  }
  if (tests::simulation_seeds(12'000).size() < 12'000) return;
  for (const size_t found : of_regime) CHECK(found > 500);
}

}  // namespace swingover::steering
