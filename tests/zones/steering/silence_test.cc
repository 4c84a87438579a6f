#include "zones/steering/silence.h"

#include <catch2/catch.hpp>

namespace swingover::steering {

namespace {

using Times = std::vector<std::optional<MonotonicTime>>;

constexpr Milliseconds age_max{25'000};
constexpr MonotonicTime now{1'000'000'000'000};
constexpr MonotonicTime ago(int64_t seconds) {
  return now + Milliseconds(-seconds * 1000);
}

}  // namespace

TEST_CASE("a cluster whose reports stop counts for less", "[silence]") {
  CHECK(silence_factors(Times{ago(1), ago(24), ago(25), ago(3600)}, now, age_max) ==
        std::vector<double>{1, 1, silent_part, silent_part});
}

TEST_CASE("a cluster that never reports counts for all that it has", "[silence]") {
  CHECK(silence_factors(Times{ago(1), std::nullopt}, now, age_max) == std::vector<double>{1, 1});
}

TEST_CASE("when nobody reports any more, nobody counts for less", "[silence]") {
  CHECK(silence_factors(Times{ago(26), ago(27), std::nullopt}, now, age_max) ==
        std::vector<double>{1, 1, 1});
}

}  // namespace swingover::steering
