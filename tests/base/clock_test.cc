#include "base/clock.h"

#include <catch2/catch.hpp>

#include "tests/support/manual_clock.h"

namespace swingover {

TEST_CASE("times are written in RFC 3339 with milliseconds", "[clock]") {
  CHECK(rfc3339({0}) == "1970-01-01T00:00:00.000Z");
  CHECK(rfc3339({1'795'334'400'250}) == "2026-11-22T08:00:00.250Z");
  CHECK(rfc3339({-1}) == "1969-12-31T23:59:59.999Z");
  CHECK(rfc3339({4'102'444'800'000}) == "2100-01-01T00:00:00.000Z");
}

TEST_CASE("a time outside the four-digit years is written as the last or first of them",
          "[clock]") {
  CHECK(rfc3339({INT64_MAX}) == "9999-12-31T23:59:59.999Z");
  CHECK(rfc3339({253'402'300'799'999}) == "9999-12-31T23:59:59.999Z");
  CHECK(rfc3339({253'402'300'800'000}) == "9999-12-31T23:59:59.999Z");
  CHECK(rfc3339({INT64_MIN}) == "0001-01-01T00:00:00.000Z");
  CHECK(rfc3339({-62'135'596'800'000}) == "0001-01-01T00:00:00.000Z");
}

TEST_CASE("what was written is read back, over leap days and centuries", "[clock]") {
  for (int64_t day = -719'162; day < 2'932'896; day += 211) {
    const WallTime time{day * 86'400'000 + (day & 0xffff)};
    const auto read = parse_rfc3339(rfc3339(time));
    REQUIRE(read);
    CHECK(*read == time);
  }
}

TEST_CASE("a time is read without fraction, or with up to nine digits of it", "[clock]") {
  CHECK(parse_rfc3339("2026-11-22T08:00:00Z")->unix_milliseconds == 1'795'334'400'000);
  CHECK(parse_rfc3339("2026-11-22t08:00:00.5z")->unix_milliseconds == 1'795'334'400'500);
  CHECK(parse_rfc3339("2026-11-22T08:00:00.123456789Z")->unix_milliseconds == 1'795'334'400'123);
  CHECK(parse_rfc3339("2024-02-29T00:00:00Z"));
}

TEST_CASE("what is no time is refused", "[clock]") {
  for (const char* text :
       {"", "now", "2026-11-22", "2026-11-22T08:00:00", "2026-11-22 08:00:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z", "2026-11-22T24:00:00Z", "2026-11-22T08:60:00Z",
        "2026-11-22T08:00:61Z", "2026-11-22T08:00:00.Z", "2026-11-22T08:00:00,5Z",
        "2026-11-22T08:00:00.1234567890Z", "2026-11-22T08:00:00.-5Z", "2026-11-22T08:00:00+01:00",
        "2026-11-22T+8:00:00Z", "2026-11-22T08:00:00ZZ"}) {
    INFO(text);
    CHECK_FALSE(parse_rfc3339(text));
  }
}

TEST_CASE("times and lengths of time add up", "[clock]") {
  const MonotonicTime start{5'000'000};
  CHECK((start + Milliseconds(7)) - start == Milliseconds(7));
  CHECK(MonotonicTime{1'999'999} - MonotonicTime{0} == Milliseconds(1));
  CHECK(WallTime{10} + Milliseconds(-20) == WallTime{-10});
}

TEST_CASE("the system's clock goes forward, and is not stuck", "[clock]") {
  const MonotonicTime first = system_clock().now();
  MonotonicTime last = first;
  for (int i = 0; i < 100'000 && last == first; ++i) last = system_clock().now();
  CHECK(last > first);
  CHECK(system_clock().wall() > WallTime{1'700'000'000'000});
}

TEST_CASE("a manual clock moves when told, its wall clock alone when it jumps", "[clock]") {
  tests::ManualClock clock;
  const MonotonicTime now = clock.now();
  const WallTime wall = clock.wall();
  clock.advance(Milliseconds(10));
  clock.jump_wall(Milliseconds(-100));
  CHECK(clock.now() - now == Milliseconds(10));
  CHECK(clock.wall() - wall == Milliseconds(-90));
}

}  // namespace swingover
