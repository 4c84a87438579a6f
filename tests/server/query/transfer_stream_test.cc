#include "server/query/transfer_stream.h"

#include <catch2/catch.hpp>
#include <vector>

#include "tests/server/query/query_fixture.h"

namespace swingover::tests {
namespace {

using query::Responder;
using query::Serving;

constexpr uint16_t axfr = 252;

struct World {
  World() : published(serving()), responder(published, 0, counters) {}

  static std::shared_ptr<const Serving> serving() {
    zones::Model model = query_model();
    model.zones[0].transfer.secondaries = {
        {.address = {.address = IpAddress::v4({192, 0, 2, 2}), .port = 53, .unix_path = {}},
         .key = std::nullopt}};
    zones::number(model.services);
    return Serving::make(
        zones::build_snapshot(std::make_shared<const zones::Model>(std::move(model)), {}), 1);
  }

  /// The answer's RCODE, or none for a stream that follows.
  std::optional<unsigned> ask(zones::Transport transport = zones::Transport::tcp) {
    const size_t size =
        responder.respond(question("example.", axfr, 7),
                          {.address = IpAddress::v4({192, 0, 2, 2}), .transport = transport}, out);
    if (size == 0) return std::nullopt;
    return out[3] & 0xfU;
  }

  query::WorkerCounters counters{};
  Published<Serving> published;
  Responder responder;
  Octets out = Octets(65'535);
};

}  // namespace

TEST_CASE("a granted transfer is a stream, over TCP and TLS", "[transfer_stream]") {
  World world;
  for (const auto transport : {zones::Transport::tcp, zones::Transport::tls}) {
    CHECK_FALSE(world.ask(transport));
    const auto stream = world.responder.take_stream();
    REQUIRE(stream);
    size_t records = 0;
    while (const size_t size = stream->next(world.out))
      records += packet_text(Bytes(world.out).first(size)).answer.size();
    CHECK(records == 1 + 3 + 180 + 1 + 1);
  }
  CHECK(world.counters.transfers[0].value() == 2);
  CHECK(world.ask(zones::Transport::udp) == 1U);
  CHECK_FALSE(world.responder.take_stream());
}

TEST_CASE("a client that leaves early is counted as such", "[transfer_stream]") {
  World world;
  world.ask();
  world.responder.take_stream()->next(world.out);
  CHECK(world.counters.transfers[0].value() == 0);
  CHECK(world.counters.transfers[3].value() == 1);
}

TEST_CASE("one transfer too many is told to come again", "[transfer_stream]") {
  World world;
  std::vector<std::unique_ptr<query::MessageStream>> running;
  for (uint32_t i = 0; i < Responder::transfers_max; ++i) {
    CHECK_FALSE(world.ask());
    running.push_back(world.responder.take_stream());
  }
  CHECK(world.ask() == 2U);
  running.pop_back();
  CHECK_FALSE(world.ask());
}

TEST_CASE("a transfer keeps its generation until its end, and the control thread frees it",
          "[transfer_stream]") {
  World world;
  world.ask();
  auto stream = world.responder.take_stream();
  REQUIRE(stream->next(world.out) > 0);
  world.published.publish(World::serving());
  world.responder.refresh();
  CHECK(world.published.reclaim() == 1);
  CHECK(stream->next(world.out) > 0);
  stream.reset();
  CHECK(world.published.reclaim() == 0);
}

}  // namespace swingover::tests
