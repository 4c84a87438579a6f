#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "server/config.h"
#include "zones/source_map_file.h"

namespace swingover::server {

namespace {

using zones::ClientMap;
using zones::ClientSources;

class Loader {
 public:
  Loader(const Config& config, const ClientSources* previous, LoadedClients& out)
      : config_(config), previous_(previous), out_(out) {}

  void load_map(const std::string& name) {
    ClientMap map{.file = path_beside(config_.file, name)};
    const auto text = read_file(map.file, zones::SourceMapFile::size_max);
    if (!text) {
      out_.problems += fmt::format("error: client map: {}\n", text.error().message);
      out_.failed.push_back(map.file);
      return;
    }
    map.text = zones::digest_of(*text);
    Diagnostics diagnostics = Diagnostics::of_kept(map.file, *text);
    map.rules = unchanged(map);
    if (!map.rules) map.rules = zones::parse_source_map(*text, diagnostics);
    if (map.rules) {
      zones::check_names(*map.rules, config_.topology, diagnostics);
      zones::check_against(*map.rules, config_.topology, diagnostics);
      for (const ClientMap& other : out_.sources.maps)
        zones::check_against(*map.rules, *other.rules, other.file, diagnostics);
    }
    out_.problems += diagnostics.text();
    if (diagnostics.has_errors()) {
      out_.failed.push_back(map.file);
    } else {
      out_.sources.maps.push_back(std::move(map));
    }
  }

  /// Whether the previous generation was made of the same.
  bool is_same(const zones::Topology& before) const {
    const auto same_file = [](const auto& a, const auto& b) {
      return a.file == b.file && a.text == b.text;
    };
    return previous_ && before.localities == config_.topology.localities &&
           std::ranges::equal(previous_->maps, out_.sources.maps, same_file);
  }

  void compile() {
    std::vector<const zones::SourceMapFile*> files;
    for (const ClientMap& map : out_.sources.maps) files.push_back(map.rules.get());
    out_.sources.map = zones::SourceMap(zones::listed_clients(config_.topology, files));
  }

 private:
  std::shared_ptr<const zones::SourceMapFile> unchanged(const ClientMap& map) const {
    if (!previous_) return nullptr;
    const auto before = std::ranges::find(previous_->maps, map.file, &ClientMap::file);
    const bool is_same = before != previous_->maps.end() && before->text == map.text;
    return is_same ? before->rules : nullptr;
  }

  const Config& config_;
  const ClientSources* previous_;
  LoadedClients& out_;
};

}  // namespace

LoadedClients load_clients(const Config& config, const zones::Snapshot* previous) {
  LoadedClients loaded;
  const zones::Model* before = previous ? previous->model.get() : nullptr;
  Loader loader(config, before && before->clients ? &*before->clients : nullptr, loaded);
  for (const std::string& name : config.clients.maps) loader.load_map(name);
  if (before && loader.is_same(before->topology)) {
    loaded.sources.map = before->clients->map;
  } else {
    loader.compile();
  }
  return loaded;
}

}  // namespace swingover::server
