#include "health/grpc_health.h"

#include <array>
#include <cstdint>
#include <optional>

#include "base/text.h"

namespace swingover::health {

namespace {

constexpr size_t prefix_size = 5;  // compressed or not, and the length of the message
constexpr size_t words_max = 100;

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(0x80 | (value & 0x7f));
  out += static_cast<char>(value);
}

std::optional<uint64_t> take_varint(std::string_view& from) {
  uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto octet = static_cast<uint8_t>(from.front());
    from.remove_prefix(1);
    value |= uint64_t{octet & 0x7fU} << shift;
    if (octet < 0x80) return value;
  }
  return std::nullopt;
}

/// Field 1 of a HealthCheckResponse, 0 where it is absent; other fields are passed over. Nothing: no such message.
std::optional<uint64_t> status_of(std::string_view message) {
  uint64_t status = 0;
  while (!message.empty()) {
    const auto tag = take_varint(message);
    if (!tag) return std::nullopt;
    uint64_t skip = 0;
    switch (*tag & 7) {
      case 0: {
        const auto value = take_varint(message);
        if (!value) return std::nullopt;
        if (*tag >> 3 == 1) status = *value;
        break;
      }
      case 1:
        skip = 8;
        break;
      case 2: {
        const auto size = take_varint(message);
        if (!size) return std::nullopt;
        skip = *size;
        break;
      }
      case 5:
        skip = 4;
        break;
      default:
        return std::nullopt;
    }
    if (skip > message.size()) return std::nullopt;
    message.remove_prefix(static_cast<size_t>(skip));
  }
  return status;
}

/// "%20" and its like as octets; what cannot be printed as "?".
std::string decoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (size_t at = 0; at < text.size() && out.size() < words_max; ++at) {
    auto octet = static_cast<unsigned char>(text[at]);
    if (octet == '%' && at + 2 < text.size()) {
      const std::string pair = lower(text.substr(at + 1, 2));
      const size_t high = digits.find(pair[0]);
      const size_t low = digits.find(pair[1]);
      if (high != digits.npos && low != digits.npos) {
        octet = static_cast<unsigned char>(high * 16 + low);
        at += 2;
      }
    }
    out += octet < ' ' || octet >= 0x7f ? '?' : static_cast<char>(octet);
  }
  return out;
}

std::string status_words(const HttpAnswer& answer) {
  constexpr std::array<std::string_view, 17> names{"OK",
                                                   "CANCELLED",
                                                   "UNKNOWN",
                                                   "INVALID_ARGUMENT",
                                                   "DEADLINE_EXCEEDED",
                                                   "NOT_FOUND",
                                                   "ALREADY_EXISTS",
                                                   "PERMISSION_DENIED",
                                                   "RESOURCE_EXHAUSTED",
                                                   "FAILED_PRECONDITION",
                                                   "ABORTED",
                                                   "OUT_OF_RANGE",
                                                   "UNIMPLEMENTED",
                                                   "INTERNAL",
                                                   "UNAVAILABLE",
                                                   "DATA_LOSS",
                                                   "UNAUTHENTICATED"};
  const auto code = parse_number(answer.grpc_status);
  std::string words = "grpc-status ";
  words += code && *code < names.size() ? std::string(names[*code]) : decoded(answer.grpc_status);
  if (!answer.grpc_message.empty()) words += ": " + decoded(answer.grpc_message);
  return words;
}

}  // namespace

HttpRequest grpc_health_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a';  // field 1, of octets
    append_varint(message, service.size());
    message += service;
  }
  HttpRequest request;
  request.method = "POST";
  request.path = "/grpc.health.v1.Health/Check";
  request.headers = {{"content-type", "application/grpc"}, {"te", "trailers"}};
  request.body = {'\0', '\0', '\0', static_cast<char>(message.size() >> 8),
                  static_cast<char>(message.size() & 0xff)};
  request.body += message;
  return request;
}

std::string judge_grpc_health(const HttpAnswer& answer) {
  if (!answer.grpc_status.empty() && answer.grpc_status != "0") return status_words(answer);
  if (answer.status != 200) return "status " + std::to_string(answer.status) + ", wanted 200";
  if (!answer.content_type.starts_with("application/grpc")) return "not a gRPC answer";
  if (answer.grpc_status.empty()) return "not a gRPC answer: no grpc-status";
  const std::string_view body = answer.body;
  if (body.size() < prefix_size) return "grpc: no message in the answer";
  size_t size = 0;
  for (size_t i = 1; i < prefix_size; ++i) size = size << 8 | static_cast<uint8_t>(body[i]);
  const auto status = body[0] == 0 && body.size() == prefix_size + size
                          ? status_of(body.substr(prefix_size))
                          : std::nullopt;
  if (!status) return "grpc: a message that makes no sense";
  switch (*status) {
    case 1:
      return {};
    case 0:
      return "health UNKNOWN, wanted SERVING";
    case 2:
      return "health NOT_SERVING, wanted SERVING";
    case 3:
      return "health SERVICE_UNKNOWN, wanted SERVING";
    default:
      return "health " + std::to_string(*status) + ", wanted SERVING";
  }
}

}  // namespace swingover::health
