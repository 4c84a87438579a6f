#include "zones/distance_file.h"

#include <fmt/format.h>
#include <algorithm>

#include "base/text.h"
#include "base/toml_tables.h"

namespace swingover::zones {
namespace {

struct KnownPlaces {
  std::vector<std::string> localities;
  std::vector<std::string> regions;

  bool is_locality(const std::string& name) const {
    return std::ranges::count(localities, name) > 0;
  }
  bool is_region(const std::string& name) const { return std::ranges::count(regions, name) > 0; }
};

void check_place(const TomlValue& table, std::string_view key, const std::string& name,
                 const KnownPlaces& known, Diagnostics& diagnostics) {
  const TomlMember* member = table.find(key);
  if (!member || name.empty()) return;
  if (known.is_locality(name) && known.is_region(name)) {
    diagnostics.error(member->value.at,
                      fmt::format("{} is a [[locality]] and a [[region]]: rename one of them",
                                  toml_quoted(name)));
  } else if (!known.is_locality(name) && !known.is_region(name)) {
    std::vector<std::string> all = known.localities;
    all.insert(all.end(), known.regions.begin(), known.regions.end());
    std::string message =
        fmt::format("no [[locality]] and no [[region]] is named {}", toml_quoted(name));
    if (const auto near = nearest_word(name, all))
      message += fmt::format("; did you mean {}?", toml_quoted(*near));
    diagnostics.error(member->value.at, std::move(message));
  }
}

}  // namespace

std::vector<Distance> parse_distances(const TomlDocument& document, Diagnostics& diagnostics) {
  const KnownPlaces known{names_in(document.root, "locality"), names_in(document.root, "region")};
  UniqueNames pairs("the [[distance]]", diagnostics);
  std::vector<Distance> distances;
  for (const TomlValue* table : tables_of(document.root, "distance")) {
    DistanceOptions options;
    read_options(*table, distance_options, options,
                 {.header = "[[distance]]", .complete = document.complete}, diagnostics);
    if (document.complete) {
      check_place(*table, "from", options.from, known, diagnostics);
      check_place(*table, "to", options.to, known, diagnostics);
    }
    if (options.from.empty() || options.to.empty()) continue;
    const std::string pair = options.from + " to " + options.to;
    if (!pairs.add(pair, pair, table->position_of("from"))) continue;
    if (document.complete && !table->find("cost") && !table->find("price"))
      diagnostics.error(table->at, R"([[distance]] needs "cost", "price" or both)");
    const bool from_region = known.is_region(options.from);
    if (options.from == options.to && !from_region && options.cost) {
      diagnostics.error(
          table->position_of("cost"),
          fmt::format("inside the locality {} nothing costs", toml_quoted(options.from)));
    }
    distances.push_back({.from = {from_region, std::move(options.from)},
                         .to = {known.is_region(options.to), options.to},
                         .cost = options.cost,
                         .price = options.price});
  }
  std::ranges::sort(distances, {}, [](const Distance& d) { return std::tie(d.from, d.to); });
  return distances;
}

}  // namespace swingover::zones
