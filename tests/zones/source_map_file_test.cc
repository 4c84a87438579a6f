#include "zones/source_map_file.h"

#include <catch2/catch.hpp>

#include "tests/support/problems.h"

#include <chrono>

#include "zones/source_map.h"

using namespace swingover;
using namespace swingover::zones;
using tests::only;

namespace {

struct Parsed {
  std::shared_ptr<const SourceMapFile> file;
  std::vector<std::string> problems;
};

Parsed parsed(std::string_view text) {
  Diagnostics diagnostics("clients.map", text);
  auto file = parse_source_map(text, diagnostics);
  return {std::move(file), tests::listed(diagnostics)};
}

Topology two_localities() {
  Topology topology;
  topology.localities = {{"fra-a", "eu", {*parse_ip_prefix("10.1.0.0/16")}},
                         {"ams-a", "eu", {*parse_ip_prefix("2001:db8::/32")}}};
  return topology;
}

}  // namespace

TEST_CASE("a line of a client map is a prefix and a locality", "[source_map_file]") {
  const auto result = parsed(
      "# head\n\n 192.0.2.0/24\tfra-a  # tail\r\n"
      "2001:db8::/32 ams-a;x\n198.51.100.7 fra-a");
  CHECK(result.problems.empty());
  REQUIRE(result.file);
  REQUIRE(result.file->rules.size() == 3);
  CHECK(result.file->rules[0].prefix.text() == "2001:db8::/32");
  CHECK(result.file->rules[1].prefix.text() == "192.0.2.0/24");
  CHECK(result.file->rules[1].line == 3);
  CHECK(result.file->rules[2].prefix.text() == "198.51.100.7/32");
  REQUIRE(result.file->names.size() == 2);
  CHECK(result.file->names[0].text == "fra-a");
  CHECK(result.file->names[0].first == Position{3, 15});
  CHECK(parsed("").file);
}

TEST_CASE("each bad line of a client map is told with its place", "[source_map_file]") {
  CHECK(parsed("  192.0.2.0/33 fra-a\n").problems ==
        only("1:3: a prefix length is a number from 0 to 32"));
  CHECK(parsed("192.0.2.1/24 fra-a\n").problems ==
        only("1:1: the address has bits behind the prefix length; write 192.0.2.0/24"));
  CHECK(parsed("192.0.2.0/24\n").problems ==
        only(R"(1:13: a locality must stand behind the prefix, as in "192.0.2.0/24 fra-a")"));
  CHECK(parsed("192.0.2.0/24 fra-a ams-a\n").problems ==
        only("1:20: only a prefix and a locality stand in a line"));
  CHECK(parsed("::ffff:192.0.2.0/120 fra-a\n").problems ==
        only("1:1: write 192.0.2.0/24: IPv4-mapped clients are looked for as IPv4"));
  const auto several = parsed("fra-a 192.0.2.0/24\n192.0.2.0/24 fra-a\n10.0.0.0/8\n");
  CHECK_FALSE(several.file);
  REQUIRE(several.problems.size() == 2);
  CHECK(several.problems[1].starts_with("3:11: "));
}

TEST_CASE("a prefix twice is a problem if the localities differ", "[source_map_file]") {
  CHECK(parsed("10.0.0.0/8 fra-a\n10.0.0.0/9 ams-a\n10.0.0.0/8 fra-a\n").file->rules.size() == 2);
  CHECK(parsed("10.0.0.0/8 fra-a\n10.0.0.0/9 ams-a\n10.0.0.0/8 ams-a\n").problems ==
        only(R"(3:1: 10.0.0.0/8 is in "fra-a" already, by line 1)"));
}

TEST_CASE("of many problems fifty are told", "[source_map_file]") {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "x fra-a\n";
  const auto result = parsed(text);
  CHECK(result.problems.size() == 51);
  CHECK(result.problems.back() == "50:1: 50 problems; no more of them are looked for");
}

TEST_CASE("a locality too many stands for no other one where it stands again",
          "[source_map_file]") {
  std::string text;
  for (unsigned i = 0; i < 65'536; ++i)
    text += "10." + std::to_string(i / 256) + "." + std::to_string(i % 256) + ".0/24 l" +
            std::to_string(i) + "\n";
  const auto result = parsed(text + "192.0.2.0/24 l65535\n192.0.2.0/24 l0\n");
  CHECK(result.problems == std::vector<std::string>{"65536:17: more than 65535 localities",
                                                    "65537:14: more than 65535 localities"});
}

TEST_CASE("a client map may name only localities that are there", "[source_map_file]") {
  const std::string_view text = "192.0.2.0/24 fra-a\n10.0.0.0/8 ams-b\n10.9.0.0/16 ams-b\n";
  Diagnostics diagnostics("clients.map", text);
  const auto file = parse_source_map(text, diagnostics);
  REQUIRE(file);
  check_names(*file, two_localities(), diagnostics);
  CHECK(tests::listed(diagnostics) ==
        only(R"(2:12: no [[locality]] is named "ams-b"; did you mean "ams-a"?)"));
}

TEST_CASE("what else is wrong with a client map does not hide localities that are not there",
          "[source_map_file]") {
  const std::string_view text = "192.0.2.0/33 fra-a\n10.0.0.0/8 ams-b\n";
  Diagnostics diagnostics("clients.map", text);
  const Topology topology = two_localities();
  CHECK_FALSE(parse_source_map(text, diagnostics, &topology));
  const auto problems = tests::listed(diagnostics);
  REQUIRE(problems.size() == 2);
  CHECK(problems[0].starts_with("1:1: "));
  CHECK(problems[1] == R"(2:12: no [[locality]] is named "ams-b"; did you mean "ams-a"?)");
}

TEST_CASE("two files must not put one prefix into two localities", "[source_map_file]") {
  const auto first = parsed("10.0.0.0/8 fra-a\n10.9.0.0/16 ams-a\n2001:db8::/32 fra-a\n").file;
  const std::string_view text = "192.0.2.0/24 fra-a\n10.9.0.0/16 fra-a\n10.0.0.0/8 fra-a\n";
  Diagnostics diagnostics("b.map", text);
  const auto second = parse_source_map(text, diagnostics);
  check_against(*second, *first, "a.map", diagnostics);
  CHECK(tests::listed(diagnostics) ==
        only(R"(2:1: 10.9.0.0/16 is in "ams-a" already, by a.map:2)"));
}

TEST_CASE("the config counts where it and a file list the same prefix", "[source_map_file]") {
  const std::string_view text = "10.1.0.0/16 ams-a\n2001:db8::/32 ams-a\n10.1.2.0/24 ams-a\n";
  Diagnostics diagnostics("clients.map", text);
  const auto file = parse_source_map(text, diagnostics);
  REQUIRE(file);
  const Topology topology = two_localities();
  check_against(*file, topology, diagnostics);
  CHECK_FALSE(diagnostics.has_errors());
  CHECK(tests::listed(diagnostics) ==
        only(R"(1:1: warning: 10.1.0.0/16 is in "fra-a" by the config file, which counts)"));

  const SourceMapFile* const files[] = {file.get()};
  const SourceMap map(listed_clients(topology, files));
  CHECK(map.find(*parse_ip_address("10.1.9.9")).locality == LocalityId(0));
  CHECK(map.find(*parse_ip_address("10.1.2.9")).locality == LocalityId(1));  // the longer one
  CHECK(map.find(*parse_ip_address("10.1.2.9")).length == 24);
}

TEST_CASE("a million prefixes load in no time that grows with their square", "[source_map_file]") {
  // CPU time of a quarter and of the whole: four times as many lines take far less than sixteen times as long.
  const auto seconds_for = [](unsigned count) {
    std::string text;
    for (unsigned i = 0; i < count; ++i) {
      const unsigned address = i * 2654435761U & 0xffffff00U;
      text += std::to_string(address >> 24) + '.' + std::to_string(address >> 16 & 255) + '.' +
              std::to_string(address >> 8 & 255) + ".0/24 l" +
              std::to_string(address % 13 == 0 ? 1 : 1 + address % 7) + '\n';
    }
    const std::clock_t begin = std::clock();
    Diagnostics diagnostics = Diagnostics::of_kept("clients.map", text);
    const auto file = parse_source_map(text, diagnostics);
    REQUIRE(file);
    Topology topology;
    for (const auto& name : file->names) topology.localities.push_back({name.text, "", {}});
    const SourceMapFile* const files[] = {file.get()};
    const SourceMap map(listed_clients(topology, files));
    CHECK(map.find(file->rules.back().prefix.address).length > 0);
    return static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  };
  const double quarter = seconds_for(250'000);
  const double whole = seconds_for(1'000'000);
  INFO(quarter << " s, " << whole << " s");
  CHECK(whole < 10 * quarter + 0.1);
}
