// Why things are as they are, in words. Worked out when somebody asks, from what is known then.

#include <algorithm>
#include <array>

#include "health/monitor_file.h"
#include "server/control/join.h"

namespace swingover::control {

using health::Health;
using health::Hold;
using health::Standing;

namespace {

std::string_view hold_words(Hold hold) {
  switch (hold) {
    case Hold::none:
      return "";
    case Hold::settling:
      return "up again, held until it has been so for hold_up";
    case Hold::flapping:
      return "up, held because it went down too often lately";
    case Hold::resume:
      return "up, held until a person says `swingctl resume`";
  }
  return "";
}

std::string_view keeper_words(KeptBy by) {
  switch (by) {
    case KeptBy::nobody:
      break;
    case KeptBy::brake:
      return "held by the brake; the probes say: ";
    case KeptBy::doubt:
      return "held while this edge doubts itself; the probes say: ";
    case KeptBy::person:
      return "held by `swingctl brake keep`; the probes say: ";
    case KeptBy::reports:
      return "held because its cluster still reports load; the probes say: ";
  }
  return "";
}

}  // namespace

std::string_view word(KeptBy by) {
  switch (by) {
    case KeptBy::nobody:
      break;
    case KeptBy::brake:
      return "brake";
    case KeptBy::doubt:
      return "doubt";
    case KeptBy::person:
      return "person";
    case KeptBy::reports:
      return "reports";
  }
  return "";
}

std::string_view word(Join::Role role) {
  static constexpr std::array<std::string_view, 3> words = {"critical", "voting", "observing"};
  return words[static_cast<size_t>(role)];
}

std::string Join::reason(const Intent& intent) {
  static constexpr std::array<std::string_view, 6> done = {"drained", "forced up", "forced down",
                                                           "swung",   "frozen",    "weighted"};
  return std::string(done[static_cast<size_t>(intent.kind)]) + " by " + intent.owner + ": " +
         intent.reason;
}

std::string Join::reason(ClusterId id) const {
  const ClusterNode& node = clusters_[id.value];
  return node.state.intent ? reason(*node.state.intent) : health_reason(id);
}

std::string Join::reason(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  return node.state.intent ? reason(*node.state.intent) : health_reason(id);
}

std::string Join::health_reason(ClusterId id) const {
  const ClusterNode& node = clusters_[id.value];
  if (node.state.health == Health::up) return {};
  return std::string(keeper_words(node.state.kept)) + cluster_reason(node, node.state.health);
}

std::string Join::health_reason(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  const Health wanted = node.state.health;
  if (wanted == Health::up) return hold_reason(node);
  return std::string(keeper_words(node.state.keeper())) + down_reason(id, wanted);
}

std::string Join::down_reason(EndpointId id, Health wanted) const {
  const EndpointNode& node = endpoints_[id.value];
  if (node.own.health == wanted) return own_reason(node, wanted);
  if (node.nested != none && service_nodes_[node.nested].worth == wanted) {
    const std::string inner = "service " + model_->services[node.nested].name.folded().text();
    return inner + (wanted == Health::down ? " has nothing left that is up"
                                           : " has nothing yet that is known to be up");
  }
  const ClusterNode& cluster = clusters_[node.cluster.value];
  if (cluster.standing.health == wanted) {
    return "cluster " + model_->topology.clusters[node.cluster.value].name + " is " +
           std::string(word(wanted)) + ": " + cluster_reason(cluster, wanted);
  }
  if (node.pool_floor == none) return {};
  return "pool " + pool_of(id).cluster_name + " is " + std::string(word(wanted)) + ": " +
         floors_[node.pool_floor].floor.reason();
}

std::string Join::hold_reason(const EndpointNode& node) const {
  if (node.state.is_needed) {
    constexpr std::string_view needed =
        "up; it went down too often lately, and is needed: the others cannot carry the demand";
    return std::string(needed);
  }
  if (node.state.usable == Health::up) return {};
  if (node.own.usable == node.state.usable) return own_reason(node, node.own.usable);
  const ClusterNode& cluster = clusters_[node.cluster.value];
  if (cluster.standing.usable == node.state.usable) {
    return "cluster " + model_->topology.clusters[node.cluster.value].name + ": " +
           cluster_reason(cluster, cluster.standing.usable);
  }
  if (node.pool_floor == none) return {};
  return "pool " + model_->services[node.service].pools[node.pool].cluster_name + ": " +
         floors_[node.pool_floor].floor.reason();
}

/// "2 of 3 up, needs all; db is down: connect: refused". Empty while it is up.
std::string Join::calculated_reason(uint32_t place) const {
  const CheckState& state = states_[place];
  if (state.health == Health::up) return {};
  const health::MonitorOptions& monitor = *checks_[place].monitor;
  const std::vector<uint32_t>& children = children_[place - told_];
  const Health blamed = !monitor.inverted              ? state.health
                        : state.health == Health::down ? Health::up
                                                       : state.health;
  size_t up = 0;
  const uint32_t* first = nullptr;
  for (const uint32_t& child : children) {
    up += states_[child].health == Health::up ? 1U : 0U;
    if (!first && states_[child].health == blamed) first = &child;
  }
  std::string text = std::to_string(up) + " of " + std::to_string(children.size()) + " up, " +
                     (monitor.inverted ? "fails with " : "needs ") +
                     Form<health::Need>::text(monitor.need);
  if (!first) return text;
  text += "; " + checks_[*first].monitor->name + " is " + std::string(word(blamed));
  const std::string& why = states_[*first].reason;
  return why.empty() ? text : text + ": " + why;
}

/// "web: certificate expires in 12 days; db: ...": of those that have one.
std::string Join::warnings_of(const std::vector<uint32_t>& children) const {
  std::string all;
  for (const uint32_t child : children) {
    const std::string& warning = states_[child].warning;
    if (warning.empty()) continue;
    all += (all.empty() ? "" : "; ") + checks_[child].monitor->name + ": " + warning;
  }
  return all;
}

std::string Join::check_reason(uint32_t place) const {
  const CheckState& state = states_[place];
  const health::Check& check = checks_[place];
  const std::string what = "monitor " + check.monitor->name + " at " + check.address + ": ";
  switch (state.health) {
    case Health::up:
      return what + std::string(hold_words(state.hold));
    case Health::unknown:
      return what + (state.reason.empty() ? "not probed yet" : state.reason);
    case Health::down:
      return what + (state.reason.empty() ? "failing" : state.reason);
  }
  return what;
}

/// The first critical member of which `part` is as bad as the group, or how the votes stand and the first that is
/// against it.
template <class Members, class StandingOf, class ReasonOf>
std::string Join::group_reason(const Members& members, Health Standing::*part, Health wanted,
                               const StandingOf& standing_of, const ReasonOf& reason_of) {
  for (size_t i = 0; i < members.critical; ++i) {
    if (standing_of(members.all[i]).*part == wanted) return reason_of(members.all[i]);
  }
  size_t against = 0;
  std::string why;
  for (size_t i = members.critical; i < members.counted(); ++i) {
    if (standing_of(members.all[i]).*part != wanted) continue;
    if (++against == 1) why = reason_of(members.all[i]);
  }
  if (against == 0) return {};
  return std::to_string(against) + " of " + std::to_string(members.voting) + " votes " +
         std::string(word(wanted)) + ": " + why;
}

/// By health first: what is down explains more than what is merely held.
std::string Join::own_reason(const EndpointNode& node, Health wanted) const {
  const auto standing = [this](uint32_t check) { return states_[check].standing(); };
  for (const auto part : {&Standing::health, &Standing::usable}) {
    std::string own = group_reason(node.checks, part, wanted, standing,
                                   [this](uint32_t c) { return check_reason(c); });
    if (own.empty() && node.column != none) {
      own = group_reason(
          clusters_[node.cluster.value].rows, part, wanted,
          [&](const auto& row) { return standing(row[node.column]); },
          [&](const auto& row) { return check_reason(row[node.column]); });
    }
    if (!own.empty()) return own;
  }
  return {};
}

std::string Join::cluster_reason(const ClusterNode& node, Health wanted) const {
  for (const auto part : {&Standing::health, &Standing::usable}) {
    const auto first_as_bad = [&](const std::vector<uint32_t>& row) {
      for (const uint32_t check : row) {
        if (states_[check].standing().*part == wanted) return check_reason(check);
      }
      return std::string();
    };
    std::string own = group_reason(
        node.rows, part, wanted, [this](const auto& row) { return row_standing(row); },
        first_as_bad);
    if (!own.empty()) return own;
  }
  return node.floor ? node.floor->reason() : std::string();
}

}  // namespace swingover::control
