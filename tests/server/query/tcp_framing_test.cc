#include "server/query/tcp_framing.h"

#include <catch2/catch.hpp>

#include "query_fixture.h"

namespace swingover::tests {
namespace {

using query::TcpFraming;

/// Three messages of different sizes in their frames, the largest possible one among them.
struct Stream {
  std::vector<Octets> messages{Octets(12, 1), Octets(65'535, 2), Octets(300, 3)};
  Octets octets;
  Stream() {
    for (const Octets& message : messages) {
      const Octets frame = framed(message);
      octets.insert(octets.end(), frame.begin(), frame.end());
    }
  }
};

TEST_CASE("messages come out whole, whatever the pieces they came in", "[tcp_framing]") {
  const Stream stream;
  for (const size_t piece : std::vector<size_t>{1, 2, 3, 13, 14, 15, 1000, 65'537, 70'000}) {
    TcpFraming framing;
    std::vector<Octets> got;
    for (size_t at = 0; at < stream.octets.size(); at += piece) {
      const size_t size = std::min(piece, stream.octets.size() - at);
      const auto outcome = framing.feed(Bytes(stream.octets).subspan(at, size), [&](Bytes message) {
        got.emplace_back(message.begin(), message.end());
        return true;
      });
      REQUIRE(outcome == TcpFraming::Outcome::wants_more);
    }
    CHECK(got == stream.messages);
    CHECK_FALSE(framing.has_kept());
  }
}

TEST_CASE("who has enough gets the rest later, in order", "[tcp_framing]") {
  const Stream stream;
  TcpFraming framing;
  std::vector<Octets> got;
  const auto take_one = [&](Bytes message) {
    got.emplace_back(message.begin(), message.end());
    return false;
  };
  REQUIRE(framing.feed(stream.octets, take_one) == TcpFraming::Outcome::paused);
  CHECK(got.size() == 1);
  REQUIRE(framing.resume(take_one) == TcpFraming::Outcome::paused);
  REQUIRE(framing.resume(take_one) == TcpFraming::Outcome::paused);
  CHECK(got == stream.messages);
  CHECK_FALSE(framing.has_kept());
}

TEST_CASE("a length below a header's ends it all, and nothing is kept", "[tcp_framing]") {
  for (const uint8_t length : {uint8_t{0}, uint8_t{11}}) {
    TcpFraming framing;
    int taken = 0;
    Octets octets = framed(Octets(12));
    octets.insert(octets.end(), {0, length, 1, 2, 3});
    CHECK(framing.feed(octets, [&](Bytes) { return ++taken > 0; }) == TcpFraming::Outcome::not_dns);
    CHECK(taken == 1);
    CHECK_FALSE(framing.has_kept());
  }
}

TEST_CASE("what is kept is what has come, not what was promised", "[tcp_framing]") {
  TcpFraming framing;
  framing.feed(Octets{0xff, 0xff, 1, 2, 3}, [](Bytes) { return true; });
  CHECK(framing.kept_size() == 5);
}

}  // namespace
}  // namespace swingover::tests
