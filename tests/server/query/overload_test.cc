#include "server/query/overload.h"

#include <catch2/catch.hpp>

#include "tests/server/query/query_fixture.h"

namespace swingover::tests {
namespace {

using query::Overload;

/// A UDP socket that nobody empties unless told, and one that sends to it.
class FullSocket {
 public:
  FullSocket() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    const int least = 1;  // the kernel gives its own least
    setsockopt(descriptor(), SOL_SOCKET, SO_RCVBUF, &least, sizeof least);
    sockaddr_storage storage{};
    socklen_t size = to_sockaddr(*parse_ip_address("127.9.8.7"), 0, storage);
    auto* address = reinterpret_cast<sockaddr*>(&storage);
    REQUIRE(bind(descriptor(), address, size) == 0);
    REQUIRE(getsockname(descriptor(), address, &size) == 0);
    address_ = from_sockaddr(*address);
  }

  int descriptor() const { return socket_.descriptor(); }
  void send(int datagrams) const {
    const Peer peer = Peer::udp(address_);
    for (int i = 0; i < datagrams; ++i) peer.send(Octets(100));
  }
  int empty() const {
    Octets room(1000);
    int count = 0;
    while (recv(descriptor(), room.data(), room.size(), 0) > 0) ++count;
    return count;
  }

 private:
  query::Socket socket_;
  SocketAddress address_;
};

TEST_CASE("what the kernel dropped is counted once, and nothing else", "[overload]") {
  const FullSocket socket;
  Overload overload;
  overload.watch(socket.descriptor());
  socket.send(1);
  CHECK(overload.look() == 0);
  socket.send(200);
  const uint64_t dropped = overload.look();
  CHECK(dropped > 0);
  CHECK(dropped + static_cast<uint64_t>(socket.empty()) == 201);
  CHECK(overload.look() == 0);

  Overload late;  // drops from before it looked are none of its own
  late.watch(socket.descriptor());
  CHECK(late.look() == 0);
}

TEST_CASE("a worker is under load when drops go on, not after one pause", "[overload]") {
  const FullSocket socket;
  Overload overload;
  overload.watch(socket.descriptor());
  socket.send(200);
  overload.look();
  CHECK_FALSE(overload.is_on());
  for (int i = 0; i < 30; ++i) {
    overload.look();
    CHECK_FALSE(overload.is_on());
  }
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(overload.is_on());
    socket.send(20);
    REQUIRE(overload.look() > 0);
  }
  CHECK(overload.is_on());

  SECTION("it ends when as many looks find none") {
    overload.look();
    overload.look();
    CHECK(overload.is_on());
    overload.look();
    CHECK_FALSE(overload.is_on());
  }
  SECTION("two seconds without drops end it, however long it took") {
    for (int i = 0; i < 100; ++i) {
      socket.send(5);
      overload.look();
    }
    for (int i = 0; i < 19; ++i) overload.look();
    CHECK(overload.is_on());
    overload.look();
    CHECK_FALSE(overload.is_on());
  }
}

TEST_CASE("a shared socket's drops press all workers and are counted by one", "[overload]") {
  const FullSocket socket;
  Overload first;
  Overload second;
  first.watch(socket.descriptor(), true);
  second.watch(socket.descriptor(), false);
  socket.send(200);
  for (int i = 0; i < 3; ++i) {
    socket.send(20);
    CHECK(first.look() > 0);
    CHECK(second.look() == 0);
  }
  CHECK(first.is_on());
  CHECK(second.is_on());
}

}  // namespace
}  // namespace swingover::tests
