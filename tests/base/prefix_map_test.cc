#include "base/prefix_map.h"

#include <catch2/catch.hpp>
#include <string>

#include "base/random.h"

namespace swingover {
namespace {

using Map = PrefixMap<int>;

IpAddress address(std::string_view text) {
  return *parse_ip_address(text);
}
IpPrefix prefix(std::string_view text) {
  return *parse_ip_prefix(text);
}

IpAddress random_address(Random& random, bool v4) {
  // Few distinct bits, so that random prefixes often nest and touch.
  if (v4) {
    const uint64_t bits = random.next();
    return IpAddress::v4({10, static_cast<uint8_t>(bits & 3), static_cast<uint8_t>(bits >> 8 & 3),
                          static_cast<uint8_t>(bits >> 16)});
  }
  std::array<uint8_t, 16> bytes{};
  for (const size_t i : {0U, 7U, 8U, 15U}) bytes[i] = static_cast<uint8_t>(random.below(4) * 85);
  return IpAddress::v6(bytes);
}

std::vector<Map::Rule> random_rules(Random& random) {
  std::vector<Map::Rule> rules;
  for (uint64_t i = random.below(30); i > 0; --i) {
    const IpAddress inside = random_address(random, random.below(2) == 0);
    const auto length = static_cast<unsigned>(random.below(inside.bits() + 1));
    rules.push_back({{masked(inside, length), length}, static_cast<int>(random.below(5))});
  }
  return rules;
}

std::optional<int> slow_find(const std::vector<Map::Rule>& rules, const IpAddress& asked) {
  const Map::Rule* best = nullptr;
  for (const Map::Rule& rule : rules) {
    if (!rule.prefix.contains(asked)) continue;
    if (!best || rule.prefix.length >= best->prefix.length) best = &rule;
  }
  return best ? std::optional(best->value) : std::nullopt;
}

TEST_CASE("the longest prefix that contains an address wins", "[prefix_map]") {
  const Map map({{prefix("10.0.0.0/8"), 8},
                 {prefix("10.1.0.0/16"), 16},
                 {prefix("10.1.2.3/32"), 32},
                 {prefix("2001:db8::/32"), 6}});
  CHECK(map.find(address("10.1.2.3")).value == 32);
  CHECK(map.find(address("10.1.2.4")).value == 16);
  CHECK(map.find(address("10.2.0.0")).value == 8);
  CHECK(map.find(address("10.255.255.255")).value == 8);
  CHECK_FALSE(map.find(address("11.0.0.0")).value.has_value());
  CHECK_FALSE(map.find(address("9.255.255.255")).value.has_value());
  CHECK(map.find(address("2001:db8:ffff::1")).value == 6);
  CHECK_FALSE(map.find(address("2001:db9::")).value.has_value());
}

TEST_CASE("an empty map finds nothing, for every address", "[prefix_map]") {
  CHECK_FALSE(Map().find(address("192.0.2.1")).value.has_value());
  CHECK(Map().find(address("192.0.2.1")).length == 0);
  CHECK(Map().find(address("::")).length == 0);
}

TEST_CASE("of equal prefixes the last rule wins", "[prefix_map]") {
  const Map map({{prefix("10.0.0.0/8"), 1}, {prefix("10.0.0.0/8"), 2}});
  CHECK(map.find(address("10.9.9.9")).value == 2);
}

TEST_CASE("a prefix of length zero holds the whole family and not the other", "[prefix_map]") {
  const Map map({{prefix("0.0.0.0/0"), 4}});
  CHECK(map.find(address("255.255.255.255")).value == 4);
  CHECK(map.find(address("255.255.255.255")).length == 0);
  CHECK_FALSE(map.find(address("::")).value.has_value());
}

TEST_CASE("the length found is that of the widest prefix with one result", "[prefix_map]") {
  const Map map(
      {{prefix("10.0.0.0/8"), 1}, {prefix("10.128.0.0/9"), 2}, {prefix("10.200.0.0/16"), 2}});
  CHECK(map.find(address("10.128.0.1")).length == 9);  // the /16 inside has the same value
  CHECK(map.find(address("10.0.0.1")).length == 9);
  CHECK(map.find(address("11.0.0.1")).length == 8);
  CHECK(map.find(address("192.0.2.1")).length == 1);
}

TEST_CASE("random maps find what a scan of the rules finds", "[prefix_map]") {
  Random random(1);
  for (int round = 0; round < 400; ++round) {
    const auto rules = random_rules(random);
    const Map map(rules);
    for (int i = 0; i < 60; ++i) {
      const IpAddress asked = random_address(random, i % 2 == 0);
      const auto found = map.find(asked);
      REQUIRE(found.value == slow_find(rules, asked));
    }
  }
}

TEST_CASE("a builder makes the map that rules in order make", "[prefix_map]") {
  Map::Builder builder;
  const std::vector<Map::Rule> rules{{prefix("10.0.0.0/9"), 1},  {prefix("10.128.0.0/9"), 1},
                                     {prefix("11.0.0.0/16"), 2}, {prefix("255.0.0.0/8"), 3},
                                     {prefix("::/1"), 4},        {prefix("8000::/1"), 5}};
  for (const Map::Rule& rule : rules) builder.add(rule.prefix, rule.value);
  const Map built = std::move(builder).build();
  const Map sorted(rules);
  CHECK(built.ranges() == sorted.ranges());
  for (const std::string_view text : {"9.9.9.9", "10.0.0.0", "10.255.255.255", "11.0.1.1",
                                      "11.1.0.0", "254.0.0.1", "255.255.255.255", "::", "ff::"}) {
    CHECK(built.find(address(text)).value == sorted.find(address(text)).value);
    CHECK(built.find(address(text)).length == sorted.find(address(text)).length);
  }
}

TEST_CASE("joined maps hold what both say of each address", "[prefix_map]") {
  Random random(3);
  for (int round = 0; round < 300; ++round) {
    const Map one(random_rules(random));
    const Map two(random_rules(random));
    const Map joined = one.joined_with<int>(
        two, [](const std::optional<int>& a, const std::optional<int>& b) { return a ? a : b; });
    for (int i = 0; i < 60; ++i) {
      const IpAddress asked = random_address(random, i % 2 == 0);
      const auto first = one.find(asked).value;
      REQUIRE(joined.find(asked).value == (first ? first : two.find(asked).value));
    }
    const Map alone = one.joined_with<int>(
        Map(), [](const std::optional<int>& a, const std::optional<int>&) { return a; });
    REQUIRE(alone.ranges() == one.ranges());
  }
}

TEST_CASE("all addresses under the length found get the same value, and under no shorter one",
          "[prefix_map]") {
  Random random(2);
  for (int round = 0; round < 300; ++round) {
    const auto rules = random_rules(random);
    const Map map(rules);
    const bool v4 = round % 2 == 0;
    const IpAddress asked = random_address(random, v4);
    const auto found = map.find(asked);
    const IpPrefix scope{masked(asked, found.length), found.length};
    for (int i = 0; i < 200; ++i) {
      const IpAddress other = random_address(random, v4);
      if (scope.contains(other)) REQUIRE(map.find(other).value == found.value);
    }
    if (found.length == 0) continue;
    // The sibling below the next shorter prefix holds at least one address with another value: one of
    // its own two ends or the start of a rule inside it.
    const IpPrefix wider{masked(asked, found.length - 1), found.length - 1};
    bool differs = map.find(wider.address).value != found.value;
    std::array<uint8_t, 16> sibling{};
    std::ranges::copy(scope.address.bytes(), sibling.begin());
    sibling[(found.length - 1) / 8] ^= static_cast<uint8_t>(0x80U >> (found.length - 1) % 8);
    const IpAddress start = v4 ? IpAddress::v4({sibling[0], sibling[1], sibling[2], sibling[3]})
                               : IpAddress::v6(sibling);
    differs = differs || map.find(start).value != found.value;
    for (const auto& rule : rules) {
      if (!wider.contains(rule.prefix.address)) continue;
      differs = differs || map.find(rule.prefix.address).value != found.value;
      // Just behind the rule: where its parent's value is back.
      std::array<uint8_t, 16> behind{};
      std::ranges::copy(rule.prefix.address.bytes(), behind.begin());
      for (unsigned bit = rule.prefix.length; bit-- > 0;) {
        const auto mask = static_cast<uint8_t>(0x80U >> bit % 8);
        behind[bit / 8] ^= mask;
        if (behind[bit / 8] & mask) break;
      }
      const IpAddress next =
          v4 ? IpAddress::v4({behind[0], behind[1], behind[2], behind[3]}) : IpAddress::v6(behind);
      if (wider.contains(next)) differs = differs || map.find(next).value != found.value;
    }
    REQUIRE(differs);
  }
}

}  // namespace
}  // namespace swingover
