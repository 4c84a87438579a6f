#include "base/toml_source.h"

#include <toml++/toml.h>

#include <algorithm>
#include <optional>

#include "base/text.h"

namespace swingover {
namespace {

constexpr size_t syntax_errors_max = 50;
constexpr size_t key_parts_max = 64;
constexpr int depth_max = 32;

/// The lines of a text, of which some can be blanked without moving the others.
class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {
    starts_.push_back(0);
    are_octets_.push_back(true);
    for (size_t i = 0; i < text_.size(); ++i) {
      if (is_inside_character(text_[i])) are_octets_.back() = false;
      if (text_[i] != '\n') continue;
      starts_.push_back(i + 1);
      are_octets_.push_back(true);
    }
  }

  static bool is_inside_character(char octet) {
    return (static_cast<unsigned char>(octet) & 0xc0) == 0x80;
  }

  const std::string& text() const { return text_; }
  size_t size() const { return starts_.size(); }
  std::string_view before(size_t line) const {
    return std::string_view(text_).substr(0, starts_[line]);
  }
  std::string_view line(size_t line) const {
    const size_t end = line + 1 < starts_.size() ? starts_[line + 1] - 1 : text_.size();
    return std::string_view(text_).substr(starts_[line], end - starts_[line]);
  }
  /// Each character of it is one octet.
  bool are_octets(size_t line) const { return are_octets_[line]; }
  void blank(size_t line) {
    const std::string_view old = this->line(line);
    std::fill_n(text_.begin() + static_cast<std::ptrdiff_t>(starts_[line]), old.size(), ' ');
  }
  void replace(size_t line, std::string_view by) {
    const std::string before(this->before(line));
    const std::string behind = text_.substr(before.size() + this->line(line).size());
    *this = Lines(before + std::string(by) + behind);
  }

 private:
  std::string text_;
  std::vector<size_t> starts_;
  std::vector<bool> are_octets_;
};

/// toml++ counts columns in code points, Diagnostics in bytes.
Position position_of(const toml::source_position& at, const Lines& lines) {
  // A list of twenty thousand networks may stand in one line: nobody counts its characters for each of them.
  if (at.line == 0 || at.line > lines.size() || lines.are_octets(at.line - 1))
    return {at.line, at.column};
  const std::string_view line = lines.line(at.line - 1);
  unsigned column = at.column;
  unsigned characters = 0;
  for (size_t i = 0; i < line.size() && characters < at.column; ++i) {
    if (Lines::is_inside_character(line[i])) {
      ++column;
    } else {
      ++characters;
    }
  }
  return {at.line, column};
}

TomlValue value_of(const toml::node& node, int depth, const Lines& lines);

void read_table(const toml::table& table, TomlValue& into, int depth, const Lines& lines) {
  for (auto&& [key, node] : table) {
    into.members.push_back({std::string(key.str()), position_of(key.source().begin, lines),
                            value_of(node, depth, lines)});
  }
  std::ranges::stable_sort(into.members, {}, &TomlMember::at);
}

TomlValue value_of(const toml::node& node, int depth, const Lines& lines) {
  TomlValue value;
  value.at = position_of(node.source().begin, lines);
  if (const auto* table = node.as_table()) {
    value.kind = TomlValue::Kind::table;
    if (depth < depth_max) read_table(*table, value, depth + 1, lines);
  } else if (const auto* array = node.as_array()) {
    value.kind = TomlValue::Kind::array;
    if (depth >= depth_max) return value;
    for (const toml::node& item : *array) value.items.push_back(value_of(item, depth + 1, lines));
  } else if (const auto* text = node.as_string()) {
    value.kind = TomlValue::Kind::text;
    value.text = text->get();
  } else if (const auto* integer = node.as_integer()) {
    value.kind = TomlValue::Kind::integer;
    value.integer = integer->get();
  } else if (const auto* number = node.as_floating_point()) {
    value.kind = TomlValue::Kind::number;
    value.number = number->get();
  } else if (const auto* boolean = node.as_boolean()) {
    value.kind = TomlValue::Kind::boolean;
    value.boolean = boolean->get();
  } else {
    value.kind = TomlValue::Kind::date;
  }
  return value;
}

struct SyntaxError {
  Position at;
  std::string message;
};

/// The library's words without its preamble, and what helps with the commonest slip.
std::string in_our_words(std::string_view description) {
  constexpr std::string_view preamble = "Error while parsing ";
  if (description.starts_with(preamble)) description.remove_prefix(preamble.size());
  std::string message = "not TOML: " + std::string(description);
  if (description.starts_with("decimal integer: expected digit") ||
      description.ends_with("could not determine value type")) {
    message += "; texts, durations and addresses stand in quotes";
  }
  return message;
}

std::optional<SyntaxError> try_parse(const Lines& lines, toml::table& into) {
  try {
    into = toml::parse(lines.text());
    return std::nullopt;
  } catch (const toml::parse_error& problem) {
    return SyntaxError{position_of(problem.source().begin, lines),
                       in_our_words(problem.description())};
  }
}

bool parses(std::string_view text) {
  try {
    (void)toml::parse(text);
    return true;
  } catch (const toml::parse_error&) {
    return false;
  }
}

/// `key =` or a header: where a person would say that something new begins.
bool begins_statement(std::string_view line) {
  line = trimmed(line);
  if (line.empty()) return false;
  if (line[0] == '[')
    return line.find(']') != std::string_view::npos && line.find('"') == std::string_view::npos;
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos) return false;
  return std::ranges::all_of(trimmed(line.substr(0, equals)), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  });
}

/// What somebody meant by a header of a section that is none, such as "[server" or "[[pool]": without it all keys below
/// would be in the section above. Empty: that cannot be told.
std::string mended_header(std::string_view line) {
  line = trimmed(line);
  const size_t opening = std::min(line.find_first_not_of('['), line.size());
  if (opening == 0) return {};
  line = trimmed(line.substr(opening));
  const auto is_of_key = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
  };
  const auto end = std::ranges::find_if_not(line, is_of_key);
  const std::string name(line.begin(), end);
  const auto closing = static_cast<size_t>(std::ranges::count(line, ']'));
  const size_t brackets = std::max(opening, closing);
  if (name.empty() || brackets > 2) return {};
  return std::string(brackets, '[') + name + std::string(brackets, ']');
}

/// Mends the header in line `wrong` (from 0), if it is one and can be.
bool mend_header(Lines& lines, size_t wrong) {
  const std::string mended = mended_header(lines.line(wrong));
  if (mended.empty() || mended == trimmed(lines.line(wrong))) return false;
  const std::string before(lines.before(wrong));
  if (!parses(before) || !parses(before + mended)) return false;
  lines.replace(wrong, mended);
  return true;
}

/// Blanks the statement in which line `wrong` (from 0) is, and says where it begins.
size_t blank_statement(Lines& lines, size_t wrong) {
  constexpr size_t lines_back_max = 200;
  size_t first = wrong;
  const size_t stop = wrong > lines_back_max ? wrong - lines_back_max : 0;
  while (first > stop && !parses(lines.before(first))) --first;
  // A value that was never closed is noticed in the next statement, which is innocent.
  const bool innocent = first < wrong && begins_statement(lines.line(wrong));
  size_t end = innocent ? wrong : wrong + 1;
  while (!innocent && end < lines.size() && !begins_statement(lines.line(end))) ++end;
  for (size_t line = first; line < end; ++line) lines.blank(line);
  return first;
}

/// toml++ builds and destroys nested tables by recursion: a key of a million parts would end the stack.
std::optional<Position> overlong_key(const Lines& lines) {
  for (size_t number = 0; number < lines.size(); ++number) {
    size_t dots = 0;
    char quote = 0;
    const std::string_view line = lines.line(number);
    for (size_t i = 0; i < line.size(); ++i) {
      if (quote == '"' && line[i] == '\\') {
        ++i;
      } else if (quote) {
        if (line[i] == quote) quote = 0;
      } else if (line[i] == '"' || line[i] == '\'') {
        quote = line[i];
      } else if (line[i] == '#') {
        break;
      } else if (line[i] == '.' && ++dots >= key_parts_max) {
        return Position{static_cast<unsigned>(number + 1), static_cast<unsigned>(i + 1)};
      }
    }
  }
  return std::nullopt;
}

}  // namespace

const TomlMember* TomlValue::find(std::string_view key) const {
  const auto found = std::ranges::find(members, key, &TomlMember::key);
  return found == members.end() ? nullptr : &*found;
}

Position TomlValue::position_of(std::string_view key) const {
  const TomlMember* member = find(key);
  return member ? member->value.at : at;
}

TomlDocument parse_toml(std::string_view text, Diagnostics& diagnostics) {
  TomlDocument document;
  Lines lines(text);
  if (const auto at = overlong_key(lines)) {
    diagnostics.error(*at, "a line with so many dots outside of quotes is no key of this file");
    document.complete = false;
    return document;
  }
  toml::table table;
  for (size_t errors = 0; const auto problem = try_parse(lines, table); ++errors) {
    document.complete = false;
    const size_t wrong = problem->at.line > 0 ? problem->at.line - 1 : 0;
    if (errors == syntax_errors_max || wrong >= lines.size()) {
      diagnostics.error(problem->at, problem->message);
      return document;
    }
    if (mend_header(lines, wrong)) {
      diagnostics.error(problem->at, problem->message);
      continue;
    }
    const std::string before = lines.text();
    const size_t first = blank_statement(lines, wrong);
    std::string message = problem->message;
    if (first < wrong)
      message +=
          "; the value that begins in line " + std::to_string(first + 1) + " goes on to here";
    diagnostics.error(problem->at, std::move(message));
    if (lines.text() == before) return document;  // nothing left to leave out
  }
  read_table(table, document.root, 0, lines);
  document.root.at = {1, 1};
  return document;
}

}  // namespace swingover
