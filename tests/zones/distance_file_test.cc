#include "zones/distance_file.h"

#include <catch2/catch.hpp>

#include "tests/support/problems.h"

using namespace swingover;
using namespace swingover::zones;
using tests::only;

namespace {

struct Parsed {
  std::vector<Distance> distances;
  std::vector<std::string> problems;
};

/// Behind two localities in a region, and one that is called as its region.
Parsed parsed(const std::string& distances) {
  const std::string text = R"([[region]]
name = "eu"
[[region]]
name = "same"
[[locality]]
name = "fra-a"
region = "eu"
[[locality]]
name = "ams-a"
[[locality]]
name = "same"
)" + distances;
  Diagnostics diagnostics("t.toml", text);
  const TomlDocument document = parse_toml(text, diagnostics);
  Parsed result{parse_distances(document, diagnostics), {}};
  result.problems = tests::listed(diagnostics, 11);
  return result;
}

std::string distance(const std::string& from, const std::string& to, const std::string& keys) {
  return "[[distance]]\nfrom = \"" + from + "\"\nto = \"" + to + "\"\n" + keys;
}

}  // namespace

TEST_CASE("a distance joins localities and regions", "[distance_file]") {
  const auto result = parsed(distance("fra-a", "ams-a", "cost = 3\nprice = 0.02\n") +
                             distance("eu", "ams-a", "cost = 4\n"));
  CHECK(result.problems.empty());
  REQUIRE(result.distances.size() == 2);
  CHECK(result.distances[0].from == Place{false, "fra-a"});
  CHECK(result.distances[0].to == Place{false, "ams-a"});
  CHECK(result.distances[0].cost == 3);
  CHECK(result.distances[0].price == 0.02);
  CHECK(result.distances[1].from == Place{true, "eu"});
  CHECK_FALSE(result.distances[1].price);
}

TEST_CASE("a distance says something, once, of places that are there", "[distance_file]") {
  CHECK(parsed(distance("fra-a", "ams-a", "")).problems ==
        only(R"(1:1: [[distance]] needs "cost", "price" or both)"));
  CHECK(parsed(distance("fra-b", "ams-a", "cost = 1\n")).problems ==
        only(R"(2:8: no [[locality]] and no [[region]] is named "fra-b"; did you mean "fra-a"?)"));
  CHECK(parsed(distance("fra-a", "same", "cost = 1\n")).problems ==
        only(R"(3:6: "same" is a [[locality]] and a [[region]]: rename one of them)"));
  CHECK(parsed(distance("fra-a", "eu", "cost = 1\n") + distance("fra-a", "eu", "cost = 2\n"))
            .problems ==
        only(R"(6:8: the [[distance]] "fra-a to eu" stands twice; first in line 13)"));
  CHECK(parsed(distance("fra-a", "eu", "cost = 1\n") + distance("eu", "fra-a", "cost = 2\n"))
            .problems.empty());
  CHECK(parsed(distance("fra-a", "ams-a", "cost = -1\n")).problems ==
        only(R"(4:8: "cost" must be from 0 to 1000000, not -1)"));
  CHECK(parsed(distance("", "ams-a", "cost = 1\n")).problems.size() == 1);
}

TEST_CASE("inside a locality traffic may have a price, never a cost", "[distance_file]") {
  CHECK(parsed(distance("fra-a", "fra-a", "price = 0.001\n")).problems.empty());
  CHECK(parsed(distance("fra-a", "fra-a", "cost = 1\n")).problems ==
        only(R"(4:8: inside the locality "fra-a" nothing costs)"));
  CHECK(parsed(distance("eu", "eu", "cost = 1\n")).problems.empty());
}
