#pragma once

#include <cstdint>
#include <string_view>

namespace swingover::zones {

/// More about an answer than its RCODE says (RFC 8914): a number that programs know, and words for people.
struct ExtendedError {
  uint16_t code = 0;
  std::string_view text;
};

namespace extended_error {
// 22 and 23 speak of name servers that could not be reached; endpoints are none, so this is "Other" with words.
inline constexpr ExtendedError all_endpoints_down{0, "all endpoints down"};
inline constexpr ExtendedError outside_regions{18, "not served to clients from there"};
inline constexpr ExtendedError stale_state{3, "health as stored, not yet seen again"};
inline constexpr ExtendedError zone_not_loaded{14, "zone not loaded"};
inline constexpr ExtendedError transfers_full{14, "other transfers are running"};
inline constexpr ExtendedError transfer_prohibited{18, "transfer not allowed"};
inline constexpr ExtendedError hidden{18, "not told"};
inline constexpr ExtendedError changes_prohibited{18, "this server takes no changes by DNS"};
inline constexpr ExtendedError not_authoritative{20, "no zone of this server"};
inline constexpr ExtendedError not_supported{21, {}};
}  // namespace extended_error

}  // namespace swingover::zones
