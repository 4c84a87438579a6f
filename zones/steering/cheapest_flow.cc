#include "zones/steering/cheapest_flow.h"

#include <algorithm>

#include "zones/steering/path_move.h"

namespace swingover::steering {

namespace {

constexpr int rounds_max = 4;

}  // namespace

void CheapestFlow::solve(Transport& transport, const std::vector<double>& rooms) {
  const size_t clusters = transport.clusters;
  place_cheapest(transport);
  steps_.begin(transport);
  potentials_.assign(clusters, 0);
  farthest_ = 0;
  for (int round = 0; round < rounds_max && find_excess(transport, rooms); ++round) {
    for (size_t to = find_room(clusters); to != none; to = find_room(clusters)) {
      const int64_t distance = distances_[to];
      for (size_t j = 0; j < clusters; ++j) potentials_[j] += std::min(distances_[j], distance);
      farthest_ += distance;
      move_to(transport, to);
    }
  }
  prices_.resize(clusters);
  for (size_t j = 0; j < clusters; ++j) prices_[j] = farthest_ - potentials_[j];
  keep_cheapest_arcs(transport);
}

/// Sums up what is where. A huge demand that was first put on a tiny cluster and then taken away leaves its rounding
/// there, which shows only now. False when nobody has too much worth moving.
bool CheapestFlow::find_excess(Transport& transport, const std::vector<double>& rooms) {
  excess_.resize(transport.clusters);
  bool is_found = false;
  for (size_t j = 0; j < transport.clusters; ++j) {
    transport.loads[j] = 0;
    for (const double flow : transport.flows_to(j)) transport.loads[j] += flow;
    excess_[j] = transport.loads[j] - rooms[j] * (1 + slack);
    is_found |= excess_[j] > slack * rooms[j];
  }
  return is_found;
}

/// Equally cheap clusters take part by capacity, which leaves the least to move.
void CheapestFlow::place_cheapest(Transport& transport) {
  const size_t clusters = transport.clusters;
  std::ranges::fill(transport.flows, 0);
  for (size_t i = 0; i < transport.localities; ++i) {
    int64_t least = no_route;
    double capacity = 0;
    for (size_t j = 0; j < clusters; ++j) {
      const int64_t cost = transport.cost(i, j);
      if (cost < least) {
        least = cost;
        capacity = 0;
      }
      if (cost == least) capacity += transport.capacities[j];
    }
    for (size_t j = 0; j < clusters; ++j) {
      if (transport.cost(i, j) != least) continue;
      transport.flows_to(j)[i] = transport.demands[i] * (transport.capacities[j] / capacity);
    }
  }
}

/// The cheapest cluster to reach that has room, from all that have too much. Distances are over steps made
/// non-negative by the potentials; those of clusters that the search did not settle are no nearer than the found one.
/// Who has a price is full but for the rounding of a sum: that is no room.
size_t CheapestFlow::find_room(size_t clusters) {
  distances_.assign(clusters, no_route);
  parents_.assign(clusters, none);
  is_final_.assign(clusters, false);
  for (size_t j = 0; j < clusters; ++j) {
    if (excess_[j] <= 0) continue;
    distances_[j] = 0;
    parents_[j] = j;
  }
  while (true) {
    size_t from = none;
    for (size_t j = 0; j < clusters; ++j) {
      if (is_final_[j] || parents_[j] == none) continue;
      if (from == none || distances_[j] < distances_[from]) from = j;
    }
    if (from == none) return none;
    if (excess_[from] < 0 && potentials_[from] == farthest_) return from;
    is_final_[from] = true;
    const int64_t* steps = steps_.from(from);
    for (size_t to = 0; to < clusters; ++to) {
      if (is_final_[to] || steps[to] >= no_route / 2) continue;
      const int64_t distance = distances_[from] + steps[to] + potentials_[from] - potentials_[to];
      if (distance >= distances_[to]) continue;
      distances_[to] = distance;
      parents_[to] = from;
    }
  }
}

/// On a step of a cheapest path all localities move for which it costs the same.
void CheapestFlow::move_to(Transport& transport, size_t to) {
  moves_.clear();
  for (size_t at = to; parents_[at] != at; at = parents_[at])
    steps_.prepare(transport, parents_[at], at);
  move_along_path(
      transport, parents_, to, excess_,
      [&](size_t from, size_t next, const auto& visit) {
        steps_.for_each_mover(transport, from, next, visit);
      },
      [&](size_t locality, size_t from, size_t next) {
        moves_.push_back({locality, from, next});
      });
  steps_.follow(transport, moves_);
}

void CheapestFlow::keep_cheapest_arcs(Transport& transport) {
  for (size_t i = 0; i < transport.localities; ++i) {
    int64_t least = no_route;
    for (size_t j = 0; j < transport.clusters; ++j) {
      least = std::min(least, transport.cost(i, j) + prices_[j]);
    }
    transport.arcs.clear(i);
    for (size_t j = 0; j < transport.clusters; ++j) {
      if (transport.cost(i, j) + prices_[j] == least) transport.arcs.insert(i, j);
    }
  }
}

}  // namespace swingover::steering
