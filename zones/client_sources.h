#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zones/geo_database.h"
#include "zones/source_map.h"
#include "zones/source_map_file.h"
#include "zones/text_digest.h"

namespace swingover::zones {

/// A file of `[clients] maps`.
struct ClientMap {
  std::string file;
  TextDigest text;
  std::shared_ptr<const SourceMapFile> rules{};
};

/// A file of `[clients] databases`, compiled for one geography.
struct ClientDatabase {
  std::string file;
  TextDigest text;
  std::shared_ptr<const GeoMap> map{};
};

/// What a generation knows of where clients are, kept so that the next one reads again only what changed.
struct ClientSources {
  std::vector<ClientMap> maps;
  std::vector<ClientDatabase> databases;
  SourceMap map;  // all of it, with what the topology lists
};

/// Of one address what was listed counts, then what the databases say: by ASN, by country, by coordinates, in each of
/// these the first that says something. Control path; O(ranges of all).
SourceMap compile_sources(const Topology& topology, const ClientSources& sources);

}  // namespace swingover::zones
