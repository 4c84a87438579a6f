#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "zones/name.h"
#include "zones/zone_contents.h"

namespace swingover::zones {

/// How the RDATA of a type is laid out as far as compression goes: `before` octets, then `names` names that
/// may be compressed, then the rest. Only the types of RFC 1035 (RFC 3597 section 4).
struct CompressedLayout {
  unsigned before = 0;
  unsigned names = 0;
};
CompressedLayout compressed_layout(uint16_t rrtype);

/// One RRset as ready wire octets, made so that its most frequent use is one memcpy: right behind a
/// question that asks for its owner. There the owners are pointers to the question, and names in RDATA are
/// compressed against the owner and against one another.
///
/// `fixups` are the places of the pointers in RDATA, for every other use: a pointer below
/// compiled_base(owner size) points into the owner's name, any other one into the block itself. Owners need no
/// entry; they open each record.
struct CompiledRrset {
  uint16_t records = 0;
  std::vector<uint8_t> block;
  std::vector<uint16_t> fixups;
  /// A name whose addresses a client will want next (the targets of NS, MX, SRV, SVCB, HTTPS).
  struct HelpedName {
    uint16_t at = 0;        // in the block
    uint16_t record = 0;    // place in Rrset::rdatas
    uint16_t in_rdata = 0;  // where in that RDATA
    uint16_t size = 0;      // octets of the name there
  };
  std::vector<HelpedName> names;

  void clear();
};

/// Where the answer section starts when the question is a name of `owner_size` octets.
constexpr size_t compiled_base(size_t owner_size) {
  return 12 + owner_size + 4;
}

/// False when the set cannot be answered: more than 65,535 octets even alone, or a name in its RDATA is none.
/// Cost: O(octets), control path. `out` is cleared first, so that a caller can use it again and again.
bool compile_rrset(const Name& owner, const Rrset& rrset, CompiledRrset& out);

/// A compiled RRset as it lies in a zone's memory. Views; hot path.
struct RrsetView {
  struct Additional {
    static constexpr uint16_t owner = 0;  // `name` of a set that is about its own owner

    uint32_t node = 0;      // of the same zone; 0: the name is not in this zone
    uint16_t name = owner;  // where in the block its name stands
    uint16_t required = 0;  // glue below the cut itself (RFC 9471 section 3.1)
  };

  uint16_t type = 0;
  uint16_t records = 0;
  Bytes block;
  std::span<const uint16_t> fixups;
  std::span<const Additional> additional;
};

}  // namespace swingover::zones
