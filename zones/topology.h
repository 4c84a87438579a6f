#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/portion.h"
#include "base/units.h"

namespace swingover::zones {

/// Where `choose` looks first, next, last.
enum class Nearness : uint8_t { same_locality, same_region, anywhere };

struct Locality {
  std::string name;
  std::string region;  // empty: in none, near nothing but itself
  std::vector<IpPrefix> clients;
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

struct Cluster {
  std::string name;
  std::vector<LocalityId> localities;
  std::optional<double> capacity;              // in the services' unit of load; absent = unlimited
  std::vector<IpAddress> addresses;            // its ingress
  std::vector<std::string> monitors;           // names; the cluster is up while these pass
  std::vector<std::string> voting_monitors{};  // down when more than half of them are
  std::vector<std::string> observing_monitors{};  // shown, never counted
  MinHealthy min_healthy{};                       // of the endpoints of all services in it
};

/// Regions, localities and clusters as configured; ids are places in these vectors. Control path.
struct Topology {
  std::vector<std::string> regions;
  std::vector<Locality> localities;
  std::vector<Cluster> clusters;

  /// The nearest of the cluster's localities to `client`; `anywhere` for no_locality.
  Nearness nearness(LocalityId client, ClusterId cluster) const;
};

}  // namespace swingover::zones
