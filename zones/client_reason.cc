#include "zones/client_reason.h"

#include <fmt/format.h>

#include <optional>

namespace swingover::zones {
namespace {

/// The longest prefix that people listed around the address.
struct Listed {
  std::optional<IpPrefix> prefix;
  std::string where;

  void offer(const IpPrefix& other, const IpAddress& client, std::string_view from) {
    if (!other.contains(client) || (prefix && prefix->length >= other.length)) return;
    prefix = other;
    where = from;
  }
};

std::string database_reason(const ClientSources& sources, const IpAddress& client) {
  struct Way {
    LocalityId GeoDecision::*field;
    std::string_view words;
  };
  for (const Way& way :
       {Way{&GeoDecision::by_asn, "autonomous system"}, Way{&GeoDecision::by_country, "country"},
        Way{&GeoDecision::by_coordinates, "coordinates"}}) {
    for (const ClientDatabase& database : sources.databases) {
      const auto found = database.map->find(client).value;
      if (found && (*found).*way.field != no_locality)
        return fmt::format("by the client's {}, as {} has it", way.words, database.file);
    }
  }
  return {};
}

}  // namespace

std::string client_reason(const Model& model, const IpAddress& client) {
  const IpAddress address = client.unmapped();
  Listed listed;
  for (const Locality& locality : model.topology.localities) {
    for (const IpPrefix& prefix : locality.clients) listed.offer(prefix, address, "the config");
  }
  if (model.clients) {
    for (const ClientMap& map : model.clients->maps) {
      for (const SourceMapFile::Rule& rule : map.rules->rules)
        listed.offer(rule.prefix, address, map.file);
    }
  }
  if (listed.prefix) {
    return fmt::format("longest prefix that holds the client's address: {} in {}",
                       listed.prefix->text(), listed.where);
  }
  const std::string known = model.clients ? database_reason(*model.clients, address) : "";
  return known.empty() ? "nothing is known of this client's address" : known;
}

}  // namespace swingover::zones
