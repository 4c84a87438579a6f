#include "zones/steering/demand.h"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>

namespace swingover::steering {
namespace {

constexpr MonotonicTime at_second(int64_t second) {
  return {second * 1'000'000'000};
}

/// Two localities at home in a cluster each; `spill` parts of the first go to the second's.
std::vector<uint16_t> home(uint16_t spill = 0) {
  return {static_cast<uint16_t>(10'000 - spill), spill, 0, 10'000};
}

std::array<ClusterLoad, 2> both(double first, double second, int64_t taken) {
  return {ClusterLoad{0, first, at_second(taken)}, ClusterLoad{1, second, at_second(taken)}};
}

/// Clients who follow the shares with caches and connections, one second a step, as ShareLag models it.
struct Plant {
  std::array<double, 2> demand{100, 100};
  std::array<double, 4> at{1, 0, 0, 1};
  void second(const std::vector<uint16_t>& shares) {
    for (size_t k = 0; k < 4; ++k)
      at[k] += (shares[k] / 10'000.0 - at[k]) * (1 - std::exp(-1.0 / 35));
  }
  double load(size_t cluster) const {
    return demand[0] * at[cluster] + demand[1] * at[2 + cluster];
  }
};

}  // namespace

TEST_CASE("an estimate that predicts every load is left alone", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(2'000), at_second(0));
  REQUIRE(demand.update(both(80, 70, 10)));
  CHECK(demand.of(0) == Approx(100));
  CHECK(demand.of(1) == Approx(50));
  CHECK(demand.source() == DemandSource::reports);
}

TEST_CASE("a locality takes over gamma of its own cluster's ratio", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(), at_second(0));
  REQUIRE(demand.update(both(139, 50, 10)));
  CHECK(demand.of(0) == Approx(100 * std::pow(1.39, 0.30)));
  CHECK(demand.of(1) == Approx(50));
}

TEST_CASE("a surge is believed at once, a lull by and by", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 100.0});
  demand.in_force(home(), at_second(0));
  REQUIRE(demand.update(both(141, 50, 10)));
  CHECK(demand.of(0) == Approx(141));
  CHECK(demand.of(1) == Approx(100 * std::pow(0.5, 0.30)));

  SECTION("but with a gamma of 0 nothing is believed") {
    Demand fixed(2, 2, {.gamma = 0});
    fixed.baseline(std::array{100.0, 100.0});
    fixed.in_force(home(), at_second(0));
    REQUIRE(fixed.update(both(300, 50, 10)));
    CHECK(fixed.of(0) == Approx(100));
    CHECK(fixed.of(1) == Approx(100));
  }
}

TEST_CASE("a factor stays within a quarter and four", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 100.0});
  demand.in_force(home(), at_second(0));
  REQUIRE(demand.update(both(100'000, 0, 10)));
  CHECK(demand.of(0) == Approx(400));
  CHECK(demand.of(1) == Approx(100 * std::pow(0.25, 0.30)));
}

TEST_CASE("a dead cluster's silence lowers nothing", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(), at_second(0));
  const std::array alive{ClusterLoad{1, 100, at_second(10)}};
  REQUIRE(demand.update(alive));
  CHECK(demand.of(0) == Approx(100));
  CHECK(demand.of(1) == Approx(100));

  SECTION("nor does it count a locality with less than 2 % of its clients elsewhere") {
    Demand nearly(2, 2, {});
    nearly.baseline(std::array{100.0, 50.0});
    nearly.in_force(home(190), at_second(0));
    REQUIRE(nearly.update(alive));
    CHECK(nearly.of(0) == Approx(100));
  }
}

TEST_CASE("the same reports again change nothing", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(), at_second(0));
  CHECK_FALSE(demand.update({}));
  REQUIRE(demand.update(both(200, 50, 10)));
  const double once = demand.of(0);
  CHECK_FALSE(demand.update(both(200, 50, 10)));
  CHECK(demand.of(0) == once);
}

TEST_CASE("new shares move clients, not the estimate: reports 30 s late included", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 100.0});
  Plant plant;
  std::vector<uint16_t> shares = home();
  demand.in_force(shares, at_second(0));
  std::vector<std::array<double, 2>> loads;
  for (int64_t second = 0; second < 300; ++second) {
    if (second == 60 || second == 120) {
      shares = home(second == 60 ? 5'000 : 1'000);
      demand.in_force(shares, at_second(second));
    }
    loads.push_back({plant.load(0), plant.load(1)});
    plant.second(shares);
    if (second % 10 == 0 && second >= 30) {
      const auto& seen = loads[static_cast<size_t>(second - 30)];
      REQUIRE(demand.update(both(seen[0], seen[1], second - 30)));
    }
    INFO(second);
    CHECK(demand.of(0) == Approx(100).epsilon(0.002));
    CHECK(demand.of(1) == Approx(100).epsilon(0.002));
  }
}

TEST_CASE("what a dead cluster's clients bring to the others was asked for before", "[demand]") {
  // Their connections are gone, whatever is configured: all are there when the last cache has asked again.
  const auto connections = GENERATE(20, 60, 600);
  INFO(connections);
  Demand demand(2, 2, {.connection_life = Milliseconds(connections * 1'000)});
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(), at_second(0));
  const std::vector<uint16_t> after{0, 10'000, 0, 10'000};
  demand.in_force(after, at_second(100), std::vector<uint32_t>{0});
  for (int64_t second = 103; second <= 400; second += 10) {
    const double moved = std::min(1.0, static_cast<double>(second - 100) / 30);
    demand.update(std::array{ClusterLoad{1, 50 + moved * 100, at_second(second)}});
    INFO(second << ": " << demand.total());
    CHECK(demand.total() < 150 * 1.06);
    CHECK(demand.total() > 150 * 0.88);
  }
  CHECK(demand.total() == Approx(150).epsilon(0.01));
}

TEST_CASE("a cluster that seems dead and carries its load on has its connections", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 50.0});
  Plant plant{{100, 50}, {1, 0, 0, 1}};
  demand.in_force(home(), at_second(0));
  const std::vector<uint16_t> after{0, 10'000, 0, 10'000};
  demand.in_force(after, at_second(100), std::vector<uint32_t>{0});
  for (int64_t second = 100; second <= 400; ++second) {
    if (second % 10 == 5) REQUIRE(demand.update(both(plant.load(0), plant.load(1), second)));
    plant.second(after);
    INFO(second);
    CHECK(demand.of(0) == Approx(100).epsilon(0.01));
    CHECK(demand.of(1) == Approx(50).epsilon(0.01));
  }
}

TEST_CASE("clients who follow new shares faster than expected are no surge", "[demand]") {
  Demand demand(2, 2, {.connection_life = Milliseconds(60'000)});
  demand.baseline(std::array{100.0, 20.0});
  demand.in_force(home(), at_second(0));
  demand.in_force(home(10'000), at_second(100));  // connections are short, for once: all are there
  SECTION("so that they are learnt by and by") {
    REQUIRE(demand.update(both(0, 120, 110)));
    CHECK(demand.of(1) < 20 * 2);
  }
  SECTION("what goes beyond all of them is, by as much") {
    REQUIRE(demand.update(both(0, 2 * 120, 110)));
    CHECK(demand.of(1) == Approx(20 * 2));
  }
}

TEST_CASE("sudden is what is above the limit, and a tenth above what was expected", "[demand]") {
  Demand demand(2, 2, {});
  CHECK(demand.expected(0, at_second(0)) == 0);
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(4'000), at_second(0));
  CHECK(demand.expected(0, at_second(10)) == Approx(60));
  CHECK(demand.expected(1, at_second(10)) == Approx(90));
  CHECK(Demand::is_sudden(120, 100, 110));
  CHECK_FALSE(Demand::is_sudden(120, 100, 130));
  CHECK_FALSE(Demand::is_sudden(120, 110, 100));
}

TEST_CASE("a surge of 2.2 is known to a tenth within two minutes", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 100.0});
  demand.in_force(home(3'000), at_second(0));
  Plant plant{{220, 100}, {0.7, 0.3, 0, 1}};
  for (int64_t second = 10; second <= 120; second += 10) {
    demand.update(both(plant.load(0), plant.load(1), second));
  }
  CHECK(demand.of(0) == Approx(220).epsilon(0.1));
  // The second shares its cluster with the first's surplus; its own part is found in the end.
  for (int64_t second = 130; second <= 600; second += 10) {
    demand.update(both(plant.load(0), plant.load(1), second));
  }
  CHECK(demand.of(0) == Approx(220).epsilon(0.01));
  CHECK(demand.of(1) == Approx(100).epsilon(0.01));
}

TEST_CASE("a split by locality is taken as told, in proportion to the load", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 50.0});
  demand.in_force(home(5'000), at_second(0));
  const std::array second_split{10.0, 40.0};  // a sample of a load of 100
  const std::array first_split{60.0, 0.0};
  SECTION("all clusters split: the sums") {
    const std::array reports{ClusterLoad{0, 60, at_second(10), first_split},
                             ClusterLoad{1, 100, at_second(10), second_split}};
    REQUIRE(demand.update(reports));
    CHECK(demand.of(0) == Approx(60 + 20));
    CHECK(demand.of(1) == Approx(80));
  }
  SECTION("one cluster splits: its part as told, the rest by ratio") {
    const std::array reports{ClusterLoad{0, 50, at_second(10)},
                             ClusterLoad{1, 100, at_second(10), second_split}};
    REQUIRE(demand.update(reports));
    CHECK(demand.of(0) == Approx(20 + 0.5 * 100));
    CHECK(demand.of(1) == Approx(80));
  }
  SECTION("load of clients that no share sends there does not add up") {
    const std::array stray{500.0, 40.0};
    demand.in_force(home(0), at_second(10));
    for (int64_t k = 0; k < 50; ++k) {
      const std::array reports{ClusterLoad{1, 540, at_second(2'000 + k * 10), stray}};
      REQUIRE(demand.update(reports));
    }
    CHECK(demand.of(0) == Approx(100));
    CHECK(demand.of(1) == Approx(40));
  }
}

TEST_CASE("without a baseline the first reports are split by answers", "[demand]") {
  Demand demand(2, 2, {});
  demand.answers(std::array{30.0, 10.0});
  CHECK(demand.total() == 0);
  CHECK(demand.source() == DemandSource::nothing);
  demand.in_force(home(), at_second(0));
  SECTION("all clusters report") {
    REQUIRE(demand.update(both(60, 20, 10)));
    CHECK(demand.of(0) == Approx(60));
    CHECK(demand.of(1) == Approx(20));
  }
  SECTION("a part of them: what they do not see is added by the same split") {
    const std::array one{ClusterLoad{0, 60, at_second(10)}};
    REQUIRE(demand.update(one));
    CHECK(demand.total() == Approx(80));
  }
  SECTION("no load yet: nothing is known, and the next report may tell") {
    CHECK_FALSE(demand.update(both(0, 0, 10)));
    CHECK(demand.total() == 0);
    REQUIRE(demand.update(both(60, 20, 20)));
    CHECK(demand.total() == Approx(80));
  }
}

TEST_CASE("a baseline is told again until reports come, and then only holds", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(split_by_counts(80, {}, 2));
  CHECK(demand.of(0) == Approx(40));
  demand.baseline(split_by_counts(80, std::array{30.0, 10.0}, 2));
  CHECK(demand.of(0) == Approx(60));
  demand.in_force(home(), at_second(0));
  REQUIRE(demand.update(both(120, 5, 10)));
  const double grown = demand.of(0);
  const double shrunk = demand.of(1);
  demand.baseline(std::array{60.0, 20.0});
  CHECK(demand.of(0) == grown);
  CHECK(demand.of(1) == shrunk);
  demand.hold_over();
  CHECK(demand.of(0) == grown);
  CHECK(demand.of(1) == Approx(20));
}

TEST_CASE("a new locality gets its part of what was known, and the total stays", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 0.0});
  demand.in_force(home(), at_second(0));
  demand.answers(std::array{30.0, 10.0});
  CHECK(demand.of(1) == Approx(25));
  CHECK(demand.total() == Approx(100));
  demand.answers(std::array{10.0, 30.0});  // both have demand: counts say nothing about levels
  CHECK(demand.of(1) == Approx(25));
}

TEST_CASE("demand comes back after a night without any", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::array{100.0, 100.0});
  demand.in_force(home(), at_second(0));
  int64_t now = 10;
  for (; now < 20'000; now += 10) REQUIRE(demand.update(both(0, 100, now)));
  CHECK(demand.of(0) <= 1.01);
  CHECK(demand.of(0) > 0);
  for (int64_t k = 0; k < 18; ++k, now += 10) demand.update(both(100, 100, now));
  CHECK(demand.of(0) == Approx(100).epsilon(0.1));
}

TEST_CASE("what was learned before a restart counts more than the baseline", "[demand]") {
  Demand demand(2, 2, {});
  demand.baseline(std::vector<double>{100, 100});
  demand.restore(std::vector<double>{300, 50});
  CHECK(demand.all() == std::vector<double>{300, 50});
  CHECK(demand.source() == DemandSource::reports);
  demand.baseline(std::vector<double>{100, 100});
  CHECK(demand.all() == std::vector<double>{300, 50});
}

TEST_CASE("a service of 50 localities and 8 clusters takes under two kilobytes at rest",
          "[demand]") {
  Demand demand(50, 8, {});
  demand.baseline(std::vector<double>(50, 10));
  std::vector<uint16_t> shares(400, 1'250);
  demand.in_force(shares, at_second(0));
  CHECK(demand.octets() <= 1'420);
  shares[0] = 1'000;
  demand.in_force(shares, at_second(600));
  std::vector<ClusterLoad> loads;
  for (uint32_t j = 0; j < 8; ++j) loads.push_back({j, 60, at_second(610)});
  REQUIRE(demand.update(loads));
  CHECK(demand.octets() <= 3'800);
}

}  // namespace swingover::steering
