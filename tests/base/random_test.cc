#include "base/random.h"

#include <array>
#include <catch2/catch.hpp>
#include <set>

namespace swingover {

TEST_CASE("the sequence is SplitMix64's, and the same for the same seed", "[random]") {
  Random random(1234567);
  CHECK(random.next() == 6457827717110365317U);  // the reference sequence of this seed
  CHECK(random.next() == 3203168211198807973U);
  Random same(1234567);
  CHECK(same.next() == 6457827717110365317U);
}

TEST_CASE("numbers below a bound are below it, and evenly spread", "[random]") {
  Random random(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70'000; ++i) ++seen.at(random.below(7));
  for (const int count : seen)
    CHECK(std::abs(count - 10'000) < 500);  // over five standard deviations
  for (int i = 0; i < 100; ++i) CHECK(random.below(1) == 0);
}

TEST_CASE("a unit number is at least 0 and below 1, and evenly spread", "[random]") {
  Random random(2);
  double sum = 0;
  for (int i = 0; i < 100'000; ++i) {
    const double unit = random.unit();
    REQUIRE(unit >= 0.0);
    REQUIRE(unit < 1.0);
    sum += unit;
  }
  CHECK(sum / 100'000 == Approx(0.5).margin(0.01));
}

TEST_CASE("seeds from the kernel differ", "[random]") {
  std::set<uint64_t> seeds;
  for (int i = 0; i < 100; ++i) seeds.insert(random_seed());
  CHECK(seeds.size() == 100);
}

}  // namespace swingover
