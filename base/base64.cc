#include "base/base64.h"

#include <algorithm>
#include <cassert>

namespace swingover {
namespace {

constexpr std::string_view digits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

void encode_base64(Bytes octets, std::span<char> out) {
  assert(out.size() >= base64_size(octets.size()));
  size_t at = 0;
  for (size_t from = 0; from < octets.size(); from += 3) {
    const size_t count = std::min<size_t>(3, octets.size() - from);
    uint32_t bits = 0;
    for (size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < count ? octets[from + i] : 0U);
    for (size_t i = 0; i < 4; ++i) {
      const bool is_padding = i > count;
      out[at++] = is_padding ? '=' : digits[bits >> (18 - 6 * i) & 0x3f];
    }
  }
}

std::string encode_base64(Bytes octets) {
  std::string text(base64_size(octets.size()), '\0');
  encode_base64(octets, text);
  return text;
}

std::optional<size_t> decode_base64(std::string_view text, std::span<uint8_t> out) {
  if (text.size() % 4 != 0) return std::nullopt;
  assert(out.size() >= base64_octets_max(text.size()));
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  size_t size = 0;
  uint32_t bits = 0;
  unsigned count = 0;  // of bits that wait for more
  for (const char c : text.substr(0, text.size() - padding)) {
    const size_t digit = digits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out[size++] = static_cast<uint8_t>(bits >> count);
  }
  // One text for one value: what the last digit holds too much must be zero (RFC 4648 section 3.5).
  if ((bits & ((1U << count) - 1)) != 0) return std::nullopt;
  return size;
}

std::optional<std::vector<uint8_t>> decode_base64(std::string_view text) {
  std::vector<uint8_t> octets(base64_octets_max(text.size()));
  const auto size = decode_base64(text, octets);
  if (!size) return std::nullopt;
  octets.resize(*size);
  return octets;
}

}  // namespace swingover
