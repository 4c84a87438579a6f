#include "zones/topology.h"

namespace swingover::zones {

Nearness Topology::nearness(LocalityId client, ClusterId cluster) const {
  if (client == no_locality) return Nearness::anywhere;
  const std::string& region = localities[client.value].region;
  Nearness nearest = Nearness::anywhere;
  for (const LocalityId id : clusters[cluster.value].localities) {
    if (id == client) return Nearness::same_locality;
    if (!region.empty() && localities[id.value].region == region) nearest = Nearness::same_region;
  }
  return nearest;
}

}  // namespace swingover::zones
