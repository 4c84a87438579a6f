#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/diagnostics.h"
#include "zones/service.h"
#include "zones/zone_contents.h"

namespace swingover::zones {

/// An RFC 1035 master file, its fields read by ldns and checked by us: TTLs within 31 bits, names within 255
/// octets, everything inside the zone, class IN, exactly one SOA, NS at the apex, no duplicates, CNAME and
/// DNAME alone where they must be (RFC 1034 section 3.6.2, RFC 6672 section 2.4), one TTL a set, balanced
/// parentheses, in-zone name servers with addresses, only glue below a delegation. Accepts CRLF, relative
/// $ORIGIN, $TTL, CLASS1, TYPE1 \# 4 c0000201. Refuses $INCLUDE and $GENERATE.
///
/// A missing TTL is that of $TTL, else of the record in front, else the SOA's minimum.
///
/// Shape    `services`: those that answer in this zone; a name server may be one of them.
/// Errors   Null when there is any; each is in `diagnostics`, at its own line and column, all in one run
///          (reading stops at some hundred problems). What is allowed but unwise is a warning.
/// Cost     Under a microsecond a record of the frequent types, some 3 us others; memory for the records and their
///          sorting once, then for the result.
std::shared_ptr<const ZoneContents> parse_zone_file(std::string_view text, const Name& apex,
                                                    Diagnostics& diagnostics,
                                                    std::span<const Service> services = {});

/// What of the zone collides with services: the types that a service answers at its name, other data beside
/// a service that answers a CNAME, a CNAME at it, a DNAME or a delegation at or above it; and the same for
/// its CLUSTER.on.SERVICE names. Errors point at the line of the zone file. Services outside the zone are
/// passed over; of nested zones, give each only the services that it is the closest zone of.
void check_services(const ZoneContents& zone, std::span<const Service> services,
                    Diagnostics& diagnostics);

/// What of the zone collides with its being signed here: what another signer made of it, or says of its keys.
void check_unsigned(const ZoneContents& zone, Diagnostics& diagnostics);

}  // namespace swingover::zones
