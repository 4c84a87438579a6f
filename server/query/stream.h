#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "base/bytes.h"
#include "server/query/socket.h"
#include "server/query/stream_state.h"
#include "server/query/tls_stream.h"

namespace swingover::query {

/// A client's stream of octets, over TCP or over TLS over TCP. Nothing waits; nothing raises a signal.
///
/// Threads  The worker's. Hot path for TCP; TLS allocates as OpenSSL does.
class Stream {
 public:
  explicit Stream(Socket socket) : socket_(std::move(socket)) {}

  /// From now on everything goes through this; its handshake is part of reading.
  void secure(std::unique_ptr<TlsStream> tls) { tls_ = std::move(tls); }

  StreamState read(std::span<uint8_t> into, size_t& size);
  /// Octets that wait are offered again, the same ones and not fewer.
  StreamState write(Bytes from, size_t& size);

  /// Octets wait that the kernel no longer knows of: the descriptor may never become readable for them.
  bool has_read_ahead() const { return tls_ && tls_->has_read_ahead(); }
  /// Reading goes on when the descriptor is writable.
  bool reads_by_writing() const { return tls_ && tls_->reads_by_writing(); }
  bool is_open() const { return !tls_ || tls_->is_open(); }  // the handshake is done
  bool is_resumed() const { return tls_ && tls_->is_resumed(); }
  int descriptor() const { return socket_.descriptor(); }

 private:
  Socket socket_;
  std::unique_ptr<TlsStream> tls_;  // last: it says goodbye before the socket closes
};

}  // namespace swingover::query
