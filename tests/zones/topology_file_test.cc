#include "zones/topology_file.h"

#include <catch2/catch.hpp>

#include "base/toml_source.h"
#include "tests/support/problems.h"

using namespace swingover;
using namespace swingover::zones;
using tests::only;

namespace {

struct Parsed {
  Topology topology;
  std::vector<std::string> problems;
};

Parsed parsed(std::string_view text) {
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  const std::vector<std::string> monitors{"ingress"};
  Parsed result{parse_topology(document, monitors, diagnostics), {}};
  result.problems = tests::listed(diagnostics);
  return result;
}

}  // namespace

TEST_CASE("clusters point at their localities by place", "[topology_file]") {
  const auto result = parsed(R"([[cluster]]
name = "fra"
localities = ["b", "a"]
capacity = 12.5
addresses = ["192.0.2.1"]
monitors = ["ingress"]
[[locality]]
name = "a"
region = "eu"
[[locality]]
name = "b"
clients = ["10.0.0.0/8", "2001:db8::/32"]
[[region]]
name = "eu"
)");
  CHECK(result.problems.empty());
  REQUIRE(result.topology.clusters.size() == 1);
  const Cluster& cluster = result.topology.clusters[0];
  CHECK(cluster.localities == std::vector<LocalityId>{LocalityId(1), LocalityId(0)});
  CHECK(cluster.capacity == 12.5);
  CHECK(result.topology.regions == std::vector<std::string>{"eu"});
  CHECK(result.topology.localities.at(1).clients.size() == 2);
}

TEST_CASE("a cluster's name is a DNS label", "[topology_file]") {
  for (const std::string name : {"", "fra.a", "fra 1", "-fra", "fra-", "frä", "*"}) {
    CHECK(
        parsed("[[cluster]]\nname = \"" + name + "\"\n").problems ==
        only(
            R"(2:8: "name" must be 1 to 63 letters, digits, "-" and "_", without "-" at the ends, not ")" +
            name + "\""));
  }
  CHECK(parsed("[[cluster]]\nname = \"" + std::string(63, 'a') + "\"\n").problems.empty());
  CHECK(parsed("[[cluster]]\nname = \"" + std::string(64, 'a') + "\"\n").problems.size() == 1);
}

TEST_CASE("coordinates are a latitude and a longitude on Earth", "[topology_file]") {
  const auto with = [](const std::string& coordinates) {
    return parsed("[[locality]]\nname = \"fra\"\ncoordinates = " + coordinates + "\n");
  };
  CHECK(with("[50.11, 8.68]").problems.empty());
  CHECK(with("[-90, 180]").topology.localities.at(0).coordinates == Coordinates{-90, 180});
  CHECK_FALSE(with("[]").problems.empty());
  CHECK_FALSE(with("[1, 2, 3]").problems.empty());
  CHECK(with("50.11").problems.size() == 1);
  CHECK(
      with("[91, 0]").problems ==
      only(
          R"(3:15: "coordinates" must be a latitude and a longitude such as [50.11, 8.68], not a list (the latitude must be from -90 to 90, not 91))"));
  CHECK(with("[0, 180.5]").problems.size() == 1);
  CHECK(with("[nan, 0]").problems.size() == 1);
  CHECK(with(R"(["50", "8"])").problems.size() == 1);
}

TEST_CASE("a locality may stand for countries and autonomous systems", "[topology_file]") {
  const auto with = [](const std::string& keys) {
    return parsed("[[locality]]\nname = \"fra\"\n" + keys);
  };
  const auto fine = with("countries = [\"DE\", \"CH-ZH\"]\nasns = [64500, 4294967295]\n");
  CHECK(fine.problems.empty());
  CHECK(fine.topology.localities.at(0).countries.at(1).text == "CH-ZH");
  CHECK(fine.topology.localities.at(0).asns.at(1) == 4294967295U);
  for (const std::string bad : {"de", "D", "DEU", "DE-", "DE-HESSEN", "DE_HE", "", "DE-he"})
    CHECK(with("countries = [\"" + bad + "\"]\n").problems.size() == 1);
  CHECK(with("asns = [0]\n").problems.size() == 1);
  CHECK(with("asns = [4294967296]\n").problems.size() == 1);
  CHECK(with("asns = [64500]\n[[locality]]\nname = \"ams\"\nasns = [64500]\n").problems ==
        only(R"(6:8: the autonomous system "64500" stands twice; first in line 3)"));
}

TEST_CASE("a capacity is a number from 0 on", "[topology_file]") {
  const auto with = [](const std::string& capacity) {
    return parsed("[[cluster]]\nname = \"fra\"\ncapacity = " + capacity + "\n").problems;
  };
  CHECK(with("0").empty());
  CHECK(with("0.5").empty());
  CHECK(with("-0.5") == only(R"(3:12: "capacity" must be from 0 to 1e+15, not -0.5)"));
  CHECK(with("nan") == only(R"(3:12: "capacity" must be from 0 to 1e+15, not nan)"));
  CHECK(with("inf") == only(R"(3:12: "capacity" must be from 0 to 1e+15, not inf)"));
  CHECK(with("\"1000\"") == only(R"(3:12: "capacity" must be a number, not "1000")"));
}

TEST_CASE("a cluster's addresses are ones that a client can reach", "[topology_file]") {
  const auto with = [](const std::string& addresses) {
    return parsed("[[cluster]]\nname = \"fra\"\naddresses = " + addresses + "\n").problems;
  };
  CHECK(with("[\"0.0.0.0\"]") == only("3:14: 0.0.0.0 is no address that a client can reach"));
  CHECK(with("[\"::ffff:192.0.2.1\"]") == only(R"(3:14: write ::ffff:192.0.2.1 as "192.0.2.1")"));
  CHECK(
      with("[\"lb.example.net\"]") ==
      only(
          R"(3:14: "addresses" must be an address such as "192.0.2.1" or "2001:db8::1", not "lb.example.net")"));
  CHECK(with("[\"192.0.2.1\", \"192.0.2.1\"]") ==
        only(R"(3:27: "addresses" holds 192.0.2.1 twice)"));
}

TEST_CASE("a cluster with monitors has addresses at which they look", "[topology_file]") {
  CHECK(parsed("[[cluster]]\nname = \"fra\"\nmonitors = [\"ingress\"]\n").problems ==
        only(R"(3:12: [[cluster]] with "monitors" needs "addresses", at which they look)"));
}

TEST_CASE("a cluster's monitors count in three ways, each in one of them", "[topology_file]") {
  const auto good = parsed(R"([[cluster]]
name = "fra"
addresses = ["192.0.2.1"]
voting_monitors = ["ingress"]
min_healthy = "50%"
min_healthy_ipv6 = 2
)");
  CHECK(good.problems.empty());
  const Cluster& cluster = good.topology.clusters[0];
  CHECK(cluster.voting_monitors == std::vector<std::string>{"ingress"});
  CHECK(cluster.min_healthy.all == Portion{50, true});
  CHECK(cluster.min_healthy.ipv6 == Portion{2, false});

  CHECK(parsed(R"([[cluster]]
name = "fra"
addresses = ["192.0.2.1"]
monitors = ["ingress"]
observing_monitors = ["ingress"]
)")
            .problems == only(R"(5:23: the monitor "ingress" stands in "monitors" already)"));
  CHECK(parsed(R"([[cluster]]
name = "fra"
voting_monitors = ["ingres"]
)")
            .problems ==
        std::vector<std::string>{
            R"(3:19: [[cluster]] with "voting_monitors" needs "addresses", at which they look)",
            R"(3:20: no [[monitor]] is named "ingres"; did you mean "ingress"?)"});
}

TEST_CASE("how many must be healthy is a count or a percentage", "[topology_file]") {
  const auto problem = [](const std::string& value) {
    const auto result = parsed("[[cluster]]\nname = \"fra\"\nmin_healthy = " + value + "\n");
    return result.problems.empty() ? std::string() : result.problems[0];
  };
  CHECK(problem("1").empty());
  CHECK(problem("\"100%\"").empty());
  CHECK(problem("0") ==
        R"(3:15: "min_healthy" must be a count from 1 to 1000000, not the number 0)");
  CHECK(problem("\"0%\"") ==
        R"(3:15: "min_healthy" must be a percentage from "1%" to "100%", not "0%")");
  CHECK(
      problem("\"half\"") ==
      R"(3:15: "min_healthy" must be a count such as 2, or a percentage such as "50%", not "half")");
}

TEST_CASE("a problem's column counts octets, on lines with other letters too", "[topology_file]") {
  CHECK(parsed("[[region]]\nname = \"eu\"\nlabels = [1] # é\n").problems ==
        std::vector<std::string>{R"(3:1: unknown key "labels" in [[region]], which knows name)"});
  const auto in_lists = [](const std::string& first) {
    return parsed("[[locality]]\nname = \"a\"\nclients = [\"" + first + "\", \"x\"]\n").problems;
  };
  CHECK(in_lists("e").at(1).starts_with("3:17: "));
  CHECK(in_lists("é").at(1).starts_with("3:18: "));
}
