#pragma once

#include <cstdint>
#include <vector>

#include "base/ip.h"
#include "base/prefix_map.h"
#include "base/units.h"
#include "zones/topology.h"

namespace swingover::zones {

/// Client prefix to locality, longest prefix first. Immutable; lookups allocate nothing. Hot path.
class SourceMap {
 public:
  SourceMap() = default;
  explicit SourceMap(const Topology& topology);

  struct Found {
    LocalityId locality = no_locality;
    unsigned length =
        0;  // prefix bits that the result holds for (RFC 7871 scope): all addresses that
            // share so many bits with the one asked get the same locality
  };
  Found find(const IpAddress& client) const;

 private:
  PrefixMap<LocalityId> map_;
};

}  // namespace swingover::zones
