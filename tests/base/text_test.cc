#include "base/text.h"

#include <array>
#include <catch2/catch.hpp>

namespace swingover {

TEST_CASE("blanks go from both ends and stay within", "[text]") {
  CHECK(trimmed(" \t a b\r\n") == "a b");
  CHECK(trimmed("a") == "a");
  CHECK(trimmed(" \n ").empty());
  CHECK(trimmed("").empty());
}

TEST_CASE("a text is split at every separator, empty parts included", "[text]") {
  using Parts = std::vector<std::string_view>;
  CHECK(split("a,,b", ',') == Parts{"a", "", "b"});
  CHECK(split(",", ',') == Parts{"", ""});
  CHECK(split("a", ',') == Parts{"a"});
  CHECK(split("", ',') == Parts{""});
}

TEST_CASE("joining puts the separator between the parts only", "[text]") {
  const std::array<std::string, 3> parts{"a", "", "b"};
  CHECK(joined(parts, ", ") == "a, , b");
  CHECK(joined(std::span(parts).first(1), ", ") == "a");
  CHECK(joined({}, ", ").empty());
}

TEST_CASE("lower case is that of ASCII and touches nothing else", "[text]") {
  CHECK(lower("AZ@[az\xc3\x84") == "az@[az\xc3\x84");
}

TEST_CASE("a number is digits from end to end, within 64 bits", "[text]") {
  CHECK(parse_number("0") == 0U);
  CHECK(parse_number("007") == 7U);
  CHECK(parse_number("18446744073709551615") == UINT64_MAX);
  for (const char* text : {"", "18446744073709551616", "-1", "+1", " 1", "1 ", "0x1", "1.0", "a"}) {
    INFO(text);
    CHECK_FALSE(parse_number(text).has_value());
  }
}

TEST_CASE("the nearest word is suggested if it is near enough", "[text]") {
  const std::array<std::string, 4> keys{"interval", "timeout", "rise", "fall"};
  CHECK(nearest_word("intervall", keys) == "interval");
  CHECK(nearest_word("itnerval", keys) == "interval");  // swapped neighbours
  CHECK(nearest_word("TIMEOUT", keys) == "timeout");
  CHECK(nearest_word("time_out", keys) == "timeout");
  CHECK(nearest_word("fal", keys) == "fall");
  CHECK(nearest_word("listen", keys) == std::nullopt);
  CHECK(nearest_word("", keys) == std::nullopt);
  CHECK(nearest_word(std::string(100'000, 'x'), keys) == std::nullopt);
  CHECK(nearest_word("rise", {}) == std::nullopt);
}

}  // namespace swingover
