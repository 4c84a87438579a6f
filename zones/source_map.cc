#include "zones/source_map.h"

#include <algorithm>
#include <utility>

namespace swingover::zones {

LocalityMap listed_clients(const Topology& topology, std::span<const SourceMapFile* const> files) {
  size_t count = 0;
  for (const SourceMapFile* file : files) count += file->rules.size();
  for (const Locality& locality : topology.localities) count += locality.clients.size();
  std::vector<LocalityMap::Rule> rules;
  rules.reserve(count);
  for (const SourceMapFile* file : files) {
    std::vector<LocalityId> ids;
    for (const SourceMapFile::Name& name : file->names) {
      const auto found = std::ranges::find(topology.localities, name.text, &Locality::name);
      ids.emplace_back(static_cast<uint32_t>(found - topology.localities.begin()));
    }
    for (const SourceMapFile::Rule& rule : file->rules)
      rules.push_back({rule.prefix, MappedLocality(ids[rule.name])});
  }
  // Of equal prefixes the last counts.
  for (uint32_t i = 0; i < topology.localities.size(); ++i) {
    for (const IpPrefix& prefix : topology.localities[i].clients)
      rules.push_back({prefix, MappedLocality(LocalityId(i))});
  }
  return LocalityMap(std::move(rules));
}

SourceMap::SourceMap() : SourceMap(LocalityMap()) {}

SourceMap::SourceMap(const Topology& topology) : SourceMap(listed_clients(topology, {})) {}

SourceMap::SourceMap(LocalityMap map) : map_(std::make_shared<const LocalityMap>(std::move(map))) {}

SourceMap::Found SourceMap::find(const IpAddress& client) const {
  const IpAddress address = client.unmapped();
  const auto found = map_->find(address);
  // For an IPv4-mapped client the caller counts the bits of the form that it gave.
  const unsigned mapping_bits = client.bits() - address.bits();
  const unsigned length = found.length + mapping_bits;
  if (!found.value) return {.locality = no_locality, .length = length};
  return {.locality = found.value->locality(),
          .length = length,
          .is_nearest = found.value->is_nearest()};
}

}  // namespace swingover::zones
