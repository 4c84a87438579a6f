#include "zones/steering_file.h"

#include <catch2/catch.hpp>

#include "tests/support/problems.h"

using namespace swingover;
using namespace swingover::zones;
using tests::only;

namespace {

struct Parsed {
  SteeringOptions options;
  std::vector<std::string> problems;
};

Parsed parsed(const std::string& keys) {
  const std::string text = "[steering]\n" + keys;
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  Parsed result{parse_steering(document, diagnostics), {}};
  result.problems = tests::listed(diagnostics);
  return result;
}

}  // namespace

TEST_CASE("[steering] gives each of its keys a place", "[steering_file]") {
  const auto result = parsed(R"(target = 0.5
limit = 0.9
high = 0.7
low = 0.4
min_gain = 0.1
ramp = "60s"
ramp_start = 0.2
cost_same_region = 1
cost_near = 3.5
cost_anywhere = 10
near_km = 250
gamma = 0.2
connection_life = "5s"
load_age_max = "15s"
demand_hold = "2m"
currency = "CHF"
)");
  CHECK(result.problems.empty());
  const SteeringOptions& options = result.options;
  CHECK(options.target == 0.5);
  CHECK(options.limit == 0.9);
  CHECK(options.high == 0.7);
  CHECK(options.low == 0.4);
  CHECK(options.min_gain == 0.1);
  CHECK(options.ramp == Milliseconds(60'000));
  CHECK(options.ramp_start == 0.2);
  CHECK(options.gamma == 0.2);
  CHECK(options.connection_life == Milliseconds(5'000));
  CHECK(options.load_age_max == Milliseconds(15'000));
  CHECK(options.demand_hold == Milliseconds(120'000));
  CHECK(options.currency == "CHF");
  const DistanceCosts costs = options.distance_costs();
  CHECK(costs.same_region == 1);
  CHECK(costs.near == 3.5);
  CHECK(costs.anywhere == 10);
  CHECK(costs.near_km == 250);
}

TEST_CASE("an absent [steering] has the documented defaults", "[steering_file]") {
  const auto result = parsed("");
  CHECK(result.problems.empty());
  CHECK(result.options.target == 0.70);
  CHECK(result.options.limit == 1.00);
  CHECK(result.options.high == 0.80);
  CHECK(result.options.low == 0.60);
  CHECK(result.options.ramp == Milliseconds(120'000));
  CHECK(result.options.currency == "EUR");
}

TEST_CASE("the marks of utilisation stand in order", "[steering_file]") {
  CHECK(parsed("low = 0.7\n").problems ==
        only(R"(2:7: "low" must be below "target", which is 0.7 by default)"));
  CHECK(parsed("target = 0.6\n").problems ==
        only(R"(2:10: "target" must be above "low", which is 0.6 by default)"));
  CHECK(parsed("target = 0.85\nlow = 0.2\n").problems ==
        only(R"(2:10: "target" must be below "high", which is 0.8 by default)"));
  CHECK(parsed("high = 0.9\nlimit = 0.85\n").problems ==
        only(R"(3:9: "limit" must be at least "high", which is 0.9)"));
  CHECK(parsed("high = 1.0\n").problems.empty());
  CHECK(parsed("high = 1.01\n").problems ==
        only(R"(2:8: "high" must be at most "limit", which is 1 by default)"));
}

TEST_CASE("what is farther never costs less", "[steering_file]") {
  CHECK(parsed("cost_near = 1\n").problems ==
        only(R"(2:13: "cost_near" must be at least "cost_same_region", which is 2 by default)"));
  CHECK(parsed("cost_same_region = 0\ncost_near = 0\ncost_anywhere = 0\n").problems.empty());
  CHECK(parsed("cost_anywhere = 4.5\n").problems ==
        only(R"(2:17: "cost_anywhere" must be at least "cost_near", which is 5 by default)"));
}

TEST_CASE("keys of [steering] have bounds", "[steering_file]") {
  CHECK(parsed("target = 0\n").problems == only(R"(2:10: "target" must be from 0.01 to 2, not 0)"));
  CHECK(parsed("ramp = 120\n").problems.size() == 1);
  CHECK(parsed("near_km = -1\n").problems.size() == 1);
  CHECK(parsed("gamma = nan\n").problems == only(R"(2:9: "gamma" must be from 0 to 1, not nan)"));
  CHECK(parsed("currency = \"\"\n").problems.size() == 1);
  CHECK(parsed("targt = 0.5\n").problems ==
        only(R"(2:1: unknown key "targt"; did you mean "target"?)"));
}
