#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/ip.h"

namespace swingover::tests {

/// A TCP listener of this process, whose connections the test takes, and ends as it likes.
class Listener {
 public:
  explicit Listener(const std::string& address) {
    sockaddr_storage name{};
    socklen_t size = to_sockaddr(*parse_ip_address(address), 0, name);
    socket_ = ::socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    auto* at = reinterpret_cast<sockaddr*>(&name);
    if (bind(socket_, at, size) != 0 || listen(socket_, 100) != 0 ||
        getsockname(socket_, at, &size) != 0) {
      throw std::runtime_error("cannot listen");
    }
    port_ = from_sockaddr(*at).port;
  }
  ~Listener() { close(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  uint16_t port() const { return port_; }
  /// The next connection, which the test owns; -1: none came within ten seconds.
  int accepted(int milliseconds = 10'000) {
    pollfd wanted{socket_, POLLIN, 0};
    if (poll(&wanted, 1, milliseconds) != 1) return -1;
    return ::accept4(socket_, nullptr, nullptr, SOCK_CLOEXEC);
  }
  bool has_connection() {
    pollfd wanted{socket_, POLLIN, 0};
    return poll(&wanted, 1, 0) == 1;
  }
  void close() {
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  int socket_ = -1;
  uint16_t port_ = 0;
};

/// With a FIN.
inline void end(int connection) {
  ::close(connection);
}
/// With a RST.
inline void reset(int connection) {
  const linger at_once{1, 0};
  setsockopt(connection, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  ::close(connection);
}
/// Whether the other side has ended it.
inline bool has_ended(int connection) {
  char octet = 0;
  return recv(connection, &octet, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
}

}  // namespace swingover::tests
