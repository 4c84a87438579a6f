#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swingover {

/// Where in a text: both from 1; line 0 means the text as a whole.
struct Position {
  unsigned line = 0;
  unsigned column = 0;
  friend constexpr auto operator<=>(const Position&, const Position&) = default;
};

/// All problems of one text that a person wrote, in the order of its lines.
///
/// Shape    A parser reports and goes on, so that one run shows every problem.
/// Output   `file:line:column: error: message`, then the line itself and a caret below the column.
/// Threads  One.
class Diagnostics {
 public:
  /// `file` as the person named it; `text` is copied, for the quoted lines.
  Diagnostics(std::string file, std::string_view text);
  /// The same without the copy, for long texts: `text` outlives what is made here.
  static Diagnostics of_kept(std::string file, std::string_view text);

  void error(Position at, std::string message);
  void warning(Position at, std::string message);

  bool has_errors() const { return errors_ > 0; }
  size_t errors() const { return errors_; }
  const std::string& file() const { return file_; }

  struct Problem {
    Position at;
    bool is_error = true;
    std::string message;
  };
  /// Sorted by position, equal ones in the order of reporting; exact repetitions once.
  std::vector<Problem> problems() const;
  /// Every problem as printed for people; empty if there is none.
  std::string text() const;

 private:
  std::string file_;
  std::string source_;
  std::string_view kept_;  // instead of source_, if it has any octets
  std::vector<Problem> problems_;
  size_t errors_ = 0;
};

}  // namespace swingover
