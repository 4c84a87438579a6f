#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "base/result.h"

namespace swingover::zones {

/// A word of a master file as written: escapes not resolved, a quoted one without its quotes.
struct MasterToken {
  std::string_view text;
  Position at;
  bool quoted = false;
};

/// One record or directive, parentheses and comments already gone.
struct MasterEntry {
  bool blank_start = false;         // its line starts with a blank: the owner is the previous one
  std::vector<MasterToken> tokens;  // at least one
};

/// Splits a master file (RFC 1035 section 5.1) into entries, with the place of each word.
///
/// Shape   Views into `text`, which must outlive them. CRLF and LF end lines; a quoted string ends on its
///         line. Without allocation an entry, once `tokens` has grown.
/// Errors  Unbalanced parentheses, an open quote, NUL octets: reported, their entry skipped, the next one read.
class MasterFileReader {
 public:
  MasterFileReader(std::string_view text, Diagnostics& diagnostics);

  /// False at the end of the file.
  bool next(MasterEntry& entry);
  /// An entry was skipped: what follows may lack what it would have given.
  bool skipped_any() const { return skipped_; }

 private:
  Position here() const { return {line_, static_cast<unsigned>(at_ - line_start_ + 1)}; }
  void end_line();
  void read_entry(MasterEntry& entry);
  void read_word(MasterEntry& entry);
  void read_quoted(MasterEntry& entry);
  bool ends_open_parenthesis() const;
  void bad(Position at, const char* message);

  std::string_view text_;
  Diagnostics& diagnostics_;
  size_t at_ = 0;
  size_t line_start_ = 0;
  unsigned line_ = 1;
  bool bad_entry_ = false;
  bool skipped_ = false;
  // Once one parenthesis was found open at the end of the file, any other ends at a line that is not
  // indented: the rest is read and reported, in linear time.
  bool cautious_ = false;
};

/// A number of nine digits at most, in less time than parse_ttl() takes; nothing for any other word.
std::optional<uint32_t> read_seconds(std::string_view text);

/// Seconds, or periods such as 1h30m (as BIND reads them); 31 bits (RFC 2181 section 8).
Result<uint32_t> parse_ttl(std::string_view text);

}  // namespace swingover::zones
