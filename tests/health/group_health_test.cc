#include "health/group_health.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/random.h"

namespace swingover::health {

namespace {

constexpr Health up = Health::up;
constexpr Health down = Health::down;
constexpr Health unknown = Health::unknown;
using Members = std::vector<Health>;

Tally tally(const Members& members) {
  Tally all;
  for (const Health member : members) all.add(member);
  return all;
}

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
    const Health group = at_least_up(tally(members), minimum);
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
  CHECK(any_up(tally(Members{down, up, unknown})) == up);
  CHECK(any_up(tally(Members{down, unknown})) == unknown);
  CHECK(any_up(tally(Members{down, down})) == down);
  CHECK(any_up(tally(Members{})) == down);
  CHECK(all_up(tally(Members{up, up})) == up);
  CHECK(all_up(tally(Members{up, unknown})) == unknown);
  CHECK(all_up(tally(Members{up, unknown, down})) == down);
  CHECK(all_up(tally(Members{})) == up);
}

TEST_CASE("a vote is lost when more than half are down, whatever the unknown ones turn out to be",
          "[group_health]") {
  CHECK(voted(tally({})) == up);
  CHECK(voted(tally({down, up})) == up);  // a half is not more than a half
  CHECK(voted(tally({down, down, up})) == down);
  CHECK(voted(tally({down, unknown, up})) == unknown);
  CHECK(voted(tally({down, unknown, up, up})) == up);
  CHECK(voted(tally({down, down, unknown})) == down);

  for (uint64_t seed = 1; seed <= 2000; ++seed) {
    Random random(seed);
    Members members(random.below(8));
    for (Health& member : members) member = static_cast<Health>(random.below(3));
    Members worst = members;
    Members best = members;
    for (Health& member : worst) member = member == unknown ? down : member;
    for (Health& member : best) member = member == unknown ? up : member;
    INFO("seed " << seed);
    const Health at_worst = voted(tally(worst));
    const Health at_best = voted(tally(best));
    CHECK(voted(tally(members)) == (at_worst == at_best ? at_worst : unknown));
  }
}

TEST_CASE("a bound that was missed is met again only from its upper end on", "[group_health]") {
  MinimumUp minimum({.down_below = 2, .up_from = 4});
  CHECK(minimum.apply({.up = 2, .unknown = 0, .down = 3}) == up);
  CHECK(minimum.apply({.up = 1, .unknown = 1, .down = 3}) == unknown);
  CHECK(minimum.apply({.up = 1, .unknown = 0, .down = 4}) == down);
  CHECK(minimum.apply({.up = 3, .unknown = 0, .down = 2}) == down);
  CHECK(minimum.apply({.up = 3, .unknown = 1, .down = 1}) == unknown);
  CHECK(minimum.was_missed());
  CHECK(minimum.apply({.up = 4, .unknown = 0, .down = 1}) == up);
  CHECK(minimum.apply({.up = 2, .unknown = 0, .down = 3}) == up);
}

TEST_CASE("a held target is up, and worth less than that", "[group_health]") {
  CHECK(usable(up, Hold::none) == up);
  CHECK(usable(up, Hold::settling) == unknown);
  CHECK(usable(up, Hold::flapping) == unknown);
  CHECK(usable(up, Hold::resume) == down);
  CHECK(usable(down, Hold::flapping) == down);
  CHECK(usable(unknown, Hold::resume) == unknown);
}

}  // namespace swingover::health
