#include "zones/topology.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <tuple>

using namespace swingover;
using namespace swingover::zones;

namespace {

constexpr Coordinates frankfurt{50.11, 8.68};
constexpr Coordinates amsterdam{52.37, 4.90};
constexpr Coordinates singapore{1.35, 103.82};
constexpr LocalityId fra_a{0}, fra_b{1}, ams{2}, sgp{3}, nowhere{4};

/// One cluster in each locality, of the same place.
Topology world(std::vector<Distance> distances = {}) {
  Topology topology;
  topology.regions = {"eu", "asia"};
  topology.localities = {{"fra-a", "eu", {}, frankfurt},
                         {"fra-b", "eu", {}, frankfurt},
                         {"ams", "west", {}, amsterdam},
                         {"sin", "asia", {}, singapore},
                         {"nowhere", "", {}}};
  for (uint32_t i = 0; i < topology.localities.size(); ++i) {
    Cluster cluster;
    cluster.name = topology.localities[i].name;
    cluster.localities = {LocalityId(i)};
    topology.clusters.push_back(cluster);
  }
  std::ranges::sort(distances, {}, [](const Distance& d) { return std::tie(d.from, d.to); });
  topology.distances = std::move(distances);
  return topology;
}

ClusterId in(LocalityId locality) {
  return ClusterId(locality.value);
}

Distance cost(Place from, Place to, double cost) {
  return {std::move(from), std::move(to), cost, std::nullopt};
}

}  // namespace

TEST_CASE("great circles are as long as on maps", "[topology]") {
  CHECK(kilometres_between(frankfurt, frankfurt) == 0);
  CHECK(kilometres_between(frankfurt, amsterdam) == Approx(363).margin(4));
  CHECK(kilometres_between(frankfurt, singapore) == Approx(10'270).margin(60));
  CHECK(kilometres_between({0, 179.5}, {0, -179.5}) == Approx(111.2).margin(0.2));
  CHECK(kilometres_between({90, 0}, {-90, 77}) == Approx(20'015).margin(5));
}

TEST_CASE("a way costs by locality, region, coordinates, and else as anywhere", "[topology]") {
  const Topology topology = world();
  CHECK(topology.cost(fra_a, in(fra_a)) == 0);
  CHECK(topology.cost(fra_a, in(fra_b)) == 2);
  CHECK(topology.cost(fra_a, in(ams)) == 5);
  CHECK(topology.cost(fra_a, in(sgp)) == 8);
  CHECK(topology.cost(fra_a, in(nowhere)) == 8);
  CHECK(topology.cost(nowhere, in(nowhere)) == 0);
  CHECK(topology.cost(no_locality, in(fra_a)) == 8);
  CHECK(topology.nearness(fra_a, in(fra_a)) == Nearness::same_locality);
  CHECK(topology.nearness(fra_a, in(fra_b)) == Nearness::same_region);
  CHECK(topology.nearness(fra_a, in(ams)) == Nearness::near);
  CHECK(topology.nearness(fra_a, in(sgp)) == Nearness::anywhere);
  CHECK(topology.nearness(no_locality, in(fra_a)) == Nearness::anywhere);
}

TEST_CASE("near_km says what is near", "[topology]") {
  Topology topology = world();
  topology.costs.near_km = 300;
  CHECK(topology.cost(fra_a, in(ams)) == 8);
  topology.costs.near_km = 400;
  CHECK(topology.cost(fra_a, in(ams)) == 5);
}

TEST_CASE("the most precise declared distance counts", "[topology]") {
  std::vector<Distance> distances{cost({true, "eu"}, {true, "asia"}, 6)};
  CHECK(world(distances).cost(fra_a, in(sgp)) == 6);
  CHECK(world(distances).cost(sgp, in(fra_a)) == 6);
  distances.push_back(cost({true, "eu"}, {false, "sin"}, 5.5));
  CHECK(world(distances).cost(fra_a, in(sgp)) == 5.5);
  distances.push_back(cost({false, "fra-a"}, {true, "asia"}, 4));
  CHECK(world(distances).cost(fra_a, in(sgp)) == 4);
  CHECK(world(distances).cost(fra_b, in(sgp)) == 5.5);
  distances.push_back(cost({false, "sin"}, {false, "fra-a"}, 3));
  CHECK(world(distances).cost(fra_a, in(sgp)) == 3);
  CHECK(world(distances).nearness(fra_a, in(sgp)) == Nearness::near);
}

TEST_CASE("a distance holds both ways unless both are declared", "[topology]") {
  std::vector<Distance> distances{cost({false, "ams"}, {false, "sin"}, 7)};
  CHECK(world(distances).cost(sgp, in(ams)) == 7);
  distances.push_back(cost({false, "sin"}, {false, "ams"}, 9));
  CHECK(world(distances).cost(ams, in(sgp)) == 7);
  CHECK(world(distances).cost(sgp, in(ams)) == 9);
  CHECK(world(distances).nearness(sgp, in(ams)) == Nearness::anywhere);
}

TEST_CASE("a declared distance goes before region and coordinates", "[topology]") {
  const std::vector<Distance> distances{cost({true, "eu"}, {true, "eu"}, 1.5),
                                        cost({false, "fra-a"}, {false, "ams"}, 20)};
  CHECK(world(distances).cost(fra_a, in(fra_b)) == 1.5);
  CHECK(world(distances).nearness(fra_a, in(fra_b)) == Nearness::same_region);
  CHECK(world(distances).cost(fra_a, in(fra_a)) == 0);
  CHECK(world(distances).cost(fra_a, in(ams)) == 20);
  CHECK(world(distances).nearness(fra_a, in(ams)) == Nearness::anywhere);
}

TEST_CASE("a price is what was declared, apart from costs", "[topology]") {
  const Topology topology = world({{{false, "fra-a"}, {false, "sin"}, std::nullopt, 0.08},
                                   {{true, "eu"}, {true, "asia"}, 6, 0.05},
                                   {{true, "eu"}, {true, "eu"}, std::nullopt, 0.01},
                                   {{false, "fra-b"}, {false, "fra-b"}, std::nullopt, 0.001}});
  CHECK(topology.price(fra_a, in(sgp)) == 0.08);
  CHECK(topology.cost(fra_a, in(sgp)) == 6);
  CHECK(topology.price(fra_b, in(sgp)) == 0.05);
  CHECK(topology.price(fra_a, in(fra_b)) == 0.01);
  CHECK(topology.price(fra_b, in(fra_b)) == 0.001);
  CHECK(topology.price(fra_a, in(ams)) == 0);
  CHECK(topology.price(no_locality, in(ams)) == 0);
}

TEST_CASE("a cluster in several localities is as far as the cheapest", "[topology]") {
  Topology topology = world({{{false, "fra-b"}, {false, "ams"}, 1, 0.5}});
  topology.clusters[0].localities = {sgp, ams, fra_a};
  CHECK(topology.cost(fra_b, ClusterId(0)) == 1);
  CHECK(topology.price(fra_b, ClusterId(0)) == 0.5);
  CHECK(topology.cost(fra_a, ClusterId(0)) == 0);
  topology.clusters[0].localities = {};
  CHECK(topology.cost(fra_a, ClusterId(0)) == 8);
}
