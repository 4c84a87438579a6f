#pragma once

#include <optional>

#include "health/http_codec.h"

namespace swingover::health {

/// HTTP/1.1 (RFC 9112), and answers of HTTP/1.0.
///
/// Strict   A status line, names without blanks, one length, chunks as they should be: all else is broken, in words.
///          Interim answers (1xx) are passed over. A bare LF ends a line as CRLF does, as the RFC allows.
/// Cost     One pass over what comes; lines are kept until they are whole, 64 KiB in all at most.
class Http1 final : public HttpCodec {
 public:
  void ask(const HttpRequest& request, bool keep_body) override;
  void receive(std::string_view octets) override;
  void end() override;

 private:
  enum class Next : uint8_t {
    status_line,
    header,
    body,         // `left_` octets of it
    body_to_end,  // until the other end closes
    chunk_size,
    chunk,  // `left_` octets of it
    chunk_end,
    trailer,
    nothing,
  };

  bool take_line(std::string_view& octets, std::string_view& line);
  void on_line(std::string_view line);
  void on_status_line(std::string_view line);
  void on_header(std::string_view line);
  void on_headers_end();
  void on_chunk_size(std::string_view line);
  void on_body(std::string_view& octets);
  void finish();

  Next next_ = Next::nothing;
  std::string line_;  // the beginning of a line that is not whole yet
  size_t header_octets_ = 0;
  std::optional<uint64_t> length_;
  uint64_t left_ = 0;
  bool chunked_ = false;
  bool coded_ = false;  // a transfer coding whose end is the connection's
  bool closes_ = false;
  bool is_head_ = false;
  bool keep_alive_ = false;
  bool keep_body_ = false;
};

}  // namespace swingover::health
