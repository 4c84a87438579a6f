#include "zones/steering/corroboration.h"

#include <catch2/catch.hpp>

namespace swingover::steering {

namespace {

const CorroborationRules rules{.age_max = Milliseconds(25'000)};
constexpr MonotonicTime now{1'000'000'000'000};
constexpr MonotonicTime ago(int64_t seconds) {
  return now + Milliseconds(-seconds * 1000);
}

}  // namespace

TEST_CASE("one cluster of three that times out is out at once", "[corroboration]") {
  const std::vector<Suspect> clusters{{1000, true, false, ago(1)}, {1000}, {1000}};
  CHECK(believed_down(clusters, now, rules) == std::vector{true, false, false});
}

TEST_CASE("half of all capacity that times out stays while it reports load", "[corroboration]") {
  std::vector<Suspect> clusters{{500, true, false, ago(24)}, {500, true, false, ago(25)}, {1000}};
  CHECK(believed_down(clusters, now, rules) == std::vector{false, true, false});
  SECTION("all of them, too") {
    clusters[2] = {1000, true, false, ago(0)};
    CHECK(believed_down(clusters, now, rules) == std::vector{false, true, false});
  }
  SECTION("and goes once no report came for so long") {
    CHECK(believed_down(clusters, now + Milliseconds(999), rules)[0] == false);
    CHECK(believed_down(clusters, now + Milliseconds(1000), rules)[0]);
  }
}

TEST_CASE("what refuses is out whatever it reports, and however much it is", "[corroboration]") {
  const std::vector<Suspect> clusters{{1000, true, true, ago(0)}, {1000, true, true, ago(0)}};
  CHECK(believed_down(clusters, now, rules) == std::vector{true, true});
}

TEST_CASE("a cluster that never reports is judged by its probes alone", "[corroboration]") {
  const std::vector<Suspect> clusters{{1000, true, false, {}}, {1000}};
  CHECK(believed_down(clusters, now, rules) == std::vector{true, false});
}

TEST_CASE("capacity, not the number of clusters, says what half is", "[corroboration]") {
  const std::vector<Suspect> clusters{
      {100, true, false, ago(1)}, {100, true, false, ago(1)}, {1000}};
  CHECK(believed_down(clusters, now, rules) == std::vector{true, true, false});
}

TEST_CASE("where no cluster has a capacity all count alike", "[corroboration]") {
  const std::vector<Suspect> clusters{{0, true, false, ago(1)}, {0, true, true, {}}, {0}};
  CHECK(part_down(clusters) == Approx(2.0 / 3));
  CHECK(believed_down(clusters, now, rules) == std::vector{false, true, false});
  CHECK(part_down({}) == 0);
}

TEST_CASE("how much must seem down for doubt is to be said", "[corroboration]") {
  const std::vector<Suspect> clusters{{1000, true, false, ago(1)}, {1000}, {1000}};
  CHECK_FALSE(believed_down(clusters, now, {.from = 0.30})[0]);
  CHECK(believed_down(clusters, now, {.from = 0.35})[0]);
}

}  // namespace swingover::steering
