#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "zones/edns.h"
#include "zones/protocol.h"

namespace swingover::zones {

/// A question as a stranger's packet asks it: views only, nothing is copied.
struct Query {
  uint16_t id = 0;
  uint16_t flags = 0;
  uint16_t qtype = 0;
  uint16_t qclass = 0;
  Bytes name;      // uncompressed wire form, as it was written
  Bytes question;  // name, type and class; empty when no whole question could be read
  Edns edns;

  uint8_t opcode() const { return static_cast<uint8_t>((flags & flag::opcode_mask) >> 11); }
};

enum class ParseOutcome : uint8_t {
  fine,
  too_short,     // no whole header: nothing that could be answered
  is_response,   // RFC 1035 section 7.3 and plain safety: never answered
  format_error,  // what of the question and the OPT was read so far stands in the query
  bad_version,   // EDNS of a version above 0
};

/// Strict: exactly one question whose name has no pointers, labels of at most 63 and 255 octets in all;
/// every counted record is whole; at most one OPT, at the root, in the additional section; no octet behind
/// the last record; a query (opcode 0) brings no answers and, except for IXFR (RFC 1995), no authority.
///
/// Cost  One pass, no allocation. Hot path.
ParseOutcome parse_query(Bytes packet, Query& query);

}  // namespace swingover::zones
