#include "server/control/notifier.h"

#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "tests/support/manual_clock.h"
#include "tests/support/served.h"

namespace swingover::tests {
namespace {

using namespace zones;
using control::Notifier;

/// A secondary on a port of its own.
class Listener {
 public:
  explicit Listener(const char* address = "127.0.0.1") {
    descriptor_ = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_storage at{};
    const socklen_t size = to_sockaddr(*parse_ip_address(address), 0, at);
    REQUIRE(bind(descriptor_, reinterpret_cast<sockaddr*>(&at), size) == 0);
    socklen_t got = sizeof at;
    REQUIRE(getsockname(descriptor_, reinterpret_cast<sockaddr*>(&at), &got) == 0);
    address_ = from_sockaddr(reinterpret_cast<const sockaddr&>(at));
  }
  ~Listener() { close(descriptor_); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const SocketAddress& address() const { return address_; }

  /// The datagram that waits; empty: none.
  std::vector<uint8_t> receive() {
    std::vector<uint8_t> packet(2048);
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    const ssize_t got = recvfrom(descriptor_, packet.data(), packet.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 0) return {};
    from_ = from_sockaddr(reinterpret_cast<const sockaddr&>(from));
    packet.resize(static_cast<size_t>(got));
    return packet;
  }
  const SocketAddress& from() const { return from_; }

  void send(const std::vector<uint8_t>& packet) {
    sockaddr_storage to{};
    const socklen_t size = to_sockaddr(from_.address, from_.port, to);
    REQUIRE(sendto(descriptor_, packet.data(), packet.size(), 0, reinterpret_cast<sockaddr*>(&to),
                   size) == static_cast<ssize_t>(packet.size()));
  }

 private:
  int descriptor_ = -1;
  SocketAddress address_;
  SocketAddress from_;
};

std::shared_ptr<const Snapshot> zone_with(uint32_t serial, const Listener& listener,
                                          std::optional<Name> key = std::nullopt) {
  auto model = std::make_shared<Model>();
  model->zones = {zone_source(
      "example.", "@ 60 IN SOA n h " + std::to_string(serial) + " 2 3 4 5\n@ 60 IN NS n\n")};
  model->zones[0].transfer.secondaries = {{.address = listener.address(), .key = std::move(key)}};
  static constexpr std::array<uint8_t, 32> secret{4, 5, 6};
  model->tsig_keys = {{*parse_name("k."), TsigAlgorithm::hmac_sha512, secret}};
  return build_snapshot(model, {});
}

struct World {
  loop::Loop loop;
  ManualClock clock;
  Notifier notifier{loop, clock, {*parse_socket_address("127.0.0.9:53")}, 1};

  /// The next datagram, time going on by `by` first.
  std::vector<uint8_t> next(Listener& listener, Milliseconds by) {
    clock.advance(by);
    std::vector<uint8_t> packet;
    loop.run_until([&] { return !(packet = listener.receive()).empty(); }, 500);
    return packet;
  }
  void settle() {
    loop.run_until([] { return false; }, 120);
  }
};

constexpr Milliseconds soon{50};

std::vector<uint8_t> answer_to(std::vector<uint8_t> packet, uint8_t rcode = 0) {
  packet[2] |= 0x80;
  packet[3] = rcode;
  return packet;
}

}  // namespace

TEST_CASE("a secondary is told of each new serial, from the address that is served", "[notifier]") {
  World world;
  Listener listener;
  world.notifier.announce(*zone_with(7, listener));
  const auto packet = world.next(listener, soon);
  const PacketText text = packet_text(packet);
  REQUIRE(text.parsed);
  CHECK(text.opcode == 4);
  CHECK(text.flags == "aa");
  CHECK(text.question == std::vector<std::string>{"example. IN SOA"});
  CHECK(listener.from().address == *parse_ip_address("127.0.0.9"));

  listener.send(answer_to(packet));
  world.settle();
  CHECK(world.notifier.counts().acknowledged == 1);
  world.notifier.announce(*zone_with(7, listener));
  CHECK(world.next(listener, Milliseconds(60'000)).empty());
  world.notifier.announce(*zone_with(8, listener));
  CHECK_FALSE(world.next(listener, soon).empty());
  CHECK(world.notifier.counts().sent == 2);
}

TEST_CASE("who does not answer is asked again, each time later, and then no more", "[notifier]") {
  World world;
  Listener listener;
  world.notifier.announce(*zone_with(7, listener));
  REQUIRE_FALSE(world.next(listener, soon).empty());
  for (const int64_t seconds : {1, 2, 4, 8, 16}) {
    CHECK(world.next(listener, Milliseconds(1000 * seconds - 1)).empty());
    CHECK_FALSE(world.next(listener, Milliseconds(1)).empty());
  }
  CHECK(world.next(listener, Milliseconds(100'000)).empty());
  CHECK(world.notifier.counts().sent == 6);
  CHECK(world.notifier.counts().given_up == 1);
}

TEST_CASE("an answer counts from whom it was asked, with its id, and once", "[notifier]") {
  World world;
  Listener listener;
  Listener stranger;
  world.notifier.announce(*zone_with(7, listener));
  const auto packet = world.next(listener, soon);
  auto other_id = answer_to(packet);
  other_id[1] ^= 1;
  listener.send(other_id);
  auto a_query = packet;
  listener.send(a_query);
  listener.send(std::vector<uint8_t>(5));
  world.settle();
  CHECK(world.notifier.counts().acknowledged == 0);
  listener.send(answer_to(packet, 5));
  listener.send(answer_to(packet));
  world.settle();
  CHECK(world.notifier.counts().refused == 1);
  CHECK(world.notifier.counts().acknowledged == 0);
  CHECK(world.next(listener, Milliseconds(60'000)).empty());
}

TEST_CASE("with a key NOTIFY is signed, and so must be the answer", "[notifier]") {
  World world;
  Listener listener;
  const auto snapshot = zone_with(7, listener, *parse_name("K."));
  world.notifier.announce(*snapshot);
  const auto packet = world.next(listener, soon);
  Query query;
  REQUIRE(parse_query(packet, query) == ParseOutcome::fine);
  Tsig tsig;
  const auto now = static_cast<uint64_t>(world.clock.wall().unix_milliseconds / 1000);
  REQUIRE(tsig.verify_request(packet, query, snapshot->model->tsig_keys, now) == rcode::no_error);
  REQUIRE(tsig.key());

  auto bare = answer_to({packet.begin(), packet.begin() + static_cast<long>(tsig_place(packet))});
  bare[11] = 0;
  listener.send(bare);
  world.settle();
  CHECK(world.notifier.counts().acknowledged == 0);

  auto with_signature = bare;
  with_signature.resize(512);
  with_signature.resize(tsig.sign(with_signature.data(), bare.size(), now));
  listener.send(with_signature);
  world.settle();
  CHECK(world.notifier.counts().acknowledged == 1);
}

TEST_CASE("a zone that is gone, or a secondary that wants none, is told nothing", "[notifier]") {
  World world;
  Listener listener;
  world.notifier.announce(*zone_with(7, listener));
  world.notifier.announce(*build_snapshot(std::make_shared<Model>(), {}));
  CHECK(world.next(listener, Milliseconds(5'000)).empty());
  auto model = std::make_shared<Model>(*zone_with(8, listener)->model);
  model->zones[0].transfer.secondaries[0].notify = false;
  world.notifier.announce(*build_snapshot(model, {}));
  CHECK(world.next(listener, Milliseconds(5'000)).empty());
  CHECK(world.notifier.counts().sent == 0);
}

}  // namespace swingover::tests
