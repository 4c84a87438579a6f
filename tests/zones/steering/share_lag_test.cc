#include "zones/steering/share_lag.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace swingover::steering {
namespace {

constexpr MonotonicTime at_second(int64_t second) {
  return {second * 1'000'000'000};
}

float lag_of(const ShareLag& lag, size_t cluster, int64_t second) {
  std::vector<float> out(lag.localities());
  lag.at(cluster, at_second(second), out);
  return out[0];
}

std::vector<uint16_t> share(uint16_t first) {
  return {first, static_cast<uint16_t>(10'000 - first)};
}

}  // namespace

TEST_CASE("the first shares count as long in force", "[share_lag]") {
  ShareLag lag(1, 2, Milliseconds(35'000));
  CHECK_FALSE(lag.known());
  lag.in_force(share(7'000), at_second(100));
  CHECK(lag.known());
  CHECK(lag_of(lag, 0, 100) == Approx(0.7));
  CHECK(lag_of(lag, 1, 50) == Approx(0.3));
  CHECK(lag_of(lag, 1, 5'000) == Approx(0.3));
}

TEST_CASE("clients follow new shares with the lag's time constant", "[share_lag]") {
  ShareLag lag(1, 2, Milliseconds(35'000));
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(0), at_second(100));
  CHECK(lag_of(lag, 0, 99) == Approx(1.0));
  CHECK(lag_of(lag, 0, 100) == Approx(1.0));
  CHECK(lag_of(lag, 0, 135) == Approx(std::exp(-1.0)));
  CHECK(lag_of(lag, 1, 170) == Approx(1 - std::exp(-2.0)));
}

TEST_CASE("any instant of the last minutes is what a tick each second would have given",
          "[share_lag]") {
  ShareLag lag(1, 2, Milliseconds(35'000));
  std::vector<double> ticked;
  double now = 0.9;
  uint16_t in_force = 9'000;
  for (int64_t second = 0; second < 250; ++second) {
    if (second % 30 == 0) {
      in_force = static_cast<uint16_t>((9'000 + second * 137) % 10'001);
      if (second == 0) now = in_force / 10'000.0;
      lag.in_force(share(in_force), at_second(second));
    }
    ticked.push_back(now);
    now += (in_force / 10'000.0 - now) * (1 - std::exp(-1.0 / 35));
  }
  for (int64_t second = 0; second < 250; second += 7) {
    INFO(second);
    CHECK(lag_of(lag, 0, second) == Approx(ticked[static_cast<size_t>(second)]).margin(1e-5));
  }
}

TEST_CASE("shares that change back and forth within a second are one step", "[share_lag]") {
  ShareLag lag(1, 2, Milliseconds(35'000));
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(0), at_second(100));
  const size_t before = lag.octets();
  lag.in_force(share(5'000), {at_second(100).nanoseconds + 900'000'000});
  CHECK(lag.octets() == before);
  CHECK(lag_of(lag, 0, 1'000) == Approx(0.5));
}

TEST_CASE("more changes than it keeps leave the lag exact and the memory shorter", "[share_lag]") {
  ShareLag lag(1, 2, Milliseconds(35'000));
  double exact = 1;
  lag.in_force(share(10'000), at_second(0));
  for (int64_t k = 1; k <= 40; ++k) {
    lag.in_force(share(k % 2 ? 0 : 10'000), at_second(k * 5));
    if (k > 1) exact = (k % 2 ? 1.0 : 0.0) + (exact - (k % 2 ? 1.0 : 0.0)) * std::exp(-5.0 / 35);
  }
  CHECK(lag_of(lag, 0, 200) == Approx(exact).margin(1e-5));
  const float oldest = lag_of(lag, 0, 0);
  CHECK(oldest == lag_of(lag, 0, 100));  // both before its memory: as it was when that begins
}

TEST_CASE("what was in force counts for the whole of its memory", "[share_lag]") {
  ShareLag lag(1, 2, Milliseconds(35'000));
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(0), at_second(1'000));
  // The memory begins with the change, and somebody asks for the instants behind that.
  for (const int64_t behind : {0, 1, 10, 35}) {
    lag.forget(at_second(1'300 + behind));
    CHECK(lag_of(lag, 0, 1'000 + behind) ==
          Approx(std::exp(-static_cast<double>(behind) / 35)).margin(1e-5));
  }
}

TEST_CASE("at rest the lag of 50 localities and 8 clusters is hardly more than its shares",
          "[share_lag]") {
  ShareLag lag(50, 8, Milliseconds(35'000));
  std::vector<uint16_t> shares(400, 1'250);
  lag.in_force(shares, at_second(0));
  CHECK(lag.octets() <= 800 + 160);
  for (int64_t k = 1; k <= 6; ++k) {
    shares[0] = static_cast<uint16_t>(k);
    lag.in_force(shares, at_second(1'000 + k * 30));
  }
  CHECK(lag.octets() > 5'000);
  lag.forget(at_second(1'180 + 300 + 350 + 1));
  CHECK(lag.octets() <= 800 + 160);
  std::vector<float> out(50);
  lag.at(0, at_second(2'000), out);
  CHECK(out[0] == Approx(0.0006));
}

}  // namespace swingover::steering
