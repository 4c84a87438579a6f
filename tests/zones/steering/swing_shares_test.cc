#include "zones/steering/swing_shares.h"

#include <catch2/catch.hpp>
#include <numeric>

#include "base/random.h"

namespace swingover::steering {

TEST_CASE("a swing to one cluster moves its part of a row, and changes no other",
          "[swing_shares]") {
  std::vector<uint16_t> row{6000, 3000, 1000};
  SECTION("a step") {
    swing_row(row, 0, 2, 500);
    CHECK(row == std::vector<uint16_t>{5700, 3000, 1300});
  }
  SECTION("everything") {
    swing_row(row, 0, 2, 10'000);
    CHECK(row == std::vector<uint16_t>{0, 3000, 7000});
  }
  SECTION("nothing") {
    swing_row(row, 0, 2, 0);
    CHECK(row == std::vector<uint16_t>{6000, 3000, 1000});
  }
}

TEST_CASE("a swing never changes what a row adds up to", "[swing_shares]") {
  Random random(1);
  for (int i = 0; i < 10'000; ++i) {
    std::vector<uint16_t> row(5, 0);
    uint32_t left = share_parts;
    for (size_t j = 0; j < 4; ++j) {
      row[j] = static_cast<uint16_t>(random.below(left + 1));
      left -= row[j];
    }
    row[4] = static_cast<uint16_t>(left);
    const size_t from = random.below(5);
    swing_row(row, from, (from + 1 + random.below(4)) % 5,
              static_cast<uint16_t>(random.below(share_parts + 1)));
    REQUIRE(std::accumulate(row.begin(), row.end(), 0U) == share_parts);
  }
}

}  // namespace swingover::steering
