#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace swingover::ctl {

/// Where text for people goes.
struct Terminal {
  bool colour = false;
  size_t width = 0;  // columns; 0: no limit, as in a pipe
};

/// Colour if `descriptor` is a terminal that shows it and NO_COLOR is not set (no-color.org); its width,
/// or COLUMNS.
Terminal terminal_of(int descriptor);

enum class Tint { plain, good, bad, warning, faint, heading };

/// `text` safe to write to any terminal: control bytes, bytes that are not UTF-8, and code points that turn
/// the direction of writing become `\x1b` or `\u{202e}`. What a daemon, a backend's banner or a
/// person's reason holds can then neither move the cursor nor hide what stands there.
std::string printable(std::string_view text);
/// The same for a text of several lines: its line ends stay.
std::string printable_lines(std::string_view text);

/// Columns that a printable UTF-8 text takes: 0 for combining marks, 2 for wide East Asian code points.
size_t display_width(std::string_view text);

/// `text`, coloured if the terminal shows it.
std::string tinted(const Terminal& terminal, Tint tint, std::string_view text);

/// Rows under headings, each column as wide as its widest cell. Cells are made printable here.
///
/// Shape   The last column takes what the width leaves, and wraps at blanks; it never gets less than 20.
/// Output  No trailing blanks; an empty cell is shown as "-".
class Table {
 public:
  struct Cell {
    std::string text;
    Tint tint = Tint::plain;
  };

  explicit Table(std::vector<std::string> headings);
  /// As many cells as headings.
  void add(std::vector<Cell> row);
  bool empty() const { return rows_.empty(); }

  std::string text(const Terminal& terminal) const;

 private:
  std::vector<std::vector<Cell>> rows_;
  std::vector<std::string> headings_;
};

}  // namespace swingover::ctl
