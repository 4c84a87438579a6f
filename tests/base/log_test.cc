#include "base/log.h"

#include <array>
#include <catch2/catch.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/text.h"

namespace swingover {
namespace {

/// What log_lines.cc writes to standard error, line by line, run with `settings` of env(1).
std::vector<std::string> lines(const std::string& settings) {
  FILE* const program = popen(("env " + settings + " " LOG_LINES " 2>&1").c_str(), "r");
  REQUIRE(program != nullptr);
  std::string output;
  std::array<char, 4096> part{};
  for (size_t size = 0; (size = fread(part.data(), 1, part.size(), program)) > 0;) {
    output.append(part.data(), size);
  }
  REQUIRE(pclose(program) == 0);
  REQUIRE(output.ends_with('\n'));
  output.pop_back();
  std::vector<std::string> found;
  for (const std::string_view line : split(output, '\n')) found.emplace_back(line);
  return found;
}

}  // namespace

TEST_CASE("under the journal a line is its level's number, the event and its fields", "[log]") {
  const auto found = lines("JOURNAL_STREAM=8:1");
  REQUIRE(found.size() == 5);
  CHECK(found[0] == "<6>endpoint changed service=shop from=up reason=\"connect timed out\"");
  CHECK(found[1] == R"(<4>two lines empty="" quotes="a\"b\\c" equals="a=b")");
  CHECK_THAT(found[2], Catch::StartsWith("<3>every byte text=\"\\x00\\x01"));
  CHECK(found[3] == "<6>{} %n {:99} text={}%s%n");
  CHECK(found[4] == "<7>kept");
}

TEST_CASE("elsewhere a line starts with the time and the level's word", "[log]") {
  const auto found = lines("-u JOURNAL_STREAM");
  REQUIRE(found.size() == 5);
  const std::array<std::string, 5> words{"info", "warning", "error", "info", "debug"};
  for (size_t i = 0; i < found.size(); ++i) {
    const auto parts = split(found[i], ' ');
    CHECK(parse_rfc3339(parts[0]));
    CHECK(parts[1] == words[i]);
  }
}

TEST_CASE("a line holds no control byte, whatever text it carries", "[log]") {
  for (const std::string& line : lines("JOURNAL_STREAM=8:1")) {
    for (const char c : line) {
      CHECK(static_cast<unsigned char>(c) >= ' ');
      CHECK(c != 0x7f);
    }
  }
}

}  // namespace swingover
