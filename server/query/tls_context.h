#pragma once

#include <memory>

#include "base/clock.h"
#include "server/query/tls_credentials.h"
#include "server/query/tls_stream.h"
#include "server/query/tls_tickets.h"

namespace swingover::query {

/// One worker's side of DNS over TLS (RFC 7858): TLS 1.3 alone, ALPN "dot", resumption by tickets that nobody
/// stores. Every worker has its own, so that OpenSSL's locks and reference counts meet no other worker.
///
/// Threads  The worker's.
class TlsContext {
 public:
  explicit TlsContext(const TlsTickets::Origin& tickets);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// For connections from now on; those that are open keep what they have, and tickets stay good.
  void use(std::shared_ptr<const TlsCredentials> credentials);
  bool has_credentials() const { return credentials_ != nullptr; }

  /// The server's end on a non-blocking socket, which must outlive it; nothing: no memory, or no credentials.
  std::unique_ptr<TlsStream> accept(int descriptor, MonotonicTime now);

 private:
  struct Core;

  TlsTickets tickets_;
  std::shared_ptr<const TlsCredentials> credentials_;
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::query
