#include "zones/steering/share_rounding.h"

#include <catch2/catch.hpp>

namespace swingover::steering {

namespace {

std::vector<uint16_t> rounded(const std::vector<double>& amounts) {
  std::vector<uint16_t> shares(amounts.size());
  ShareRounder().round(amounts, shares);
  return shares;
}
using Shares = std::vector<uint16_t>;

}  // namespace

TEST_CASE("shares are whole parts, the rest to the largest remainders", "[share_rounding]") {
  CHECK(rounded({1}) == Shares{10'000});
  CHECK(rounded({3, 1}) == Shares{7'500, 2'500});
  CHECK(rounded({700, 200, 200}) == Shares{6'364, 1'818, 1'818});  // .64 before .18
  CHECK(rounded({2, 4}) == Shares{3'333, 6'667});
}

TEST_CASE("of equal remainders the smaller place wins", "[share_rounding]") {
  CHECK(rounded({1, 1, 1}) == Shares{3'334, 3'333, 3'333});
  CHECK(rounded({0.1, 0.2, 0.1, 0.2}) == Shares{1'667, 3'333, 1'667, 3'333});
  SECTION("also when a sum's rounding made them differ") {
    CHECK(rounded({1, 1 + 1e-15, 1 + 2e-15}) == Shares{3'334, 3'333, 3'333});
  }
}

TEST_CASE("who gets nothing has no part", "[share_rounding]") {
  CHECK(rounded({0, 1, 0}) == Shares{0, 10'000, 0});
  CHECK(rounded({0, 1, 1e-7}) == Shares{0, 10'000, 0});
  CHECK(rounded({1e12, 1e-6}) == Shares{10'000, 0});
}

}  // namespace swingover::steering
