#pragma once

#include <span>

#include "base/diagnostics.h"
#include "zones/service.h"
#include "zones/zone_contents.h"

namespace swingover::zones {

/// What a zone must be as a whole, beyond each record and each set by itself: see parse_zone_file().
///
/// Shape    `places`: where each record stands, in the order of owners, their sets and those sets' rdatas.
///          `complete`: nothing of the file was skipped, so what is not there is really missing.
///          `services`: those that answer names of this zone.
/// Cost     One pass in canonical order, a binary search for each name that NS and MX point at.
void check_zone(const ZoneContents& zone, std::span<const Position> places, bool complete,
                std::span<const Service> services, Diagnostics& diagnostics);

}  // namespace swingover::zones
