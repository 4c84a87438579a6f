#include "base/diagnostics.h"

#include <algorithm>

#include "base/printable.h"
#include "base/text.h"

namespace swingover {
namespace {

// The numbered line without its end.
std::string line_of(std::string_view text, unsigned number) {
  while (number > 1) {
    const size_t end = text.find('\n');
    if (end == std::string_view::npos) return {};
    text.remove_prefix(end + 1);
    --number;
  }
  std::string line(text.substr(0, text.find('\n')));
  if (!line.empty() && line.back() == '\r') line.pop_back();
  return line;
}

// The text as any terminal shows it, its tabs kept.
std::string shown(std::string_view text) {
  std::string out;
  for (const std::string_view part : split(text, '\t')) {
    if (part.data() != text.data()) out += '\t';
    out += printable(part);
  }
  return out;
}

// What takes the same place as the text, so that a caret behind it stands below what comes next.
std::string blanks_below(std::string_view text) {
  std::string out;
  for (const std::string_view part : split(text, '\t')) {
    if (part.data() != text.data()) out += '\t';
    out.append(display_width(printable(part)), ' ');
  }
  return out;
}

constexpr size_t quoted_columns = 120;

// The line, and a caret below the column; a long line is cut around the place.
std::string quotation(std::string line, unsigned column) {
  size_t caret = column > 0 ? column - 1 : 0;
  if (line.size() > quoted_columns) {
    const size_t from =
        caret > quoted_columns / 2 ? std::min(caret - quoted_columns / 2, line.size()) : 0;
    line = line.substr(from, quoted_columns);
    caret -= from;
  }
  const std::string_view before = std::string_view(line).substr(0, caret);
  return "  " + shown(line) + "\n  " + blanks_below(before) + "^\n";
}

}  // namespace

Diagnostics::Diagnostics(std::string file, std::string_view text)
    : file_(std::move(file)), source_(text) {}

Diagnostics Diagnostics::of_kept(std::string file, std::string_view text) {
  Diagnostics diagnostics(std::move(file), {});
  diagnostics.kept_ = text;
  return diagnostics;
}

void Diagnostics::error(Position at, std::string message) {
  problems_.push_back({at, true, std::move(message)});
  ++errors_;
}

void Diagnostics::warning(Position at, std::string message) {
  problems_.push_back({at, false, std::move(message)});
}

std::vector<Diagnostics::Problem> Diagnostics::problems() const {
  std::vector<Problem> sorted = problems_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Problem& a, const Problem& b) { return a.at < b.at; });
  const auto same = [](const Problem& a, const Problem& b) {
    return a.at == b.at && a.is_error == b.is_error && a.message == b.message;
  };
  sorted.erase(std::unique(sorted.begin(), sorted.end(), same), sorted.end());
  return sorted;
}

std::string Diagnostics::text() const {
  std::string text;
  for (const Problem& problem : problems()) {
    text += file_;
    if (problem.at.line > 0) {
      text += ':' + std::to_string(problem.at.line) + ':' +
              std::to_string(std::max(problem.at.column, 1U));
    }
    text += problem.is_error ? ": error: " : ": warning: ";
    text += problem.message + '\n';
    if (problem.at.line > 0)
      text += quotation(line_of(kept_.empty() ? std::string_view(source_) : kept_, problem.at.line),
                        problem.at.column);
  }
  return text;
}

}  // namespace swingover
