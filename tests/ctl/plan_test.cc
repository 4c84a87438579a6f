#include "ctl/plan.h"

#include <catch2/catch.hpp>
#include <fstream>
#include <nlohmann/json.hpp>

using namespace swingover::ctl;

namespace {

using Json = nlohmann::ordered_json;
using Lines = std::vector<std::string>;

Json small_case() {
  return Json::parse(R"({
    "target": 0.7, "limit": 1.0,
    "client_localities": [{"name": "a", "demand": 900}, {"name": "b", "demand": 100}],
    "clusters": [{"name": "A", "locality": "a", "capacity": 1000, "state": "up", "healthy_fraction": 1.0, "ramp": 1.0},
                 {"name": "B", "locality": "b", "capacity": 1000, "state": "up", "healthy_fraction": 1.0, "ramp": 1.0}],
    "cost_per_unit": {"a": {"A": 0, "B": 2}, "b": {"A": 2, "B": 0}}})");
}

Json plan(const Json& input) {
  const Planned planned = plan_case(input.dump(), false);
  INFO(input.dump(1));
  CHECK(planned.problems == Lines{});
  return Json::parse(planned.json);
}

/// The one problem, or all of them in one line so that a test shows them.
std::string problem(const Json& input) {
  const Planned planned = plan_case(input.dump(), false);
  CHECK(planned.json.empty() != planned.problems.empty());
  std::string all;
  for (const std::string& line : planned.problems) all += (all.empty() ? "" : " | ") + line;
  return all;
}

}  // namespace

TEST_CASE("a plan of each worked example is what it expects, alone and with its story", "[plan]") {
  std::ifstream file(ALLOCATION_EXAMPLES);
  const Json examples = Json::parse(file);
  for (const Json& example : examples.at("cases")) {
    INFO(example.at("name").get<std::string>());
    Json expected = example.at("expected");
    expected["unserved"] = Json::array();
    CHECK(plan(example.at("input")).dump() == expected.dump());
    CHECK(plan(example) == expected);
  }
}

TEST_CASE("a plan of brackets without end is refused before it is read", "[plan]") {
  const auto refused = [](const std::string& text) { return plan_case(text, false).problems; };
  const Lines ninth{"1:9: brackets in brackets more than 8 deep, which no case has"};
  CHECK(refused(std::string(10'000'000, '[')) == ninth);
  CHECK(refused(std::string(8, '[') + std::string(8, ']')) != ninth);
  std::string deep;
  for (int i = 0; i < 1'000'000; ++i) deep += "{\"a\":";
  CHECK(refused(deep).front().starts_with("1:41: brackets"));
  // Brackets in texts are none.
  Json input = small_case();
  input["cost_per_unit"]["b"]["A"] = "[[[[[[[[[[\\\"[[[[[[";
  CHECK(refused(input.dump()).front().find("brackets") == std::string::npos);
}

TEST_CASE("a plan tells who is unserved and leaves out who gets nothing", "[plan]") {
  Json input = small_case();
  input["cost_per_unit"]["b"] = {{"A", nullptr}, {"B", 0}};
  input["clusters"][1]["state"] = "down";
  const Json planned = plan(input);
  CHECK(planned["unserved"] == Json{"b"});
  CHECK(planned["weights_per_10000"] == Json::parse(R"({"a": {"A": 10000}, "b": {}})"));
  CHECK(planned["cluster_utilisation"] == Json::parse(R"({"A": 0.9, "B": 0.0})"));
  CHECK(planned["regime"] == "tight");
}

TEST_CASE("effective capacity is capacity by healthy fraction and ramp", "[plan]") {
  Json input = small_case();
  input["clusters"][0]["healthy_fraction"] = 0.5;
  input["clusters"][0]["ramp"] = 0.5;
  const Json planned = plan(input);  // A: 250; all need 1000 of 1250
  CHECK(planned["max_level"] == 0.8);
  CHECK(planned["cluster_load"] == Json::parse(R"({"A": 200.0, "B": 800.0})"));
}

TEST_CASE("a cluster is whole, up and anywhere unless it says otherwise", "[plan]") {
  Json input = small_case();
  const Json planned = plan(input);
  for (Json& cluster : input["clusters"]) {
    for (const char* field : {"locality", "state", "healthy_fraction", "ramp"}) {
      cluster.erase(field);
    }
  }
  CHECK(plan(input) == planned);
}

TEST_CASE("the order of what is given changes no share", "[plan]") {
  // Three equal thirds: the part that is left over goes to the smaller name, wherever it stands.
  const Json input = Json::parse(R"({"target": 0.7, "limit": 1,
    "client_localities": [{"name": "x", "demand": 30}],
    "clusters": [{"name": "c", "capacity": 10}, {"name": "a", "capacity": 10}, {"name": "b", "capacity": 10}],
    "cost_per_unit": {"x": {"a": 0, "b": 0, "c": 0}}})");
  CHECK(plan(input)["weights_per_10000"]["x"].dump() == R"({"a":3334,"b":3333,"c":3333})");
}

TEST_CASE("small loads keep their digits", "[plan]") {
  Json input = small_case();
  input["client_localities"][0]["demand"] = 1.2345678e-5;
  CHECK(plan(input)["cluster_load"]["A"] == 1.23457e-5);
}

TEST_CASE("what makes no sense is refused with the path of its field", "[plan]") {
  Json input = small_case();
  CHECK(problem(input).empty());
  struct Wrong {
    const char* pointer;
    Json value;
    const char* told;
  };
  const std::vector<Wrong> all{
      {"/clusters/1/capacity", -1, "clusters[1].capacity: below 0"},
      {"/clusters/0/capacity", "much", "clusters[0].capacity: not a number"},
      {"/clusters/0/capacity", 1e16, "clusters[0].capacity: above 1e+15"},
      {"/clusters/0/capacity", true, "clusters[0].capacity: not a number"},
      {"/clusters/0/state", "drained", "clusters[0].state: neither up nor down"},
      {"/clusters/0/healthy_fraction", 1.01, "clusters[0].healthy_fraction: above 1"},
      {"/clusters/0/ramp", -0.1, "clusters[0].ramp: below 0"},
      {"/clusters/0/locality", 7, "clusters[0].locality: not a name"},
      {"/clusters/0/name", "", "clusters[0].name: not a name"},
      {"/clusters/0/size", 1, "clusters[0].size: unknown field"},
      {"/clusters/1/name", "A", "clusters[1].name: stands twice"},
      {"/clusters/1", 7, "clusters[1]: not an object"},
      {"/clusters", Json::array(), "clusters: empty"},
      {"/clusters", 7, "clusters: not a list"},
      {"/client_localities", Json::array(), "client_localities: empty"},
      {"/client_localities/0/demand", -5, "client_localities[0].demand: below 0"},
      {"/client_localities/0/demand", nullptr, "client_localities[0].demand: not a number"},
      {"/client_localities/1/name", "a", "client_localities[1].name: stands twice"},
      {"/client_localities/1/region", "eu", "client_localities[1].region: unknown field"},
      {"/target", 0, "target: not above 0"},
      {"/target", 1.2, "limit: below target"},
      {"/limit", 11, "limit: above 10"},
      {"/lmit", 1, "lmit: unknown field"},
      {"/cost_per_unit", 7, "cost_per_unit: not an object"},
      {"/cost_per_unit/a", 7, "cost_per_unit.a: not an object"},
      {"/cost_per_unit/a/B", -2, "cost_per_unit.a.B: below 0"},
      {"/cost_per_unit/a/B", 2e8, "cost_per_unit.a.B: above 1e+08"},
      {"/cost_per_unit/a/C", 1, "cost_per_unit.a.C: no cluster of this name"},
      {"/cost_per_unit/a/c d\x1b", 1, "cost_per_unit.a[\"c d\\x1b\"]: no cluster of this name"},
      {"/cost_per_unit/c", Json::object(), "cost_per_unit.c: no locality of this name"},
      {"/cost_per_unit/a", {{"A", 0}}, "cost_per_unit.a.B: missing"},
      {"/cost_per_unit", {{"b", {{"A", 0}, {"B", 0}}}}, "cost_per_unit.a: missing"},
  };
  for (const Wrong& wrong : all) {
    Json changed = input;
    changed[Json::json_pointer(wrong.pointer)] = wrong.value;
    CHECK(problem(changed) == wrong.told);
  }
  for (const char* field : {"target", "limit", "client_localities", "clusters", "cost_per_unit"}) {
    Json without = input;
    without.erase(field);
    CHECK_THAT(problem(without), Catch::Contains(std::string(field) + ": missing"));
  }
}

TEST_CASE("every problem is told in one run", "[plan]") {
  Json input = small_case();
  input["clusters"][0]["capacity"] = -1;
  input["clusters"][1]["ramp"] = 2;
  input["client_localities"][0].erase("demand");
  input["cost_per_unit"]["b"]["B"] = "free";
  CHECK(problem(input) ==
        "client_localities[0].demand: missing | clusters[0].capacity: below 0 | clusters[1].ramp: "
        "above 1 | cost_per_unit.b.B: not a number");
}

TEST_CASE("a key that stands twice in an object is told", "[plan]") {
  std::string text = small_case().dump();
  text.insert(text.find("\"B\":2"), "\"B\":5,");
  CHECK(plan_case(text, false).problems == Lines{"cost_per_unit.a.B: stands twice"});
  text = small_case().dump();
  text.insert(text.rfind("\"capacity\""), "\"capacity\":5,");
  CHECK(plan_case(text, false).problems == Lines{"clusters[1].capacity: stands twice"});
}

TEST_CASE("a text that is no JSON is told with its place", "[plan]") {
  CHECK(plan_case("{\n  \"target\": 0.7,,\n}", false).problems == Lines{"2:17: not JSON"});
  CHECK(plan_case("", false).problems == Lines{"1:1: not JSON"});
  CHECK(plan_case("[1]", false).problems == Lines{"the input: not an object"});
  CHECK(plan_case("{\"target\": 1e999}", false).problems == Lines{"a number is too large"});
}

TEST_CASE("on a terminal a plan has no bytes but ASCII", "[plan]") {
  Json input = small_case();
  input["clusters"].push_back({{"name", "M\u00fcnchen\u202e"}, {"capacity", 5}});
  input["cost_per_unit"]["a"]["M\u00fcnchen\u202e"] = 9;
  input["cost_per_unit"]["b"]["M\u00fcnchen\u202e"] = 9;
  const std::string out = plan_case(input.dump(), true).json;
  CHECK(std::ranges::all_of(out, [](char c) { return c == '\n' || (c >= ' ' && c < 0x7f); }));
  CHECK_THAT(out, Catch::Contains("M\\u00fcnchen"));
}
