#include "health/datagram_socket.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace swingover::health {

DatagramSocket::DatagramSocket(loop::Loop& loop, const IpAddress& peer, uint16_t port,
                               std::function<void()> on_ready) {
  sockaddr_storage to{};
  const unsigned size = to_sockaddr(peer, port, to);
  socket_ = ::socket(to.ss_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (socket_ < 0) {
    error_ = errno;
    return;
  }
  // Without this a connected socket hears of a closed port, but not of a host or network that cannot be reached.
  const int on = 1;
  if (peer.is_v4()) {
    (void)setsockopt(socket_, IPPROTO_IP, IP_RECVERR, &on, sizeof on);
  } else {
    (void)setsockopt(socket_, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof on);
  }
  if (::connect(socket_, reinterpret_cast<const sockaddr*>(&to), size) != 0) {
    error_ = errno;
    return;
  }
  poll_.emplace(loop, socket_, [on_ready = std::move(on_ready)](loop::Poll::Ready) { on_ready(); });
  poll_->watch({.readable = true});
}

DatagramSocket::~DatagramSocket() {
  poll_.reset();
  if (socket_ >= 0) ::close(socket_);
}

int DatagramSocket::send(std::string_view octets) {
  return ::send(socket_, octets.data(), octets.size(), MSG_NOSIGNAL) < 0 ? errno : 0;
}

DatagramSocket::Received DatagramSocket::receive(std::span<char> into) {
  const ssize_t got = ::recv(socket_, into.data(), into.size(), 0);
  if (got >= 0) return {static_cast<size_t>(got), 0};
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return {};
  return {std::nullopt, errno};
}

}  // namespace swingover::health
