#include "health/dns_probe.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <utility>

#include "base/loop/poll.h"
#include "base/printable.h"
#include "base/random.h"
#include "base/text.h"
#include "health/address_probe.h"
#include "health/datagram_socket.h"

namespace swingover::health {

namespace {

/// One query and its answer over a TCP connection (RFC 7766), both with their length in front.
class TcpExchange {
 public:
  enum class State : uint8_t { connecting, sending, reading, answered, failed };

  TcpExchange(loop::Loop& loop, const IpAddress& peer, uint16_t port, std::string query,
              std::function<void()> on_change)
      : query_(std::move(query)) {
    sockaddr_storage to{};
    const unsigned size = to_sockaddr(peer, port, to);
    socket_ = ::socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (socket_ < 0) {
      fail("socket", errno);
      return;
    }
    if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), size) != 0 &&
        errno != EINPROGRESS) {
      fail("connect over TCP", errno);
      return;
    }
    poll_.emplace(loop, socket_, [this, on_change = std::move(on_change)](loop::Poll::Ready) {
      step();
      if (state_ == State::answered || state_ == State::failed) on_change();
    });
    poll_->watch({.writable = true});
  }
  ~TcpExchange() {
    poll_.reset();
    if (socket_ >= 0) ::close(socket_);
  }
  TcpExchange(const TcpExchange&) = delete;
  TcpExchange& operator=(const TcpExchange&) = delete;

  State state() const { return state_; }
  std::string_view answer() const { return std::string_view(read_).substr(2); }
  std::string_view what() const { return what_; }
  int error() const { return error_; }  // 0: the other end closed

 private:
  void step() {
    if (state_ == State::connecting) {
      int error = 0;
      socklen_t size = sizeof error;
      if (getsockopt(socket_, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
      if (error != 0) return fail("connect over TCP", error);
      state_ = State::sending;
    }
    if (state_ == State::sending) send_some();
    if (state_ == State::reading) read_some();
  }

  void send_some() {
    const ssize_t put = ::send(socket_, query_.data() + sent_, query_.size() - sent_, MSG_NOSIGNAL);
    if (put < 0) return is_later(errno) ? void() : fail("send over TCP", errno);
    sent_ += static_cast<size_t>(put);
    if (sent_ < query_.size()) return;
    state_ = State::reading;
    poll_->watch({.readable = true});
  }

  void read_some() {
    std::array<char, 4096> octets;  // NOLINT: filled by the kernel
    const ssize_t got = ::recv(socket_, octets.data(), octets.size(), 0);
    if (got < 0) return is_later(errno) ? void() : fail("read over TCP", errno);
    if (got == 0) return fail("read over TCP", 0);
    read_.append(octets.data(), static_cast<size_t>(got));
    if (read_.size() < 2) return;
    const size_t wanted = size_t{2} + (static_cast<size_t>(static_cast<uint8_t>(read_[0])) << 8U |
                                       static_cast<uint8_t>(read_[1]));
    if (read_.size() < wanted) return;
    read_.resize(wanted);
    state_ = State::answered;
  }

  static bool is_later(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
  }

  void fail(std::string_view what, int error) {
    what_ = what;
    error_ = error;
    state_ = State::failed;
  }

  std::string query_;
  int socket_ = -1;
  State state_ = State::connecting;
  size_t sent_ = 0;
  std::string read_;
  std::string_view what_;
  int error_ = 0;
  std::optional<loop::Poll> poll_;
};

std::string rcodes_text(const std::vector<DnsRcode>& rcodes) {
  std::string text;
  for (const DnsRcode rcode : rcodes) {
    if (!text.empty()) text += ", ";
    text += text_of(rcode);
  }
  return text;
}

/// Why the answer does not do; empty if it does.
std::string judge(const DnsTargetOptions& options, const DnsAnswer& answer) {
  constexpr size_t shown_max = 3;
  constexpr size_t octets_max = 200;
  if (answer.kind == DnsAnswer::Kind::malformed) return "malformed answer";
  if (std::ranges::find(options.expect_rcode, answer.rcode) == options.expect_rcode.end()) {
    return "rcode " + text_of(answer.rcode) + ", wanted " + rcodes_text(options.expect_rcode);
  }
  const std::string& wanted = options.expect_answer;
  if (wanted.empty()) return {};
  if (answer.records.empty()) return "no answer, wanted " + wanted;
  std::vector<std::string> found;
  for (const DnsRecord& record : answer.records) {
    if (is_data(record, wanted)) return {};
    found.push_back(record.data);
  }
  std::ranges::sort(found);  // servers turn them from answer to answer: that is no news
  const size_t count = std::min(found.size(), shown_max);
  std::string shown = joined({found.data(), count}, ", ");
  if (found.size() > shown_max) shown += ", …";
  if (shown.size() > octets_max) shown = shown.substr(0, octets_max) + "…";
  return "answer " + printable(shown) + ", wanted " + wanted;
}

class DnsProbe : public AddressProbe {
 public:
  DnsProbe(loop::Loop& loop, Resolver& resolver, const DnsTargetOptions& options, Done done)
      : AddressProbe(loop, resolver, options.timeout, std::move(done)), options_(options) {}

 protected:
  void try_address(const IpAddress& address) override {
    address_ = address;
    // Nobody who does not see the query can name its id: the kernel's randomness, not a sequence.
    id_ = static_cast<uint16_t>(random_seed());
    udp_.emplace(loop(), address, options_.port, [this] { on_datagram(); });
    if (udp_->error() != 0) return fail_errno("socket", udp_->error());
    const int error = udp_->send(encode_dns_query(id_, options_.question));
    if (error != 0) fail_errno("send", error);
  }

  void close() override {
    udp_.reset();
    tcp_.reset();
  }

  std::string_view doing() const override {
    return tcp_ ? "waiting for an answer over TCP" : "waiting for an answer";
  }

 private:
  void on_datagram() {
    std::array<char, 65536> octets;  // NOLINT: filled by the kernel
    const auto [size, error] = udp_->receive(octets);
    if (error != 0) return fail_errno("udp", error);
    if (!size) return;
    const DnsAnswer answer = read_dns_answer({octets.data(), *size}, id_, options_.question);
    if (answer.kind == DnsAnswer::Kind::alien) return;  // somebody guesses, or it came twice
    if (answer.kind == DnsAnswer::Kind::truncated) return ask_over_tcp();
    end(answer);
  }

  void ask_over_tcp() {
    id_ = static_cast<uint16_t>(random_seed());
    const std::string query = encode_dns_query(id_, options_.question);
    std::string framed{static_cast<char>(query.size() >> 8),
                       static_cast<char>(query.size() & 0xff)};
    tcp_.emplace(loop(), address_, options_.port, framed + query, [this] { on_stream(); });
    udp_.reset();
    if (tcp_->state() == TcpExchange::State::failed) on_stream();
  }

  void on_stream() {
    if (tcp_->state() == TcpExchange::State::failed) {
      const std::string what(tcp_->what());
      if (tcp_->error() == 0) return fail("closed by the other end without an answer over TCP");
      return fail_errno(what, tcp_->error());
    }
    const DnsAnswer answer = read_dns_answer(tcp_->answer(), id_, options_.question);
    if (answer.kind == DnsAnswer::Kind::alien) return fail("answer to another question over TCP");
    if (answer.kind == DnsAnswer::Kind::truncated) return fail("truncated answer over TCP");
    end(answer);
  }

  void end(const DnsAnswer& answer) {
    std::string reason = judge(options_, answer);
    reason.empty() ? pass() : fail(std::move(reason));
  }

  const DnsTargetOptions& options_;  // of the target, which outlives its probes
  IpAddress address_;
  uint16_t id_ = 0;
  std::optional<DatagramSocket> udp_;
  std::optional<TcpExchange> tcp_;
};

class DnsTarget : public Target {
 public:
  DnsTarget(loop::Loop& loop, Resolver& resolver, DnsTargetOptions options)
      : loop_(loop), resolver_(resolver), options_(std::move(options)) {}

  std::unique_ptr<Probe> start(Probe::Done done) override {
    auto probe = std::make_unique<DnsProbe>(loop_, resolver_, options_, std::move(done));
    probe->begin(options_.address);
    return probe;
  }

 private:
  loop::Loop& loop_;
  Resolver& resolver_;
  DnsTargetOptions options_;
};

}  // namespace

std::unique_ptr<Target> make_dns_target(loop::Loop& loop, Resolver& resolver,
                                        DnsTargetOptions options) {
  return std::make_unique<DnsTarget>(loop, resolver, std::move(options));
}

}  // namespace swingover::health
