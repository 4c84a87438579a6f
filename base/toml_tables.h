#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "base/toml_source.h"

/// What the sections of a config file have in common: repeated tables, names that are unique and
/// names that refer to others.
namespace swingover {

/// A section of the file: `[server]`, or `[[service]]` when it may stand several times.
struct TomlSection {
  std::string_view name;  // "service"
  bool repeated = false;

  std::string header() const;  // "[[service]]"
};

/// Reports a member that is not written as its section is: `[zone]` for `[[zone]]`. `inside` stands in
/// front of the name in messages: "service." for its pools.
void check_shape(const TomlMember& member, const TomlSection& section, std::string_view inside,
                 Diagnostics& diagnostics);

/// The tables `[[key]]` of `parent`, or its one `[key]`; what is no table is left out.
std::vector<const TomlValue*> tables_of(const TomlValue& parent, std::string_view key);

/// The texts at `key` in all tables `[[section]]`: what others may refer to, whatever else is wrong there.
std::vector<std::string> names_in(const TomlValue& root, std::string_view section,
                                  std::string_view key = "name");

/// The first table `[[section]]` whose name is `name`; null if there is none.
const TomlValue* table_named(const TomlValue& root, std::string_view section,
                             std::string_view name);

/// Reports each text at `key` (one, or a list of them) that is none of `known`: "no [[monitor]] is named …".
void check_references(const TomlValue& table, std::string_view key,
                      std::span<const std::string> known, std::string_view header,
                      Diagnostics& diagnostics);

/// Finds what stands twice. One object for each thing that must be unique.
class UniqueNames {
 public:
  /// `what` completes "WHAT NAME stands twice": "a [[zone]] of the name".
  UniqueNames(std::string what, Diagnostics& diagnostics)
      : what_(std::move(what)), diagnostics_(diagnostics) {}

  /// False, and reported, if an equal `canonical` came before; `shown` is how people wrote it.
  bool add(const std::string& canonical, std::string_view shown, Position at);

 private:
  std::string what_;
  Diagnostics& diagnostics_;
  std::map<std::string, Position> seen_;
};

}  // namespace swingover
