#include "zones/rule_file.h"

#include <catch2/catch.hpp>

#include "tests/support/problems.h"
#include "zones/service.h"

using namespace swingover;
using namespace swingover::zones;
using tests::only;

namespace {

struct Parsed {
  std::vector<Rule> rules;
  std::vector<std::string> problems;
};

/// Behind two clusters, and a service with capacities and one without.
Parsed parsed(const std::string& rules) {
  const std::string text = R"([[cluster]]
name = "fra"
[[cluster]]
name = "ams"
)" + rules;
  std::vector<Service> services;
  for (const char* name : {"shop.svc.example.", "blog.svc.example."}) {
    Service service;
    service.name = *parse_name(name);
    for (uint32_t i = 0; i < 2; ++i) {
      Pool pool;
      pool.cluster = ClusterId(i);
      if (services.empty()) pool.capacity = 100;
      service.pools.push_back(pool);
    }
    services.push_back(service);
  }
  number(services);
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  Parsed result{parse_rules(document, services, diagnostics), {}};
  result.problems = tests::listed(diagnostics, 4);
  return result;
}

std::string rule(const std::string& keys) {
  return "[[rule]]\nname = \"r\"\n" + keys;
}

}  // namespace

TEST_CASE("a rule bounds services or the clusters as a whole", "[rule_file]") {
  const Parsed both = parsed(rule("services = [\"Shop.svc.example\"]\nmin_capacity_part = 0.6\n") +
                             "[[rule]]\nname = \"two\"\nclusters = [\"fra\", \"ams\"]\n"
                             "min_clusters = \"50%\"\ncovers_demand = 1.2\nmin_capacity = 5\n");
  CHECK(both.problems.empty());
  REQUIRE(both.rules.size() == 2);
  CHECK(both.rules[0].service_ids == std::vector{ServiceId(0)});
  CHECK(both.rules[0].min_capacity_part == 0.6);
  CHECK(both.rules[0].is_of_capacity());
  CHECK(both.rules[0].counts("ams"));
  CHECK(both.rules[1].service_ids.empty());
  CHECK(both.rules[1].min_clusters == Portion{50, true});
  CHECK(both.rules[1].covers_demand == 1.2);
  CHECK(both.rules[1].min_capacity == 5);
  CHECK_FALSE(both.rules[1].counts("nyc"));
}

TEST_CASE("what makes no sense in a rule is pointed at", "[rule_file]") {
  const auto only = [](const std::string& problem) { return std::vector<std::string>{problem}; };
  CHECK(parsed(rule("")).problems ==
        only("1:1: [[rule]] needs a bound: \"min_clusters\", \"min_capacity\", "
             "\"min_capacity_part\" or \"covers_demand\""));
  CHECK(parsed(rule("min_clusters = 3\n")).problems ==
        only("3:16: it can never hold: 2 can count"));
  CHECK(parsed(rule("min_clusters = 2\nclusters = [\"fra\"]\n")).problems ==
        only("3:16: it can never hold: 1 can count"));
  CHECK(parsed(rule("min_clusters = 1\nclusters = [\"frax\"]\n"))
            .problems.front()
            .starts_with("4:13: no [[cluster]] is named \"frax\""));
  CHECK(parsed(rule("min_clusters = 1\nservices = [\"no.svc.example.\"]\n")).problems ==
        only("4:13: no [[service]] is named \"no.svc.example.\""));
  CHECK(
      parsed(rule("covers_demand = 1\nservices = [\"blog.svc.example.\"]\n")).problems ==
      only("4:13: the shares of \"blog.svc.example.\" do not follow capacity, so what it needs is "
           "not known: give each of its pools a \"capacity\", and no \"steered = false\""));
  CHECK(parsed(rule("min_clusters = 1\nservices = [\"blog.svc.example.\"]\n")).problems.empty());
  CHECK(parsed(rule("min_clusters = 1\n") + rule("min_clusters = 1\n")).problems.size() == 1);
}
