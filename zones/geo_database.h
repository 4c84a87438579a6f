#pragma once

#include <string>
#include <string_view>

#include "base/prefix_map.h"
#include "base/result.h"
#include "zones/geography.h"

namespace swingover::zones {

using GeoMap = PrefixMap<GeoDecision>;

/// The whole of a MaxMind database as a map of prefixes: where each network's ASN, country, subdivision and coordinates
/// lead in this geography. Neighbours that lead to the same are one. The only place that knows libmaxminddb.
///
/// Errors   What is no such database, or a damaged one, in words. `content` may hold anything.
/// Limits   Networks that stand for IPv4 inside IPv6 (6to4, Teredo, IPv4-mapped) are not told: clients there are
///          unknown. Of IPv4 in an IPv6 database ::/96 counts.
/// Cost     One visit of each node, one decision for each different record. Any thread.
/// Source   MaxMind DB File Format Specification, version 2.0.
Result<GeoMap> compile_geo_database(std::string_view content, const Geography& geography);

}  // namespace swingover::zones
