#include "base/units.h"

#include <catch2/catch.hpp>
#include <unordered_set>

namespace swingover {

TEST_CASE("a duration is a whole number and a unit", "[units]") {
  CHECK(parse_duration("0s")->value == 0);
  CHECK(parse_duration("500ms")->value == 500);
  CHECK(parse_duration("10s")->value == 10'000);
  CHECK(parse_duration("5m")->value == 300'000);
  CHECK(parse_duration("1h")->value == 3'600'000);
  CHECK(parse_duration("90d")->value == int64_t{90} * 86'400'000);
}

TEST_CASE("anything else is no duration, and the message says what is", "[units]") {
  for (const char* text :
       {"", "s", "10", "-1s", "+1s", "1.5s", "1 s", " 1s", "1s ", "1S", "1w", "1h30m", "0x1s",
        "36601d", "99999999999999999999s", "9223372036854775807d"}) {
    INFO(text);
    const auto duration = parse_duration(text);
    REQUIRE_FALSE(duration);
    CHECK(duration.error().code == ErrorCode::invalid);
  }
  CHECK(parse_duration("10").error().message ==
        "a duration needs a unit: ms, s, m, h or d, as in \"10s\"");
}

TEST_CASE("a duration's text is the shortest that reads back", "[units]") {
  CHECK(duration_text(Milliseconds(0)) == "0s");
  CHECK(duration_text(Milliseconds(1'500)) == "1500ms");
  CHECK(duration_text(Milliseconds(60'000)) == "1m");
  CHECK(duration_text(Milliseconds(90'000)) == "90s");
  CHECK(duration_text(Milliseconds(86'400'000)) == "1d");
  for (int64_t value = 0; value < 10'000'000; value += 12'345) {
    CHECK(parse_duration(duration_text(Milliseconds(value)))->value == value);
  }
}

TEST_CASE("strong numbers compare and hash by their value", "[units]") {
  CHECK(ServiceId(1) < ServiceId(2));
  CHECK(Milliseconds(2) + Milliseconds(3) * 2 - Milliseconds(1) == Milliseconds(7));
  const std::unordered_set<ClusterId> ids{ClusterId(1), ClusterId(1), ClusterId(2)};
  CHECK(ids.size() == 2);
}

}  // namespace swingover
