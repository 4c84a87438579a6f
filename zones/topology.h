#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/units.h"

namespace swingover::zones {

/// Where `choose` looks first, next, last.
enum class Nearness : uint8_t { same_locality, same_region, anywhere };

struct Locality {
  std::string name;
  std::string region;  // empty: in none, near nothing but itself
  std::vector<IpPrefix> clients;
};

struct Cluster {
  std::string name;
  std::vector<LocalityId> localities;
  std::optional<double> capacity;     // in the services' unit of load; absent = unlimited
  std::vector<IpAddress> addresses;   // its ingress
  std::vector<std::string> monitors;  // names; the cluster is up while these pass
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
