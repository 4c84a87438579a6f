#pragma once

#include <memory>
#include <span>
#include <string>

#include "base/diagnostics.h"
#include "zones/service.h"
#include "zones/zone_contents.h"

namespace swingover::zones {

/// An RFC 1035 master file, read by ldns and checked by us: TTLs within 31 bits, names within 255
/// octets, everything inside the zone, class IN, exactly one SOA, NS at the apex, no duplicates, CNAME and
/// DNAME alone where they must be (RFC 1034 section 3.6.2, RFC 6672 section 2.4), one TTL a set, balanced
/// parentheses, in-zone name servers with addresses. Accepts CRLF, relative $ORIGIN, CLASS1, TYPE1 \# 4 c0000201.
///
/// Null when there is any error; each is in `diagnostics`, on its own line of the file.
std::shared_ptr<const ZoneContents> parse_zone_file(std::string_view text, const Name& apex,
                                                    Diagnostics& diagnostics);

/// What of the zone collides with services: the same name and type, a CNAME or DNAME at or above a service's
/// name, a delegation at or above it, other data beside a service that answers a CNAME, a static owner
/// below on.SERVICE. Errors point at the line of the zone file.
void check_services(const ZoneContents& zone, std::span<const Service> services,
                    Diagnostics& diagnostics);

}  // namespace swingover::zones
