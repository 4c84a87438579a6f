// Any text as a master file: no crash, and a result that keeps what zone_file.h promises.

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "zones/protocol.h"
#include "zones/zone_file.h"

namespace {

using namespace swingover;
using namespace swingover::zones;

void demand(bool promise) {
  if (!promise) std::abort();
}

void check_promises(const ZoneContents& zone) {
  size_t records = 0;
  demand(!zone.owners.empty() && zone.owners[0].name == zone.apex);
  for (size_t i = 0; i < zone.owners.size(); ++i) {
    const ZoneContents::Owner& owner = zone.owners[i];
    demand(i == 0 || zone.owners[i - 1].name < owner.name);
    demand(owner.name.is_at_or_below(zone.apex));
    demand(zone.find(owner.name) == &owner);
    demand(!owner.rrsets.empty() && std::ranges::is_sorted(owner.rrsets, {}, &Rrset::type));
    for (const Rrset& set : owner.rrsets) {
      demand(!set.rdatas.empty() && set.ttl.value <= 0x7fffffff);
      for (const auto& rdata : set.rdatas) demand(rdata.size() <= 65535);
      records += set.rdatas.size();
    }
  }
  const Rrset* soa = zone.owners[0].find(type::soa);
  demand(soa && soa->rdatas.size() == 1 && zone.owners[0].find(type::ns));
  demand(records == zone.records);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const Name apex = *parse_name("svc.example.");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Diagnostics diagnostics("fuzz.zone", text);
  const auto zone = parse_zone_file(text, apex, diagnostics);
  demand((zone == nullptr) == diagnostics.has_errors());
  demand(diagnostics.text().empty() == diagnostics.problems().empty());
  if (zone) check_promises(*zone);
  return 0;
}
