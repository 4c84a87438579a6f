// What is down in silence, and kept in answers while the probes of its cluster are not believed.

#include <algorithm>

#include "server/control/join.h"

namespace swingover::control {

using health::Health;
using health::Standing;

void Join::doubt(ClusterId id, bool is_doubted) {
  ClusterNode& cluster = clusters_[id.value];
  cluster.is_doubted = is_doubted;
  const auto look = [&](auto node_id, auto& node, const Intent* intent, bool is_itself_down) {
    if (!is_doubted && node.kept == KeptBy::reports) {
      node.kept = KeptBy::nobody;
      mark(node_id);
    }
    const bool is_silent = node.down == Down::in_silence && is_itself_down;
    if (is_doubted && is_silent && node.kept == KeptBy::nobody && !takes_out(intent))
      keep(node_id, KeptBy::reports);
  };
  look(id, cluster, cluster.state.intent, true);
  for (const EndpointId endpoint : cluster.endpoints) {
    EndpointNode& node = endpoints_[endpoint.value];
    // What is down with its cluster alone is kept with it.
    const bool is_below_floor =
        node.pool_floor != none && floors_[node.pool_floor].standing.usable == Health::down;
    look(endpoint, node, node.intent, node.own.usable == Health::down || is_below_floor);
  }
}

Join::ClusterSigns Join::look_at(ClusterId id) {
  ClusterNode& node = clusters_[id.value];
  const auto count = [&](Down down) { return node.endpoints_by_down[static_cast<size_t>(down)]; };
  const uint32_t in_silence = count(Down::in_silence);
  const uint32_t plainly = count(Down::plainly);
  ClusterSigns signs;
  signs.is_down =
      node.state.health == Health::down ||
      node.seems_up.apply({.up = count(Down::no), .down = in_silence + plainly}) == Health::down;
  signs.is_silent = signs.is_down && node.down != Down::plainly && in_silence >= plainly;
  return signs;
}

bool Join::is_doubted(bool is_cluster, uint32_t place) const {
  if (is_cluster) return clusters_[place].is_doubted && clusters_[place].down == Down::in_silence;
  const EndpointNode& node = endpoints_[place];
  return clusters_[node.cluster.value].is_doubted && node.down == Down::in_silence;
}

/// Of a state that the last run left nobody knows how it failed: what was kept then stays so, until a probe tells.
bool Join::is_plainly_down(uint32_t check, KeptBy kept) const {
  const CheckState& state = states_[check];
  if (state.health != Health::down) return false;
  return state.stored ? kept != KeptBy::reports : state.failure != health::Failure::silent;
}

Join::Down Join::down_of(const EndpointNode& node, Standing standing) const {
  if (nested_standing(node).health == Health::down) return Down::plainly;
  if (standing.health != Health::down) return Down::no;
  const ClusterNode& cluster = clusters_[node.cluster.value];
  const KeptBy kept = node.kept == KeptBy::nobody ? cluster.kept : node.kept;
  const auto is_plain = [&](uint32_t check) { return is_plainly_down(check, kept); };
  for (size_t i = 0; i < node.checks.counted(); ++i) {
    if (is_plain(node.checks.all[i])) return Down::plainly;
  }
  for (size_t i = 0; node.column != none && i < cluster.rows.counted(); ++i) {
    if (is_plain(cluster.rows.all[i][node.column])) return Down::plainly;
  }
  return cluster.down == Down::plainly ? Down::plainly : Down::in_silence;
}

Join::Down Join::down_of(const ClusterNode& node, Standing standing) const {
  if (standing.health != Health::down) return Down::no;
  for (size_t i = 0; i < node.rows.counted(); ++i) {
    for (const uint32_t check : node.rows.all[i]) {
      if (is_plainly_down(check, node.kept)) return Down::plainly;
    }
  }
  return Down::in_silence;
}

}  // namespace swingover::control
