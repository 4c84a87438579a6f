#include <catch2/catch.hpp>
#include <set>

#include "query_fixture.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

std::vector<std::string> answer_of(const Octets& packet) {
  return packet_text(packet).answer;
}

TEST_CASE("a UDP query is answered, over IPv4 and IPv6", "[query_udp]") {
  Running running(
      {.listen = {*parse_socket_address("127.9.8.7:0"), *parse_socket_address("[::1]:0")}});
  for (const size_t i : {0U, 1U}) {
    const Peer peer = Peer::udp(running.udp(i));
    peer.send(question("www.example.", 1, 7));
    const Octets answer = peer.receive();
    CHECK(id_of(answer) == 7);
    CHECK(answer_of(answer) == Lines{"www.example. 300 IN A 192.0.2.80"});
  }
  CHECK(running.workers().counters().queries[0][0] == 2);
  CHECK(running.workers().counters().types[1] == 2);
}

TEST_CASE("a service is answered by UDP", "[query_udp]") {
  Running running;
  const Peer peer = Peer::udp(running.udp());
  peer.send(question("shop.example.", 1, 8));
  CHECK(answer_of(peer.receive()) == Lines{"shop.example. 30 IN A 192.0.2.1"});
}

TEST_CASE("a wildcard socket answers from the address that was asked", "[query_udp]") {
  Running running(
      {.listen = {*parse_socket_address("0.0.0.0:0"), *parse_socket_address("[::]:0")}});
  // A connected client hears nothing from any other address; 127.44.5.6 is not what routing would choose.
  for (const std::string address : {"127.0.0.1", "127.44.5.6"}) {
    const Peer peer = Peer::udp({*parse_ip_address(address), running.udp(0).port, {}});
    peer.send(question(9));
    CHECK(id_of(peer.receive()) == 9);
  }
  const Peer peer = Peer::udp({*parse_ip_address("::1"), running.udp(1).port, {}});
  peer.send(question(10));
  CHECK(id_of(peer.receive()) == 10);
}

TEST_CASE("a handed socket for both families answers IPv4 clients from the address that was asked",
          "[query_udp]") {
  const query::Socket udp(::socket(AF_INET6, SOCK_DGRAM, 0));
  const int off = 0;  // as systemd opens [::] where its unit does not say ipv6-only
  setsockopt(udp.descriptor(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  sockaddr_storage storage{};
  socklen_t size = to_sockaddr(IpAddress::v6({}), 0, storage);
  REQUIRE(bind(udp.descriptor(), reinterpret_cast<const sockaddr*>(&storage), size) == 0);
  size = sizeof storage;
  getsockname(udp.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size);
  const SocketAddress address = from_sockaddr(reinterpret_cast<sockaddr&>(storage));
  Running running({.listen = {address}, .handed = {{udp.descriptor(), true, address}}});
  for (const std::string asked : {"127.0.0.1", "127.44.5.6", "::1"}) {
    const Peer peer = Peer::udp({*parse_ip_address(asked), address.port, {}});
    peer.send(question(9));
    CHECK(id_of(peer.receive()) == 9);
  }
}

TEST_CASE("bursts larger than a batch are answered whole, each query once", "[query_udp]") {
  Running running;
  const Peer peer = Peer::udp(running.udp());
  std::set<uint16_t> ids;
  uint16_t id = 0;
  for (int burst = 0; burst < 20; ++burst) {
    for (int i = 0; i < 150; ++i) peer.send(question(++id));
    for (int i = 0; i < 150; ++i) {
      const Octets answer = peer.receive();
      REQUIRE(answer_of(answer) == Lines{"www.example. 300 IN A 192.0.2.80"});
      ids.insert(id_of(answer));
    }
  }
  CHECK(ids.size() == 3000);
}

TEST_CASE("what is no query is counted and gets no answer, and the next query does",
          "[query_udp]") {
  Running running;
  const Peer peer = Peer::udp(running.udp());
  peer.send({});
  peer.send({1, 2, 3});
  Octets response = question(3);
  response[2] |= 0x80;
  peer.send(response);
  peer.send(question(4));
  CHECK(id_of(peer.receive()) == 4);
  const auto dropped = running.workers().counters().dropped;
  CHECK(dropped[static_cast<size_t>(zones::Drop::too_short)] == 2);
  CHECK(dropped[static_cast<size_t>(zones::Drop::is_response)] == 1);
}

TEST_CASE("an answer too large for UDP is truncated, and counted", "[query_udp]") {
  Running running;
  const Peer peer = Peer::udp(running.udp());
  peer.send(question("big.example.", 16, 5));
  const Octets answer = peer.receive();
  CHECK(answer.size() <= 1232);
  CHECK((answer.at(2) & 0x02) != 0);
  CHECK(running.workers().counters().truncated == 1);
}

TEST_CASE("a datagram larger than any query is answered with FORMERR, not left alone",
          "[query_udp]") {
  Running running;
  const Peer peer = Peer::udp(running.udp());
  Octets large = question(6);
  large.resize(9000, 0xff);
  peer.send(large);
  const Octets answer = peer.receive();
  CHECK(id_of(answer) == 6);
  CHECK(packet_text(answer).rcode == zones::rcode::format_error);
}

}  // namespace
}  // namespace swingover::tests
