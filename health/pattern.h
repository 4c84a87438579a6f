#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace swingover::health {

/// A regular expression of RE2's syntax: looking takes time in proportion to the text, whatever people write.
/// Copies share what was compiled; any thread may look.
class Pattern {
 public:
  Pattern() = default;  // empty: nobody looks
  static Result<Pattern> parse(std::string_view text);

  bool empty() const { return !compiled_; }
  const std::string& text() const { return text_; }
  /// Anywhere in it, unless the expression itself says `^` or `$`.
  bool occurs_in(std::string_view text) const;
  friend bool operator==(const Pattern& a, const Pattern& b) { return a.text_ == b.text_; }

 private:
  std::string text_;
  std::shared_ptr<const re2::RE2> compiled_;
};

}  // namespace swingover::health
