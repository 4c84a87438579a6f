/// What a backend answers, read by the probes: HTTP/1.1, a redirect's URL, HTTP/2, the gRPC health message.
/// The first octet chooses what is read, and in pieces of which size.
#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "health/grpc_health.h"
#include "health/http1.h"
#include "health/http2.h"
#include "health/url.h"

namespace {

using namespace swingover::health;

void require(bool holds) {
  if (!holds) std::abort();
}

HttpAnswer answer_of(HttpCodec& codec, std::string_view octets, size_t piece, bool is_head) {
  HttpRequest request;
  request.method = is_head ? "HEAD" : "GET";
  request.keep_alive = true;
  codec.ask(request, true);
  while (!octets.empty()) {
    codec.receive(octets.substr(0, piece));
    octets.remove_prefix(std::min(piece, octets.size()));
    codec.take_output();
  }
  codec.end();
  const HttpAnswer& answer = codec.answer();
  require(answer.is_over());
  require(answer.body.size() <= answer.body_max && answer.body.size() == answer.body_size);
  require((answer.heard == HttpAnswer::Heard::broken) == !answer.problem.empty());
  return answer;
}

/// However the octets are cut, the answer is the same.
void read_http1(std::string_view octets, size_t piece, bool is_head) {
  Http1 whole;
  Http1 cut;
  const HttpAnswer a = answer_of(whole, octets, octets.size(), is_head);
  const HttpAnswer b = answer_of(cut, octets, piece, is_head);
  require(a.heard == b.heard && a.body == b.body && a.reusable == b.reusable);
  if (a.heard != HttpAnswer::Heard::broken)
    require(a.status == b.status && a.location == b.location);
}

/// Where it leads can be asked for, and leads to itself.
void follow_location(std::string_view location) {
  const Url base{.secure = false, .host = "shop.test", .port = 8080, .path = "/a/b?c"};
  const auto led = follow(base, location);
  if (!led) return;
  require(led->path.starts_with('/') && !led->host.empty() && led->port != 0);
  require(std::ranges::none_of(led->path + led->authority(),
                               [](unsigned char c) { return c <= ' ' || c >= 0x7f; }));
  const auto again =
      follow(base, (led->secure ? "https://" : "http://") + led->authority() + led->path);
  require(again && *again == *led);
}

void read_grpc(std::string_view body) {
  HttpAnswer answer;
  answer.heard = HttpAnswer::Heard::whole;
  answer.status = 200;
  answer.content_type = "application/grpc";
  answer.grpc_status = "0";
  answer.grpc_message = body;
  answer.body = body;
  require(judge_grpc_health(answer).size() < 300);
  answer.grpc_status = "5";
  require(judge_grpc_health(answer).size() < 300);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  const std::string_view octets(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t piece = 1 + data[0] / 8U;
  switch (data[0] % 8) {
    case 0:
      follow_location(octets);
      break;
    case 1:
      read_grpc(octets);
      break;
    case 2: {
      Http2 codec;
      answer_of(codec, octets, piece, false);
      break;
    }
    default:
      read_http1(octets, piece, data[0] % 8 == 3);
  }
  return 0;
}
