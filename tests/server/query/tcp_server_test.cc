#include <algorithm>
#include <catch2/catch.hpp>
#include <fstream>

#include "query_fixture.h"
#include "server/query/tcp_clients.h"

namespace swingover::tests {
namespace {

using namespace std::chrono_literals;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool is_sanitized = true;
#else
constexpr bool is_sanitized = false;
#endif

uint64_t open_connections(Running& running) {
  return running.workers().counters().tcp_open;
}

TEST_CASE("a TCP query is answered, over IPv4 and IPv6", "[query_tcp]") {
  Running running(
      {.listen = {*parse_socket_address("127.9.8.7:0"), *parse_socket_address("[::1]:0")}});
  for (const size_t i : {0U, 1U}) {
    Peer peer = Peer::tcp(running.tcp(i));
    peer.send(framed(question(7)));
    CHECK(packet_text(peer.receive_framed()).answer == Lines{"www.example. 300 IN A 192.0.2.80"});
  }
  CHECK(running.workers().counters().queries[1][0] == 2);
  CHECK(running.workers().counters().tcp_accepted == 2);
}

TEST_CASE("fifty pipelined queries are all answered, in order", "[query_tcp]") {
  Running running;
  Peer peer = Peer::tcp(running.tcp());
  Octets all;
  for (uint16_t id = 1; id <= 50; ++id) {
    const Octets frame = framed(question(id));
    all.insert(all.end(), frame.begin(), frame.end());
  }
  peer.send(all);
  for (uint16_t id = 1; id <= 50; ++id) REQUIRE(id_of(peer.receive_framed()) == id);
}

TEST_CASE("a query that comes octet by octet is answered", "[query_tcp]") {
  Running running;
  Peer peer = Peer::tcp(running.tcp());
  for (uint16_t id = 1; id <= 3; ++id) {
    for (const uint8_t octet : framed(question(id))) {
      peer.send({octet});
      std::this_thread::sleep_for(1ms);
    }
    CHECK(id_of(peer.receive_framed()) == id);
  }
}

TEST_CASE("queries cut at any place into two segments are answered", "[query_tcp]") {
  Running running;
  Peer peer = Peer::tcp(running.tcp());
  Octets two = framed(question(1));
  const Octets second = framed(question(2));
  two.insert(two.end(), second.begin(), second.end());
  for (std::ptrdiff_t cut = 1; cut < std::ssize(two); ++cut) {
    peer.send({two.begin(), two.begin() + cut});
    std::this_thread::sleep_for(500us);
    peer.send({two.begin() + cut, two.end()});
    REQUIRE(id_of(peer.receive_framed()) == 1);
    REQUIRE(id_of(peer.receive_framed()) == 2);
  }
}

TEST_CASE("a client that ends its side behind the query gets the answer, then the end",
          "[query_tcp]") {
  Running running;
  Peer peer = Peer::tcp(running.tcp());
  peer.send(framed(question("big.example.", 16, 7)));
  peer.send(framed(question(8)));
  peer.finish_sending();
  CHECK(id_of(peer.receive_framed()) == 7);
  CHECK(id_of(peer.receive_framed()) == 8);
  CHECK(peer.is_closed_by_server());
  CHECK(within(20s, [&] { return open_connections(running) == 0; }));
}

TEST_CASE("a query cut off by the client's end gets no answer, and the connection goes",
          "[query_tcp]") {
  Running running;
  Peer peer = Peer::tcp(running.tcp());
  Octets half = framed(question(7));
  half.resize(half.size() / 2);
  peer.send(half);
  peer.finish_sending();
  CHECK(peer.is_closed_by_server());
  CHECK(within(20s, [&] { return open_connections(running) == 0; }));
}

TEST_CASE("a frame that promises more than it brings holds nobody else up", "[query_tcp]") {
  Running running({.transport = {.tcp_idle = Milliseconds(300)}});
  Peer liar = Peer::tcp(running.tcp());
  liar.send({0xff, 0xff, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14});
  Peer honest = Peer::tcp(running.tcp());
  honest.send(framed(question(7)));
  CHECK(id_of(honest.receive_framed()) == 7);
  CHECK(liar.is_closed_by_server());
}

TEST_CASE("a frame that promises less than its query is answered as what it holds", "[query_tcp]") {
  Running running;
  Peer peer = Peer::tcp(running.tcp());
  Octets frame = framed(question(7));
  frame[1] = 14;  // the question is cut; what follows reads as frames of no sense
  frame.resize(16);
  peer.send(frame);
  CHECK(packet_text(peer.receive_framed()).rcode == 1);
}

TEST_CASE("a length below a header's ends the connection, after the answers before it",
          "[query_tcp]") {
  Running running;
  for (const uint8_t length : {uint8_t{0}, uint8_t{11}}) {
    Peer peer = Peer::tcp(running.tcp());
    Octets octets = framed(question(7));
    octets.push_back(0);
    octets.push_back(length);
    peer.send(octets);
    CHECK(id_of(peer.receive_framed()) == 7);
    CHECK(peer.is_closed_by_server());
  }
}

TEST_CASE("a thousand idle clients cost little, and a new one is served", "[query_tcp]") {
  Running running({.transport = {.tcp_connections_per_client_max = 0}});
  const auto resident_kib = [] {
    std::ifstream status("/proc/self/statm");
    long total = 0;
    long resident = 0;
    status >> total >> resident;
    return resident * sysconf(_SC_PAGESIZE) / 1024;
  };
  const long before = resident_kib();
  std::vector<Peer> idle;
  for (int i = 0; i < 1000; ++i) {
    idle.push_back(Peer::tcp(running.tcp()));
    if (i % 2 == 0) {  // half of them have asked once
      idle.back().send(framed(question(1)));
      REQUIRE(id_of(idle.back().receive_framed()) == 1);
    }
  }
  REQUIRE(within(20s, [&] { return open_connections(running) == 1000; }));
  Peer fresh = Peer::tcp(running.tcp());
  fresh.send(framed(question(7)));
  CHECK(id_of(fresh.receive_framed()) == 7);
  // 1,000 connections, this test's own side included; sanitizers keep more for themselves.
  if (!is_sanitized) CHECK(resident_kib() - before < 8 * 1024);
  CHECK(running.workers().counters().tcp_shed + running.workers().counters().tcp_shed_own == 0);
}

TEST_CASE("beyond the limit the longest idle client goes, never the new or the busy",
          "[query_tcp]") {
  Running running({.transport = {.tcp_connections_max = 10}});
  std::vector<Peer> clients;
  for (int i = 0; i < 10; ++i) {
    clients.push_back(Peer::tcp(running.tcp()));
    clients.back().send(framed(question(1)));
    REQUIRE(id_of(clients.back().receive_framed()) == 1);
  }
  clients[0].send(framed(question(2)));  // busy again: now clients[1] is the longest idle
  REQUIRE(id_of(clients[0].receive_framed()) == 2);
  Peer fresh = Peer::tcp(running.tcp());
  fresh.send(framed(question(3)));
  CHECK(id_of(fresh.receive_framed()) == 3);
  CHECK(clients[1].is_closed_by_server());
  CHECK_FALSE(clients[0].is_closed_by_server(50));
  CHECK_FALSE(clients[2].is_closed_by_server(50));
  CHECK(running.workers().counters().tcp_shed == 1);
  CHECK(open_connections(running) == 10);
}

TEST_CASE("a client over its own limit loses its own longest idle connection, nobody else's",
          "[query_tcp]") {
  Running running({.transport = {.tcp_connections_per_client_max = 3}});
  Peer bystander = Peer::tcp(running.tcp(), 0, "127.5.5.5");
  std::vector<Peer> greedy;
  for (int i = 0; i < 10; ++i) {
    greedy.push_back(Peer::tcp(running.tcp(), 0, "127.6.6.6"));
    greedy.back().send(framed(question(3)));
    REQUIRE(id_of(greedy.back().receive_framed()) == 3);  // the new one is served, each time
  }
  for (size_t i = 0; i < 7; ++i) CHECK(greedy[i].is_closed_by_server());
  for (size_t i = 7; i < 10; ++i) CHECK_FALSE(greedy[i].is_closed_by_server(20));
  CHECK(running.workers().counters().tcp_shed_own == 7);
  CHECK(running.workers().counters().tcp_shed == 0);
  bystander.send(framed(question(4)));  // it was idle for longer than all of them
  CHECK(id_of(bystander.receive_framed()) == 4);
}

TEST_CASE("IPv6 clients of one /56 are one client", "[query_tcp]") {
  query::TcpClients clients;
  const auto joined = [&clients](const char* address) -> query::TcpClients::Client& {
    query::TcpClients::Client& client = clients.add({}, *parse_ip_address(address), {}, {});
    clients.join_network(client);
    return client;
  };
  query::TcpClients::Client& first = joined("2001:db8:0:100::1");
  CHECK(clients.size_of_network(joined("2001:db8:0:1ff::2")) == 2);
  CHECK(clients.size_of_network(joined("2001:db8:0:200::1")) == 1);
  CHECK(clients.size_of_network(joined("192.0.2.1")) == 1);
  CHECK(clients.size_of_network(joined("192.0.2.2")) == 1);
  clients.touch(first, {1});
  CHECK(&clients.longest_idle() != &first);
  CHECK(&clients.longest_idle_neighbour(first) != &first);
  clients.remove(first);
  CHECK(clients.size() == 4);
}

TEST_CASE("a query that takes too long to come ends its connection before the idle time does",
          "[query_tcp]") {
  Running running(
      {.transport = {.tcp_idle = Milliseconds(60'000), .tcp_query_timeout = Milliseconds(400)}});
  Peer quiet = Peer::tcp(running.tcp());
  Peer slow = Peer::tcp(running.tcp());
  slow.send(framed(question(1)));
  REQUIRE(id_of(slow.receive_framed()) == 1);
  // An octet now and then is no query.
  const Octets frame = framed(question(2));
  bool is_closed = false;
  for (size_t i = 0; i < frame.size() - 1 && !is_closed; ++i) {
    try {
      slow.send({frame[i]});
    } catch (const std::runtime_error&) {
      is_closed = true;
    }
    is_closed = is_closed || slow.is_closed_by_server(50);
  }
  CHECK(is_closed);
  CHECK_FALSE(quiet.is_closed_by_server(0));
}

TEST_CASE("a client that reads its answers drop by drop is given up in time", "[query_tcp]") {
  Running running(
      {.transport = {.tcp_idle = Milliseconds(60'000), .tcp_query_timeout = Milliseconds(500)}});
  const Peer miser = Peer::tcp(running.tcp(), 4096);
  const Octets frame = framed(question("big.example.", 16, 7));
  Octets many;
  for (int i = 0; i < 2000; ++i) many.insert(many.end(), frame.begin(), frame.end());
  miser.send_some(many);
  CHECK(within(20s, [&] {
    uint8_t octet = 0;
    recv(miser.descriptor(), &octet, 1, MSG_DONTWAIT);
    return open_connections(running) == 0;
  }));
}

/// A query that asks how long it may stay (RFC 7828), and what it was told, in 100 ms; -1: nothing.
Octets asking_for_keepalive(uint16_t id) {
  return framed(query_packet({.name = "www.example.", .options = {0, 11, 0, 0}, .id = id}));
}
int keepalive_told(const Octets& answer) {
  const Octets option{0, 11, 0, 2};
  const auto at = std::search(answer.begin(), answer.end(), option.begin(), option.end());
  return answer.end() - at < 6 ? -1 : at[4] << 8 | at[5];
}

TEST_CASE("who asks how long it may stay is told the idle time, and 0 when room runs out",
          "[query_tcp]") {
  Running running({.transport = {.tcp_connections_max = 10, .tcp_idle = Milliseconds(12'300)}});
  Peer first = Peer::tcp(running.tcp());
  first.send(asking_for_keepalive(1));
  CHECK(keepalive_told(first.receive_framed()) == 123);
  first.send(framed(question(2)));
  CHECK(keepalive_told(first.receive_framed()) == -1);
  std::vector<Peer> others;
  for (int i = 0; i < 9; ++i) others.push_back(Peer::tcp(running.tcp()));
  REQUIRE(within(20s, [&] { return open_connections(running) == 10; }));
  first.send(asking_for_keepalive(3));
  CHECK(keepalive_told(first.receive_framed()) == 0);
}

TEST_CASE("an idle client is closed after the idle time, one that asks is not", "[query_tcp]") {
  Running running({.transport = {.tcp_idle = Milliseconds(1500)}});
  Peer idle = Peer::tcp(running.tcp());
  Peer busy = Peer::tcp(running.tcp());
  bool is_closed = false;
  for (uint16_t id = 1; id <= 100 && !is_closed; ++id) {
    busy.send(framed(question(id)));
    REQUIRE(id_of(busy.receive_framed()) == id);
    is_closed = idle.is_closed_by_server(100);
  }
  CHECK(is_closed);
  CHECK_FALSE(busy.is_closed_by_server(0));
}

TEST_CASE("a client that never reads is not read from, holds little, and goes", "[query_tcp]") {
  Running running({.transport = {.tcp_idle = Milliseconds(700)}});
  const Peer deaf = Peer::tcp(running.tcp(), 4096);
  const Octets frame = framed(question("big.example.", 16, 7));
  Octets many;
  for (int i = 0; i < 2000; ++i) many.insert(many.end(), frame.begin(), frame.end());
  size_t sent = 0;
  while (const size_t some = deaf.send_some(many)) {
    sent += some;
    if (sent > (64U << 20)) break;
    std::this_thread::sleep_for(1ms);
  }
  CHECK(sent < (32U << 20));  // its own buffers filled: the server stopped reading
  Peer other = Peer::tcp(running.tcp());
  other.send(framed(question(8)));
  CHECK(id_of(other.receive_framed()) == 8);
  CHECK(within(20s, [&] {
    other.send(framed(question(9)));
    return id_of(other.receive_framed()) == 9 && open_connections(running) == 1;
  }));
}

TEST_CASE("a client that reads late gets every answer, whole and in order", "[query_tcp]") {
  Running running;
  Peer slow = Peer::tcp(running.tcp(), 4096);
  constexpr uint16_t queries = 300;  // answers of 12 MB
  std::thread sender([&] {
    for (uint16_t id = 1; id <= queries; ++id) slow.send(framed(question("big.example.", 16, id)));
    slow.finish_sending();
  });
  std::this_thread::sleep_for(200ms);
  bool in_order = true;
  for (uint16_t id = 1; id <= queries && in_order; ++id) {
    const Octets answer = slow.receive_framed();
    in_order = id_of(answer) == id && answer.size() > 30'000;
  }
  sender.join();
  CHECK(in_order);
  CHECK(slow.is_closed_by_server());
}

TEST_CASE("a reset in the middle takes nothing else with it", "[query_tcp]") {
  Running running;
  for (int i = 0; i < 50; ++i) {
    const Peer rude = Peer::tcp(running.tcp());
    rude.send(framed(question("big.example.", 16, 7)));
    const linger at_once{1, 0};
    setsockopt(rude.descriptor(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
  Peer peer = Peer::tcp(running.tcp());
  peer.send(framed(question(8)));
  CHECK(id_of(peer.receive_framed()) == 8);
  CHECK(within(20s, [&] { return open_connections(running) == 1; }));
}

}  // namespace
}  // namespace swingover::tests
