#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "server/query/stream_state.h"

namespace swingover::query {

/// One client's TLS (RFC 8446, DNS over it RFC 7858) on a socket that somebody else owns. Made by TlsContext.
///
/// Memory   About 14 KiB while idle: buffers are given back between records.
/// Goodbye  The destructor sends close_notify if the socket takes it at once.
/// Threads  The worker's.
class TlsStream {
 public:
  struct Core;
  explicit TlsStream(std::unique_ptr<Core> core);
  ~TlsStream();
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;

  /// Goes on with the handshake first: one costs the worker some 0.1 ms with an ECDSA key, 1 ms with RSA.
  StreamState read(std::span<uint8_t> into, size_t& size);
  /// What it could not take must be offered again, the same octets and not fewer.
  StreamState write(Bytes from, size_t& size);

  bool is_open() const;  // the handshake is done
  /// By a ticket of an earlier connection (RFC 8446 section 2.2). Once open.
  bool is_resumed() const;
  bool has_read_ahead() const;
  bool reads_by_writing() const;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::query
