#include "health/group_health.h"

#include <catch2/catch.hpp>

#include "base/random.h"

namespace swingover::health {

namespace {

constexpr Health up = Health::up;
constexpr Health down = Health::down;
constexpr Health unknown = Health::unknown;
using Members = std::vector<Health>;

}  // namespace

TEST_CASE("a group is unknown exactly while its unknown members could decide it either way",
          "[group_health]") {
  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    Members members(random.below(8));
    for (Health& member : members) member = static_cast<Health>(random.below(3));
    const size_t minimum = random.below(9);
    // The two ends: every unknown member turns out to be down, or up.
    size_t worst = 0;
    size_t best = 0;
    for (const Health member : members) {
      worst += member == up ? 1 : 0;
      best += member != down ? 1 : 0;
    }
    const Health group = at_least_up(members, minimum);
    INFO("seed " << seed);
    if (worst >= minimum) {
      REQUIRE(group == up);
    } else if (best < minimum) {
      REQUIRE(group == down);
    } else {
      REQUIRE(group == unknown);
    }
  }
}

TEST_CASE("any and all are the two ends of a minimum", "[group_health]") {
  CHECK(any_up(Members{down, up, unknown}) == up);
  CHECK(any_up(Members{down, unknown}) == unknown);
  CHECK(any_up(Members{down, down}) == down);
  CHECK(any_up(Members{}) == down);
  CHECK(all_up(Members{up, up}) == up);
  CHECK(all_up(Members{up, unknown}) == unknown);
  CHECK(all_up(Members{up, unknown, down}) == down);
  CHECK(all_up(Members{}) == up);
}

TEST_CASE("a cluster is up while each monitor passes at one address at least", "[group_health]") {
  using Monitors = std::vector<Members>;
  CHECK(cluster_health(Monitors{{up, down}, {down, up}}) == up);
  CHECK(cluster_health(Monitors{{up, up}, {down, down}}) == down);
  CHECK(cluster_health(Monitors{{up}, {unknown, down}}) == unknown);
  CHECK(cluster_health(Monitors{{unknown}, {down}}) == down);

  SECTION("without monitors nobody looks, so nobody knows") {
    CHECK(cluster_health(Monitors{}) == unknown);
  }
}

}  // namespace swingover::health
