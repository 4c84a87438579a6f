#include "zones/cookie_file.h"

#include <catch2/catch.hpp>

#include <string>

namespace swingover::zones {

TEST_CASE("secrets stand one a line, with comments and blanks between", "[cookie_file]") {
  const auto secrets = parse_cookie_secrets(
      "# rolled on 2026-03-01\n\n  000102030405060708090A0b0c0d0e0f  # new\r\n"
      "ffffffffffffffffffffffffffffffff");
  REQUIRE(secrets);
  REQUIRE(secrets->size() == 2);
  CHECK(secrets->at(0) == SipKey{0x0706050403020100U, 0x0f0e0d0c0b0a0908U});
  CHECK(secrets->at(1) == SipKey{~uint64_t{0}, ~uint64_t{0}});
}

TEST_CASE("a line that is no secret is named, and not shown", "[cookie_file]") {
  const auto message = [](std::string_view text) {
    return parse_cookie_secrets(text).error().message;
  };
  const std::string good = "000102030405060708090a0b0c0d0e0f\n";
  CHECK(message(good + "abc\n") == "line 2 is not a secret of 32 hexadecimal digits");
  CHECK(message("g00102030405060708090a0b0c0d0e0f") ==
        "line 1 is not a secret of 32 hexadecimal digits");
  CHECK(message(good + "\n" + good) == "line 3 repeats a secret");
  CHECK(message("# none\n") == "it holds no secret: \"openssl rand -hex 16\" makes one");
  std::string many;
  for (char c = '0'; c <= '8'; ++c) many += std::string(32, c) + "\n";
  CHECK(message(many) == "it holds 9 secrets, 8 are the most");
}

}  // namespace swingover::zones
