#include <fmt/format.h>

#include <algorithm>

#include "base/file.h"
#include "base/files.h"
#include "server/config.h"
#include "zones/source_map_file.h"

namespace swingover::server {

namespace {

using zones::ClientDatabase;
using zones::ClientMap;
using zones::ClientSources;

/// That of `before` if it is this file with this text; null if not.
template <class File>
const File* same_in(const std::vector<File>& before, const std::string& file,
                    const zones::TextDigest& text) {
  const auto found = std::ranges::find(before, file, &File::file);
  return found != before.end() && found->text == text ? &*found : nullptr;
}

class Loader {
 public:
  Loader(const Config& config, const zones::Model* previous, Files& files, LoadedClients& out)
      : config_(config), files_(files), out_(out), geography_(config.topology) {
    if (!previous || !previous->clients) return;
    previous_ = &*previous->clients;
    same_localities_ = previous->topology.localities == config.topology.localities;
    same_geography_ = zones::Geography(previous->topology) == geography_;
  }

  void load_map(const std::string& name, Position at) {
    const std::string file = path_beside(config_.file, name);
    const auto text = read(file, at, zones::SourceMapFile::size_max);
    if (!text) return;
    ClientMap map{.file = file, .text = zones::digest_of(*text)};
    const ClientMap* before = previous_ ? same_in(previous_->maps, file, map.text) : nullptr;
    Diagnostics diagnostics = Diagnostics::of_kept(file, *text);
    map.rules =
        before ? before->rules : zones::parse_source_map(*text, diagnostics, &config_.topology);
    if (map.rules) {
      zones::check_names(*map.rules, config_.topology, diagnostics);
      zones::check_against(*map.rules, config_.topology, diagnostics);
      for (const ClientMap& other : out_.sources.maps)
        zones::check_against(*map.rules, *other.rules, other.file, diagnostics);
    }
    out_.problems += diagnostics.text();
    if (diagnostics.has_errors()) {
      out_.failed.push_back(file);
    } else {
      out_.sources.maps.push_back(std::move(map));
    }
  }

  void load_database(const std::string& name, Position at) {
    const std::string file = path_beside(config_.file, name);
    const auto content = read(file, at, size_t{1} << 30);
    if (!content) return;
    ClientDatabase database{.file = file, .text = zones::digest_of(*content)};
    const ClientDatabase* before =
        previous_ && same_geography_ ? same_in(previous_->databases, file, database.text) : nullptr;
    if (before) {
      database.map = before->map;
    } else {
      auto map = zones::compile_geo_database(*content, geography_);
      if (!map) return fail(file, file + ": error: " + map.error().message);
      database.map = std::make_shared<const zones::GeoMap>(*std::move(map));
    }
    if (database.map->ranges() == 0) {
      out_.problems += fmt::format(
          R"({}: warning: nothing in it leads to a [[locality]]: see "asns", "countries" and "coordinates")"
          "\n",
          file);
    }
    out_.sources.databases.push_back(std::move(database));
  }

  void compile() {
    const auto is_same = [](const auto& a, const auto& b) {
      return a.file == b.file && a.text == b.text;
    };
    const ClientSources& now = out_.sources;
    const bool is_unchanged = previous_ && same_localities_ &&
                              std::ranges::equal(previous_->maps, now.maps, is_same) &&
                              std::ranges::equal(previous_->databases, now.databases, is_same);
    out_.sources.map =
        is_unchanged ? previous_->map : zones::compile_sources(config_.topology, now);
  }

 private:
  std::optional<std::string> read(const std::string& file, Position at, size_t size_max) {
    out_.files.push_back({file, stamp_of(file)});  // first: what changes from here on is seen
    if (files_.is_special(file)) {
      fail(file, at_key(config_, at) + fmt::format("error: clients: {} is no regular file", file));
      return std::nullopt;
    }
    auto text = files_.read(file, size_max);
    if (text) return *std::move(text);
    fail(file, at_key(config_, at) + "error: clients: " + text.error().message);
    return std::nullopt;
  }

  void fail(const std::string& file, const std::string& problem) {
    out_.problems += problem + "\n";
    out_.failed.push_back(file);
  }

  const Config& config_;
  Files& files_;
  LoadedClients& out_;
  const zones::Geography geography_;
  const ClientSources* previous_ = nullptr;
  bool same_localities_ = false;
  bool same_geography_ = false;
};

}  // namespace

LoadedClients load_clients(const Config& config, const zones::Snapshot* previous, Files& files) {
  LoadedClients loaded;
  Loader loader(config, previous ? previous->model.get() : nullptr, files, loaded);
  const ClientsOptions& clients = config.clients;
  for (size_t i = 0; i < clients.maps.size(); ++i)
    loader.load_map(clients.maps[i], clients.maps_at[i]);
  for (size_t i = 0; i < clients.databases.size(); ++i)
    loader.load_database(clients.databases[i], clients.databases_at[i]);
  loader.compile();
  return loaded;
}

}  // namespace swingover::server
