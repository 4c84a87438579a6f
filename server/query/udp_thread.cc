#include "server/query/udp_thread.h"

#include <poll.h>

#include <list>
#include <memory>
#include <utility>

#include "base/slice.h"
#include "server/query/overload.h"
#include "server/query/thread.h"

namespace swingover::query {
namespace {

/// The sockets of one thread, and how it waits at them.
class Sockets {
 public:
  Sockets(std::vector<UdpSource> sources, const Published<FrontEnds>& front_ends,
          Responder& responder) {
    for (UdpSource& source : sources) {
      sockets_.emplace_back(std::move(source.socket), source.address, front_ends, responder);
      waits_.push_back({sockets_.back().descriptor(), POLLIN, 0});
    }
    if (sockets_.size() == 1 && sockets_.front().is_blocking()) alone_ = &sockets_.front();
  }

  /// Answers what comes, and sleeps for a bounded time when nothing does.
  void serve() {
    if (alone_ && !was_idle_ && alone_->has_room()) {
      was_idle_ = !alone_->serve(UdpSocket::Wait::for_first);
    } else {
      // After a sleep in vain too: who shares the socket may have made it O_NONBLOCK, and no thread may spin.
      poll_and_serve();
      was_idle_ = false;
    }
  }

  void finish() {
    for (UdpSocket& socket : sockets_) socket.finish();
  }

 private:
  void poll_and_serve() {
    auto wait = waits_.begin();
    for (const UdpSocket& socket : sockets_)
      (wait++)->events = socket.has_room() ? POLLIN : POLLOUT;
    if (poll(waits_.data(), waits_.size(), udp_sleep_most_ms) <= 0) return;
    wait = waits_.begin();
    for (UdpSocket& socket : sockets_) {
      if ((wait++)->revents != 0) socket.serve_turn();
    }
  }

  std::list<UdpSocket> sockets_;
  std::vector<pollfd> waits_;  // by socket
  UdpSocket* alone_ = nullptr;
  bool was_idle_ = false;
};

}  // namespace

UdpThread::UdpThread(const std::string& name, uint32_t slot, std::vector<UdpSource> sources,
                     std::vector<IpPrefix> front_ends, const Published<Serving>& serving)
    : slot_(slot),
      serving_(serving),
      front_ends_(std::make_shared<const FrontEnds>(std::move(front_ends))) {
  thread_ =
      start_thread(name, [this, mine = std::move(sources)]() mutable { run(std::move(mine)); });
}

void UdpThread::trust(std::vector<IpPrefix> front_ends) {
  front_ends_.publish(std::make_shared<const FrontEnds>(std::move(front_ends)));
  front_ends_.reclaim();
}

void UdpThread::join() {
  if (thread_.joinable()) thread_.join();
}

void UdpThread::run(std::vector<UdpSource> sources) {
  // A query takes microseconds; probes, reloads and handshakes on the same CPU can wait for it.
  ask_for_slice(std::chrono::microseconds(100));
  Responder responder(serving_, slot_, counters_);
  Overload overload;
  for (const UdpSource& source : sources)
    overload.watch(source.socket.descriptor(), source.is_counted);
  Sockets sockets(std::move(sources), front_ends_, responder);
  MonotonicTime looked = responder.now();
  while (!is_stopping_.load(std::memory_order_relaxed)) {
    sockets.serve();
    responder.refresh();  // an idle thread holds no old snapshot for longer
    if (responder.now() - looked < Milliseconds(Overload::look_every_ms)) continue;
    looked = responder.now();
    counters_.queue_dropped.add(overload.look());
    responder.set_under_load(overload.is_on());
  }
  sockets.finish();
}

}  // namespace swingover::query
