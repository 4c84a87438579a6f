#include "zones/master_file.h"

#include <algorithm>
#include <array>

namespace swingover::zones {
namespace {

constexpr const char* never_closed = "this parenthesis is never closed";

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\r';
}
// A backslash makes the next character plain, but lines end all the same and NUL is never text.
bool is_escape(std::string_view text, size_t at) {
  if (text[at] != '\\' || at + 1 >= text.size()) return false;
  const char next = text[at + 1];
  return next != '\n' && next != '\r' && next != 0;
}
constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool ends_word(char c) {
  return is_blank(c) || c == '\n' || c == ';' || c == '(' || c == ')' || c == '"';
}

// What a word is made of without any further thought: neither an end nor a backslash, NUL or equals sign.
constexpr std::array<bool, 256> plain_characters = [] {
  std::array<bool, 256> plain{};
  for (int c = '!'; c <= '~'; ++c)
    plain[static_cast<size_t>(c)] =
        std::string_view(";()\"\\=").find(static_cast<char>(c)) == std::string_view::npos;
  return plain;
}();

}  // namespace

MasterFileReader::MasterFileReader(std::string_view text, Diagnostics& diagnostics)
    : text_(text), diagnostics_(diagnostics) {
  if (text_.starts_with("\xef\xbb\xbf")) at_ = line_start_ = 3;  // some editors' byte order mark
}

bool MasterFileReader::next(MasterEntry& entry) {
  while (at_ < text_.size()) {
    entry.tokens.clear();
    bad_entry_ = false;
    read_entry(entry);
    if (bad_entry_) {
      skipped_ = true;
    } else if (!entry.tokens.empty()) {
      return true;
    }
  }
  return false;
}

// From the start of a line to the end of the line that closes the entry.
void MasterFileReader::read_entry(MasterEntry& entry) {
  struct Open {
    Position at;
    size_t offset = 0;
    size_t line_start = 0;
  } open;
  unsigned depth = 0;
  entry.blank_start = is_blank(text_[at_]);
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == '\n') {
      end_line();
      if (depth == 0) return;
      if (cautious_ && ends_open_parenthesis()) return bad(open.at, never_closed);
    } else if (is_blank(c)) {
      ++at_;
    } else if (c == ';') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (c == '(') {
      if (depth++ == 0) open = {here(), at_, line_start_};
      ++at_;
    } else if (c == ')') {
      if (depth == 0) {
        bad(here(), "no parenthesis is open here");
      } else {
        --depth;
      }
      ++at_;
    } else if (c == '"') {
      read_quoted(entry);
    } else {
      read_word(entry);
    }
  }
  if (depth == 0) return;
  // Everything behind it went into this entry. Read that again, so that its problems show as well.
  cautious_ = true;
  line_ = open.at.line;
  line_start_ = open.line_start;
  at_ = open.offset;
  bad_entry_ = false;
  bad(open.at, never_closed);
  do {
    at_ = std::min(text_.find('\n', at_), text_.size());
    if (at_ < text_.size()) end_line();
  } while (at_ < text_.size() && !ends_open_parenthesis());
}

void MasterFileReader::read_word(MasterEntry& entry) {
  const Position at = here();
  const size_t start = at_;
  while (at_ < text_.size()) {
    if (plain_characters[static_cast<uint8_t>(text_[at_])]) {
      ++at_;
      continue;
    }
    if (ends_word(text_[at_])) break;
    if (text_[at_] == 0) bad(here(), "a NUL octet; in text it is written as \\000");
    const bool escape = is_escape(text_, at_);
    at_ += escape ? 2 : 1;
    // A quoted part, as in alpn="h2,h3", belongs to its word.
    if (at_ < text_.size() && text_[at_] == '"' && text_[at_ - 1] == '=' && !escape) {
      read_quoted(entry);
      if (bad_entry_) return;
      entry.tokens.pop_back();
    }
  }
  entry.tokens.push_back({text_.substr(start, at_ - start), at, false});
}

void MasterFileReader::read_quoted(MasterEntry& entry) {
  const Position at = here();
  const size_t start = ++at_;
  while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\n') {
    if (text_[at_] == 0) bad(here(), "a NUL octet; in text it is written as \\000");
    const bool escape = is_escape(text_, at_);
    at_ += escape ? 2 : 1;
  }
  if (at_ >= text_.size() || text_[at_] == '\n')
    return bad(at, "this quote is not closed on its line");
  entry.tokens.push_back({text_.substr(start, at_ - start), at, true});
  ++at_;
}

// A line that is neither indented nor empty, a comment nor a closing parenthesis starts a new entry.
bool MasterFileReader::ends_open_parenthesis() const {
  const char c = at_ < text_.size() ? text_[at_] : '\n';
  return !is_blank(c) && c != '\n' && c != ';' && c != ')';
}

void MasterFileReader::end_line() {
  ++at_;
  ++line_;
  line_start_ = at_;
}

void MasterFileReader::bad(Position at, const char* message) {
  if (!bad_entry_) diagnostics_.error(at, message);
  bad_entry_ = true;
}

std::optional<uint32_t> read_seconds(std::string_view text) {
  if (text.empty() || text.size() > 9) return std::nullopt;
  uint32_t seconds = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    seconds = seconds * 10 + static_cast<uint32_t>(c - '0');
  }
  return seconds;
}

Result<uint32_t> parse_ttl(std::string_view text) {
  if (const auto seconds = read_seconds(text)) return *seconds;
  const auto bad = [] { return Error{ErrorCode::invalid, "not a TTL: seconds, or such as 1h30m"}; };
  uint64_t total = 0;
  uint64_t value = 0;
  bool digits = false;
  for (const char c : text) {
    if (is_digit(c)) {
      value = std::min<uint64_t>(value * 10 + static_cast<uint64_t>(c - '0'), UINT32_MAX);
      digits = true;
      continue;
    }
    static constexpr std::string_view units = "smhdw";
    static constexpr std::array<uint64_t, 5> seconds{1, 60, 3600, 86400, 604800};
    const size_t unit = units.find(static_cast<char>(c | 0x20));
    if (!digits || unit == units.npos) return bad();
    total += value * seconds[unit];
    value = 0;
    digits = false;
  }
  if (text.empty()) return bad();
  total = std::min<uint64_t>(total + value, UINT32_MAX);
  if (total > INT32_MAX)
    return Error{ErrorCode::invalid, "a TTL has 31 bits: at most 2147483647 seconds"};
  return static_cast<uint32_t>(total);
}

}  // namespace swingover::zones
