#include "zones/steering/share_lag.h"

#include <algorithm>
#include <array>
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
  ShareLag lag(1, 2, {});
  CHECK_FALSE(lag.known());
  lag.in_force(share(7'000), at_second(100));
  CHECK(lag.known());
  CHECK(lag_of(lag, 0, 100) == Approx(0.7));
  CHECK(lag_of(lag, 1, 50) == Approx(0.3));
  CHECK(lag_of(lag, 1, 5'000) == Approx(0.3));
}

TEST_CASE("clients follow new shares with the lag's time constant", "[share_lag]") {
  ShareLag lag(1, 2, {});
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(0), at_second(100));
  CHECK(lag_of(lag, 0, 99) == Approx(1.0));
  CHECK(lag_of(lag, 0, 100) == Approx(1.0));
  CHECK(lag_of(lag, 0, 135) == Approx(std::exp(-1.0)));
  CHECK(lag_of(lag, 1, 170) == Approx(1 - std::exp(-2.0)));
}

TEST_CASE("any instant of the last minutes is what a tick each second would have given",
          "[share_lag]") {
  ShareLag lag(1, 2, {});
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
  ShareLag lag(1, 2, {});
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(0), at_second(100));
  const size_t before = lag.octets();
  lag.in_force(share(5'000), {at_second(100).nanoseconds + 900'000'000});
  CHECK(lag.octets() == before);
  CHECK(lag_of(lag, 0, 1'000) == Approx(0.5));
}

TEST_CASE("more changes than it keeps leave the lag exact and the memory shorter", "[share_lag]") {
  ShareLag lag(1, 2, {});
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
  ShareLag lag(1, 2, {});
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(0), at_second(1'000));
  // The memory begins with the change, and somebody asks for the instants behind that.
  for (const int64_t behind : {0, 1, 10, 35}) {
    lag.forget(at_second(1'300 + behind));
    CHECK(lag_of(lag, 0, 1'000 + behind) ==
          Approx(std::exp(-static_cast<double>(behind) / 35)).margin(1e-5));
  }
}

TEST_CASE("clients of a broken cluster go where the shares send them as fast as caches let them",
          "[share_lag]") {
  // A: half at 0 and half at 1; 0 breaks, 1 gets three quarters of all and 2 a quarter; then 1 breaks, and 0 comes back.
  ShareLag lag(1, 3, {});
  const auto shares = [](uint16_t a, uint16_t b, uint16_t c) { return std::vector{a, b, c}; };
  struct Change {
    int64_t second;
    std::vector<uint16_t> shares;
    std::vector<uint32_t> broken;
  };
  const std::vector<Change> changes{{0, shares(5'000, 5'000, 0), {}},
                                    {100, shares(0, 7'500, 2'500), {0}},
                                    {130, shares(4'000, 0, 6'000), {1}},
                                    {160, shares(4'000, 6'000, 0), {}}};
  std::array<double, 3> at{0.5, 0.5, 0};  // a hundred times a second, each kind of client by itself
  size_t next = 1;
  lag.in_force(changes[0].shares, at_second(0));
  for (int64_t second = 0; second <= 200; ++second) {
    if (next < changes.size() && changes[next].second == second) {
      lag.in_force(changes[next].shares, at_second(second), changes[next].broken);
      ++next;
    }
    if (second % 9 == 0) {
      INFO(second);
      for (size_t j = 0; j < 3; ++j) CHECK(lag_of(lag, j, second) == Approx(at[j]).margin(0.002));
      CHECK(lag_of(lag, 0, second) + lag_of(lag, 1, second) + lag_of(lag, 2, second) ==
            Approx(1).margin(1e-5));
    }
    const Change& now = changes[next - 1];
    for (int i = 0; i < 100; ++i) {
      double moving = 0;
      for (uint32_t j = 0; j < 3; ++j) {
        const double leaves = at[j] * 0.01 / (std::ranges::count(now.broken, j) > 0 ? 15 : 35);
        at[j] -= leaves;
        moving += leaves;
      }
      for (size_t j = 0; j < 3; ++j) at[j] += moving * now.shares[j] / 10'000;
    }
  }
  SECTION("and what it no longer keeps is folded exactly") {
    std::array<float, 3> before{};
    for (size_t j = 0; j < 3; ++j) before[j] = lag_of(lag, j, 400);
    lag.forget(at_second(460));
    for (size_t j = 0; j < 3; ++j) CHECK(lag_of(lag, j, 400) == Approx(before[j]).margin(1e-5));
  }
}

TEST_CASE("a cluster that was not broken after all keeps its clients for as long as any other",
          "[share_lag]") {
  ShareLag lag(1, 2, {});
  lag.in_force(share(10'000), at_second(0));
  CHECK_FALSE(lag.broken_since(0));
  lag.in_force(share(0), at_second(100), std::vector<uint32_t>{0});
  lag.in_force({std::vector<uint16_t>{0, 9'999}}, at_second(110), std::vector<uint32_t>{0});
  CHECK(lag.broken_since(0) == at_second(100));
  CHECK_FALSE(lag.broken_since(1));
  CHECK(lag_of(lag, 0, 130) == Approx(std::exp(-2.0)));
  lag.mend(0);
  CHECK_FALSE(lag.broken_since(0));
  CHECK(lag_of(lag, 0, 130) == Approx(std::exp(-30.0 / 35)));
}

TEST_CASE("the most that may be at a cluster is any share of the last while", "[share_lag]") {
  ShareLag lag(1, 2, {});
  const auto most = [&](size_t cluster, int64_t second) {
    std::vector<float> out(1);
    lag.at_most(cluster, at_second(second), out);
    return out[0];
  };
  lag.in_force(share(10'000), at_second(0));
  lag.in_force(share(2'000), at_second(1'000));
  CHECK(most(1, 999) == 0);
  CHECK(most(1, 1'000) == Approx(0.8));  // all may have come at once,
  CHECK(most(0, 1'000) == Approx(1));
  CHECK(most(0, 1'020) == Approx(1));  // or nobody left yet
  CHECK(most(0, 1'100) == Approx(0.2 + 0.8 * std::exp(-65.0 / 35)));
  lag.in_force(share(10'000), at_second(1'200));
  CHECK(most(1, 1'210) == Approx(0.8).margin(0.003));
  CHECK(most(1, 1'235) == Approx(0.8).margin(0.004));
  CHECK(most(1, 1'270) == Approx(0.8 * std::exp(-1.0)).margin(0.003));
}

TEST_CASE("at rest the lag of 50 localities and 8 clusters is hardly more than its shares",
          "[share_lag]") {
  ShareLag lag(50, 8, {});
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
