#include "zones/topology_file.h"

#include <fmt/format.h>
#include <algorithm>
#include <set>

#include "base/text.h"
#include "base/toml_tables.h"
#include "zones/distance_file.h"
#include "zones/group_file.h"

namespace swingover {

Result<zones::Coordinates> Form<zones::Coordinates>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::array || value.items.size() != 2) return must_be(noun, value);
  const auto latitude = Form<double>::read(value.items[0], {-90, 90});
  if (!latitude) return must_be(noun, value, "the latitude " + latitude.error().message);
  const auto longitude = Form<double>::read(value.items[1], {-180, 180});
  if (!longitude) return must_be(noun, value, "the longitude " + longitude.error().message);
  return zones::Coordinates{*latitude, *longitude};
}

std::string Form<zones::Coordinates>::text(const zones::Coordinates& value) {
  return fmt::format("[{}, {}]", Form<double>::text(value.latitude),
                     Form<double>::text(value.longitude));
}

Result<zones::CountryCode> Form<zones::CountryCode>::read(const TomlValue& value, NoLimits) {
  if (value.kind != TomlValue::Kind::text) return must_be(noun, value);
  const std::string_view text = value.text;
  const auto is_upper = [](char c) { return c >= 'A' && c <= 'Z'; };
  const auto is_part = [&](char c) { return is_upper(c) || (c >= '0' && c <= '9'); };
  const std::string_view part = text.size() > 3 ? text.substr(3) : std::string_view();
  const bool is_whole = text.size() == 2;
  const bool has_part = text.size() > 3 && text.size() <= 6 && text[2] == '-';
  if ((!is_whole && !has_part) || !std::ranges::all_of(text.substr(0, 2), is_upper) ||
      !std::ranges::all_of(part, is_part)) {
    return must_be(noun, value);
  }
  return zones::CountryCode{value.text};
}

}  // namespace swingover

namespace swingover::zones {
namespace {

void parse_regions(const TomlDocument& document, Topology& topology, Diagnostics& diagnostics) {
  UniqueNames names("the name of the [[region]]", diagnostics);
  for (const TomlValue* table : tables_of(document.root, "region")) {
    RegionOptions region;
    read_options(*table, region_options, region,
                 {.header = "[[region]]", .complete = document.complete}, diagnostics);
    if (!region.name.empty() &&
        names.add(lower(region.name), region.name, table->position_of("name"))) {
      topology.regions.push_back(std::move(region.name));
    }
  }
}

/// A client network belongs to one locality.
void check_clients(const TomlValue& table, UniqueNames& prefixes) {
  const TomlMember* clients = table.find("clients");
  if (!clients) return;
  std::set<IpPrefix> own;
  for (const TomlValue& item : clients->value.items) {
    const auto prefix = Form<IpPrefix>::read(item, {});
    if (!prefix || !own.insert(*prefix).second) continue;  // read_options has said so
    prefixes.add(prefix->text(), prefix->text(), item.at);
  }
}

void parse_localities(const TomlDocument& document, Topology& topology, Diagnostics& diagnostics) {
  UniqueNames names("the name of the [[locality]]", diagnostics);
  UniqueNames prefixes("the client network", diagnostics);
  UniqueNames asns("the autonomous system", diagnostics);
  const std::vector<std::string> regions = names_in(document.root, "region");
  for (const TomlValue* table : tables_of(document.root, "locality")) {
    Locality locality;
    read_options(*table, locality_options, locality,
                 {.header = "[[locality]]", .complete = document.complete}, diagnostics);
    if (document.complete) check_references(*table, "region", regions, "[[region]]", diagnostics);
    check_clients(*table, prefixes);
    for (const uint32_t asn : locality.asns)
      asns.add(std::to_string(asn), std::to_string(asn), table->position_of("asns"));
    if (!locality.name.empty() &&
        names.add(lower(locality.name), locality.name, table->position_of("name"))) {
      topology.localities.push_back(std::move(locality));
    }
  }
}

/// A cluster that reports itself is not looked at.
bool is_push(const TomlValue& root, const std::string& monitor) {
  const TomlValue* table = table_named(root, "monitor", monitor);
  const TomlMember* kind = table ? table->find("kind") : nullptr;
  return kind && kind->value.text == "push";
}

void check_cluster(const TomlDocument& document, const TomlValue& table,
                   const ClusterOptions& cluster, Diagnostics& diagnostics) {
  const auto need_addresses = [&](std::string_view key, const std::vector<std::string>& monitors) {
    if (!document.complete || table.find("addresses")) return;
    const auto is_told = [&](const std::string& name) { return is_push(document.root, name); };
    if (std::ranges::all_of(monitors, is_told)) return;
    diagnostics.error(table.position_of(key),
                      fmt::format(R"([[cluster]] with {} needs "addresses", at which they look)",
                                  toml_quoted(key)));
  };
  need_addresses("monitors", cluster.monitors);
  need_addresses("voting_monitors", cluster.voting_monitors);
  need_addresses("observing_monitors", cluster.observing_monitors);
  for (const std::string_view key :
       {"load_metric", "load_json", "load_interval", "load_tls_verify", "load_tls_ca_file"}) {
    if (table.find(key) && !table.find("load_url"))
      diagnostics.error(table.position_of(key),
                        fmt::format(R"([[cluster]] with {} needs "load_url")", toml_quoted(key)));
  }
  if (!cluster.load_metric.empty() && !cluster.load_json.empty())
    diagnostics.error(table.position_of("load_json"),
                      R"("load_metric" or "load_json": the page is of one kind)");
  if (!cluster.load_json.empty() && !cluster.load_json.starts_with('/'))
    diagnostics.error(table.position_of("load_json"),
                      R"(a JSON pointer begins with a slash, such as "/data/rps")");
  const TomlMember* addresses = table.find("addresses");
  if (!addresses) return;
  for (const TomlValue& item : addresses->value.items) {
    const auto address = Form<IpAddress>::read(item, {});
    if (!address) continue;
    if (address->is_any()) {
      diagnostics.error(item.at, address->text() + " is no address that a client can reach");
    } else if (address->unmapped() != *address) {
      diagnostics.error(item.at, fmt::format("write {} as {}", address->text(),
                                             toml_quoted(address->unmapped().text())));
    }
  }
}

void parse_clusters(const TomlDocument& document, std::span<const std::string> monitors,
                    Topology& topology, Diagnostics& diagnostics) {
  UniqueNames names("the name of the [[cluster]]", diagnostics);
  const std::vector<std::string> localities = names_in(document.root, "locality");
  for (const TomlValue* table : tables_of(document.root, "cluster")) {
    ClusterOptions options;
    read_options(*table, cluster_options, options,
                 {.header = "[[cluster]]", .complete = document.complete}, diagnostics);
    if (document.complete) {
      check_references(*table, "localities", localities, "[[locality]]", diagnostics);
      check_monitor_lists(*table, monitors, diagnostics);
    }
    check_cluster(document, *table, options, diagnostics);
    // The name becomes a label of CLUSTER.on.SERVICE, and those are blind to case.
    if (options.name.empty() ||
        !names.add(lower(options.name), options.name, table->position_of("name")))
      continue;
    Cluster cluster{.name = std::move(options.name),
                    .localities = {},
                    .capacity = options.capacity,
                    .addresses = std::move(options.addresses),
                    .monitors = std::move(options.monitors),
                    .voting_monitors = std::move(options.voting_monitors),
                    .observing_monitors = std::move(options.observing_monitors),
                    .min_healthy = {.all = options.min_healthy,
                                    .ipv4 = options.min_healthy_ipv4,
                                    .ipv6 = options.min_healthy_ipv6,
                                    .all_up = options.min_healthy_up},
                    .load = {.url = std::move(options.load_url),
                             .metric = std::move(options.load_metric),
                             .json = std::move(options.load_json),
                             .interval = options.load_interval,
                             .tls_verify = options.load_tls_verify,
                             .tls_ca_file = std::move(options.load_tls_ca_file)}};
    for (const std::string& name : options.localities) {
      const auto found = std::ranges::find(topology.localities, name, &Locality::name);
      if (found == topology.localities.end()) continue;
      cluster.localities.emplace_back(static_cast<uint32_t>(found - topology.localities.begin()));
    }
    topology.clusters.push_back(std::move(cluster));
  }
}

}  // namespace

Topology parse_topology(const TomlDocument& document, std::span<const std::string> monitors,
                        Diagnostics& diagnostics) {
  Topology topology;
  parse_regions(document, topology, diagnostics);
  parse_localities(document, topology, diagnostics);
  parse_clusters(document, monitors, topology, diagnostics);
  topology.distances = parse_distances(document, diagnostics);
  return topology;
}

}  // namespace swingover::zones
