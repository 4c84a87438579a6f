#include "ctl/table.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/text.h"

namespace swingover::ctl {

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

Terminal terminal_of(int descriptor) {
  Terminal terminal;
  if (isatty(descriptor) == 0) return terminal;
  const char* no_colour = std::getenv("NO_COLOR");
  const char* kind = std::getenv("TERM");
  const char* columns = std::getenv("COLUMNS");
  terminal.colour = (no_colour == nullptr || *no_colour == '\0') && kind != nullptr &&
                    std::string_view(kind) != "dumb";
  winsize size{};
  if (ioctl(descriptor, TIOCGWINSZ, &size) == 0) terminal.width = size.ws_col;
  if (columns != nullptr) {
    if (const auto given = parse_number(columns)) terminal.width = *given;
  }
  return terminal;
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

std::string tinted(const Terminal& terminal, Tint tint, std::string_view text) {
  if (!terminal.colour || tint == Tint::plain || text.empty()) return std::string(text);
  const char* code = tint == Tint::good      ? "32"
                     : tint == Tint::bad     ? "31"
                     : tint == Tint::warning ? "33"
                     : tint == Tint::faint   ? "2"
                                             : "1";
  return "\x1b[" + std::string(code) + "m" + std::string(text) + "\x1b[0m";
}

namespace {

constexpr size_t between_columns = 2;
constexpr size_t last_column_min = 20;

/// `text` in lines of at most `width` columns, broken at blanks, and inside a word that is longer.
std::vector<std::string> wrapped(std::string_view text, size_t width) {
  std::vector<std::string> lines(1);
  const auto add = [&](std::string_view word, std::string_view blank) {
    if (!lines.back().empty() && display_width(lines.back()) + 1 + display_width(word) > width) {
      lines.emplace_back();
    }
    if (!lines.back().empty()) lines.back() += blank;
    while (!word.empty()) {
      const std::string_view point =
          word.substr(0, std::max<size_t>(first_code_point(word).length, 1));
      if (!lines.back().empty() && display_width(lines.back()) + display_width(point) > width) {
        lines.emplace_back();
      }
      lines.back() += point;
      word.remove_prefix(point.size());
    }
  };
  for (const std::string_view word : split(text, ' ')) add(word, " ");
  return lines;
}

}  // namespace

Table::Table(std::vector<std::string> headings) : headings_(std::move(headings)) {
  assert(!headings_.empty());
}

void Table::add(std::vector<Cell> row) {
  assert(row.size() == headings_.size());
  for (Cell& cell : row) cell.text = cell.text.empty() ? "-" : printable(cell.text);
  rows_.push_back(std::move(row));
}

std::string Table::text(const Terminal& terminal) const {
  std::vector<std::vector<Cell>> rows;
  rows.emplace_back();
  for (const std::string& heading : headings_) rows[0].push_back({heading, Tint::heading});
  rows.insert(rows.end(), rows_.begin(), rows_.end());

  const size_t last = headings_.size() - 1;
  std::vector<size_t> widths(headings_.size());
  for (const auto& row : rows) {
    for (size_t i = 0; i <= last; ++i) widths[i] = std::max(widths[i], display_width(row[i].text));
  }
  size_t before_last = 0;
  for (size_t i = 0; i < last; ++i) before_last += widths[i] + between_columns;
  size_t last_width = SIZE_MAX / 2;
  if (terminal.width > 0) {
    const size_t left = terminal.width > before_last ? terminal.width - before_last : 0;
    last_width = std::max(left, last_column_min);
  }

  std::string out;
  for (const auto& row : rows) {
    for (size_t i = 0; i < last; ++i) {
      out += tinted(terminal, row[i].tint, row[i].text);
      out.append(widths[i] - display_width(row[i].text) + between_columns, ' ');
    }
    const auto lines = wrapped(row[last].text, last_width);
    for (size_t n = 0; n < lines.size(); ++n) {
      if (n > 0) out.append(before_last, ' ');
      out += tinted(terminal, row[last].tint, lines[n]);
      out += '\n';
    }
  }
  return out;
}

}  // namespace swingover::ctl
