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

#include "base/printable.h"
#include "base/text.h"

namespace swingover::ctl {

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
      const std::string_view point = word.substr(0, first_code_point_size(word));
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
