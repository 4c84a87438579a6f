#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace swingover {

/// Plain ASCII text work; no locale anywhere.
std::string_view trimmed(std::string_view text);                      // without blanks at both ends
std::vector<std::string_view> split(std::string_view text, char at);  // "a,,b" -> "a", "", "b"
std::string joined(std::span<const std::string> parts, std::string_view between);
std::string lower(std::string_view text);
/// Decimal, whole text, no sign; nothing on overflow.
std::optional<uint64_t> parse_number(std::string_view text);
/// The candidate nearest to `word` by edit distance (Damerau, restricted), if near enough to suggest.
std::optional<std::string> nearest_word(std::string_view word,
                                        std::span<const std::string> candidates);

}  // namespace swingover
