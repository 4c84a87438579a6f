// Any text as a file of client networks: no crash, and rules that keep what source_map_file.h promises.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "zones/source_map.h"
#include "zones/source_map_file.h"

namespace {

using namespace swingover;
using namespace swingover::zones;

void demand(bool promise) {
  if (!promise) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics("fuzz.map", text);
  const auto file = parse_source_map(text, diagnostics);
  demand((file == nullptr) == diagnostics.has_errors());
  demand(diagnostics.problems().size() <= 51);
  if (!file) {
    demand(!diagnostics.text().empty());
    return 0;
  }
  Topology topology;
  for (const SourceMapFile::Name& name : file->names) {
    Locality locality;
    locality.name = name.text;
    topology.localities.push_back(locality);
  }
  check_names(*file, topology, diagnostics);
  check_against(*file, topology, diagnostics);
  check_against(*file, *file, "itself", diagnostics);
  demand(diagnostics.problems().empty());

  const SourceMapFile* const files[] = {file.get()};
  const SourceMap map(listed_clients(topology, files));
  for (size_t i = 0; i < file->rules.size(); ++i) {
    const SourceMapFile::Rule& rule = file->rules[i];
    demand(i == 0 || file->rules[i - 1].prefix < rule.prefix);
    demand(rule.name < file->names.size() && rule.line > 0);
    demand(masked(rule.prefix.address, rule.prefix.length) == rule.prefix.address);
    // The rule's first address is in it, or in a longer one that begins there too.
    const auto found = map.find(rule.prefix.address);
    demand(found.locality != no_locality);
    const auto longer = std::any_of(file->rules.begin(), file->rules.end(), [&](const auto& other) {
      return other.prefix.address == rule.prefix.address &&
             other.prefix.length > rule.prefix.length;
    });
    demand(longer || file->names[found.locality.value].text == file->names[rule.name].text);
  }
  return 0;
}
