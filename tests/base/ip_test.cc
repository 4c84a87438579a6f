#include "base/ip.h"

#include <sys/socket.h>

#include <catch2/catch.hpp>

namespace swingover {
namespace {

IpAddress ip(std::string_view text) {
  const auto address = parse_ip_address(text);
  INFO(text);
  REQUIRE(address);
  return *address;
}

IpPrefix prefix(std::string_view text) {
  const auto parsed = parse_ip_prefix(text);
  INFO(text);
  REQUIRE(parsed);
  return *parsed;
}

}  // namespace

TEST_CASE("addresses are read, and written as RFC 5952 says", "[ip]") {
  CHECK(ip("192.0.2.1").text() == "192.0.2.1");
  CHECK(ip("2001:DB8:0:0:0:0:0:1").text() == "2001:db8::1");
  CHECK(ip("2001:db8:0:1:1:1:1:1").text() == "2001:db8:0:1:1:1:1:1");  // one zero stays (4.2.2)
  CHECK(ip("2001:0:0:1:0:0:0:1").text() == "2001:0:0:1::1");           // the longest run (4.2.3)
  CHECK(ip("::").text() == "::");
  CHECK(ip("::ffff:192.0.2.1").text() == "::ffff:192.0.2.1");
}

TEST_CASE("what is no address is refused", "[ip]") {
  for (const std::string text :
       {"", "192.0.2", "192.0.2.256", "192.0.2.1.1", "192.0.2.01x", " 192.0.2.1", "192.0.2.1 ", "1",
        "0x7f.0.0.1", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "12345::", "fe80::1%lo", "[::1]",
        "localhost"}) {
    INFO(text);
    CHECK_FALSE(parse_ip_address(text));
  }
  CHECK_FALSE(parse_ip_address(std::string_view("127.0.0.1\0x", 11)));
}

TEST_CASE("an address knows its family, the wildcard, loopback and what is mapped into it",
          "[ip]") {
  CHECK(ip("0.0.0.0").is_any());
  CHECK(ip("::").is_any());
  CHECK_FALSE(ip("::1").is_any());
  CHECK(ip("127.255.0.1").is_loopback());
  CHECK(ip("::1").is_loopback());
  CHECK_FALSE(ip("128.0.0.1").is_loopback());
  CHECK_FALSE(ip("::ffff:127.0.0.1").is_loopback());
  CHECK(ip("::ffff:127.0.0.1").unmapped() == ip("127.0.0.1"));
  CHECK(ip("2001:db8::1").unmapped() == ip("2001:db8::1"));
  CHECK(IpAddress() == ip("0.0.0.0"));
  CHECK(ip("0.0.0.0") != ip("::"));
  CHECK(ip("::1").bytes().size() == 16);
  CHECK(ip("127.0.0.1").bytes().size() == 4);
}

TEST_CASE("a prefix contains the addresses of its family that begin with its bits", "[ip]") {
  CHECK(prefix("192.0.2.0/24").contains(ip("192.0.2.255")));
  CHECK_FALSE(prefix("192.0.2.0/24").contains(ip("192.0.3.0")));
  CHECK(prefix("192.0.2.128/25").contains(ip("192.0.2.128")));
  CHECK_FALSE(prefix("192.0.2.128/25").contains(ip("192.0.2.127")));
  CHECK(prefix("0.0.0.0/0").contains(ip("203.0.113.9")));
  CHECK_FALSE(prefix("0.0.0.0/0").contains(ip("::")));
  CHECK(prefix("2001:db8::/33").contains(ip("2001:db8:7fff::")));
  CHECK_FALSE(prefix("2001:db8::/33").contains(ip("2001:db8:8000::")));
  CHECK(prefix("192.0.2.1").text() == "192.0.2.1/32");
  CHECK(prefix("::1").text() == "::1/128");
}

TEST_CASE("a prefix that is out of range or has bits behind its length is refused", "[ip]") {
  for (const char* text : {"192.0.2.0/33", "2001:db8::/129", "192.0.2.0/", "192.0.2.0/-1", "/24",
                           "192.0.2.0/24/1", "192.0.2.0/a", "192.0.2/24"}) {
    INFO(text);
    CHECK_FALSE(parse_ip_prefix(text));
  }
  CHECK(parse_ip_prefix("192.0.2.1/24").error().message ==
        "the address has bits behind the prefix length; write 192.0.2.0/24");
}

TEST_CASE("masking keeps exactly the leading bits, at every length", "[ip]") {
  for (unsigned length = 0; length <= 128; ++length) {
    const IpAddress kept = masked(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"), length);
    unsigned bits = 0;
    for (const uint8_t byte : kept.bytes()) bits += static_cast<unsigned>(__builtin_popcount(byte));
    CHECK(bits == length);
    CHECK(IpPrefix{kept, length}.contains(ip("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")));
  }
  CHECK(masked(ip("192.0.2.255"), 25) == ip("192.0.2.128"));
  CHECK(masked(ip("192.0.2.255"), 99) == ip("192.0.2.255"));
}

TEST_CASE("socket addresses are read and written alike", "[ip]") {
  for (const char* text :
       {"127.0.0.1:53", "[::1]:53", "0.0.0.0:0", "[::]:65535", "unix:/run/x.sock"}) {
    const auto address = parse_socket_address(text);
    REQUIRE(address);
    CHECK(address->text() == text);
  }
  CHECK(parse_socket_address("127.0.0.1", 53)->text() == "127.0.0.1:53");
  CHECK(parse_socket_address("::1", 53)->text() == "[::1]:53");
  CHECK(parse_socket_address("[::1]", 53)->text() == "[::1]:53");
  CHECK(parse_socket_address("127.0.0.1:5300", 53)->port == 5300);
}

TEST_CASE("what is no socket address is refused", "[ip]") {
  for (const std::string text :
       {"", ":", ":53", "127.0.0.1", "::1", "127.0.0.1:", "127.0.0.1:65536", "127.0.0.1:x",
        "127.0.0.1:53:53", "[127.0.0.1]:53", "[::1", "[::1]53", "[]:53", "host:53",
        "unix:", "unix:relative"}) {
    INFO(text);
    CHECK_FALSE(parse_socket_address(text));
  }
  CHECK(parse_socket_address("unix:/" + std::string(106, 'x')));
  CHECK_FALSE(parse_socket_address("unix:/" + std::string(107, 'x')));
}

TEST_CASE("addresses go to the kernel's form and back", "[ip]") {
  for (const char* text : {"192.0.2.1:53", "[2001:db8::1]:65535"}) {
    const SocketAddress address = *parse_socket_address(text);
    sockaddr_storage storage{};
    const unsigned size = to_sockaddr(address.address, address.port, storage);
    CHECK(size == (address.address.is_v4() ? 16U : 28U));
    CHECK(from_sockaddr(reinterpret_cast<const sockaddr&>(storage)) == address);
  }
  sockaddr_storage other{};
  other.ss_family = AF_UNIX;
  CHECK(from_sockaddr(reinterpret_cast<const sockaddr&>(other)) == SocketAddress());
}

}  // namespace swingover
