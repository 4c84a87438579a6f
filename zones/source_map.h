#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/ip.h"
#include "base/prefix_map.h"
#include "base/units.h"
#include "zones/source_map_file.h"
#include "zones/topology.h"

namespace swingover::zones {

using LocalityMap = PrefixMap<LocalityId>;

/// Client prefix to locality, longest prefix first. Immutable, and copied at no cost; lookups allocate nothing. Hot
/// path.
class SourceMap {
 public:
  SourceMap();
  explicit SourceMap(const Topology& topology);
  explicit SourceMap(LocalityMap map);

  struct Found {
    LocalityId locality = no_locality;
    unsigned length =
        0;  // prefix bits that the result holds for (RFC 7871 scope): all addresses that
            // share so many bits with the one asked get the same locality
  };
  Found find(const IpAddress& client) const;

  /// One and the same, not built anew.
  bool is_same_as(const SourceMap& other) const { return map_ == other.map_; }

 private:
  std::shared_ptr<const LocalityMap> map_;
};

/// What people listed: the clients of `topology` and of `files`, whose names it knows all. The longest prefix wins;
/// of equal ones that of the topology. Control path.
LocalityMap listed_clients(const Topology& topology, std::span<const SourceMapFile* const> files);

}  // namespace swingover::zones
