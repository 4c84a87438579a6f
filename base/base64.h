#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"

namespace swingover {

/// Base64 (RFC 4648 section 4) with its padding, nothing between the digits, and no bits set in the last
/// digit that no octet has.
///
/// Secrets  The functions over spans allocate nothing, so that no copy of a key stays behind in freed memory.

constexpr size_t base64_size(size_t octets) {
  return (octets + 2) / 3 * 4;
}
/// Octets that a text of this size stands for at most.
constexpr size_t base64_octets_max(size_t digits) {
  return digits / 4 * 3;
}

/// Into `out`, which has room for base64_size().
void encode_base64(Bytes octets, std::span<char> out);
std::string encode_base64(Bytes octets);

/// How many octets it wrote to `out`, which has room for base64_octets_max(); nothing if `text` is no base64.
std::optional<size_t> decode_base64(std::string_view text, std::span<uint8_t> out);
std::optional<std::vector<uint8_t>> decode_base64(std::string_view text);

}  // namespace swingover
