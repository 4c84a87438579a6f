#pragma once

#include <cstdint>
#include <vector>

#include "base/units.h"
#include "zones/name.h"

namespace swingover::zones {

/// All records of one owner, class IN and one type (RFC 2181 section 5): one TTL.
struct Rrset {
  uint16_t type = 0;
  Ttl ttl;
  std::vector<std::vector<uint8_t>>
      rdatas;         // uncompressed wire form (RFC 3597), sorted, no duplicates
  unsigned line = 0;  // of its first record in the file
};

/// The static records of one zone as its master file gives them: checked, in canonical order,
/// immutable. Parsed once, compiled into each generation that uses it. Control path.
struct ZoneContents {
  struct Owner {
    Name name;
    std::vector<Rrset> rrsets;  // by type, ascending
    unsigned line = 0;          // of its first record in the file

    const Rrset* find(uint16_t type) const;
  };

  Name apex;
  std::vector<Owner> owners;  // canonical order; the apex first; no empty ones
  size_t records = 0;

  const Owner* find(const Name& name) const;
};

}  // namespace swingover::zones
