#include "server/query/udp_thread.h"

#include <fcntl.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <ctime>

#include "query_fixture.h"

namespace swingover::tests {
namespace {

using namespace std::chrono_literals;
using query::UdpThread;

/// One thread at these addresses, serving query_model().
class Thread {
 public:
  explicit Thread(const std::vector<std::string>& addresses, zones::ResponseLimits limits = {},
                  int flags = 0)
      : published_(serving_of(std::move(limits))) {
    std::vector<query::UdpSource> sources;
    for (const std::string& text : addresses) {
      auto pairs = query::open_listeners(*parse_socket_address(text), 1, {});
      REQUIRE(pairs);
      query::ListenPair& pair = pairs->front();
      const int descriptor = pair.udp.descriptor();
      fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | flags);
      descriptors_.push_back(descriptor);
      addresses_.push_back(pair.udp_address);
      sources.push_back({std::move(pair.udp), pair.udp_address});
    }
    thread_ = std::make_unique<UdpThread>("udp", 0, std::move(sources), std::vector<IpPrefix>{},
                                          published_);
  }
  ~Thread() {
    thread_->stop();
    thread_->join();
  }
  Thread(const Thread&) = delete;
  Thread& operator=(const Thread&) = delete;

  UdpThread& thread() { return *thread_; }
  const SocketAddress& address(size_t i = 0) const { return addresses_.at(i); }
  int descriptor() const { return descriptors_.front(); }
  query::QueryCounters counters() const {
    query::QueryCounters sum;
    thread_->counters().add_to(sum);
    return sum;
  }
  bool answers(const Peer& peer, uint16_t id) const {
    peer.send(question(id));
    return id_of(peer.receive()) == id;
  }

 private:
  static std::shared_ptr<const query::Serving> serving_of(zones::ResponseLimits limits) {
    zones::Model model = query_model();
    zones::number(model.services);
    zones::Answering answering;
    answering.limits = std::move(limits);
    return query::Serving::make(
        zones::build_snapshot(std::make_shared<const zones::Model>(std::move(model)),
                              {.answering = answering}),
        1);
  }

  Published<query::Serving> published_;
  std::vector<SocketAddress> addresses_;
  std::vector<int> descriptors_;
  std::unique_ptr<UdpThread> thread_;
};

TEST_CASE("a thread answers at all of its sockets, busy or not", "[udp_thread]") {
  const Thread running({"127.9.8.7:0", "127.9.8.8:0", "127.9.8.9:0"});
  std::vector<Peer> peers;
  for (size_t i = 0; i < 3; ++i) peers.push_back(Peer::udp(running.address(i)));
  for (uint16_t id = 1; id <= 300; ++id) REQUIRE(running.answers(peers[id % 3], id));
}

TEST_CASE("a non-blocking socket is answered too, and its thread sleeps in between",
          "[udp_thread]") {
  const bool is_made_so_later = GENERATE(false, true);
  CAPTURE(is_made_so_later);
  const Thread running({"127.9.8.7:0"}, {}, is_made_so_later ? 0 : O_NONBLOCK);
  const Peer peer = Peer::udp(running.address());
  REQUIRE(running.answers(peer, 1));
  if (is_made_so_later) {
    fcntl(running.descriptor(), F_SETFL, fcntl(running.descriptor(), F_GETFL) | O_NONBLOCK);
  }
  const std::clock_t before = std::clock();
  for (uint16_t id = 2; id <= 6; ++id) {
    std::this_thread::sleep_for(150ms);
    REQUIRE(running.answers(peer, id));
  }
  // 750 ms of this process's CPU time, if it did not sleep.
  CHECK(std::clock() - before < CLOCKS_PER_SEC / 4);
}

TEST_CASE("a client's limit is one for all addresses of its family", "[udp_thread]") {
  constexpr uint32_t rate = 50;
  constexpr uint64_t asked = 200;
  const Thread running({"127.9.8.7:0", "127.9.8.8:0"}, {.responses_per_second = rate, .slip = 0});
  const std::array<Peer, 2> peers{Peer::udp(running.address(0)), Peer::udp(running.address(1))};
  const auto start = std::chrono::steady_clock::now();
  for (uint16_t id = 1; id <= asked; ++id) peers[id % 2].send(question(id));
  const auto dropped = [&] {
    return running.counters().dropped[static_cast<size_t>(zones::Drop::rate_limit)];
  };
  REQUIRE(within(20s, [&] { return running.counters().queries[0][0] + dropped() == asked; }));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  // A second's worth at once, and what the time gave since.
  const double most = rate * (1 + took.count()) + 2;
  CHECK(running.counters().queries[0][0] >= rate);
  CHECK(static_cast<double>(running.counters().queries[0][0]) <= most);
}

TEST_CASE("front ends named while it answers are known from then on", "[udp_thread]") {
  Thread running({"127.9.8.7:0"});
  const Peer front = Peer::udp(running.address(), "127.7.1.1");
  REQUIRE(running.answers(front, 1));
  running.thread().trust({*parse_ip_prefix("127.7.0.0/16")});
  const auto refused = [&] { return running.counters().proxy_refused; };
  CHECK(within(20s, [&] {
    front.send(question(2));
    return refused() > 0;
  }));
  for (int i = 0; i < 100; ++i) {
    running.thread().trust({});
    running.thread().trust({*parse_ip_prefix("127.7.0.0/16")});
    front.send(question(3));
  }
  running.thread().trust({});
  const Peer again = Peer::udp(running.address(), "127.7.1.1");
  CHECK(within(20s, [&] {
    again.send(question(4));
    return id_of(again.receive(50)) == 4;
  }));
}

TEST_CASE("a thread ends while queries come without end", "[udp_thread]") {
  Thread running({"127.9.8.7:0"});
  std::atomic<bool> done{false};
  const Peer flood = Peer::udp(running.address());
  std::thread flooding([&] {
    while (!done) flood.send_some(question(1));
  });
  REQUIRE(within(20s, [&] { return running.counters().queries[0][0] > 1000; }));
  running.thread().stop();
  running.thread().join();
  done = true;
  flooding.join();
  CHECK(running.counters().queries[0][0] > 1000);
}

}  // namespace
}  // namespace swingover::tests
