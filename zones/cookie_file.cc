#include "zones/cookie_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.h"

namespace swingover::zones {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<SipKey> parse_secret(std::string_view digits) {
  std::array<uint8_t, 16> octets{};
  if (digits.size() != 2 * octets.size()) return std::nullopt;
  for (size_t i = 0; i < octets.size(); ++i) {
    const int high = digit_of(digits[2 * i]);
    const int low = digit_of(digits[2 * i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    octets[i] = static_cast<uint8_t>(high << 4 | low);
  }
  return sip_key(octets);
}

}  // namespace

Result<std::vector<SipKey>> parse_cookie_secrets(std::string_view text) {
  std::vector<SipKey> secrets;
  unsigned number = 0;
  for (const std::string_view line : split(text, '\n')) {
    ++number;
    const std::string_view digits = trimmed(line.substr(0, line.find('#')));
    if (digits.empty()) continue;
    const auto secret = parse_secret(digits);
    if (!secret) {
      return Error{ErrorCode::invalid,
                   fmt::format("line {} is not a secret of 32 hexadecimal digits", number)};
    }
    if (std::ranges::count(secrets, *secret) > 0)
      return Error{ErrorCode::conflict, fmt::format("line {} repeats a secret", number)};
    secrets.push_back(*secret);
  }
  if (secrets.empty())
    return Error{ErrorCode::invalid, "it holds no secret: \"openssl rand -hex 16\" makes one"};
  if (secrets.size() > cookie_secrets_max) {
    return Error{ErrorCode::invalid, fmt::format("it holds {} secrets, {} are the most",
                                                 secrets.size(), cookie_secrets_max)};
  }
  return secrets;
}

}  // namespace swingover::zones
