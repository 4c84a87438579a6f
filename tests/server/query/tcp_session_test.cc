#include "server/query/tcp_session.h"

#include <catch2/catch.hpp>

#include "query_fixture.h"

namespace swingover::tests {
namespace {

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
  void work() { session_->work(responder_, *scratch_); }
  /// Whether the loop would call the session again by itself.
  bool is_ready() const {
    pollfd waiting{session_->descriptor(), POLLIN, 0};
    if (session_->has_answers_waiting()) waiting.events = POLLOUT;
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

}  // namespace
}  // namespace swingover::tests
