#include "server/query/client_limits.h"

#include <catch2/catch.hpp>

#include <map>
#include <string>

namespace swingover::tests {
namespace {

using query::ClientLimits;
using query::ClientNetwork;
using query::LimitedNetworks;
using Verdict = ClientLimits::Verdict;
using zones::AnswerKind;

IpAddress ip(const std::string& text) {
  return *parse_ip_address(text);
}

/// The n-th network of 10.0.0.0/8, or of 2001:db8::/32.
IpAddress network_v4(uint32_t n) {
  return IpAddress::v4({10, static_cast<uint8_t>(n >> 8), static_cast<uint8_t>(n), 1});
}
IpAddress network_v6(uint32_t n) {
  const auto octet = [n](unsigned shift) { return static_cast<uint8_t>(n >> shift); };
  return IpAddress::v6({0x20, 1, 0xd, 0xb8, octet(16), octet(8), octet(0)});
}

/// Limits under a clock of their own.
class Limited {
 public:
  explicit Limited(zones::ResponseLimits settings, uint32_t workers = 1) : limits_(7, networks_) {
    apply(std::move(settings), workers);
    at(0);
  }

  /// Milliseconds after some time far from 0.
  void at(int64_t milliseconds) { limits_.set_now({5'000'000'000'000 + milliseconds * 1'000'000}); }
  Verdict judge(const IpAddress& client, uint64_t key = 1, AnswerKind kind = AnswerKind::data) {
    return limits_.judge(client, kind, key);
  }
  unsigned sent(unsigned asked, const IpAddress& client, uint64_t key = 1,
                AnswerKind kind = AnswerKind::data) {
    unsigned count = 0;
    for (unsigned i = 0; i < asked; ++i) count += judge(client, key, kind) == Verdict::send;
    return count;
  }
  void apply(zones::ResponseLimits settings, uint32_t workers = 1,
             zones::CookieRequire require = zones::CookieRequire::under_load) {
    answering_.limits = std::move(settings);
    answering_.cookie_require = require;
    limits_.apply(answering_, workers);
  }
  ClientLimits& limits() { return limits_; }
  std::map<std::string, uint64_t> named() const {
    std::map<IpPrefix, uint64_t> sums;
    networks_.add_to(sums);
    std::map<std::string, uint64_t> counts;
    for (const auto& [network, responses] : sums) counts[network.text()] = responses;
    return counts;
  }

 private:
  zones::Answering answering_;
  LimitedNetworks networks_;
  ClientLimits limits_;
};

TEST_CASE("a network gets its rate, after a burst of one second's worth", "[client_limits]") {
  Limited limited({.responses_per_second = 200});
  const IpAddress client = ip("192.0.2.1");
  CHECK(limited.sent(1000, client) == 200);
  unsigned sent = 0;
  for (int64_t ms = 1; ms <= 5000; ++ms) {
    limited.at(ms);
    sent += limited.sent(4, client);
  }
  CHECK(sent == 1000);
  limited.at(20'000);
  CHECK(limited.sent(1000, client) == 200);
}

TEST_CASE("a client below its rate is never limited, however its queries bunch",
          "[client_limits]") {
  Limited limited({.responses_per_second = 200});
  for (int64_t ms = 0; ms < 60'000; ms += 500) {
    limited.at(ms);
    REQUIRE(limited.sent(100, ip("192.0.2.1")) == 100);
  }
}

TEST_CASE("a /24 and a /56 are one client, their neighbours are others", "[client_limits]") {
  Limited limited({.responses_per_second = 10});
  CHECK(limited.sent(20, ip("192.0.2.1")) == 10);
  CHECK(limited.sent(20, ip("192.0.2.255")) == 0);
  CHECK(limited.sent(20, ip("192.0.3.1")) == 10);
  CHECK(limited.sent(20, ip("2001:db8:0:100::1")) == 10);
  CHECK(limited.sent(20, ip("2001:db8:0:1ff:ffff::1")) == 0);
  CHECK(limited.sent(20, ip("2001:db8:0:200::1")) == 10);
}

TEST_CASE("each answer and each kind of answer has a limit of its own", "[client_limits]") {
  Limited limited({.responses_per_second = 10});
  const IpAddress client = ip("192.0.2.1");
  CHECK(limited.sent(20, client, 1) == 10);
  CHECK(limited.sent(20, client, 2) == 10);
  CHECK(limited.sent(20, client, 0) == 10);
  for (const AnswerKind kind :
       {AnswerKind::nodata, AnswerKind::name_error, AnswerKind::referral, AnswerKind::error}) {
    CHECK(limited.sent(20, client, 1, kind) == 10);
  }
}

TEST_CASE("of what is over the limit one in `slip` is sent truncated", "[client_limits]") {
  const uint32_t slip = GENERATE(0U, 1U, 2U, 5U);
  Limited limited({.responses_per_second = 1, .slip = slip});
  const IpAddress client = ip("192.0.2.1");
  REQUIRE(limited.judge(client) == Verdict::send);
  constexpr double asked = 20'000;
  double slipped = 0;
  for (int i = 0; i < 20'000; ++i) {
    const Verdict verdict = limited.judge(client);
    REQUIRE(verdict != Verdict::send);
    slipped += verdict == Verdict::slip ? 1 : 0;
  }
  CHECK(slipped / asked == Approx(slip == 0 ? 0 : 1.0 / slip).margin(0.02));
}

TEST_CASE("exempt networks and a rate of 0 have no limit", "[client_limits]") {
  const PrefixMap<bool> exempt(
      {{*parse_ip_prefix("127.0.0.0/8"), true}, {*parse_ip_prefix("2001:db8::53/128"), true}});
  Limited limited({.responses_per_second = 1, .exempt = exempt});
  CHECK(limited.sent(1000, ip("127.1.2.3")) == 1000);
  CHECK(limited.sent(1000, ip("2001:db8::53")) == 1000);
  CHECK(limited.sent(1000, ip("2001:db8:1::54")) == 1);
  CHECK(limited.named() == std::map<std::string, uint64_t>{{"2001:db8:1::/56", 999}});

  Limited off({.responses_per_second = 0});
  CHECK(off.sent(100'000, ip("192.0.2.1")) == 100'000);
}

TEST_CASE("the workers' shares add up to the rate, but none is below 16", "[client_limits]") {
  const IpAddress client = ip("192.0.2.1");
  Limited quarter({.responses_per_second = 200}, 4);
  CHECK(quarter.sent(1000, client) == 50);
  Limited many({.responses_per_second = 200}, 64);
  CHECK(many.sent(1000, client) == 16);
  Limited few({.responses_per_second = 5}, 64);
  CHECK(few.sent(1000, client) == 5);
}

TEST_CASE("new settings count from the next response on", "[client_limits]") {
  Limited limited({.responses_per_second = 10});
  const IpAddress client = ip("192.0.2.1");
  CHECK(limited.sent(100, client) == 10);
  limited.apply({.responses_per_second = 1000});
  limited.at(500);
  CHECK(limited.sent(2000, client) == 500);
  limited.apply({});
  CHECK(limited.sent(2000, client) == 2000);
}

TEST_CASE("a flood of networks frees none that is limited, and limits none that is not",
          "[client_limits]") {
  Limited limited({.responses_per_second = 5});
  const IpAddress hot = ip("192.0.2.1");
  const IpAddress calm = ip("198.51.100.1");
  CHECK(limited.sent(100, hot) == 5);
  unsigned hot_sent = 0;
  uint32_t next = 0;
  for (int64_t ms = 1; ms <= 2000; ++ms) {
    limited.at(ms);
    // 150,000 a second: at this rate each stays for 200 ms, some 30,000 at a time, as many as there is room.
    for (int i = 0; i < 75; ++i) {
      REQUIRE(limited.judge(network_v6(next)) == Verdict::send);
      REQUIRE(limited.judge(network_v4(next++), 1, AnswerKind::nodata) == Verdict::send);
    }
    hot_sent += limited.sent(1, hot);
    if (ms % 250 == 0) REQUIRE(limited.judge(calm) == Verdict::send);
  }
  CHECK(hot_sent == 10);
}

TEST_CASE("a bucket is right when the clock has come round", "[client_limits]") {
  Limited limited({.responses_per_second = 10});
  const IpAddress client = ip("192.0.2.1");
  constexpr int64_t round_ms = 4'294'968;  // 2^32 us
  for (int64_t turn = 0; turn < 3; ++turn) {
    limited.at(turn * round_ms + 60'000 * turn);
    CHECK(limited.sent(100, client) == 10);
    limited.at(turn * round_ms + 60'000 * turn + round_ms / 2);
    CHECK(limited.sent(100, client) == 10);
  }
}

TEST_CASE("under load a network that takes much must prove, while it goes on", "[client_limits]") {
  const PrefixMap<bool> exempt({{*parse_ip_prefix("127.0.0.0/8"), true}});
  Limited limited({.require_cookies_above = 1000, .exempt = exempt});
  const IpAddress heavy = ip("192.0.2.1");
  const IpAddress calm = ip("198.51.100.1");
  const IpAddress own = ip("127.0.0.1");
  const auto second = [&](int64_t start, unsigned heavy_each_ms) {
    for (int64_t ms = start; ms < start + 1000; ++ms) {
      limited.at(ms);
      limited.sent(heavy_each_ms, heavy, static_cast<uint64_t>(ms));
      limited.sent(heavy_each_ms, own, static_cast<uint64_t>(ms));
      if (ms % 2 == 0) limited.sent(1, calm, static_cast<uint64_t>(ms));
    }
  };
  second(0, 5);
  CHECK_FALSE(limited.limits().must_prove(heavy));
  limited.limits().set_under_load(true);
  second(1000, 5);
  CHECK(limited.limits().must_prove(heavy));
  CHECK(limited.limits().must_prove(ip("192.0.2.77")));
  CHECK_FALSE(limited.limits().must_prove(calm));
  CHECK_FALSE(limited.limits().must_prove(own));
  CHECK_FALSE(limited.limits().must_prove(ip("203.0.113.1")));
  for (int64_t ms = 2000; ms < 4000; ++ms) {  // at twice the rate it stays heavy at every moment
    limited.at(ms);
    limited.sent(2, heavy, static_cast<uint64_t>(ms));
    REQUIRE(limited.limits().must_prove(heavy));
  }
  limited.at(6000);
  CHECK_FALSE(limited.limits().must_prove(heavy));
  second(6000, 5);
  CHECK(limited.limits().must_prove(heavy));
  limited.apply({.require_cookies_above = 1000}, 1, zones::CookieRequire::never);
  CHECK_FALSE(limited.limits().must_prove(heavy));
  limited.apply({.require_cookies_above = 1000});
  CHECK(limited.limits().must_prove(heavy));
  limited.limits().set_under_load(false);
  CHECK_FALSE(limited.limits().must_prove(heavy));
}

TEST_CASE("limited networks are named with their counts, sixteen at a time", "[client_limits]") {
  Limited limited({.responses_per_second = 1});
  for (uint32_t n = 0; n < 40; ++n) limited.sent(4, network_v4(n));
  const auto first = limited.named();
  CHECK(first.size() == 16);
  CHECK(first.at("10.0.0.0/24") == 3);
  CHECK(first.at("10.0.15.0/24") == 3);
  limited.at(9'000);
  limited.sent(4, network_v4(0));
  limited.at(15'000);
  for (uint32_t n = 20; n < 40; ++n) limited.sent(4, network_v4(n));
  const auto second = limited.named();
  CHECK(second.size() == 16);
  CHECK(second.at("10.0.0.0/24") == 6);
  CHECK(second.at("10.0.34.0/24") == 3);
  CHECK(second.count("10.0.1.0/24") == 0);
}

}  // namespace
}  // namespace swingover::tests
