#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/files.h"
#include "server/config.h"
#include "zones/zone_file.h"

namespace swingover::server {

namespace {

/// The services that the zone answers: those inside it, but for what a nested zone of this server takes over.
std::vector<zones::Service> services_of(const ZoneOptions& zone, const Config& config) {
  std::vector<zones::Service> own;
  for (const zones::Service& service : config.services) {
    const auto is_closer = [&](const ZoneOptions& other) {
      return other.name.labels() > zone.name.labels() && service.name.is_at_or_below(other.name);
    };
    if (service.name.is_at_or_below(zone.name) &&
        std::none_of(config.zones.begin(), config.zones.end(), is_closer)) {
      own.push_back(service);
    }
  }
  return own;
}

bool was_signed(const zones::Snapshot& previous, const zones::Name& apex) {
  const zones::ZoneTree::Entry* entry = previous.zones.entry_of(apex);
  return entry && entry->signing;
}

/// Parses the text, or finds that it gave what `previous` has; what people should know is in the source's warnings.
void load_text(const std::string& path, const std::string& text, bool is_signed,
               const std::vector<zones::Service>& services, const zones::Snapshot* previous,
               zones::ZoneSource& source) {
  source.text = zones::digest_of(text);
  // What may stand in a file before its zone is signed may not do so afterwards.
  const bool is_checked = !is_signed || (previous && was_signed(*previous, source.apex));
  if (previous && is_checked) source.unchanged = zones::unchanged_zone(*previous, source, services);
  if (source.unchanged) {
    const auto& before = previous->model->zones;
    source.warnings = std::ranges::find(before, source.apex, &zones::ZoneSource::apex)->warnings;
    return;
  }
  Diagnostics diagnostics = Diagnostics::of_kept(path, text);
  source.contents = zones::parse_zone_file(text, source.apex, diagnostics, services);
  if (source.contents) zones::check_services(*source.contents, services, diagnostics);
  if (source.contents && is_signed) zones::check_unsigned(*source.contents, diagnostics);
  if (diagnostics.has_errors()) source.contents = nullptr;
  source.warnings = diagnostics.text();
}

}  // namespace

LoadedZones load_zones(const Config& config, const zones::Snapshot* previous, Files& files) {
  LoadedZones loaded;
  for (const ZoneOptions& zone : config.zones) {
    const std::string path = path_beside(config.file, zone.file);
    const auto text = files.read(path);
    zones::ZoneSource source{.apex = zone.name, .transfer = {zone.transfer_view, zone.secondaries}};
    if (!text) {
      loaded.problems +=
          at_key(config, zone.file_at) +
          fmt::format("error: zone {}: {}\n", zone.name.text(), text.error().message);
    } else {
      load_text(path, *text, zone.dnssec.has_value(), services_of(zone, config), previous, source);
      loaded.problems += source.warnings;
    }
    if (!source.contents && !source.unchanged) loaded.failed.push_back(zone.name.text());
    loaded.zones.push_back(std::move(source));
  }
  return loaded;
}

}  // namespace swingover::server
