#include "server/query/tcp_session.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <numeric>

#include "query_fixture.h"

namespace swingover::tests {
namespace {

class Messages : public query::MessageStream {
 public:
  explicit Messages(std::vector<uint16_t> ids) : ids_(std::move(ids)) {}
  size_t next(std::span<uint8_t> out) override {
    if (at_ == ids_.size()) return 0;
    out[0] = static_cast<uint8_t>(ids_[at_] >> 8);
    out[1] = static_cast<uint8_t>(ids_[at_]);
    ++at_;
    return 60'000;
  }

 private:
  std::vector<uint16_t> ids_;
  size_t at_ = 0;
};

/// Both ends of a stream, and a session that serves query_model() on one of them, turn by turn.
class OneSession {
 public:
  explicit OneSession(int buffer_size = 4 << 20) : served_(query_model()) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
      throw std::runtime_error("socketpair failed");
    for (const int end : ends)
      setsockopt(end, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    client_ = query::Socket(ends[0]);
    session_.emplace(query::Socket(ends[1]), IpAddress::v4({127, 0, 0, 1}));
  }

  size_t send(const Octets& octets) const {
    const ssize_t sent = ::send(client_.descriptor(), octets.data(), octets.size(), MSG_NOSIGNAL);
    return sent > 0 ? static_cast<size_t>(sent) : 0;
  }
  /// The next answer of the session goes on with `messages` of 60,000 octets, by their ids.
  void follow_with(std::vector<uint16_t> messages) {
    responder_.follow_with(std::make_unique<Messages>(std::move(messages)));
  }
  void work() { session_->work(responder_, *scratch_, {}); }
  /// Whether the loop would call the session again by itself.
  bool is_ready() const {
    const loop::Poll::Interest wanted = session_->wants();
    pollfd waiting{session_->descriptor(), 0, 0};
    if (wanted.readable) waiting.events |= POLLIN;
    if (wanted.writable) waiting.events |= POLLOUT;
    return ::poll(&waiting, 1, 0) > 0;
  }
  /// The ids of the answers that have come since the last call.
  std::vector<uint16_t> answered() {
    Octets more(1 << 16);
    for (ssize_t got = 0; (got = recv(client_.descriptor(), more.data(), more.size(), 0)) > 0;)
      buffer_.insert(buffer_.end(), more.begin(), more.begin() + got);
    std::vector<uint16_t> ids;
    size_t at = 0;
    while (buffer_.size() - at > 4) {
      const size_t size = size_t{buffer_[at]} << 8 | buffer_[at + 1];
      if (buffer_.size() - at - 2 < size) break;
      ids.push_back(static_cast<uint16_t>(buffer_[at + 2] << 8 | buffer_[at + 3]));
      at += 2 + size;
    }
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(at));
    return ids;
  }

 private:
  Served served_;
  Published<query::Serving> published_{query::Serving::make(served_.shared(), 1)};
  query::WorkerCounters counters_;
  query::Responder responder_{published_, 0, counters_};
  std::unique_ptr<query::TcpScratch> scratch_ = std::make_unique<query::TcpScratch>();
  query::Socket client_;
  std::optional<query::TcpSession> session_;
  Octets buffer_;
};

Octets pipelined(uint16_t queries) {
  Octets all;
  for (uint16_t id = 1; id <= queries; ++id) {
    const Octets frame = framed(question(id));
    all.insert(all.end(), frame.begin(), frame.end());
  }
  return all;
}

TEST_CASE("no whole query waits for the next one, however many came at once", "[query_tcp]") {
  for (const uint16_t queries :
       std::vector<uint16_t>{1, 100, 350, 700, 1050, 1390, 1400, 1750, 3000}) {
    OneSession session;
    const Octets all = pipelined(queries);
    REQUIRE(session.send(all) == all.size());
    size_t answered = 0;
    do {
      session.work();
      answered += session.answered().size();
    } while (session.is_ready());
    CHECK(answered == queries);
  }
}

TEST_CASE("an answer of many messages goes out as the client takes it, and other queries between",
          "[query_tcp]") {
  OneSession session(64 << 10);
  constexpr uint16_t first = 1000;
  std::vector<uint16_t> ids(50);
  std::iota(ids.begin(), ids.end(), first);
  session.follow_with(ids);
  session.send(framed(question(1)));
  session.work();
  CHECK(session.answered() == std::vector<uint16_t>{1});
  session.send(framed(question(2)));
  std::vector<uint16_t> got;
  while (session.is_ready()) {
    session.work();
    for (const uint16_t id : session.answered()) got.push_back(id);
  }
  const auto other = std::find(got.begin(), got.end(), 2);
  REQUIRE(other != got.end());
  CHECK(other - got.begin() < 5);  // long before the end
  got.erase(other);
  CHECK(got == ids);
}

TEST_CASE("a client that takes nothing costs no more than a flush of a long answer",
          "[query_tcp]") {
  OneSession session(16 << 10);
  session.follow_with(std::vector<uint16_t>(1000, 7));
  session.send(framed(question(1)));
  for (int i = 0; i < 100; ++i) session.work();
  CHECK_FALSE(session.is_ready());
  size_t answers = 0;
  for (int i = 0; i < 100'000 && answers < 1001; ++i) {
    answers += session.answered().size();
    session.work();
  }
  CHECK(answers == 1001);
}

}  // namespace
}  // namespace swingover::tests
