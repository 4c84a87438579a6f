#pragma once

#include <utility>
#include <vector>

#include "base/ip.h"
#include "base/result.h"
#include "server/query/workers.h"

namespace swingover::query {

/// A descriptor and the duty to close it.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  Socket& operator=(Socket&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  int descriptor() const { return descriptor_; }

 private:
  int descriptor_ = -1;
};

/// How long a thread may sleep in recvmmsg() at a UDP socket (SO_RCVTIMEO), and at several in poll().
inline constexpr int udp_sleep_most_ms = 100;

/// A UDP socket, blocking unless it was handed over as it is, and a TCP listener, non-blocking, on one address, for
/// one worker.
struct ListenPair {
  Socket udp;
  Socket tcp;
  SocketAddress udp_address;  // as bound
  SocketAddress tcp_address;
  bool is_shared = false;  // UDP by one socket that all workers read, handed over by systemd
};

/// Octets of the kernel's receive buffer that this socket got, in the terms of the wish.
int udp_buffer_of(const Socket& socket);

/// One pair for each worker, all on one address and port. With port 0 the kernel chooses, the same port
/// for UDP and TCP. A handed socket of this address is used instead of an own one, by all workers.
///
/// Errors  Name the address and what to do. An address that any other program serves is one: workers
///         share their port, but never with a stranger.
Result<std::vector<ListenPair>> open_listeners(const SocketAddress& address, uint32_t workers,
                                               const std::vector<HandedSocket>& handed);

/// Listeners for streams alone, non-blocking, one for each worker.
struct StreamListeners {
  std::vector<Socket> sockets;
  SocketAddress address;  // as bound
};

/// As open_listeners(), without UDP.
Result<StreamListeners> open_stream_listeners(const SocketAddress& address, uint32_t workers,
                                              const std::vector<HandedSocket>& handed);

}  // namespace swingover::query
