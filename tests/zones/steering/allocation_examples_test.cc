#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <string>

#include "zones/steering/allocation.h"

namespace swingover::steering {

namespace {

using Json = nlohmann::json;

Problem problem_of(const Json& input) {
  Problem problem;
  problem.target = input.at("target");
  problem.limit = input.at("limit");
  for (const Json& locality : input.at("client_localities")) {
    problem.demands.push_back(locality.at("demand"));
    for (const Json& cluster : input.at("clusters")) {
      const Json& cost = input.at("cost_per_unit")
                             .at(locality.at("name").get<std::string>())
                             .at(cluster.at("name").get<std::string>());
      problem.costs.push_back(cost.is_null() ? forbidden : cost.get<double>());
    }
  }
  for (const Json& cluster : input.at("clusters")) {
    const bool is_up = cluster.at("state") == "up";
    problem.capacities.push_back(is_up ? cluster.at("capacity").get<double>() *
                                             cluster.at("healthy_fraction").get<double>() *
                                             cluster.at("ramp").get<double>()
                                       : 0);
  }
  return problem;
}

using Shares = std::map<std::string, std::map<std::string, int>>;

Shares shares_of(const Json& input, const Problem& problem, const Allocation& allocation) {
  Shares shares;
  for (size_t i = 0; i < problem.localities(); ++i) {
    for (size_t j = 0; j < problem.clusters(); ++j) {
      const int share = allocation.shares[i * problem.clusters() + j];
      if (share == 0) continue;
      shares[input.at("client_localities")[i].at("name")][input.at("clusters")[j].at("name")] =
          share;
    }
  }
  return shares;
}

}  // namespace

TEST_CASE("the worked examples come out to the part", "[allocation_examples]") {
  std::ifstream file(ALLOCATION_EXAMPLES);
  const Json cases = Json::parse(file).at("cases");
  REQUIRE(cases.size() >= 6);
  for (const Json& example : cases) {
    INFO(example.at("name").get<std::string>());
    const Json& input = example.at("input");
    const Json& expected = example.at("expected");
    const Problem problem = problem_of(input);
    const Allocation got = allocate(problem);

    CHECK(word(got.regime) == expected.at("regime").get<std::string>());
    CHECK(shares_of(input, problem, got) == expected.at("weights_per_10000").get<Shares>());
    for (size_t j = 0; j < problem.clusters(); ++j) {
      const std::string cluster = input.at("clusters")[j].at("name");
      CHECK(got.loads[j] == Approx(expected.at("cluster_load").at(cluster).get<double>()));
    }
    CHECK(std::abs(got.max_level - expected.at("max_level").get<double>()) < 0.00005001);
    CHECK(got.total_cost == Approx(expected.at("total_cost").get<double>()));
  }
}

}  // namespace swingover::steering
