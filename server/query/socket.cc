#include "server/query/socket.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

namespace swingover::query {
namespace {

constexpr int accept_backlog = 4096;
constexpr int fast_open_backlog = 256;
constexpr int port_attempts = 32;

enum class Kind { udp, tcp };

void set_option(const Socket& socket, int level, int option, int value) {
  // Best effort: what matters is checked by bind(), and a kernel without an option serves without it.
  setsockopt(socket.descriptor(), level, option, &value, sizeof value);
}

std::string advice(int error, const SocketAddress& address, Kind kind) {
  switch (error) {
    case EACCES:
    case EPERM:
      return "permission denied: needs CAP_NET_BIND_SERVICE or a port above 1023";
    case EADDRINUSE:
      return std::string("another program serves this address; find it with `ss -ln") +
             (kind == Kind::udp ? "u" : "t") + "p 'sport = :" + std::to_string(address.port) +
             "'`, then stop it or listen elsewhere";
    case EADDRNOTAVAIL:
      return "this host has no such address: give it to an interface, or correct [server] listen";
    case EAFNOSUPPORT:
      return "this host has no " + std::string(address.address.is_v4() ? "IPv4" : "IPv6") +
             ": take the address out of [server] listen";
    default:
      return std::strerror(error);
  }
}

Error bind_error(int error, const SocketAddress& address, Kind kind) {
  return {error == EADDRINUSE ? ErrorCode::conflict : ErrorCode::system,
          std::string("binding ") + (kind == Kind::udp ? "UDP " : "TCP ") + address.text() + ": " +
              advice(error, address, kind)};
}

SocketAddress bound_address(const Socket& socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  getsockname(socket.descriptor(), reinterpret_cast<sockaddr*>(&storage), &size);
  return from_sockaddr(reinterpret_cast<const sockaddr&>(storage));
}

/// `shared`: with the other workers' sockets.
Result<Socket> open_bound(const SocketAddress& address, Kind kind, bool shared) {
  const int family = address.address.is_v4() ? AF_INET : AF_INET6;
  const int type = (kind == Kind::udp ? SOCK_DGRAM : SOCK_STREAM | SOCK_NONBLOCK) | SOCK_CLOEXEC;
  Socket socket(::socket(family, type, 0));
  if (socket.descriptor() < 0) return bind_error(errno, address, kind);
  // The IPv4 wildcard is an address of its own in `listen`; mapped clients would need a second way to answer.
  if (family == AF_INET6) set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1);
  // Connections of a daemon that just stopped linger in TIME_WAIT; they hold no listener.
  if (kind == Kind::tcp) set_option(socket, SOL_SOCKET, SO_REUSEADDR, 1);
  if (shared) set_option(socket, SOL_SOCKET, SO_REUSEPORT, 1);
  sockaddr_storage storage{};
  const socklen_t size = to_sockaddr(address.address, address.port, storage);
  if (bind(socket.descriptor(), reinterpret_cast<const sockaddr*>(&storage), size) != 0) {
    return bind_error(errno, address, kind);
  }
  return socket;
}

void configure_udp(const Socket& socket, const IpAddress& address) {
  set_option(socket, SOL_SOCKET, SO_RCVBUF, udp_buffer_wished);
  set_option(socket, SOL_SOCKET, SO_SNDBUF, udp_buffer_wished);
  // A handed socket is other processes' too, such as a predecessor that still answers; this one sleeps no longer.
  const timeval sleep_most{0, udp_sleep_most_ms * 1000};
  setsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &sleep_most, sizeof sleep_most);
  const int tell_destination = address.is_any() ? 1 : 0;
  if (address.is_v4()) {
    set_option(socket, IPPROTO_IP, IP_PKTINFO, tell_destination);
    // Path MTUs learnt from ICMP can be forged, and make answers fragment where they need not (RFC 9715).
    set_option(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
  } else {
    set_option(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, tell_destination);
    set_option(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
  }
}

Status start_listening(const Socket& socket, const SocketAddress& address) {
  // Accepted connections inherit it: answers leave whole, nothing waits for a delayed ACK.
  set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
  // A query in the SYN saves its client a round trip (RFC 7413, RFC 9210 section 4.1), where the host has
  // net.ipv4.tcp_fastopen = 3; a replayed one only asks again.
  set_option(socket, IPPROTO_TCP, TCP_FASTOPEN, fast_open_backlog);
  if (listen(socket.descriptor(), accept_backlog) != 0)
    return bind_error(errno, address, Kind::tcp);
  return Done{};
}

/// The address with a port that nobody else has, for UDP and TCP. SO_REUSEPORT would share a port with
/// any program of the same user, so first it is tried without.
Result<SocketAddress> claim(const SocketAddress& wanted, bool need_udp, bool need_tcp) {
  for (int attempt = 0;; ++attempt) {
    SocketAddress address = wanted;
    Socket udp;
    if (need_udp) {
      auto opened = open_bound(address, Kind::udp, false);
      if (!opened) return opened.error();
      udp = std::move(*opened);
      address.port = bound_address(udp).port;
    }
    if (!need_tcp) return address;
    auto tcp = open_bound(address, Kind::tcp, false);
    if (tcp) {
      address.port = bound_address(*tcp).port;
      return address;
    }
    const bool may_retry = wanted.port == 0 && tcp.error().code == ErrorCode::conflict;
    if (!may_retry || attempt == port_attempts) return tcp.error();
  }
}

const HandedSocket* find_handed(const std::vector<HandedSocket>& handed,
                                const SocketAddress& address, bool is_udp) {
  const auto found = std::find_if(handed.begin(), handed.end(), [&](const HandedSocket& socket) {
    return socket.is_udp == is_udp && socket.address == address;
  });
  return found == handed.end() ? nullptr : &*found;
}

/// File flags are those of all who hold the socket: a listener needs O_NONBLOCK, a UDP socket stays as it is.
Result<Socket> copy_of(const HandedSocket& handed) {
  Socket copy(fcntl(handed.descriptor, F_DUPFD_CLOEXEC, 3));
  if (copy.descriptor() < 0) {
    return Error{ErrorCode::system, "taking over the socket for " + handed.address.text() + ": " +
                                        std::strerror(errno)};
  }
  if (!handed.is_udp)
    fcntl(copy.descriptor(), F_SETFL, fcntl(copy.descriptor(), F_GETFL) | O_NONBLOCK);
  return copy;
}

Result<Socket> open_udp(const SocketAddress& address, const HandedSocket* handed) {
  auto socket = handed ? copy_of(*handed) : open_bound(address, Kind::udp, true);
  if (socket) configure_udp(*socket, address.address);
  return socket;
}

Result<Socket> open_tcp(const SocketAddress& address, const HandedSocket* handed) {
  auto socket = handed ? copy_of(*handed) : open_bound(address, Kind::tcp, true);
  if (!socket) return socket;
  // Listening again on a handed listener is allowed, and only sets its backlog.
  if (const Status listening = start_listening(*socket, address); !listening)
    return listening.error();
  return socket;
}

}  // namespace

int udp_buffer_of(const Socket& socket) {
  int size = 0;
  socklen_t length = sizeof size;
  getsockopt(socket.descriptor(), SOL_SOCKET, SO_RCVBUF, &size, &length);
  return size / 2;  // the kernel doubles what it is asked for, for its own needs (socket(7))
}

Socket::~Socket() {
  if (descriptor_ >= 0) close(descriptor_);
}

Result<std::vector<ListenPair>> open_listeners(const SocketAddress& address, uint32_t workers,
                                               const std::vector<HandedSocket>& handed) {
  const HandedSocket* handed_udp = find_handed(handed, address, true);
  const HandedSocket* handed_tcp = find_handed(handed, address, false);
  auto claimed = claim(address, !handed_udp, !handed_tcp);
  if (!claimed) return claimed.error();
  std::vector<ListenPair> pairs;
  for (uint32_t worker = 0; worker < workers; ++worker) {
    auto udp = open_udp(*claimed, handed_udp);
    if (!udp) return udp.error();
    auto tcp = open_tcp(*claimed, handed_tcp);
    if (!tcp) return tcp.error();
    ListenPair pair{std::move(*udp), std::move(*tcp), {}, {}, handed_udp != nullptr};
    pair.udp_address = bound_address(pair.udp);
    pair.tcp_address = bound_address(pair.tcp);
    pairs.push_back(std::move(pair));
  }
  return pairs;
}

Result<StreamListeners> open_stream_listeners(const SocketAddress& address, uint32_t workers,
                                              const std::vector<HandedSocket>& handed) {
  const HandedSocket* handed_tcp = find_handed(handed, address, false);
  auto claimed = claim(address, false, !handed_tcp);
  if (!claimed) return claimed.error();
  StreamListeners listeners;
  for (uint32_t worker = 0; worker < workers; ++worker) {
    auto socket = open_tcp(*claimed, handed_tcp);
    if (!socket) return socket.error();
    listeners.address = bound_address(*socket);
    listeners.sockets.push_back(std::move(*socket));
  }
  return listeners;
}

}  // namespace swingover::query
