// Whether probes are believed when they say that too much is down at once: clusters that still report load stay in answers.

#include <algorithm>
#include <iterator>

#include "server/control/control_loop.h"
#include "server/control/target.h"
#include "zones/steering/corroboration.h"

namespace swingover::control {

namespace {

/// What each cluster can carry as declared: itself, or the pools there that have a capacity of their own.
std::vector<double> declared_capacities(const zones::Model& model) {
  std::vector<double> capacities;
  for (const zones::Cluster& cluster : model.topology.clusters)
    capacities.push_back(cluster.capacity.value_or(0));
  for (const zones::Service& service : model.services) {
    for (const zones::Pool& pool : service.pools) {
      if (pool.has_own_capacity && !model.topology.clusters[pool.cluster.value].capacity)
        capacities[pool.cluster.value] += *pool.capacity;
    }
  }
  return capacities;
}

std::string percent(double part) {
  return std::to_string(static_cast<int>(100 * part)) + " %";
}

}  // namespace

void Control::weigh_clusters() {
  capacities_ = declared_capacities(join_->model());
}

Control::Doubts Control::doubts() {
  const MonotonicTime now = environment_.clock.now();
  const zones::SteeringOptions& options = join_->model().steering;
  const steering::CorroborationRules rules{.from = options.corroborate_from,
                                           .age_max = loads_.rules().age_max};
  std::vector<steering::Suspect> suspects;
  for (uint32_t i = 0; i < capacities_.size(); ++i) {
    const ClusterId id(i);
    const Join::ClusterSigns signs = join_->look_at(id);
    std::optional<MonotonicTime> reported = loads_.cluster(id, now).newest;
    // What the last run kept has as long as any report to be confirmed by one.
    if (!reported && join_->is_doubted(id)) reported = started_;
    suspects.push_back({.capacity = capacities_[i],
                        .is_down = signs.is_down,
                        .is_hard = !signs.is_silent,
                        .reported = reported});
  }
  const std::vector<bool> believed = steering::believed_down(suspects, now, rules);
  Doubts doubts{.is_other = false, .clusters = {}, .down = steering::part_down(suspects)};
  for (uint32_t i = 0; i < suspects.size(); ++i) {
    const bool is_doubted = options.corroborate && suspects[i].is_down && !believed[i];
    doubts.clusters.push_back(is_doubted);
    doubts.is_other = doubts.is_other || is_doubted != join_->is_doubted(ClusterId(i));
  }
  return doubts;
}

/// Settles again where somebody is doubted, or believed, who was not.
void Control::corroborate(Join::Changes& changes, Tick& tick) {
  const Doubts now = doubts();
  if (!now.is_other) return;
  for (uint32_t i = 0; i < now.clusters.size(); ++i) {
    const ClusterId id(i);
    if (now.clusters[i] == join_->is_doubted(id)) continue;
    join_->doubt(id, now.clusters[i]);
    tell_doubt(id, now, tick);
  }
  Join::Changes more = join_->settle(tick.at);
  std::ranges::move(more.clusters, std::back_inserter(changes.clusters));
  std::ranges::move(more.pools, std::back_inserter(changes.pools));
  std::ranges::move(more.endpoints, std::back_inserter(changes.endpoints));
}

void Control::tell_doubt(ClusterId id, const Doubts& doubts, Tick& tick) {
  const bool is_doubted = doubts.clusters[id.value];
  const Join::ClusterSigns signs = join_->look_at(id);
  const std::string part = percent(doubts.down) + " of all capacity seems down";
  const MonotonicTime now = environment_.clock.now();
  const MonotonicTime newest = loads_.cluster(id, now).newest.value_or(started_);
  const std::string reason = is_doubted       ? part + ", and it still reports its load"
                             : !signs.is_down ? "its probes no longer say that it is down"
                             : !signs.is_silent
                                 ? "it no longer fails in silence"
                                 : part + ", its last load report is of " +
                                       std::to_string((now - newest).value / 1000) + "s ago";
  const std::string& name = join_->model().topology.clusters[id.value].name;
  tick.told.lines.push_back({is_doubted ? LogLevel::error : LogLevel::warning,
                             is_doubted ? "a cluster's probes are not believed: it stays in answers"
                                        : "a cluster's probes are believed again",
                             {{"cluster", name}, {"reason", reason}}});
  tick.told.entries.push_back({tick.at, "corroboration", cluster_target(name), "swingoverd",
                               is_doubted ? "believed" : "doubted",
                               is_doubted ? "doubted" : "believed", reason});
}

}  // namespace swingover::control
