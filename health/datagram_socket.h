#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string_view>

#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/loop/poll.h"

namespace swingover::health {

/// A UDP socket connected to one peer from a port that the kernel picks at random: nothing comes in but the peer's
/// datagrams, and the ICMP errors that ours met (all of them, also those that a connected socket ignores by default).
class DatagramSocket {
 public:
  /// `on_ready`: there is something to receive().
  DatagramSocket(loop::Loop& loop, const IpAddress& peer, uint16_t port,
                 std::function<void()> on_ready);
  ~DatagramSocket();
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;

  int error() const { return error_; }  // errno of making it, or 0; then nothing else may be called
  int send(std::string_view octets);    // errno, or 0

  struct Received {
    std::optional<size_t> size;  // nothing: no datagram now
    int error = 0;               // errno: refused, unreachable
  };
  Received receive(std::span<char> into);

 private:
  int socket_ = -1;
  int error_ = 0;
  std::optional<loop::Poll> poll_;
};

}  // namespace swingover::health
