#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "base/ip.h"
#include "base/loop/loop.h"
#include "health/probe.h"
#include "health/resolver.h"

namespace swingover::health {

/// Runs single probes on a loop of its own.
struct ProbeRunner {
  Finding run(Target& target, int milliseconds_max = 10'000) {
    std::optional<Finding> found;
    std::unique_ptr<Probe> probe = target.start([&](Finding finding) {
      found = std::move(finding);
      probe.reset();
    });
    CHECK_FALSE(found);  // never within start()
    loop.run_until([&] { return found.has_value(); }, milliseconds_max);
    REQUIRE(found);
    return *found;
  }
  loop::Loop loop;
  Resolver resolver{loop};
};

/// A UDP socket on `address`, and on request a thread that answers each datagram by `answer` (empty: not at all).
class UdpServer {
 public:
  using Answer = std::function<std::string(std::string)>;
  explicit UdpServer(const std::string& address, Answer answer = {}, uint16_t port = 0) {
    sockaddr_storage name{};
    const unsigned size = to_sockaddr(*parse_ip_address(address), port, name);
    socket_ = ::socket(name.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    REQUIRE(bind(socket_, reinterpret_cast<sockaddr*>(&name), size) == 0);
    socklen_t got = sizeof name;
    getsockname(socket_, reinterpret_cast<sockaddr*>(&name), &got);
    name_ = name;
    port_ = from_sockaddr(reinterpret_cast<sockaddr&>(name)).port;
    if (answer) thread_ = std::thread([this, answer = std::move(answer)] { serve(answer); });
  }
  ~UdpServer() { stop(); }
  UdpServer(const UdpServer&) = delete;
  UdpServer& operator=(const UdpServer&) = delete;

  uint16_t port() const { return port_; }
  void stop() {
    if (thread_.joinable()) {
      // An empty datagram to itself is the end.
      (void)::sendto(socket_, "", 0, 0, reinterpret_cast<sockaddr*>(&name_), sizeof name_);
      thread_.join();
    }
    if (socket_ >= 0) ::close(std::exchange(socket_, -1));
  }

 private:
  void serve(const Answer& answer) const {
    for (;;) {
      std::string octets(65536, '\0');
      sockaddr_storage from{};
      socklen_t size = sizeof from;
      const ssize_t got = ::recvfrom(socket_, octets.data(), octets.size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
      if (got <= 0) return;
      octets.resize(static_cast<size_t>(got));
      const std::string told = answer(octets);
      if (!told.empty()) {
        (void)::sendto(socket_, told.data(), told.size(), 0, reinterpret_cast<sockaddr*>(&from),
                       size);
      }
    }
  }

  int socket_ = -1;
  uint16_t port_ = 0;
  sockaddr_storage name_{};
  std::thread thread_;
};

}  // namespace swingover::health
