#include "zones/steering/load_band.h"

#include <catch2/catch.hpp>

namespace swingover::steering {
namespace {

constexpr LoadBand band{.low = 0.8, .high = 2.0};

}  // namespace

TEST_CASE("a load at the high mark follows from requests under way", "[load_band]") {
  // 400 a second with 8 under way at 4 endpoints: 2 each, the high mark itself.
  CHECK(*load_at_high({.load = 400, .in_flight = 8, .eligible = 4}, band) == Approx(400));
  CHECK(*load_at_high({.load = 400, .in_flight = 4, .eligible = 4}, band) == Approx(800));
  CHECK_FALSE(load_at_high({.load = 0, .in_flight = 4, .eligible = 4}, band));
  CHECK_FALSE(load_at_high({.load = 400, .in_flight = 0, .eligible = 4}, band));
  CHECK_FALSE(load_at_high({.load = 400, .in_flight = 4, .eligible = 0}, band));
}

TEST_CASE("without a capacity the first report gives one", "[load_band]") {
  BandCapacity capacity;
  CHECK_FALSE(capacity.capacity(4));
  capacity.apply({.load = 0, .in_flight = 0, .eligible = 4}, band);
  CHECK_FALSE(capacity.capacity(4));
  capacity.apply({.load = 400, .in_flight = 4, .eligible = 4}, band);
  CHECK(*capacity.capacity(4) == Approx(800));
}

TEST_CASE("within the band the capacity stays", "[load_band]") {
  BandCapacity capacity(500, 4);
  for (const double in_flight : {3.2, 5.0, 8.0}) {
    capacity.apply({.load = 400, .in_flight = in_flight, .eligible = 4}, band);
    CHECK(*capacity.capacity(4) == Approx(500));
  }
}

TEST_CASE("above the band it falls, below it rises, by half of the way and a quarter at most",
          "[load_band]") {
  BandCapacity capacity(500, 4);
  SECTION("half of the way down") {
    capacity.apply({.load = 500, .in_flight = 10, .eligible = 4}, band);  // 2.5 each: 400
    CHECK(*capacity.capacity(4) == Approx(450));
  }
  SECTION("a quarter at most") {
    capacity.apply({.load = 500, .in_flight = 400, .eligible = 4}, band);
    CHECK(*capacity.capacity(4) == Approx(375));
    capacity.apply({.load = 10, .in_flight = 0.01, .eligible = 4}, band);
    CHECK(*capacity.capacity(4) == Approx(375 * 1.25));
  }
  SECTION("a pool above the band never gains, one below never loses") {
    capacity.apply({.load = 5'000, .in_flight = 10, .eligible = 4}, band);  // it would be 4,000
    CHECK(*capacity.capacity(4) == Approx(500));
    capacity.apply({.load = 1, .in_flight = 2, .eligible = 4}, band);  // it would be 4
    CHECK(*capacity.capacity(4) == Approx(500));
  }
  SECTION("never beyond eight times, or an eighth") {
    for (int k = 0; k < 100; ++k) capacity.apply({.load = 1, .in_flight = 99, .eligible = 4}, band);
    CHECK(*capacity.capacity(4) == Approx(500.0 / 8));
  }
}

TEST_CASE("an endpoint that leaves takes its part along at once", "[load_band]") {
  BandCapacity capacity(500, 4);
  CHECK(*capacity.capacity(2) == Approx(250));
  CHECK(*capacity.capacity(0) == 0);
}

TEST_CASE("a pool with constant latency ends where an endpoint has the high mark", "[load_band]") {
  // 10 ms a request: 2 under way are 200 a second an endpoint, 800 for four; configured four times too much.
  BandCapacity capacity(3'200, 4);
  for (int k = 0; k < 40; ++k) {
    const double load = 0.7 * *capacity.capacity(4);  // steering fills it up to its target
    capacity.apply({.load = load, .in_flight = load * 0.010, .eligible = 4}, band);
  }
  const double each = 0.7 * *capacity.capacity(4) * 0.010 / 4;
  CHECK(each <= band.high * 1.001);
  CHECK(each >= band.low);
}

}  // namespace swingover::steering
