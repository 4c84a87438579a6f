#pragma once

#include <cstdint>
#include <span>

namespace swingover::query {

/// An answer of many messages, such as a zone transfer, made as fast as its client takes them and no faster.
///
/// Threads  The worker's that serves the client. The destructor may come at any message: the client left.
class MessageStream {
 public:
  MessageStream() = default;
  virtual ~MessageStream() = default;
  MessageStream(const MessageStream&) = delete;
  MessageStream& operator=(const MessageStream&) = delete;

  /// Writes the next message to `out`, which holds 65,535 octets; its size, 0: that was the last.
  virtual size_t next(std::span<uint8_t> out) = 0;
};

}  // namespace swingover::query
