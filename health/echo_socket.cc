#include "health/echo_socket.h"

#include <linux/errqueue.h>
#include <linux/icmp.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/random.h"

namespace swingover::health {

namespace {

constexpr size_t header_size = 8;  // type, code, checksum, id, sequence
constexpr size_t token_size = 8;
constexpr size_t message_size = header_size + token_size;
constexpr size_t ipv4_header_least = 20;

constexpr uint8_t request_type(bool v4) {
  return v4 ? ICMP_ECHO : ICMP6_ECHO_REQUEST;
}
constexpr uint8_t reply_type(bool v4) {
  return v4 ? ICMP_ECHOREPLY : ICMP6_ECHO_REPLY;
}

void put_16(uint8_t* at, unsigned value) {
  at[0] = static_cast<uint8_t>(value >> 8U);
  at[1] = static_cast<uint8_t>(value & 0xffU);
}
unsigned get_16(const uint8_t* at) {
  return static_cast<unsigned>(at[0]) << 8U | at[1];
}

/// RFC 1071. For IPv6 the kernel fills it in, as it needs the addresses.
unsigned checksum(std::span<const uint8_t> message) {
  unsigned sum = 0;
  for (size_t at = 0; at + 1 < message.size(); at += 2) sum += get_16(&message[at]);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16U);
  return ~sum & 0xffffU;
}

/// Of what raw sockets get, only replies; errors come by the error queue.
void keep_replies_only(int socket, bool v4) {
  if (v4) {
    icmp_filter filter{};
    filter.data = ~(1U << ICMP_ECHOREPLY);
    (void)setsockopt(socket, SOL_RAW, ICMP_FILTER, &filter, sizeof filter);
    return;
  }
  icmp6_filter filter{};
  ICMP6_FILTER_SETBLOCKALL(&filter);
  ICMP6_FILTER_SETPASS(ICMP6_ECHO_REPLY, &filter);
  (void)setsockopt(socket, IPPROTO_ICMPV6, ICMP6_FILTER, &filter, sizeof filter);
}

}  // namespace

EchoSocket::~EchoSocket() {
  poll_.reset();
  if (socket_ >= 0) ::close(socket_);
}

int EchoSocket::open() {
  if (socket_ >= 0) return 0;
  const int error = open_as(SOCK_DGRAM);
  if (error == 0 || (error != EACCES && error != EPERM && error != EPROTONOSUPPORT)) return error;
  return open_as(SOCK_RAW);
}

int EchoSocket::open_as(int type) {
  const int family = v4_ ? AF_INET : AF_INET6;
  const int protocol = v4_ ? static_cast<int>(IPPROTO_ICMP) : static_cast<int>(IPPROTO_ICMPV6);
  const int made = ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
  if (made < 0) return errno;
  const int on = 1;
  if (v4_) {
    (void)setsockopt(made, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  } else {
    (void)setsockopt(made, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  }
  is_raw_ = type == SOCK_RAW;
  if (is_raw_) keep_replies_only(made, v4_);
  // Thousands of replies may come while the loop is busy elsewhere.
  const int room = 1 << 20;
  (void)setsockopt(made, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  socket_ = made;
  id_ = static_cast<uint16_t>(random_seed());
  poll_.emplace(loop_, socket_, [this](loop::Poll::Ready) { on_ready(); });
  poll_->watch({.readable = true});
  return 0;
}

EchoSocket::Sent EchoSocket::send(const IpAddress& to, OnAnswer on_answer) {
  constexpr size_t requests_max = 60'000;
  if (waiting_.size() >= requests_max) return {0, ENOBUFS};
  do {
    ++last_;
  } while (waiting_.contains(last_));
  const uint64_t token = random_seed();
  std::array<uint8_t, message_size> message{};
  message[0] = request_type(v4_);
  put_16(&message[4], id_);
  put_16(&message[6], last_);
  std::memcpy(&message[header_size], &token, token_size);
  if (v4_) put_16(&message[2], checksum(message));
  if (const int error = put(message, to); error != 0) return {0, error};
  waiting_[last_] = {to, token, std::move(on_answer)};
  return {last_, 0};
}

// An ICMP error about an earlier request to somebody else is reported by the next call on the socket, whatever that is
// for: such an error is read for its own request first, and then this one is tried again.
int EchoSocket::put(std::span<const uint8_t> message, const IpAddress& to) {
  sockaddr_storage name{};
  const unsigned size = to_sockaddr(to, 0, name);
  int stale = 0;
  socklen_t stale_size = sizeof stale;
  (void)getsockopt(socket_, SOL_SOCKET, SO_ERROR, &stale, &stale_size);
  constexpr int tries = 3;
  int error = 0;
  for (int i = 0; i < tries; ++i) {
    const ssize_t put = ::sendto(socket_, message.data(), message.size(), MSG_NOSIGNAL,
                                 reinterpret_cast<const sockaddr*>(&name), size);
    if (put >= 0) return 0;
    error = errno;
    if (error == EAGAIN || error == EWOULDBLOCK) return ENOBUFS;
  }
  return error;
}

void EchoSocket::on_ready() {
  constexpr int reads_a_turn = 256;
  for (int i = 0; i < reads_a_turn && read_error(); ++i) {
  }
  for (int i = 0; i < reads_a_turn && read_reply(); ++i) {
  }
}

bool EchoSocket::read_reply() {
  std::array<uint8_t, 2048> octets;  // NOLINT: filled by the kernel
  sockaddr_storage from{};
  socklen_t from_size = sizeof from;
  const ssize_t got = ::recvfrom(socket_, octets.data(), octets.size(), 0,
                                 reinterpret_cast<sockaddr*>(&from), &from_size);
  if (got < 0) return errno != EAGAIN && errno != EWOULDBLOCK;  // somebody's ICMP error: read on
  std::span<const uint8_t> echo(octets.data(), static_cast<size_t>(got));
  if (is_raw_ && v4_) {  // with its IP header
    if (echo.size() < ipv4_header_least) return true;
    const size_t skip = size_t{4} * (echo[0] & 0x0fU);
    if (echo.size() < skip) return true;
    echo = echo.subspan(skip);
  }
  answer(echo, from_sockaddr(reinterpret_cast<const sockaddr&>(from)).address, true, 0);
  return true;
}

bool EchoSocket::read_error() {
  std::array<uint8_t, 2048> octets;                // NOLINT: filled by the kernel
  alignas(cmsghdr) std::array<char, 512> control;  // NOLINT: filled by the kernel
  sockaddr_storage to{};
  iovec data{octets.data(), octets.size()};
  msghdr message{};
  message.msg_name = &to;
  message.msg_namelen = sizeof to;
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const ssize_t got = ::recvmsg(socket_, &message, MSG_ERRQUEUE);
  if (got < 0) return false;
  int error = 0;
  for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr;
       part = CMSG_NXTHDR(&message, part)) {
    const bool is_error = (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_RECVERR) ||
                          (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_RECVERR);
    if (!is_error) continue;
    sock_extended_err about{};
    std::memcpy(&about, CMSG_DATA(part), sizeof about);
    error = static_cast<int>(about.ee_errno);
  }
  // The message is the request as it came back in the error, from its ICMP header on.
  if (error != 0 && error != EMSGSIZE) {
    answer({octets.data(), static_cast<size_t>(got)},
           from_sockaddr(reinterpret_cast<const sockaddr&>(to)).address, false, error);
  }
  return true;
}

void EchoSocket::answer(std::span<const uint8_t> echo, const IpAddress& peer, bool is_reply,
                        int error) {
  if (echo.size() < header_size) return;
  if (echo[0] != (is_reply ? reply_type(v4_) : request_type(v4_))) return;
  if (is_raw_ && get_16(&echo[4]) != id_) return;
  const auto at = waiting_.find(static_cast<Request>(get_16(&echo[6])));
  if (at == waiting_.end() || at->second.to != peer) return;
  // A router may send back no more than the first eight octets of a request (RFC 792); a reply has all of it.
  if (is_reply || echo.size() >= message_size) {
    if (echo.size() < message_size ||
        std::memcmp(&echo[header_size], &at->second.token, token_size) != 0) {
      return;
    }
  }
  const OnAnswer tell = std::move(at->second.on_answer);
  waiting_.erase(at);
  tell(error);
}

}  // namespace swingover::health
