#include "zones/topology.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <tuple>
#include <utility>

namespace swingover::zones {
namespace {

struct PlaceView {
  bool is_region;
  std::string_view name;
};

using Key = std::tuple<bool, std::string_view, bool, std::string_view>;

template <class T>
std::optional<T> declared(const Topology& topology, const PlaceView& from, const PlaceView& to,
                          std::optional<T> Distance::*field) {
  const auto find = [&](const PlaceView& a, const PlaceView& b) -> std::optional<T> {
    const Key key{a.is_region, a.name, b.is_region, b.name};
    const auto key_of = [](const Distance& d) {
      return Key{d.from.is_region, d.from.name, d.to.is_region, d.to.name};
    };
    const auto found = std::ranges::lower_bound(topology.distances, key, {}, key_of);
    if (found == topology.distances.end() || key_of(*found) != key) return std::nullopt;
    return *found.*field;
  };
  if (const auto there = find(from, to)) return there;
  return find(to, from);
}

/// The most precise declaration comes first.
template <class T>
std::optional<T> declared(const Topology& topology, const Locality& from, const Locality& to,
                          std::optional<T> Distance::*field) {
  const PlaceView from_locality{false, from.name};
  const PlaceView to_locality{false, to.name};
  const PlaceView from_region{true, from.region};
  const PlaceView to_region{true, to.region};
  for (const auto& [a, b] : {std::pair{from_locality, to_locality},
                             {from_locality, to_region},
                             {from_region, to_locality},
                             {from_region, to_region}}) {
    if (a.name.empty() || b.name.empty()) continue;  // in no region
    if (const auto found = declared(topology, a, b, field)) return found;
  }
  return std::nullopt;
}

bool is_near(const Topology& topology, const Locality& from, const Locality& to) {
  return from.coordinates && to.coordinates &&
         kilometres_between(*from.coordinates, *to.coordinates) <= topology.costs.near_km;
}

Topology::Way way_between(const Topology& topology, LocalityId client, LocalityId server) {
  const Locality& from = topology.localities[client.value];
  const Locality& to = topology.localities[server.value];
  const DistanceCosts& costs = topology.costs;
  Topology::Way way{.price = declared(topology, from, to, &Distance::price).value_or(0)};
  if (client == server) {
    way.nearness = Nearness::same_locality;
    return way;
  }
  const auto cost = declared(topology, from, to, &Distance::cost);
  if (!from.region.empty() && from.region == to.region) {
    way.nearness = Nearness::same_region;
    way.cost = cost.value_or(costs.same_region);
  } else if (cost ? *cost < costs.anywhere : is_near(topology, from, to)) {
    way.nearness = Nearness::near;
    way.cost = cost.value_or(costs.near);
  } else {
    way.cost = cost.value_or(costs.anywhere);
  }
  return way;
}

}  // namespace

Topology::Way Topology::way(LocalityId client, ClusterId cluster) const {
  const Way anywhere{.cost = costs.anywhere};
  const std::vector<LocalityId>& servers = clusters[cluster.value].localities;
  if (client == no_locality || servers.empty()) return anywhere;
  Way best = way_between(*this, client, servers.front());
  for (const LocalityId server : servers) best = std::min(best, way_between(*this, client, server));
  return best;
}

}  // namespace swingover::zones
