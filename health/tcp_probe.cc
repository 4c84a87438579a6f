#include "health/tcp_probe.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "health/probe_words.h"

namespace swingover::health {

namespace {

class TcpProbe : public Probe {
 public:
  TcpProbe(loop::Loop& loop, Resolver& resolver, const TcpTargetOptions& options, Done done)
      : loop_(loop),
        resolver_(resolver),
        port_(options.port),
        timeout_(options.timeout),
        done_(std::move(done)),
        began_(system_clock().now()),
        timer_(loop, [this] { on_time(); }) {
    timer_.start_once(timeout_);
    if (const auto address = parse_ip_address(options.address)) {
      addresses_ = {*address};
      connect_next();
      return;
    }
    lookup_ = resolver_.resolve(options.address,
                                [this](Resolver::Found found) { on_found(std::move(found)); });
  }

  ~TcpProbe() override {
    if (lookup_) resolver_.cancel(*lookup_);
    close_socket();
  }

 private:
  void on_found(Resolver::Found found) {
    lookup_.reset();
    if (found.addresses.empty()) return finish(Verdict::fail, "resolve: " + found.problem);
    addresses_ = std::move(found.addresses);
    connect_next();
  }

  // Over loopback connect() itself may say yes or no; like all other verdicts it is told a turn later.
  void connect_next() {
    sockaddr_storage to{};
    const unsigned size = to_sockaddr(addresses_[next_], port_, to);
    ++next_;
    socket_ = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) return end_soon("socket: ", errno);
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), size) == 0) {
      return end_soon("", 0);
    }
    if (errno != EINPROGRESS) return end_soon("connect: ", errno);
    poll_.emplace(loop_, socket_, [this](loop::Poll::Ready) { on_ready(); });
    poll_->watch({.writable = true});
  }

  void on_ready() {
    int error = 0;
    socklen_t size = sizeof error;
    if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    close_socket();
    end("connect: ", error);
  }

  void end_soon(const char* doing, int error) {
    close_socket();
    soon_ = {doing, error};
    timer_.start_once(Milliseconds(0));
  }

  void on_time() {
    if (soon_) {
      const auto [doing, error] = *std::exchange(soon_, std::nullopt);
      // The next address, if there is one, gets what is left of the time.
      timer_.start_once(Milliseconds(timeout_.value - (system_clock().now() - began_).value));
      return end(doing, error);
    }
    finish(Verdict::fail, timeout_words(timeout_, lookup_ ? "resolving" : "connecting"));
  }

  void end(const char* doing, int error) {
    if (error == 0) return finish(Verdict::pass, {});
    if (next_ < addresses_.size()) return connect_next();
    finish(Verdict::fail, doing + errno_words(error), !is_own_trouble(error));
  }

  void finish(Verdict verdict, std::string reason, bool looked = true) {
    timer_.stop();
    close_socket();
    const Done done = std::move(done_);
    done({.verdict = verdict,
          .reason = std::move(reason),
          .duration_nanoseconds = system_clock().now().nanoseconds - began_.nanoseconds,
          .looked = looked});
  }

  void close_socket() {
    poll_.reset();
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

  struct Soon {
    const char* doing;
    int error;
  };

  loop::Loop& loop_;
  Resolver& resolver_;
  uint16_t port_;
  Milliseconds timeout_;
  Done done_;
  MonotonicTime began_;
  loop::Timer timer_;
  std::optional<loop::Poll> poll_;
  int socket_ = -1;
  std::optional<Resolver::Lookup> lookup_;
  std::vector<IpAddress> addresses_;
  size_t next_ = 0;
  std::optional<Soon> soon_;
};

class TcpTarget : public Target {
 public:
  TcpTarget(loop::Loop& loop, Resolver& resolver, TcpTargetOptions options)
      : loop_(loop), resolver_(resolver), options_(std::move(options)) {}

  std::unique_ptr<Probe> start(Probe::Done done) override {
    return std::make_unique<TcpProbe>(loop_, resolver_, options_, std::move(done));
  }

 private:
  loop::Loop& loop_;
  Resolver& resolver_;
  TcpTargetOptions options_;
};

}  // namespace

std::unique_ptr<Target> make_tcp_target(loop::Loop& loop, Resolver& resolver,
                                        TcpTargetOptions options) {
  return std::make_unique<TcpTarget>(loop, resolver, std::move(options));
}

}  // namespace swingover::health
