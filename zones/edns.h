#pragma once

#include <cstdint>

#include "base/bytes.h"

namespace swingover::zones {

/// What a query's OPT record says (RFC 6891). The views look into the packet.
struct Edns {
  bool present = false;
  bool dnssec_ok = false;
  bool nsid_asked = false;  // RFC 5001
  uint8_t version = 0;
  uint16_t udp_size = 512;  // as sent
  Bytes client_subnet;      // RFC 7871: read later, by who steers
  Bytes cookie;             // RFC 7873
};

enum class OptOutcome : uint8_t { fine, bad_version, malformed };

/// From the fixed fields of an OPT record: its class is the size, its TTL the extended flags. Options of a
/// version that we do not know are not looked at.
OptOutcome parse_opt(uint16_t record_class, uint32_t record_ttl, Bytes options, Edns& edns);

/// Octets of the OPT record of an answer.
size_t opt_size(const Edns& asked, Bytes identity);

/// Writes it, with the upper bits of `rcode`; `room` holds opt_size() octets. `identity` goes out only when
/// it is not empty and was asked for.
void write_opt(uint8_t* room, const Edns& asked, uint16_t udp_size, uint16_t rcode, Bytes identity);

}  // namespace swingover::zones
