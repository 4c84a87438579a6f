#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "base/loop/poll.h"
#include "server/query/message_stream.h"
#include "server/query/responder.h"
#include "server/query/stream.h"
#include "server/query/tcp_framing.h"
#include "server/query/tls_context.h"

namespace swingover::query {

/// What all sessions of one worker share, since only one of them works at a time.
struct TcpScratch {
  static constexpr size_t read_size = size_t{4} * 1024;  // of one client a turn: some 100 queries
  static constexpr size_t answer_size_max = 65'535;
  /// Answers gather up to here, then they are sent.
  static constexpr size_t flush_size = size_t{16} * 1024;

  std::array<uint8_t, read_size> in;
  std::array<uint8_t, flush_size + TcpFraming::length_size + answer_size_max> out;
};

/// One client's stream, over TCP or TLS: queries in, answers out, each behind its length (RFC 7766, RFC 7858).
/// Answers keep the order of their queries; those of a zone transfer go between them, so that nobody waits for
/// its end.
///
/// Memory  None beyond the object while idle, about 14 KiB for TLS. A query in parts is kept as it grows; a client
///         that does not read keeps at most one read's queries and the answers of one flush, and nothing more is
///         read.
/// Close   `ended()` says that the owner should drop it: the client closed and has all its answers, or
///         failed, or does not speak DNS.
/// Threads The worker's.
class TcpSession {
 public:
  /// What comes before the first query.
  struct Opening {
    bool has_proxy_header = false;  // the peer is a front end
    TlsContext* tls = nullptr;      // none: plain
  };
  /// What the client is told and counted by, from its server's point of view.
  struct Now {
    MonotonicTime time{};
    uint16_t keepalive = 0;  // zones::Client::keepalive
  };
  struct Progress {
    bool moved = false;  // an answer left, or a part of one
    bool completed =
        false;  // what was begun came to its end: an answer that is all out, a handshake
  };

  TcpSession(Socket socket, const IpAddress& peer) : TcpSession(std::move(socket), peer, {}, {}) {}
  TcpSession(Socket socket, const IpAddress& peer, Opening opening, MonotonicTime now);

  /// One turn: sends what waits, answers what it kept, reads once and answers that.
  Progress work(Responder& responder, TcpScratch& scratch, const Now& now);

  /// No more queries are read; what was read is still answered.
  void stop_reading() { reads_ = false; }

  /// What its descriptor must become for the next turn.
  loop::Poll::Interest wants() const;
  /// Something was begun and is not done: an opening, a query in parts, answers that the client does not take.
  bool is_unfinished() const;
  bool ended() const { return ended_; }
  /// Who asks: the peer, or whom the front end speaks for, once it has said so.
  const IpAddress& client() const { return client_; }
  bool awaits_proxy_header() const { return awaits_header_; }
  bool is_tls() const { return is_tls_; }
  bool is_open() const { return !awaits_header_ && stream_.is_open(); }
  int descriptor() const { return stream_.descriptor(); }

 private:
  void begin_tls(MonotonicTime now);
  bool read_proxy_header(Responder& responder, MonotonicTime now);
  void read_and_serve(Responder& responder, TcpScratch& scratch, const Now& now);
  void note_handshake(Responder& responder);
  void serve(Bytes fresh, Responder& responder, TcpScratch& scratch, const Now& now);
  void send_streams(TcpScratch& scratch);
  void send_waiting();
  void send(Bytes answers);
  bool may_answer() const;

  Stream stream_;
  IpAddress client_;
  TlsContext* tls_ = nullptr;  // while it has not begun
  TcpFraming framing_;
  std::vector<uint8_t> header_;  // of the front end, while it comes
  std::vector<uint8_t> out_;     // answers that the kernel had no room for
  size_t out_sent_ = 0;
  std::unique_ptr<std::deque<std::unique_ptr<MessageStream>>>
      streams_;  // the first one is being sent
  Progress progress_;
  bool is_tls_;
  bool awaits_header_ = false;
  bool has_handshake_ahead_ = false;
  bool reads_ = true;
  bool is_paused_ = false;  // whole queries are kept
  bool ended_ = false;
};

}  // namespace swingover::query
