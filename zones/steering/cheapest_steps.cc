#include "zones/steering/cheapest_steps.h"

#include <algorithm>
#include <functional>

namespace swingover::steering {

void CheapestSteps::begin(const Transport& transport) {
  clusters_ = transport.clusters;
  costs_.assign(clusters_ * clusters_, no_route);
  nearest_.resize(clusters_ * clusters_);
  for (Nearest& nearest : nearest_) {
    nearest.is_known = false;
    nearest.wanted = kept;
  }
  is_stale_.assign(clusters_ * clusters_, false);
  for (size_t from = 0; from < clusters_; ++from) {
    int64_t* least = &costs_[from * clusters_];
    const auto flows = transport.flows_to(from);
    for (size_t i = 0; i < flows.size(); ++i) {
      if (flows[i] == 0) continue;
      const int64_t* costs = &transport.costs[i * clusters_];
      const int64_t now = costs[from];
      for (size_t to = 0; to < clusters_; ++to) least[to] = std::min(least[to], costs[to] - now);
    }
  }
}

void CheapestSteps::follow(const Transport& transport, const std::vector<Move>& moves) {
  for (const Move& move : moves) {
    gain(transport, move.to, move.locality);
    if (transport.flows_to(move.from)[move.locality] == 0)
      lose(transport, move.from, move.locality);
  }
  for (const size_t place : stale_) {
    is_stale_[place] = false;
    refresh(transport, place / clusters_, place % clusters_);
  }
  stale_.clear();
}

void CheapestSteps::gain(const Transport& transport, size_t cluster, size_t locality) {
  if (transport.flows_to(cluster)[locality] == 0) return;  // it has gone on at once
  const int64_t now = transport.cost(locality, cluster);
  for (size_t to = 0; to < clusters_; ++to) {
    const size_t place = cluster * clusters_ + to;
    const Key key{transport.cost(locality, to) - now, static_cast<uint32_t>(locality)};
    costs_[place] = std::min(costs_[place], key.cost);
    Nearest& nearest = nearest_[place];
    if (!nearest.is_known || transport.cost(locality, to) == no_route) continue;
    if (!nearest.is_whole && key > nearest.last) continue;
    const auto at = std::ranges::lower_bound(nearest.keys, key, std::greater{});
    if (at == nearest.keys.end() || *at != key) nearest.keys.insert(at, key);
    if (nearest.is_wide && key.cost < nearest.last.cost) nearest.is_wide = false;
  }
}

void CheapestSteps::lose(const Transport& transport, size_t cluster, size_t locality) {
  const int64_t now = transport.cost(locality, cluster);
  for (size_t to = 0; to < clusters_; ++to) {
    const size_t place = cluster * clusters_ + to;
    if (to == cluster || is_stale_[place]) continue;
    if (transport.cost(locality, to) - now != costs_[place]) continue;
    is_stale_[place] = true;
    stale_.push_back(place);
  }
}

void CheapestSteps::refresh(const Transport& transport, size_t from, size_t to) {
  const size_t place = from * clusters_ + to;
  Nearest& nearest = nearest_[place];
  const auto flows = transport.flows_to(from);
  if (nearest.is_known) {
    while (!nearest.keys.empty() && flows[nearest.keys.back().locality] == 0)
      nearest.keys.pop_back();
  }
  const bool is_enough =
      nearest.is_known && !nearest.is_wide &&
      (nearest.is_whole || (!nearest.keys.empty() && nearest.keys.back().cost < nearest.last.cost));
  if (!is_enough) look(transport, from, to);
  costs_[place] = nearest.keys.empty() ? no_route : nearest.keys.back().cost;
}

void CheapestSteps::look(const Transport& transport, size_t from, size_t to) {
  Nearest& nearest = nearest_[from * clusters_ + to];
  std::vector<Key>& keys = nearest.keys;
  keys.clear();
  const auto flows = transport.flows_to(from);
  for (size_t i = 0; i < flows.size(); ++i) {
    if (flows[i] == 0 || transport.cost(i, to) == no_route) continue;
    keys.push_back({transport.cost(i, to) - transport.cost(i, from), static_cast<uint32_t>(i)});
  }
  nearest.is_known = true;
  nearest.is_whole = keys.size() <= nearest.wanted;
  if (!nearest.is_whole) {
    std::ranges::nth_element(keys, keys.begin() + static_cast<std::ptrdiff_t>(nearest.wanted));
    keys.resize(nearest.wanted);
  }
  std::ranges::sort(keys, std::greater{});
  nearest.last = keys.empty() ? Key{} : keys.front();
  nearest.is_wide = !nearest.is_whole && keys.back().cost == nearest.last.cost;
  if (!nearest.is_wide) nearest.wanted *= 4;
}

}  // namespace swingover::steering
