// Any text as a master file: no crash, and a result that keeps what zone_file.h promises.

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
  const auto owners = zone.owners();
  demand(!owners.empty() && owners[0].name() == zone.apex() && owners[0].is_apex());
  for (size_t i = 0; i < owners.size(); ++i) {
    const Name name = owners[i].name();
    demand(i == 0 || owners[i - 1].name() < name);
    demand(name.is_at_or_below(zone.apex()));
    const auto found = zone.find(name);
    demand(found && found->labels().data() == owners[i].labels().data());
    uint32_t last_type = 0;
    for (const Rrset set : owners[i].rrsets()) {
      demand(set.type > last_type);
      last_type = set.type;
      demand(!set.rdatas.empty() && set.ttl.value <= 0x7fffffff && set.line > 0);
      size_t count = 0;
      for (const Bytes rdata : set.rdatas) {
        demand(rdata.size() <= 65535);
        ++count;
      }
      demand(count == set.rdatas.size());
      records += count;
    }
    demand(last_type > 0);
  }
  const auto soa = owners[0].find(type::soa);
  demand(soa && soa->rdatas.size() == 1 && owners[0].find(type::ns));
  demand(records == zone.records());
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
