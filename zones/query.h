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
  Bytes ixfr_soa;      // of the client's version, from its serial on (RFC 1995 section 3)
  size_t tsig_at = 0;  // where its TSIG record starts, the last one; 0: it has none

  uint8_t opcode() const { return static_cast<uint8_t>((flags & flag::opcode_mask) >> 11); }
};

enum class ParseOutcome : uint8_t {
  fine,
  too_short,     // no whole header: nothing that could be answered
  is_response,   // RFC 1035 section 7.3 and plain safety: never answered
  format_error,  // what of the question and the OPT was read so far stands in the query
  bad_version,   // EDNS of a version above 0
  cookie_only,   // no question, but a cookie: RFC 7873 section 5.4
};

/// Strict: exactly one question (none for who asks for a cookie alone) whose name has no pointers, labels of at
/// most 63 and 255 octets in all;
/// every counted record is whole; at most one OPT, at the root, in the additional section; a TSIG only as
/// the very last record, of class ANY (RFC 8945 section 5.1); no octet behind
/// the last record; a query (opcode 0) brings no answers and, except for IXFR (RFC 1995), no authority.
///
/// Cost  One pass, no allocation. Hot path.
ParseOutcome parse_query(Bytes packet, Query& query);

/// Where the TSIG record of a whole message (an answer, too) starts, which must be the last one; 0: there is none.
size_t tsig_place(Bytes message);

}  // namespace swingover::zones
