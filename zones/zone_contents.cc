#include "zones/zone_contents.h"

#include <algorithm>

namespace swingover::zones {

const ZoneContents::Owner* ZoneContents::find(const Name& name) const {
  const auto at = std::ranges::lower_bound(owners, name, {}, &Owner::name);
  return at != owners.end() && at->name == name ? &*at : nullptr;
}

const Rrset* ZoneContents::Owner::find(uint16_t type) const {
  const auto at = std::ranges::lower_bound(rrsets, type, {}, &Rrset::type);
  return at != rrsets.end() && at->type == type ? &*at : nullptr;
}

}  // namespace swingover::zones
