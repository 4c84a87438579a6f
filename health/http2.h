#pragma once

#include <memory>

#include "health/http_codec.h"

namespace swingover::health {

/// HTTP/2 (RFC 9113), by libnghttp2: the one place that knows it. Pushes are refused; answers of gRPC bring their
/// status in trailers, which count as headers here.
class Http2 final : public HttpCodec {
 public:
  Http2();
  ~Http2() override;
  void ask(const HttpRequest& request, bool keep_body) override;
  void receive(std::string_view octets) override;
  void end() override;

  struct Core;

 private:
  void collect_output();

  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
