#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/bytes.h"
#include "zones/client_subnet.h"
#include "zones/extended_error.h"

namespace swingover::zones {

/// What a query's OPT record says (RFC 6891). The views look into the packet.
struct Edns {
  enum class Keepalive : uint8_t { none, asked, malformed };  // malformed: on a stream (RFC 7828)

  bool present = false;
  bool dnssec_ok = false;
  bool compact_ok = false;     // RFC 9824 section 5.1
  bool nsid_asked = false;     // RFC 5001
  bool padding_asked = false;  // RFC 7830
  Keepalive keepalive = Keepalive::none;
  uint8_t version = 0;
  uint16_t udp_size = 512;  // as sent
  Bytes cookie;             // RFC 7873: of a legal size; empty: none
  ClientSubnet subnet;      // RFC 7871
};

enum class OptOutcome : uint8_t { fine, bad_version, malformed };

/// From the fixed fields of an OPT record: its class is the size, its TTL the extended flags. Options of a
/// version that we do not know are not looked at; unknown ones are stepped over. Of two cookies the first
/// counts (RFC 7873 section 5.2). Two client subnets are malformed: an answer could echo only one of them,
/// and would be kept for the other as well. Malformed leaves no option set.
OptOutcome parse_opt(uint16_t record_class, uint32_t record_ttl, Bytes options, Edns& edns);

/// What the OPT record of an answer brings. The options of the first group always go out, those of the
/// second as far as they fit behind the answer's records, in this order.
struct OptAnswer {
  uint16_t udp_size = 0;
  uint16_t rcode = 0;  // its upper bits go here
  bool dnssec_ok = false;
  bool compact_ok = false;

  Bytes cookie;                          // empty: none
  const ClientSubnet* subnet = nullptr;  // echoed with `subnet_scope`
  uint8_t subnet_scope = 0;              // bits (RFC 7871 section 7.2.1)
  std::optional<uint16_t> keepalive;     // in 100 ms (RFC 7828)

  const ExtendedError* error = nullptr;  // its text is left out first
  Bytes identity;                        // empty: not told
  bool pad = false;                      // to blocks of 468 octets of the message (RFC 8467)
};

/// Octets that write_opt() needs at least.
size_t opt_size_least(const OptAnswer& answer);

/// Writes the record into `room`, behind a message of `message_size` octets; returns its size, which is at
/// least opt_size_least() and at most the room's.
size_t write_opt(std::span<uint8_t> room, size_t message_size, const OptAnswer& answer);

}  // namespace swingover::zones
