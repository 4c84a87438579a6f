#include "zones/steering/balance.h"

#include <algorithm>
#include <iterator>

#include "zones/steering/path_move.h"

namespace swingover::steering {

namespace {

constexpr double yielding = 1e-10;  // of a load

}  // namespace

void Balancer::balance(Transport& transport, const std::vector<bool>& fixed,
                       std::vector<double>& levels) {
  const size_t clusters = transport.clusters;
  neighbours_.assign(clusters, clusters);
  for (size_t j = 0; j < clusters; ++j) find_neighbours(transport, j);
  excess_.assign(clusters, 0);
  parents_.assign(clusters, none);
  blocks_.assign(clusters, no_block);
  unsettled_.clear();
  blocks_made_ = 0;
  for (size_t j = 0; j < clusters; ++j) {
    if (fixed[j]) continue;
    blocks_[j] = 0;
    blocks_made_ = 1;
  }
  if (blocks_made_ == 1) unsettled_.push_back(0);
  while (!unsettled_.empty()) {
    const uint32_t block = unsettled_.back();
    unsettled_.pop_back();
    settle(transport, block, levels);
  }
}

void Balancer::settle(Transport& transport, uint32_t block, std::vector<double>& levels) {
  const double level = level_of(transport, block);
  move_excess(transport, block, level * (1 + slack));
  const bool has_excess = std::ranges::any_of(members_, [&](size_t j) { return excess_[j] > 0; });
  if (has_excess && split(block)) return;

  // Beside a huge cluster, what a tiny one could relieve it of is lost in the huge one's last digits. So those at the
  // level hand on a little more than they must; who stays below it even so has a lower level of its own.
  move_excess(transport, block, level * (1 - yielding));
  const bool has_room = std::ranges::any_of(
      members_, [&](size_t j) { return excess_[j] < -yielding * level * transport.capacities[j]; });
  if (has_room && split(block)) return;
  for (const size_t j : members_) levels[j] = level;
}

/// What is above the level in the block goes to where there is less, as far as anything leads there.
void Balancer::move_excess(Transport& transport, uint32_t block, double level) {
  members_.clear();
  for (size_t j = 0; j < transport.clusters; ++j) {
    if (blocks_[j] != block) continue;
    members_.push_back(j);
    excess_[j] = transport.loads[j] - level * transport.capacities[j];
  }
  for (size_t to = find_room(block); to != none; to = find_room(block)) {
    move_to(transport, to);
  }
}

/// The search that found no room has marked all that the clusters with too much can reach: a block of its own. False
/// when that is all or nothing.
bool Balancer::split(uint32_t block) {
  const auto is_reached = [&](size_t j) { return parents_[j] != none; };
  const auto reached = std::ranges::count_if(members_, is_reached);
  if (reached == 0 || reached == std::ssize(members_)) return false;
  const uint32_t higher = blocks_made_++;
  for (const size_t j : members_) {
    if (is_reached(j)) blocks_[j] = higher;
  }
  unsettled_.push_back(block);
  unsettled_.push_back(higher);
  return true;
}

double Balancer::level_of(const Transport& transport, uint32_t block) const {
  double load = 0;
  double capacity = 0;
  for (size_t j = 0; j < transport.clusters; ++j) {
    if (blocks_[j] != block) continue;
    load += transport.loads[j];
    capacity += transport.capacities[j];
  }
  return load / capacity;
}

/// The cluster with room that is nearest to those with too much, over clusters of the block and fixed ones. Nothing is
/// lost by leaving out the other blocks: no path comes back from a higher one, and none leads to a lower one.
size_t Balancer::find_room(uint32_t block) {
  std::ranges::fill(parents_, none);
  queue_.clear();
  for (const size_t j : members_) {
    if (excess_[j] <= 0) continue;
    parents_[j] = j;
    queue_.push_back(j);
  }
  for (size_t next = 0; next < queue_.size(); ++next) {
    const size_t from = queue_[next];
    if (blocks_[from] == block && excess_[from] < 0) return from;
    for_each_cluster(neighbours_[from], [&](size_t to) {
      if (parents_[to] != none || (blocks_[to] != block && blocks_[to] != no_block)) return;
      parents_[to] = from;
      queue_.push_back(to);
    });
  }
  return none;
}

void Balancer::move_to(Transport& transport, size_t to) {
  const auto for_each_mover = [&](size_t from, size_t next, const auto& visit) {
    const auto flows = transport.flows_to(from);
    for (size_t i = 0; i < flows.size(); ++i) {
      if (flows[i] > 0 && transport.arcs.has(i, next) && !visit(i)) return;
    }
  };
  const size_t start = move_along_path(transport, parents_, to, excess_, for_each_mover,
                                       [](size_t, size_t, size_t) {});
  for (size_t at = to;; at = parents_[at]) {
    find_neighbours(transport, at);
    if (at == start) break;
  }
}

void Balancer::find_neighbours(const Transport& transport, size_t cluster) {
  neighbours_.clear(cluster);
  const auto flows = transport.flows_to(cluster);
  for (size_t i = 0; i < flows.size(); ++i) {
    if (flows[i] > 0) neighbours_.add(cluster, transport.arcs, i);
  }
}

}  // namespace swingover::steering
