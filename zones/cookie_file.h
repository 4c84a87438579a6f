#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/siphash.h"

namespace swingover::zones {

inline constexpr size_t cookie_secrets_max = 8;  // a cookie of none of ours costs a hash for each

/// The secrets of server cookies: one a line, 32 hexadecimal digits; empty lines and lines from `#` on are
/// stepped over. The first makes cookies, all verify. The error names the line, never what stands in it.
Result<std::vector<SipKey>> parse_cookie_secrets(std::string_view text);

}  // namespace swingover::zones
