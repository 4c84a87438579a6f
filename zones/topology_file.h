#pragma once

#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "zones/topology.h"

namespace swingover {

template <>
struct Form<zones::Coordinates> {
  static constexpr std::string_view noun = "a latitude and a longitude such as [50.11, 8.68]";
  static constexpr std::string_view plural = "pairs of a latitude and a longitude";
  static constexpr bool in_quotes = false;
  static Result<zones::Coordinates> read(const TomlValue& value, NoLimits);
  static std::string text(const zones::Coordinates& value);
};

template <>
struct Form<zones::CountryCode> {
  static constexpr std::string_view noun = R"(a country code such as "DE", or "DE-HE")";
  static constexpr std::string_view plural = R"(country codes such as "DE", or "DE-HE")";
  static constexpr bool in_quotes = true;
  static Result<zones::CountryCode> read(const TomlValue& value, NoLimits);
  static std::string text(const zones::CountryCode& value) { return value.text; }
};

}  // namespace swingover

namespace swingover::zones {

struct RegionOptions {
  std::string name;
};

/// A [[cluster]] as written; Cluster has places for names.
struct ClusterOptions {
  std::string name;
  std::vector<std::string> localities;
  std::optional<double> capacity;
  std::vector<IpAddress> addresses;
  std::vector<std::string> monitors;
  std::vector<std::string> voting_monitors{};
  std::vector<std::string> observing_monitors{};
  std::optional<Portion> min_healthy{};
  std::optional<Portion> min_healthy_ipv4{};
  std::optional<Portion> min_healthy_ipv6{};
  std::optional<Portion> min_healthy_up{};
  std::string load_url{};
  std::string load_metric{};
  std::string load_json{};
  Milliseconds load_interval{10'000};
  bool load_tls_verify = true;
  std::string load_tls_ca_file{};
};

inline constexpr std::tuple region_options{
    option("name", &RegionOptions::name, LabelOnly{}, "what localities call it").required(),
};

inline constexpr std::tuple locality_options{
    option("name", &Locality::name, LabelOnly{}, "what clusters call it").required(),
    option("region", &Locality::region, "the [[region]] that it is in")
        .by_default("none: near nothing but itself"),
    option("clients", &Locality::clients,
           "the networks of the clients who live there; the longest prefix wins"),
    option("coordinates", &Locality::coordinates, "where on Earth it is: latitude and longitude")
        .by_default("not known"),
    option("asns", &Locality::asns, 1U, UINT32_MAX,
           "the autonomous systems whose clients live there, as far as a database knows them"),
    option("countries", &Locality::countries,
           "the countries whose clients live there, or parts of them such as \"DE-HE\"; of several "
           "localities with one country the nearest by `coordinates`, else the first"),
};

inline constexpr std::tuple cluster_options{
    option("name", &ClusterOptions::name, LabelOnly{},
           "what pools call it, and a label in `NAME.on.SERVICE`")
        .required(),
    option("localities", &ClusterOptions::localities,
           "where it runs; needed by the policy `local`"),
    option("capacity", &ClusterOptions::capacity, 0.0, 1e15,
           "what it can carry, in the services' unit of load")
        .by_default("unlimited"),
    option("addresses", &ClusterOptions::addresses,
           "its ingress: the endpoints of pools that name none of their own"),
    option("monitors", &ClusterOptions::monitors,
           "the cluster is up while each of these passes at one of its addresses at least"),
    option("voting_monitors", &ClusterOptions::voting_monitors,
           "the cluster is down when more than half of these fail at all of its addresses"),
    option("observing_monitors", &ClusterOptions::observing_monitors,
           "probed at its addresses and shown, never counted"),
    option("min_healthy", &ClusterOptions::min_healthy,
           "the cluster is down when fewer endpoints, of all services in it, are healthy")
        .by_default("no such bound"),
    option("min_healthy_ipv4", &ClusterOptions::min_healthy_ipv4,
           "the same, of its IPv4 endpoints alone")
        .by_default("no such bound"),
    option("min_healthy_ipv6", &ClusterOptions::min_healthy_ipv6,
           "the same, of its IPv6 endpoints alone")
        .by_default("no such bound"),
    option("min_healthy_up", &ClusterOptions::min_healthy_up,
           "once it fell below `min_healthy`, the cluster is up again from so many on")
        .by_default("`min_healthy`"),
    option("load_url", &ClusterOptions::load_url,
           "an http or https page that says what the cluster carries, read each `load_interval`; "
           "clusters that report by themselves need none")
        .by_default("none"),
    option("load_metric", &ClusterOptions::load_metric,
           "the page is in Prometheus text format, and this is its load: a metric, or one with "
           "labels such as `requests_total{job=\"shop\"}`; counters become rates, a label "
           "`service` says of which service a sample is")
        .by_default("none: `load_json`"),
    option("load_json", &ClusterOptions::load_json,
           "the page is JSON, and this points to its load (RFC 6901, `/data/rps`): a number, or an "
           "object of services and numbers")
        .by_default("the whole page, without `load_metric`"),
    option("load_interval", &ClusterOptions::load_interval, Milliseconds(1'000),
           Milliseconds(300'000), "from one look at `load_url` to the next"),
    option("load_tls_verify", &ClusterOptions::load_tls_verify,
           "an https `load_url` must show a certificate of its name that is trusted"),
    option("load_tls_ca_file", &ClusterOptions::load_tls_ca_file,
           "PEM file of the authorities that it trusts; relative to the config file")
        .by_default("the system's"),
};

/// The `[[region]]`, `[[locality]]`, `[[cluster]]` and `[[distance]]` tables of `document`. Every problem goes to `diagnostics`;
/// what has a name is kept all the same, so that references to it are no further problems.
Topology parse_topology(const TomlDocument& document, std::span<const std::string> monitors,
                        Diagnostics& diagnostics);

}  // namespace swingover::zones
