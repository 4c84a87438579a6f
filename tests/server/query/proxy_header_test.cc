#include "server/query/proxy_header.h"

#include <catch2/catch.hpp>

#include "query_fixture.h"

namespace swingover::tests {
namespace {

using query::parse_proxy_header;
using query::ProxyHeader;
using query::ProxyOutcome;

Octets header_of(uint8_t command, uint8_t family, const Octets& body) {
  Octets octets{0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
  octets.push_back(command);
  octets.push_back(family);
  put_u16(octets, static_cast<unsigned>(body.size()));
  octets.insert(octets.end(), body.begin(), body.end());
  return octets;
}
const Octets ipv4_body{192, 0, 2, 7, 198, 51, 100, 1, 0x30, 0x39, 0, 53};

Octets ipv6_body() {
  Octets body(36, 0);
  body[0] = 0x20;
  body[1] = 0x01;
  body[15] = 9;
  return body;
}

TEST_CASE("the client's address comes out of a PROXY header, IPv4 and IPv6, stream and datagram",
          "[proxy_header]") {
  for (const uint8_t transport : {uint8_t{1}, uint8_t{2}}) {
    ProxyHeader header;
    Octets octets = header_of(0x21, static_cast<uint8_t>(0x10 | transport), ipv4_body);
    octets.push_back(0xaa);  // the packet behind it
    REQUIRE(parse_proxy_header(octets, header) == ProxyOutcome::fine);
    CHECK(header.size == 28);
    CHECK(header.is_from_client);
    CHECK(header.client == *parse_ip_address("192.0.2.7"));

    ProxyHeader second;
    REQUIRE(parse_proxy_header(header_of(0x21, static_cast<uint8_t>(0x20 | transport), ipv6_body()),
                               second) == ProxyOutcome::fine);
    CHECK(second.size == 52);
    CHECK(second.client == *parse_ip_address("2001::9"));
  }
}

TEST_CASE("a header that names nobody leaves the client as it is", "[proxy_header]") {
  for (const Octets& octets : {header_of(0x20, 0x00, {}), header_of(0x20, 0x11, ipv4_body),
                               header_of(0x21, 0x00, {1, 2}), header_of(0x20, 0x31, Octets(216))}) {
    ProxyHeader header;
    REQUIRE(parse_proxy_header(octets, header) == ProxyOutcome::fine);
    CHECK(header.size == octets.size());
    CHECK_FALSE(header.is_from_client);
  }
}

TEST_CASE("extensions are passed over, as far as they are whole", "[proxy_header]") {
  Octets body = ipv4_body;
  body.insert(body.end(), {0x04, 0, 2, 0, 0, 0xee, 0, 0});
  ProxyHeader header;
  CHECK(parse_proxy_header(header_of(0x21, 0x12, body), header) == ProxyOutcome::fine);
  CHECK(header.size == 36);
  body.push_back(7);
  CHECK(parse_proxy_header(header_of(0x21, 0x12, body), header) == ProxyOutcome::invalid);
  body.insert(body.end(), {0, 9, 1});  // promises nine octets
  CHECK(parse_proxy_header(header_of(0x21, 0x12, body), header) == ProxyOutcome::invalid);
}

TEST_CASE("a checksum in the header must be right", "[proxy_header]") {
  Octets body = ipv4_body;
  body.insert(body.end(), {0x03, 0, 4, 0x8d, 0xcf, 0x55, 0xd4});  // CRC32C, made by another program
  Octets octets = header_of(0x21, 0x11, body);
  ProxyHeader header;
  CHECK(parse_proxy_header(octets, header) == ProxyOutcome::fine);
  octets[16] ^= 1;
  CHECK(parse_proxy_header(octets, header) == ProxyOutcome::invalid);
}

TEST_CASE("a header cut at any octet is incomplete, and says how much is needed",
          "[proxy_header]") {
  const Octets octets = header_of(0x21, 0x12, ipv4_body);
  for (size_t size = 0; size < octets.size(); ++size) {
    ProxyHeader header;
    REQUIRE(parse_proxy_header(Bytes(octets).first(size), header) == ProxyOutcome::incomplete);
    CHECK(header.size == (size < 16 ? 16 : octets.size()));
  }
}

TEST_CASE("what is no proper header is invalid", "[proxy_header]") {
  const auto outcome = [](const Octets& octets) {
    ProxyHeader header;
    return parse_proxy_header(octets, header);
  };
  CHECK(outcome(question(7)) == ProxyOutcome::invalid);
  CHECK(outcome({'P', 'R', 'O', 'X', 'Y'}) == ProxyOutcome::invalid);  // version 1
  CHECK(outcome(header_of(0x11, 0x11, ipv4_body)) == ProxyOutcome::invalid);
  CHECK(outcome(header_of(0x22, 0x11, ipv4_body)) == ProxyOutcome::invalid);    // no such command
  CHECK(outcome(header_of(0x21, 0x31, Octets(216))) == ProxyOutcome::invalid);  // a Unix socket
  CHECK(outcome(header_of(0x21, 0x11, Octets(11))) == ProxyOutcome::invalid);
  CHECK(outcome(header_of(0x21, 0x21, Octets(35))) == ProxyOutcome::invalid);
  CHECK(outcome(header_of(0x20, 0x00, Octets(5000))) == ProxyOutcome::invalid);  // beyond reason
}

}  // namespace
}  // namespace swingover::tests
