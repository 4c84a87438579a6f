#include "zones/client_sources.h"

namespace swingover::zones {

SourceMap compile_sources(const Topology& topology, const ClientSources& sources) {
  std::vector<const SourceMapFile*> files;
  for (const ClientMap& map : sources.maps) files.push_back(map.rules.get());
  LocalityMap listed = listed_clients(topology, files);
  if (sources.databases.empty()) return SourceMap(std::move(listed));

  using Geo = std::optional<GeoDecision>;
  const GeoMap* known = sources.databases.front().map.get();
  GeoMap all;
  for (size_t i = 1; i < sources.databases.size(); ++i) {
    all =
        known->joined_with<GeoDecision>(*sources.databases[i].map, [](const Geo& a, const Geo& b) {
          return Geo(a && b ? a->filled_from(*b) : a ? *a : *b);
        });
    known = &all;
  }
  using Known = std::optional<MappedLocality>;
  return SourceMap(
      listed.joined_with<MappedLocality>(*known, [](const Known& by_hand, const Geo& by_database) {
        return by_hand ? by_hand
                       : Known(MappedLocality(by_database->locality(), by_database->is_nearest()));
      }));
}

}  // namespace swingover::zones
