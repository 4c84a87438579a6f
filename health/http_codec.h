#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace swingover::health {

/// What a probe asks for.
struct HttpRequest {
  std::string method = "GET";
  std::string scheme = "http";
  std::string authority;  // "shop.example.test:8080": Host, or :authority
  std::string path = "/";
  std::vector<std::pair<std::string, std::string>> headers;  // beside those that the protocol needs
  std::string body;
  bool keep_alive = false;
  size_t answer_max = size_t{64} * 1024;  // octets of the answer's body; then it is cut
};

/// What has come back so far.
struct HttpAnswer {
  static constexpr size_t headers_max = size_t{64} * 1024;
  /// `cut`: the first `answer_max` octets of a longer body are there, and count as the whole.
  enum class Heard : uint8_t { nothing, status, headers, whole, cut, broken };
  Heard heard = Heard::nothing;
  std::string problem;  // why it is broken, in words
  uint16_t status = 0;
  std::string body;
  size_t body_size = 0;  // also where the body is not kept
  size_t body_max = HttpRequest{}.answer_max;
  /// The connection can be asked again.
  bool reusable = false;

  // Headers that a probe looks at; those of trailers count as well. Empty: absent.
  std::string location;
  std::string content_type;
  std::string grpc_status;
  std::string grpc_message;

  bool is_over() const {
    return heard == Heard::whole || heard == Heard::cut || heard == Heard::broken;
  }
  void set(std::string_view name, std::string_view value);  // name in lower case
  void append(std::string_view octets, bool keep);
  void break_off(std::string why) {
    heard = Heard::broken;
    problem = std::move(why);
  }
};

/// HTTP on an open connection, without its socket: one request after the other, octets in, octets out. What the
/// other end sends is a stranger's: nothing of it is believed before it is measured.
class HttpCodec {
 public:
  virtual ~HttpCodec() = default;
  /// Asks; the answer before is gone. `keep_body`: whether anybody wants to see it.
  virtual void ask(const HttpRequest& request, bool keep_body) = 0;
  virtual void receive(std::string_view octets) = 0;
  /// The other end has said its last.
  virtual void end() = 0;

  const HttpAnswer& answer() const { return answer_; }
  /// To be sent, since the last call.
  std::string take_output() { return std::exchange(output_, {}); }

 protected:
  HttpAnswer answer_;
  std::string output_;
};

}  // namespace swingover::health
