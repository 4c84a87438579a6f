#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/portion.h"
#include "base/units.h"
#include "zones/coordinates.h"

namespace swingover::zones {

/// Where `choose` looks first, next, last, in words; what orders it is the cost. `near`: not in the region, but
/// declared to cost less than anywhere, or within `near_km`.
enum class Nearness : uint8_t { same_locality, same_region, near, anywhere };

/// "DE", or a part of a country: "DE-HE" (ISO 3166).
struct CountryCode {
  std::string text;
  friend bool operator==(const CountryCode&, const CountryCode&) = default;
};

struct Locality {
  std::string name;
  std::string region;  // empty: in none, near nothing but itself
  std::vector<IpPrefix> clients;
  std::optional<Coordinates> coordinates{};
  // Whose clients live there as far as databases know; see Geography.
  std::vector<uint32_t> asns{};
  std::vector<CountryCode> countries{};

  friend bool operator==(const Locality&, const Locality&) = default;
};

/// A locality or a region, by name.
struct Place {
  bool is_region = false;
  std::string name;
  friend auto operator<=>(const Place&, const Place&) = default;
};

/// What was declared of the way from clients to where they are served. Each that is absent is found otherwise.
struct Distance {
  Place from;
  Place to;
  std::optional<double> cost;   // of a unit of load
  std::optional<double> price;  // money for a GB
};

/// What a unit of load costs by nearness, where no distance is declared; in the same locality 0.
struct DistanceCosts {
  double same_region = 2;
  double near = 5;
  double anywhere = 8;
  double near_km = 1'000;  // between localities that are near
};

/// How many members of a group must be healthy, lest the group is down as a whole. Each that is absent asks nothing.
struct MinHealthy {
  std::optional<Portion> all;
  std::optional<Portion> ipv4;  // of those with an IPv4 address
  std::optional<Portion> ipv6;
  std::optional<Portion> all_up;  // up again from here, after `all` was missed; absent: from `all`

  bool asks_nothing() const { return !all && !ipv4 && !ipv6; }
  friend bool operator==(const MinHealthy&, const MinHealthy&) = default;
};

/// Where a cluster is asked for its load.
struct LoadSource {
  std::string url;     // empty: nowhere, it reports or nobody knows
  std::string metric;  // of a page in Prometheus text format; else
  std::string json;    // a JSON pointer
  Milliseconds interval{10'000};
  bool tls_verify = true;
  std::string tls_ca_file;  // PEM; empty: the system's
  friend bool operator==(const LoadSource&, const LoadSource&) = default;
};

struct Cluster {
  std::string name;
  std::vector<LocalityId> localities;
  std::optional<double> capacity;              // in the services' unit of load; absent = unlimited
  std::vector<IpAddress> addresses;            // its ingress
  std::vector<std::string> monitors;           // names; the cluster is up while these pass
  std::vector<std::string> voting_monitors{};  // down when more than half of them are
  std::vector<std::string> observing_monitors{};  // shown, never counted
  MinHealthy min_healthy{};                       // of the endpoints of all services in it
  LoadSource load{};
};

/// Regions, localities and clusters as configured; ids are places in these vectors. Control path.
struct Topology {
  std::vector<std::string> regions;
  std::vector<Locality> localities;
  std::vector<Cluster> clusters;
  std::vector<Distance> distances{};  // sorted by from, to; each pair once
  DistanceCosts costs{};

  /// The way from a client to the cheapest of the cluster's localities; between equals the lower price, then the
  /// nearer one in words. Clients of no_locality and clusters without localities: anywhere.
  ///
  /// Cost   0 in the client's own locality; else the declared distance (locality to locality, then locality to
  ///        region, region to locality, region to region; each the other way round too, unless that way is declared
  ///        itself); else by region; else by coordinates; else anywhere.
  /// Price  The declared one, found likewise; else 0.
  struct Way {
    double cost = 0;   // of a unit of load
    double price = 0;  // money for a GB
    Nearness nearness = Nearness::anywhere;
    friend auto operator<=>(const Way&, const Way&) = default;
  };
  Way way(LocalityId client, ClusterId cluster) const;
  double cost(LocalityId client, ClusterId cluster) const { return way(client, cluster).cost; }
  double price(LocalityId client, ClusterId cluster) const { return way(client, cluster).price; }
  Nearness nearness(LocalityId client, ClusterId cluster) const {
    return way(client, cluster).nearness;
  }
};

}  // namespace swingover::zones
