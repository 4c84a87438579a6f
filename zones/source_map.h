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

/// A locality, and whether it is only the nearest one to where the client may be: of that nobody may say that the
/// client is inside a region. Four octets, since millions of them stand in a map.
class MappedLocality {
 public:
  MappedLocality() = default;
  explicit MappedLocality(LocalityId locality, bool is_nearest = false)
      : bits_(locality.value << 1 | (is_nearest ? 1U : 0U)) {}

  LocalityId locality() const { return LocalityId(bits_ >> 1); }
  bool is_nearest() const { return (bits_ & 1) != 0; }
  friend bool operator==(const MappedLocality&, const MappedLocality&) = default;

 private:
  uint32_t bits_ = 0;
};

using LocalityMap = PrefixMap<MappedLocality>;

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
    bool is_nearest =
        false;  // by coordinates alone; else by a list, an autonomous system, a country
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
