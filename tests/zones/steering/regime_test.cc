#include <catch2/catch.hpp>

#include "zones/steering/allocation.h"

namespace swingover::steering {

TEST_CASE("regimes have the words of the commands and metrics", "[regime]") {
  CHECK(word(Regime::normal) == "normal");
  CHECK(word(Regime::tight) == "tight");
  CHECK(word(Regime::overload) == "overload");
}

}  // namespace swingover::steering
