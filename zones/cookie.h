#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/ip.h"
#include "base/siphash.h"

namespace swingover::zones {

/// Whether the client has shown that it receives what is sent to its address (RFC 7873).
enum class CookieState : uint8_t { none, client_only, valid };

inline constexpr size_t client_cookie_size = 8;
inline constexpr size_t server_cookie_size = 16;  // ours, RFC 9018 section 4
inline constexpr size_t whole_cookie_size = client_cookie_size + server_cookie_size;

/// What a cookie option in a query came to, and the one that the answer brings.
struct CheckedCookie {
  CookieState state = CookieState::none;
  std::array<uint8_t, whole_cookie_size> answer;  // NOLINT: unset while the state is `none`
};

/// RFC 7873 section 5.2.2: eight octets alone, or with 8 to 32 of a server cookie.
bool is_cookie_size(size_t octets);

/// Verifies the cookie of a query by the first of `secrets` that made it, and makes the answer's by the
/// first of all: the same one while it is younger than half an hour and of that secret, else a new one. No
/// option, or no secrets: nothing.
///
/// Validity  RFC 9018 section 4.3: at most an hour old, at most five minutes in the future.
/// `now`     Seconds since 1970, modulo 2^32 (RFC 1982).
/// Cost      One SipHash a secret tried, one more for a new cookie. No allocation. Hot path.
CheckedCookie check_cookie(Bytes option, const IpAddress& client, uint32_t now,
                           std::span<const SipKey> secrets);

}  // namespace swingover::zones
