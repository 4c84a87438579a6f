#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/ip.h"

namespace swingover::tests {

/// A listening TCP socket. Without a thread nobody accepts from it.
class Listener {
 public:
  explicit Listener(const std::string& address, int backlog = 16) {
    sockaddr_storage name{};
    const unsigned size = to_sockaddr(*parse_ip_address(address), 0, name);
    descriptor_ = socket(name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(descriptor_, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        listen(descriptor_, backlog) != 0) {
      throw std::runtime_error("cannot listen on " + address);
    }
    socklen_t got = sizeof name;
    getsockname(descriptor_, reinterpret_cast<sockaddr*>(&name), &got);
    port_ = from_sockaddr(reinterpret_cast<sockaddr&>(name)).port;
  }
  ~Listener() { stop(); }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  void stop() {
    if (descriptor_ >= 0) close(std::exchange(descriptor_, -1));
  }
  int descriptor() const { return descriptor_; }
  uint16_t port() const { return port_; }

 private:
  int descriptor_;
  uint16_t port_;
};

/// One connection as a counterpart sees it; whatever it waits for comes within 5 s, or does not.
class Connection {
 public:
  explicit Connection(int descriptor) : descriptor_(descriptor) {
    const timeval patience{5, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  ~Connection() { close(descriptor_); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void say(std::string_view octets) {
    while (!octets.empty()) {
      const ssize_t sent = send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      octets.remove_prefix(static_cast<size_t>(sent));
    }
  }
  /// What came until `end` was in it, or the other end closed.
  std::string hear(std::string_view end) {
    std::string heard;
    char buffer[4096];
    while (heard.find(end) == std::string::npos) {
      const ssize_t got = recv(descriptor_, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      heard.append(buffer, static_cast<size_t>(got));
    }
    return heard;
  }
  void hear_the_end() {
    char buffer[4096];
    while (recv(descriptor_, buffer, sizeof buffer, 0) > 0) continue;
  }
  /// From now on its end is a reset.
  void reset_at_end() {
    const linger hard{1, 0};
    setsockopt(descriptor_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  }

 private:
  int descriptor_;
};

/// A server that does with each connection, one after the other, what it is told.
class Counterpart {
 public:
  Counterpart(const std::string& address, std::function<void(Connection&)> serve)
      : listener_(address), serve_(std::move(serve)), thread_([this] { run(); }) {}
  ~Counterpart() {
    shutdown(listener_.descriptor(), SHUT_RDWR);
    thread_.join();
  }
  uint16_t port() const { return listener_.port(); }

 private:
  void run() {
    for (;;) {
      const int accepted = accept4(listener_.descriptor(), nullptr, nullptr, SOCK_CLOEXEC);
      if (accepted < 0) return;
      Connection connection(accepted);
      serve_(connection);
    }
  }
  Listener listener_;
  std::function<void(Connection&)> serve_;
  std::thread thread_;
};

}  // namespace swingover::tests
