#include "base/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

namespace swingover {
namespace {

struct Range {
  char32_t first;
  char32_t last;
};

template <size_t n>
bool within(const std::array<Range, n>& ranges, char32_t point) {
  return std::ranges::any_of(ranges, [&](Range r) { return r.first <= point && point <= r.last; });
}

// Marks that turn the direction of writing, and separators that some terminals take for line ends.
constexpr std::array<Range, 5> misleading{
    {{0x200e, 0x200f}, {0x2028, 0x202e}, {0x2066, 0x2069}, {0xfeff, 0xfeff}, {0xe0000, 0xe007f}}};
constexpr std::array<Range, 6> zero_width{{{0x0300, 0x036f},
                                           {0x200b, 0x200d},
                                           {0x1ab0, 0x1aff},
                                           {0x20d0, 0x20ff},
                                           {0xfe00, 0xfe0f},
                                           {0xfe20, 0xfe2f}}};
constexpr std::array<Range, 10> double_width{{{0x1100, 0x115f},
                                              {0x2e80, 0x303e},
                                              {0x3041, 0xa4cf},
                                              {0xac00, 0xd7a3},
                                              {0xf900, 0xfaff},
                                              {0xfe30, 0xfe6f},
                                              {0xff00, 0xff60},
                                              {0xffe0, 0xffe6},
                                              {0x1f300, 0x1faff},
                                              {0x20000, 0x3fffd}}};

struct CodePoint {
  char32_t value = 0;
  size_t length = 0;  // bytes; 0: the text does not start with a whole code point
};

/// The first code point of a text that is not empty, by RFC 3629: shortest form, no surrogates.
CodePoint first_code_point(std::string_view text) {
  const auto lead = static_cast<uint8_t>(text[0]);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length) return {};
  char32_t value = lead & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<uint8_t>(text[i]);
    if ((byte & 0xc0U) != 0x80) return {};
    value = value << 6U | (byte & 0x3fU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff)) return {};
  return {value, length};
}

std::string escaped(const char* format, unsigned value) {
  std::array<char, 16> out{};
  std::snprintf(out.data(), out.size(), format, value);  // NOLINT: the two formats stand below
  return out.data();
}

std::string made_printable(std::string_view text, bool keep_line_ends) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    const size_t length = std::max<size_t>(point.length, 1);
    const bool control = point.value < 0x20 || (point.value >= 0x7f && point.value < 0xa0);
    if (point.length == 0 || (control && length == 1)) {
      const auto byte = static_cast<uint8_t>(text[0]);
      if (keep_line_ends && byte == '\n') {
        out += '\n';
      } else {
        out += escaped("\\x%02x", byte);
      }
    } else if (control || within(misleading, point.value)) {
      out += escaped("\\u{%04x}", static_cast<unsigned>(point.value));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

}  // namespace

size_t first_code_point_size(std::string_view text) {
  return text.empty() ? 0 : std::max<size_t>(first_code_point(text).length, 1);
}

std::string printable(std::string_view text) {
  return made_printable(text, false);
}

std::string printable_lines(std::string_view text) {
  return made_printable(text, true);
}

size_t display_width(std::string_view text) {
  size_t width = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    text.remove_prefix(std::max<size_t>(point.length, 1));
    if (within(zero_width, point.value)) continue;
    width += within(double_width, point.value) ? 2U : 1U;
  }
  return width;
}

}  // namespace swingover
