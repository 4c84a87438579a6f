#include "zones/cookie.h"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace swingover::zones {
namespace {

std::vector<uint8_t> octets(std::string_view hex) {
  std::vector<uint8_t> out;
  for (size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}

SipKey secret(std::string_view hex) {
  const std::vector<uint8_t> all = octets(hex);
  return sip_key(std::span<const uint8_t, 16>(all.data(), 16));
}

std::string hex(Bytes bytes) {
  std::string out;
  for (const uint8_t byte : bytes) {
    out += "0123456789abcdef"[byte >> 4];
    out += "0123456789abcdef"[byte & 0xf];
  }
  return out;
}

const SipKey one = secret("e5e973e5a6b2a43f48e7dc849e37bfcf");
const SipKey other = secret("445536bcd2513298075a5d379663c962");
const IpAddress client = IpAddress::v4({198, 51, 100, 100});

constexpr uint32_t noon = 1'700'000'000;

std::vector<uint8_t> made_at(uint32_t when, const SipKey& by = one) {
  const CheckedCookie made = check_cookie(octets("2464c4abcf10c957"), client, when, {&by, 1});
  return {made.answer.begin(), made.answer.end()};
}

}  // namespace

TEST_CASE("cookies are those of RFC 9018 appendix A", "[cookie]") {
  SECTION("A.1: a new one") {
    const CheckedCookie made =
        check_cookie(octets("2464c4abcf10c957"), client, 1559731985, {&one, 1});
    CHECK(made.state == CookieState::client_only);
    CHECK(hex(made.answer) == "2464c4abcf10c957010000005cf79f111f8130c3eee29480");
  }
  SECTION("A.2: renewed within its last half hour") {
    const CheckedCookie made = check_cookie(
        octets("2464c4abcf10c957010000005cf79f111f8130c3eee29480"), client, 1559734385, {&one, 1});
    CHECK(made.state == CookieState::valid);
    CHECK(hex(made.answer) == "2464c4abcf10c957010000005cf7a871d4a564a1442aca77");
  }
  SECTION("A.3: reserved octets of another server are part of its hash") {
    const CheckedCookie made =
        check_cookie(octets("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"),
                     IpAddress::v4({203, 0, 113, 203}), 1559728000, {&one, 1});
    CHECK(made.state == CookieState::valid);
    const CheckedCookie renewed =
        check_cookie(octets("fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"),
                     IpAddress::v4({203, 0, 113, 203}), 1559734700, {&one, 1});
    CHECK(renewed.state == CookieState::client_only);  // over an hour old by then
    CHECK(hex(renewed.answer) == "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e");
  }
  SECTION("A.4: IPv6, and a secret that was rolled") {
    const std::vector<SipKey> secrets{other, secret("dd3bdf9344b678b185a6f5cb60fca715")};
    const auto v6 = *parse_ip_address("2001:db8:220:1:59de:d0f4:8769:82b8");
    const CheckedCookie made = check_cookie(
        octets("22681ab97d52c298010000005cf7c57926556bd0934c72f8"), v6, 1559741961, secrets);
    CHECK(made.state == CookieState::valid);
    CHECK(hex(made.answer) == "22681ab97d52c298010000005cf7c609a6bb79d16625507a");
  }
}

TEST_CASE("a cookie is valid for an hour, renewed after half of it, and hardly from the future",
          "[cookie]") {
  const auto cookie = made_at(noon);
  const auto checked = [&](uint32_t now) { return check_cookie(cookie, client, now, {&one, 1}); };
  CHECK(checked(noon).state == CookieState::valid);
  CHECK(hex(checked(noon + 1799).answer) == hex(cookie));
  CHECK(hex(checked(noon + 1800).answer) == hex(made_at(noon + 1800)));
  CHECK(checked(noon + 3600).state == CookieState::valid);
  CHECK(checked(noon + 3601).state == CookieState::client_only);
  CHECK(hex(checked(noon + 3601).answer) == hex(made_at(noon + 3601)));
  CHECK(checked(noon - 300).state == CookieState::valid);
  CHECK(checked(noon - 301).state == CookieState::client_only);
  SECTION("also where 32 bits of seconds wrap") {
    const uint32_t last = 0xffff'ffff;
    const auto late = made_at(last);
    CHECK(check_cookie(late, client, last + 100, {&one, 1}).state == CookieState::valid);
    CHECK(check_cookie(late, client, last + 3700, {&one, 1}).state == CookieState::client_only);
    CHECK(check_cookie(made_at(last + 100), client, last, {&one, 1}).state == CookieState::valid);
  }
}

TEST_CASE("a cookie is its client's, its secret's and whole", "[cookie]") {
  const auto cookie = made_at(noon);
  const auto state = [&](const std::vector<uint8_t>& c, const IpAddress& from, const SipKey& by) {
    return check_cookie(c, from, noon, {&by, 1}).state;
  };
  REQUIRE(state(cookie, client, one) == CookieState::valid);
  CHECK(state(cookie, IpAddress::v4({198, 51, 100, 101}), one) == CookieState::client_only);
  CHECK(state(cookie, client, other) == CookieState::client_only);
  for (size_t i = 0; i < cookie.size(); ++i) {
    auto changed = cookie;
    changed[i] ^= 1;
    CHECK(state(changed, client, one) == CookieState::client_only);
  }
  CHECK(state(octets("2464c4abcf10c9570102030405060708"), client, one) ==
        CookieState::client_only);  // somebody else's form
  CHECK(check_cookie({}, client, noon, {&one, 1}).state == CookieState::none);
  CHECK(check_cookie(cookie, client, noon, {}).state == CookieState::none);
}

TEST_CASE("an old secret still verifies, and its cookies are replaced at once", "[cookie]") {
  const std::vector<SipKey> rolled{other, one};
  const CheckedCookie checked = check_cookie(made_at(noon), client, noon + 1, rolled);
  CHECK(checked.state == CookieState::valid);
  CHECK(hex(checked.answer) == hex(made_at(noon + 1, other)));
}

TEST_CASE("a cookie has 8 octets, or 16 to 40", "[cookie]") {
  for (size_t size = 0; size <= 50; ++size)
    CHECK(is_cookie_size(size) == (size == 8 || (size >= 16 && size <= 40)));
}

}  // namespace swingover::zones
