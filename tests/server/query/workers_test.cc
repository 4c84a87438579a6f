#include <arpa/inet.h>
#include <catch2/catch.hpp>

#include <atomic>

#include "query_fixture.h"

namespace swingover::tests {
namespace {

using namespace std::chrono_literals;

TEST_CASE("with port 0 every worker, UDP and TCP get one port", "[query_workers]") {
  Running running({.workers = 3});
  CHECK(running.udp().port != 0);
  CHECK(running.udp() == running.tcp());
  for (uint16_t id = 1; id <= 40; ++id) {  // many source ports reach all workers
    const Peer peer = Peer::udp(running.udp());
    peer.send(question(id));
    REQUIRE(id_of(peer.receive()) == id);
    Peer stream = Peer::tcp(running.tcp());
    stream.send(framed(question(id)));
    REQUIRE(id_of(stream.receive_framed()) == id);
  }
  CHECK(running.workers().counters().queries[0][0] == 40);
  CHECK(running.workers().counters().queries[1][0] == 40);
}

TEST_CASE("an address that another program serves is refused, by name and with advice",
          "[query_workers]") {
  Running first;
  Published<query::Serving> published(first.serving());
  const auto second = query::Workers::start({.listen = {first.udp()}}, published);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("127.9.8.7:" + std::to_string(first.udp().port)) !=
        std::string::npos);
  CHECK(second.error().message.find("another program") != std::string::npos);
}

TEST_CASE("an address that this host lacks is refused, by name and with advice",
          "[query_workers]") {
  Running first;
  Published<query::Serving> published(first.serving());
  const auto second =
      query::Workers::start({.listen = {*parse_socket_address("192.0.2.77:0")}}, published);
  REQUIRE_FALSE(second);
  CHECK(second.error().message.find("192.0.2.77") != std::string::npos);
  CHECK(second.error().message.find("no such address") != std::string::npos);
}

query::Socket bound(int type, uint16_t port) {
  query::Socket socket(::socket(AF_INET, type, 0));
  sockaddr_storage address{};
  const unsigned size = to_sockaddr(*parse_ip_address("127.9.8.6"), port, address);
  REQUIRE(bind(socket.descriptor(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  return socket;
}

TEST_CASE("handed sockets are used by all workers", "[query_workers]") {
  const query::Socket udp = bound(SOCK_DGRAM, 0);
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(udp.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size);
  const SocketAddress address = from_sockaddr(reinterpret_cast<sockaddr&>(storage));
  const query::Socket tcp = bound(SOCK_STREAM, address.port);
  REQUIRE(listen(tcp.descriptor(), 10) == 0);
  Running running(
      {.listen = {address},
       .workers = 2,
       .handed = {{udp.descriptor(), true, address}, {tcp.descriptor(), false, address}}});
  CHECK(running.udp() == address);
  CHECK(running.tcp() == address);
  for (uint16_t id = 1; id <= 20; ++id) {
    const Peer peer = Peer::udp(address);
    peer.send(question(id));
    REQUIRE(id_of(peer.receive()) == id);
    Peer stream = Peer::tcp(address);
    stream.send(framed(question(id)));
    REQUIRE(id_of(stream.receive_framed()) == id);
  }
}

TEST_CASE("an idle worker lets an old snapshot go", "[query_workers]") {
  Running running({.workers = 2});
  running.published().publish(running.serving());
  CHECK(within(3s, [&] { return running.published().reclaim() == 0; }));
}

TEST_CASE("a stop answers what has arrived, over UDP and TCP, and ends at once",
          "[query_workers]") {
  Running running;
  Peer stream = Peer::tcp(running.tcp());
  stream.send(framed(question(1)));
  REQUIRE(id_of(stream.receive_framed()) == 1);
  const Peer idle = Peer::tcp(running.tcp());
  const Peer datagrams = Peer::udp(running.udp());
  for (uint16_t id = 2; id <= 30; ++id) {
    stream.send(framed(question(id)));
    datagrams.send(question(id));
  }
  const auto start = std::chrono::steady_clock::now();
  running.workers().stop(Milliseconds(20'000));
  CHECK(std::chrono::steady_clock::now() - start < 10s);
  for (uint16_t id = 2; id <= 30; ++id) {
    REQUIRE(id_of(stream.receive_framed()) == id);
    REQUIRE(id_of(datagrams.receive()) == id);
  }
  CHECK(stream.is_closed_by_server());
  CHECK(idle.is_closed_by_server());
  CHECK(running.workers().counters().queries[1][0] == 30);
  running.workers().stop(Milliseconds(4000));
}

TEST_CASE("a stop sends the rest of a large TCP answer, and waits no longer than told",
          "[query_workers]") {
  Running running;
  Peer slow = Peer::tcp(running.tcp(), 4096);
  for (uint16_t id = 1; id <= 100; ++id) slow.send(framed(question("big.example.", 16, id)));
  std::this_thread::sleep_for(200ms);
  std::atomic<bool> complete{true};
  std::atomic<uint16_t> got{0};
  std::thread reader([&] {
    std::this_thread::sleep_for(100ms);
    for (Octets answer = slow.receive_framed(); !answer.empty(); answer = slow.receive_framed()) {
      ++got;
      complete = complete && id_of(answer) == got;
    }
  });
  running.workers().stop(Milliseconds(20'000));
  reader.join();
  CHECK(complete);
  CHECK(got > 1);

  Running stuck;
  const Peer deaf = Peer::tcp(stuck.tcp(), 4096);
  for (uint16_t id = 1; id <= 100; ++id) deaf.send(framed(question("big.example.", 16, id)));
  std::this_thread::sleep_for(100ms);
  const auto start = std::chrono::steady_clock::now();
  stuck.workers().stop(Milliseconds(300));
  const auto took = std::chrono::steady_clock::now() - start;
  CHECK(took >= 250ms);
  CHECK(took < 10s);
}

TEST_CASE("under load every query is answered while snapshots are published", "[query_workers]") {
  Running running({.workers = 2});
  std::atomic<bool> done{false};
  std::atomic<int> failures{0};
  std::atomic<int> answered{0};
  std::vector<std::thread> clients;
  for (int c = 0; c < 2; ++c) {
    clients.emplace_back([&, c] {
      Peer stream = Peer::tcp(running.tcp());
      for (uint16_t id = 1; !done; ++id) {
        if (id == 0) continue;
        bool right = false;
        if (c == 0) {
          const Peer datagrams = Peer::udp(running.udp());
          datagrams.send(question("shop.example.", 1, id));
          right = id_of(datagrams.receive()) == id;
        } else {
          stream.send(framed(question("shop.example.", 1, id)));
          right = id_of(stream.receive_framed()) == id;
        }
        ++(right ? answered : failures);
      }
    });
  }
  for (int i = 0; i < 200; ++i) {
    running.published().publish(running.serving());
    running.published().reclaim();
    (void)running.workers().counters();
    std::this_thread::sleep_for(3ms);
  }
  CHECK(within(20s, [&] { return answered > 100; }));
  done = true;
  for (std::thread& client : clients) client.join();
  CHECK(failures == 0);
  CHECK(within(20s, [&] { return running.published().reclaim() == 0; }));
}

}  // namespace
}  // namespace swingover::tests
