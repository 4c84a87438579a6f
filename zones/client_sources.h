#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "zones/source_map.h"
#include "zones/source_map_file.h"
#include "zones/text_digest.h"

namespace swingover::zones {

/// A file of `[clients] maps`. Without rules: it could not be read.
struct ClientMap {
  std::string file;
  std::optional<TextDigest> text{};
  std::shared_ptr<const SourceMapFile> rules{};
};

/// What a generation knows of where clients are, kept so that the next one reads again only what changed.
struct ClientSources {
  std::vector<ClientMap> maps;
  SourceMap map;  // all of it, with what the topology lists
};

}  // namespace swingover::zones
