#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/loop/poll.h"
#include "server/query/responder.h"
#include "server/query/socket.h"

namespace swingover::query {

/// What all sessions of one worker share, since only one of them works at a time.
struct TcpScratch {
  static constexpr size_t read_size = size_t{4} * 1024;  // of one client a turn: some 100 queries
  static constexpr size_t answer_size_max = 65'535;
  /// Answers gather up to here, then they are sent.
  static constexpr size_t flush_size = size_t{16} * 1024;

  std::array<uint8_t, read_size> in;
  std::array<uint8_t, flush_size + 2 + answer_size_max> out;
};

/// One TCP client: queries and answers, each behind its length in two octets (RFC 1035 section 4.2.2,
/// RFC 7766), answered in order.
///
/// Memory  None beyond the object while idle. A query in parts is kept as it grows; a client that does not
///         read keeps at most one read's queries and the answers of one flush, and nothing more is read.
/// Close   `ended()` says that the owner should drop it: the client closed and has all its answers, or
///         failed, or does not speak DNS.
/// Threads The worker's.
class TcpSession {
 public:
  TcpSession(Socket socket, const IpAddress& client)
      : socket_(std::move(socket)), client_(client) {}

  /// One turn: sends what waits, answers what it kept, reads once and answers that. True if the client moved on: an answer left, or
  /// a part of one.
  bool work(Responder& responder, TcpScratch& scratch);

  /// No more queries are read; what was read is still answered.
  void stop_reading() { reads_ = false; }

  bool has_answers_waiting() const { return !out_.empty(); }
  bool ended() const { return ended_; }
  int descriptor() const { return socket_.descriptor(); }

 private:
  enum class Input { some, none_now, end };

  void read_and_serve(Responder& responder, TcpScratch& scratch);
  bool serve_kept(Responder& responder, TcpScratch& scratch);
  size_t serve(Bytes input, Responder& responder, TcpScratch& scratch);
  Input read(TcpScratch& scratch, size_t& size);
  void keep(Bytes input);
  void send_gathered(Bytes answers);
  void send_waiting();

  Socket socket_;
  IpAddress client_;
  std::vector<uint8_t> in_;   // queries that are not answered yet, the last one perhaps in part
  std::vector<uint8_t> out_;  // answers that the kernel had no room for
  size_t out_sent_ = 0;
  bool reads_ = true;
  bool moved_ = false;
  bool ended_ = false;
};

}  // namespace swingover::query
