#include "zones/steering/move_budget.h"

#include <catch2/catch.hpp>
#include <utility>
#include <vector>

#include "base/random.h"

namespace swingover::steering {
namespace {

constexpr MonotonicTime at(int64_t milliseconds) {
  return MonotonicTime{} + Milliseconds(milliseconds);
}

MoveBudget budget_of(double part, int64_t window) {
  MoveBudget budget;
  budget.configure({.part = part, .window = Milliseconds(window)});
  return budget;
}

}  // namespace

TEST_CASE("no more than the budget moves within a window", "[move_budget]") {
  MoveBudget budget = budget_of(0.2, 300'000);
  CHECK(budget.allows(0.15, at(0)));
  budget.spend(0.15, at(0));
  CHECK(budget.spent(at(1)) == Approx(0.15));
  CHECK(budget.allows(0.05, at(1)));
  CHECK_FALSE(budget.allows(0.06, at(1)));
  CHECK_FALSE(budget.allows(0.06, at(299'999)));
  const MonotonicTime free = budget.free_at(0.06, at(1));
  CHECK(free >= at(300'000));
  CHECK(free <= at(305'000));
  CHECK(budget.allows(0.06, free));
  CHECK(budget.free_at(0.05, at(1)) == at(1));
}

TEST_CASE("a move larger than the budget waits until nothing counts", "[move_budget]") {
  MoveBudget budget = budget_of(0.2, 60'000);
  CHECK(budget.allows(0.5, at(0)));
  CHECK_FALSE(budget.fits(0.5, at(0)));
  CHECK(budget.fits(0.2, at(0)));
  budget.spend(0.01, at(0));
  CHECK_FALSE(budget.allows(0.5, at(0)));
  const MonotonicTime free = budget.free_at(0.5, at(0));
  CHECK(budget.allows(0.5, free));
  CHECK(budget.spent(free) == 0);
}

TEST_CASE("a budget of all bounds nothing", "[move_budget]") {
  MoveBudget budget = budget_of(1, 60'000);
  CHECK_FALSE(budget.is_bounded());
  budget.spend(3, at(0));
  CHECK(budget.allows(1, at(0)));
}

TEST_CASE("what was moved counts in any window as a list of all moves has it", "[move_budget]") {
  Random random(7);
  for (int run = 0; run < 200; ++run) {
    const auto window = static_cast<int64_t>(1 + random.below(600'000));
    MoveBudget budget = budget_of(0.3, window);
    std::vector<std::pair<MonotonicTime, double>> moves;
    MonotonicTime now = at(static_cast<int64_t>(random.below(1'000'000)));
    for (int step = 0; step < 300; ++step) {
      now = now + Milliseconds(
                      static_cast<int64_t>(random.below(static_cast<uint64_t>(window) / 10 + 2)));
      const double part = random.unit() * 0.1;
      if (random.below(2) == 0 && budget.allows(part, now)) {
        budget.spend(part, now);
        moves.emplace_back(now, part);
      }
      double least = 0;
      double most = 0;
      const Milliseconds longer(window + window / 60 + 1);
      for (const auto& [when, moved] : moves) {
        if (when + Milliseconds(window) > now) least += moved;
        if (when + longer > now) most += moved;
      }
      REQUIRE(least <= 0.3 + 1e-6);
      REQUIRE(budget.spent(now) >= least - 1e-9);
      REQUIRE(budget.spent(now) <= most + 1e-9);
      const MonotonicTime free = budget.free_at(part, now);
      REQUIRE(free >= now);
      REQUIRE(budget.allows(part, free));
    }
  }
}

}  // namespace swingover::steering
