#include <fmt/format.h>

#include "base/file.h"
#include "server/config.h"
#include "zones/zone_file.h"

namespace swingover::server {

LoadedZones load_zones(const Config& config) {
  LoadedZones loaded;
  for (const ZoneOptions& zone : config.zones) {
    const std::string path = path_beside(config.file, zone.file);
    const auto text = read_file(path);
    zones::ZoneSource source{zone.name, nullptr};
    if (!text) {
      loaded.problems +=
          fmt::format("error: zone {}: {}\n", zone.name.text(), text.error().message);
    } else {
      Diagnostics diagnostics(path, *text);
      source.contents = zones::parse_zone_file(*text, zone.name, diagnostics);
      if (source.contents) zones::check_services(*source.contents, config.services, diagnostics);
      if (diagnostics.has_errors()) source.contents = nullptr;
      loaded.problems += diagnostics.text();
    }
    if (!source.contents) loaded.failed.push_back(zone.name.text());
    loaded.zones.push_back(std::move(source));
  }
  return loaded;
}

}  // namespace swingover::server
