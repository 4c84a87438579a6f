#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::health {

/// The client's end of one TLS connection, without its socket: octets in, octets out.
///
/// Verifies  Chain, dates and the host's name, unless the context says not to; once is_open() all that holds.
/// Memory    Some 40 KiB while it lives.
class TlsClient {
 public:
  struct Core;
  explicit TlsClient(std::unique_ptr<Core> core);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// Goes on with the handshake, or appends what was sealed in `octets` to `plain`.
  void receive(std::string_view octets, std::string& plain);
  /// Only while open.
  void send(std::string_view plain);
  /// Says goodbye (close_notify).
  void close();
  /// What is to be sent to the other end since the last call; begins with the first message of the handshake.
  std::string take_output();

  bool is_open() const;
  bool is_closed() const;  // by the other end's close_notify
  /// Why it failed, in words: "certificate: certificate has expired", "tls: alert handshake failure". Empty: it has not.
  const std::string& problem() const;
  /// The protocol agreed on by ALPN (RFC 7301), once open; empty: none.
  std::string_view protocol() const;
  /// Until the first certificate of the chain expires, below 0 if it has; once open.
  std::optional<Milliseconds> validity_left() const;

 private:
  std::unique_ptr<Core> core_;
};

/// What TLS connections of equal settings share: whom they trust.
///
/// Cost        A handshake takes this host 0.65 ms of CPU (OpenSSL 3.0, ECDSA P-256, one CA), measured.
/// Resumption  None: it would save a third of that, and a connection that does not show its certificate says nothing
///             of one that was exchanged. Whoever has thousands of such endpoints keeps their connections.
/// Freshness   Authorities are read again when they are a minute old.
class TlsContext {
 public:
  struct Settings {
    bool verify = true;
    std::string ca_file{};  // PEM; empty: the system's
    friend auto operator<=>(const Settings&, const Settings&) = default;
  };
  explicit TlsContext(Settings settings);
  ~TlsContext();
  TlsContext(const TlsContext&) = delete;
  TlsContext& operator=(const TlsContext&) = delete;

  /// A connection to `host`, a name or an address, whose certificate must be for it. `protocol` is offered by
  /// ALPN unless empty. Null: problem() says why, and it is of this host.
  std::unique_ptr<TlsClient> connect(const std::string& host, std::string_view protocol,
                                     MonotonicTime now);
  const std::string& problem() const { return problem_; }

 private:
  struct Shared;
  bool refresh(MonotonicTime now);

  Settings settings_;
  std::unique_ptr<Shared> shared_;
  MonotonicTime made_{};
  std::string problem_;
};

/// One context for all monitors of equal settings; gone with the last that uses it.
class TlsContexts {
 public:
  std::shared_ptr<TlsContext> of(const TlsContext::Settings& settings);

 private:
  std::map<TlsContext::Settings, std::weak_ptr<TlsContext>> all_;
};

/// "certificate expires in 12 days"; "certificate has expired" below 0.
std::string expiry_words(Milliseconds left);

}  // namespace swingover::health
