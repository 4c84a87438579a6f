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
