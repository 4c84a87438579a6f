#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"

namespace swingover {

struct TomlMember;

/// One value of a TOML text and the place where it stands. A plain tree: copy it, walk it, compare it.
struct TomlValue {
  enum class Kind : uint8_t { text, integer, number, boolean, date, array, table };

  Kind kind = Kind::table;
  Position at;  // of the value's first character; of a table: of its header
  std::string text;
  int64_t integer = 0;
  double number = 0;
  bool boolean = false;
  std::vector<TomlValue> items;     // of an array
  std::vector<TomlMember> members;  // of a table, in the order of the file

  const TomlMember* find(std::string_view key) const;
  /// Of the value at `key`; of this table if it has no such key.
  Position position_of(std::string_view key) const;
};

struct TomlMember {
  std::string key;
  Position at;  // of the key
  TomlValue value;
};

/// A TOML text as read.
struct TomlDocument {
  TomlValue root;
  /// Every statement could be read. If not, do not complain about what is absent: it may well be there.
  bool complete = true;
};

/// Reads TOML 1.0. A statement that is not TOML is reported and left out, and reading goes on behind it, so
/// that one run shows every problem. The only place that knows toml++.
///
/// Cost    O(text), once more for each statement that is not TOML; at most 50 of those are reported.
/// Limits  Keys of more than 64 parts are refused, values nested deeper than 32 are left out.
TomlDocument parse_toml(std::string_view text, Diagnostics& diagnostics);

}  // namespace swingover
