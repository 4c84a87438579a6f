#include "zones/source_map.h"

#include <utility>

namespace swingover::zones {
namespace {

std::vector<PrefixMap<LocalityId>::Rule> rules_of(const Topology& topology) {
  std::vector<PrefixMap<LocalityId>::Rule> rules;
  for (uint32_t i = 0; i < topology.localities.size(); ++i) {
    for (const IpPrefix& prefix : topology.localities[i].clients) {
      rules.push_back({prefix, LocalityId(i)});
    }
  }
  return rules;
}

}  // namespace

SourceMap::SourceMap(const Topology& topology) : map_(rules_of(topology)) {}

SourceMap::Found SourceMap::find(const IpAddress& client) const {
  const IpAddress address = client.unmapped();
  const auto found = map_.find(address);
  // For an IPv4-mapped client the caller counts the bits of the form that it gave.
  const unsigned mapping_bits = client.bits() - address.bits();
  return {found.value.value_or(no_locality), found.length + mapping_bits};
}

}  // namespace swingover::zones
