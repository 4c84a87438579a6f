#include "zones/client_subnet.h"

#include <catch2/catch.hpp>

#include <vector>

namespace swingover::zones {
namespace {

using Wire = std::vector<uint8_t>;

ClientSubnet subnet(const Wire& option) {
  ClientSubnet out;
  REQUIRE(parse_client_subnet(option, out));
  return out;
}

bool is_malformed(const Wire& option) {
  ClientSubnet out;
  return !parse_client_subnet(option, out);
}

SourceMap map_of(std::vector<std::string_view> prefixes) {
  Topology topology;
  for (const std::string_view prefix : prefixes)
    topology.localities.push_back(
        {.name = "l", .region = "r", .clients = {*parse_ip_prefix(prefix)}});
  return SourceMap(topology);
}

const IpAddress resolver = *parse_ip_address("203.0.113.53");

}  // namespace

TEST_CASE("a client subnet is read as RFC 7871 writes it", "[client_subnet]") {
  const Wire v4{0, 1, 24, 0, 192, 0, 2};
  CHECK(subnet(v4).address.text() == "192.0.2.0");
  CHECK(subnet(v4).source == 24);
  CHECK(subnet({0, 1, 32, 0, 192, 0, 2, 1}).address.text() == "192.0.2.1");
  CHECK(subnet({0, 1, 20, 0, 192, 0, 0x20}).address.text() == "192.0.32.0");
  CHECK(subnet({0, 2, 48, 0, 0x20, 1, 0xd, 0xb8, 0, 1}).address.text() == "2001:db8:1::");
  CHECK(subnet({0, 1, 0, 0}).source == 0);
  CHECK(subnet({0, 2, 0, 0}).source == 0);
  CHECK(subnet({0, 0, 0, 0}).source == 0);  // as dig +subnet=0 writes it
  CHECK(subnet({0, 0, 0, 0}).present());
}

TEST_CASE("a client subnet that breaks a rule of RFC 7871 is malformed", "[client_subnet]") {
  CHECK(is_malformed({}));
  CHECK(is_malformed({0, 1, 0}));
  CHECK(is_malformed({0, 3, 0, 0}));                    // no such family
  CHECK(is_malformed({0, 0, 8, 0, 10}));                // bits of no family
  CHECK(is_malformed({0, 1, 33, 0, 192, 0, 2, 1, 1}));  // longer than an address
  CHECK(is_malformed({0, 2, 129, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17}));
  CHECK(is_malformed({0, 1, 24, 24, 192, 0, 2}));    // a scope in a query
  CHECK(is_malformed({0, 1, 24, 0, 192, 0}));        // too few octets
  CHECK(is_malformed({0, 1, 24, 0, 192, 0, 2, 0}));  // too many
  CHECK(is_malformed({0, 1, 0, 0, 0}));
  CHECK(is_malformed({0, 1, 20, 0, 192, 0, 0x21}));  // bits behind the prefix
  CHECK(is_malformed({0, 2, 1, 0, 0xc0}));
}

TEST_CASE("a service is steered by the subnet, else by the resolver", "[client_subnet]") {
  const SourceMap map = map_of({"10.1.0.0/16", "198.51.100.0/24"});
  SECTION("a global subnet") {
    const Steering steering = steer_by(subnet({0, 1, 24, 0, 192, 0, 2}), resolver, map);
    CHECK(steering.is_subnet);
    CHECK(steering.address.text() == "192.0.2.0");
  }
  SECTION("none, or one that tells nothing") {
    CHECK(steer_by({}, resolver, map).address == resolver);
    const Steering hidden = steer_by(subnet({0, 1, 0, 0}), resolver, map);
    CHECK(hidden.address == resolver);
    CHECK(hidden.scope == 0);
  }
  SECTION("a private one that a locality lists") {
    const Steering steering = steer_by(subnet({0, 1, 24, 0, 10, 1, 7}), resolver, map);
    CHECK(steering.is_subnet);
    CHECK(steering.address.text() == "10.1.7.0");
  }
  SECTION("a private one that nobody lists says nothing, for as far as that holds") {
    const Steering steering = steer_by(subnet({0, 1, 24, 0, 10, 9, 7}), resolver, map);
    CHECK_FALSE(steering.is_subnet);
    CHECK(steering.address == resolver);
    CHECK(steering.scope == 13);  // 10.8.0.0/13 is the widest around it without 10.1.0.0/16
    CHECK(steer_by(subnet({0, 1, 24, 0, 192, 168, 1}), resolver, map).scope == 16);
    CHECK(steer_by(subnet({0, 1, 32, 0, 127, 0, 0, 1}), resolver, map).scope == 8);
    CHECK(steer_by(subnet({0, 2, 8, 0, 0xfd}), resolver, map).scope == 7);
  }
  SECTION("a private one of a resolver that is private itself shares its network") {
    const auto inside = *parse_ip_address("10.0.0.53");
    CHECK(steer_by(subnet({0, 1, 24, 0, 10, 9, 7}), inside, map).address.text() == "10.9.7.0");
  }
  SECTION("an IPv4-mapped one is the IPv4 address, its bits count from the longer form") {
    const Steering steering =
        steer_by(subnet({0, 2, 120, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100}),
                 resolver, map);
    CHECK(steering.address.text() == "198.51.100.0");
    CHECK(steering.extra_bits == 96);
  }
}

TEST_CASE("a client is where its subnet is, else where its resolver is", "[client_subnet]") {
  const SourceMap map = map_of({"10.1.0.0/16", "198.51.100.0/24", "203.0.113.53/32"});
  const auto located = [&](const ClientSubnet& asked, std::string_view from) {
    const Located found = locate(asked, *parse_ip_address(from), map);
    return std::pair(found.locality == no_locality ? -1 : static_cast<int>(found.locality.value),
                     found.scope);
  };
  const std::string_view known = "203.0.113.53";
  const std::string_view unknown = "203.0.113.99";
  CHECK(located(subnet({0, 1, 24, 0, 198, 51, 100}), known) == std::pair(1, 24U));
  CHECK(located({}, known) == std::pair(2, 0U));
  CHECK(located(subnet({0, 1, 0, 0}), known) == std::pair(2, 0U));
  CHECK(located(subnet({0, 1, 24, 0, 192, 0, 2}), unknown) == std::pair(-1, 6U));
  CHECK(located(subnet({0, 1, 24, 0, 192, 0, 2}), known) == std::pair(2, 6U));
  CHECK(located(subnet({0, 1, 24, 0, 10, 9, 7}), known) == std::pair(2, 13U));
  CHECK(located(subnet({0, 2, 32, 0, 0x20, 0x01, 0x0d, 0xb8}), known) == std::pair(2, 0U));
  CHECK(located(subnet({0, 2, 120, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 198, 51, 100}),
                unknown) == std::pair(1, 96U + 24U));
}

TEST_CASE("only where the client itself was found is sure", "[client_subnet]") {
  const SourceMap map = map_of({"10.1.0.0/16", "198.51.100.0/24", "203.0.113.53/32"});
  const auto is_sure = [&](const ClientSubnet& asked, std::string_view from) {
    return locate(asked, *parse_ip_address(from), map).is_sure;
  };
  CHECK(is_sure({}, "203.0.113.53"));
  CHECK(is_sure(subnet({0, 1, 0, 0}), "203.0.113.53"));
  CHECK(is_sure(subnet({0, 1, 24, 0, 198, 51, 100}), "203.0.113.99"));
  CHECK_FALSE(is_sure({}, "203.0.113.99"));
  CHECK_FALSE(is_sure(subnet({0, 1, 24, 0, 192, 0, 2}), "203.0.113.53"));
  CHECK_FALSE(is_sure(subnet({0, 1, 24, 0, 10, 9, 7}), "203.0.113.53"));
}

TEST_CASE("local ranges are known by their prefix", "[client_subnet]") {
  const auto range = [](std::string_view text) { return local_range(*parse_ip_address(text)); };
  CHECK(range("0.0.0.0") == 8);
  CHECK(range("10.255.0.1") == 8);
  CHECK(range("100.64.0.1") == 10);
  CHECK(range("100.128.0.1") == 0);
  CHECK(range("127.9.9.9") == 8);
  CHECK(range("172.31.0.1") == 12);
  CHECK(range("172.32.0.1") == 0);
  CHECK(range("192.168.3.4") == 16);
  CHECK(range("169.254.3.4") == 16);
  CHECK(range("192.0.2.1") == 0);
  CHECK(range("::") == 128);
  CHECK(range("::1") == 128);
  CHECK(range("::2") == 0);
  CHECK(range("fd00::1") == 7);
  CHECK(range("fe80::1") == 10);
  CHECK(range("2001:db8::1") == 0);
}

TEST_CASE("a global address is told apart from every local range", "[client_subnet]") {
  const auto bits = [](std::string_view text) {
    return bits_apart_from_local(*parse_ip_address(text));
  };
  CHECK(bits("8.8.8.8") == 7);      // 8.0.0.0/7, since 8.0.0.0/6 holds 10.0.0.0/8
  CHECK(bits("203.0.113.1") == 5);  // 200.0.0.0/5, since 192.0.0.0/4 holds 192.168.0.0/16
  CHECK(bits("192.169.0.1") == 16);
  CHECK(bits("2001:db8::1") == 3);  // 2000::/3, since ::/2 holds ::1
}

}  // namespace swingover::zones
