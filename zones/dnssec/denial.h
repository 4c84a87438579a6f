#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "zones/name.h"

namespace swingover::dnssec {

/// What says that something is not there, made for the one name that was asked for: compact denial (RFC 9824). An NSEC
/// whose owner is that name and whose next name follows it at once tells nothing about any other.
///
/// Shape    RDATA goes to `out`, which fails if there is no room; nsec_size_max is enough. Names in wire form, any case.
/// Threads  Any; nothing is allocated. Hot path.

inline constexpr size_t type_bitmap_size_max = size_t{256} * 34;  // window, length, 32 octets
inline constexpr size_t nsec_size_max = zones::Name::size_max + type_bitmap_size_max;

/// The type bitmap of NSEC, NSEC3 and CSYNC (RFC 4034 section 4.1.2). `types` in ascending order; repeated ones count
/// once.
void write_type_bitmap(std::span<const uint16_t> types, ByteWriter& out);

/// The NSEC of a name that does not exist: with NXNAME, which tells the client so (RFC 9824 section 3.1). The answer that
/// has it, to a query with DO, has NOERROR unless CO was set too (section 5); without DO there is no NSEC, and NXDOMAIN.
void write_nsec_of_absent(Bytes name, Bytes apex, ByteWriter& out);

/// The NSEC of a name that exists, with the types that it has, in ascending order: for NODATA, and for the DS that an
/// insecure delegation lacks. No types: an empty non-terminal. RRSIG and NSEC come of themselves.
void write_nsec_of_present(Bytes name, Bytes apex, std::span<const uint16_t> types,
                           ByteWriter& out);

/// The first name behind `name` in canonical order (RFC 4034 section 6.1) that the zone could hold, in lower case; the
/// apex if there is none. For all but names of nearly 255 octets that is `\000.name`; for those by RFC 4471 section 3.1.
void write_next_name(Bytes name, Bytes apex, ByteWriter& out);

}  // namespace swingover::dnssec
