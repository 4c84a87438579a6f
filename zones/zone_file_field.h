#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Last: it makes bool, true and false macros.
#include <ldns/ldns.h>
#undef bool
#undef true
#undef false

namespace swingover::zones {

/// One field of a record's text, as ldns (1.8.3) reads it: what it may be given, and what to say when it
/// refuses. For zone_file_rdata.cc. Pure; control path.

/// Whether ldns reads this text right and within its buffers: left to itself it wraps signs and overflow, gives
/// an odd hexadecimal digit a zero, overruns the buffers of hits and hints, counts unknown words as 0, and
/// leaks a certificate type of 0, which it refuses.
bool is_safe_field(ldns_rdf_type field, const std::string& text);

/// Whether ldns reads it as one field although it is several words.
bool takes_the_rest(ldns_rdf_type field);

/// What a text that is no such field should have been: "not an IPv4 address such as 192.0.2.1".
const char* field_help(ldns_rdf_type field);

/// Numbers that ldns would wrap silently: nothing above `most`.
std::optional<uint64_t> number_up_to(std::string_view text, uint64_t most);

constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
constexpr bool is_hex_digit(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

}  // namespace swingover::zones
