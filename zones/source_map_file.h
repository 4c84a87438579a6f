#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/diagnostics.h"
#include "base/ip.h"
#include "zones/topology.h"

namespace swingover::zones {

/// A file of client networks as read: lines of a prefix and the locality of the clients in it. Knows names, not ids,
/// so that it holds for every topology, and stays while only that changes.
///
/// Limits  lines_max lines, 65,535 names of localities.
/// Cost    32 octets a rule.
struct SourceMapFile {
  static constexpr size_t lines_max = 10'000'000;
  static constexpr size_t size_max = size_t{1} << 29;  // octets

  struct Rule {
    IpPrefix prefix;
    uint32_t name = 0;  // place in names
    uint32_t line = 0;
  };
  struct Name {
    std::string text;
    Position first;  // where it stands first
  };
  std::vector<Rule> rules;  // sorted by prefix, each once
  std::vector<Name> names;
};

/// Reads "PREFIX LOCALITY" lines; "#" and ";" begin comments. Problems go to `diagnostics`, the first 50 of them;
/// null if one is an error. The same prefix twice is one if the localities differ. Of a file with errors, names that no
/// locality of `topology` has are told as well, for nobody can ask for them then.
///
/// Cost  One pass and a sort: a million lines in 0.3 s.
std::shared_ptr<const SourceMapFile> parse_source_map(std::string_view text,
                                                      Diagnostics& diagnostics,
                                                      const Topology* topology = nullptr);

/// Reports names that no locality of `topology` has.
void check_names(const SourceMapFile& file, const Topology& topology, Diagnostics& diagnostics);

/// Reports prefixes that `other`, the file of this name, puts into another locality.
void check_against(const SourceMapFile& file, const SourceMapFile& other,
                   std::string_view other_name, Diagnostics& diagnostics);
/// Warns of those that the config puts into another locality: that counts.
void check_against(const SourceMapFile& file, const Topology& topology, Diagnostics& diagnostics);

}  // namespace swingover::zones
