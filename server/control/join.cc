#include "server/control/join.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

#include "health/derived_monitors.h"
#include "server/control/target.h"

namespace swingover::control {

using health::Health;
using health::Hold;
using health::Standing;

namespace {

zones::Eligibility from_health(Health health) {
  switch (health) {
    case Health::up:
      return zones::Eligibility::eligible;
    case Health::unknown:
      return zones::Eligibility::unknown;
    case Health::down:
      return zones::Eligibility::down;
  }
  return zones::Eligibility::unknown;
}

/// The intent that decides, else what its health is worth.
zones::Eligibility eligibility_of(const Join::EndpointState& state) {
  if (!state.intent) return from_health(state.usable);
  switch (state.intent->kind) {
    case IntentKind::drain:
      return zones::Eligibility::excluded;
    case IntentKind::force_up:
      return zones::Eligibility::eligible;
    case IntentKind::force_down:
      return zones::Eligibility::down;
    case IntentKind::swing:
    case IntentKind::freeze:
    case IntentKind::weight:
      break;  // they decide over shares alone: see decides_endpoints()
  }
  return zones::Eligibility::unknown;
}

int narrowness(Target::Kind kind) {
  switch (kind) {
    case Target::Kind::cluster:
      return 0;
    case Target::Kind::service:
      return 1;
    case Target::Kind::pool:
      return 2;
    case Target::Kind::endpoint:
      return 3;
  }
  return 0;
}

/// With what they are about. Of those that cover an endpoint the last one decides: the narrowest force, unless there is
/// a drain, and of drains the narrowest.
std::vector<std::pair<Target, const Intent*>> in_order(const Intents& intents) {
  std::vector<std::pair<Target, const Intent*>> all;
  for (const Intent* intent : intents.list()) {
    if (!decides_endpoints(*intent)) continue;
    Result<Target> target = parse_target(intent->target);
    if (target) all.emplace_back(*std::move(target), intent);
  }
  std::ranges::stable_sort(all, {}, [](const auto& one) {
    const auto& [target, intent] = one;
    return std::pair(intent->kind == IntentKind::drain, narrowness(target.kind));
  });
  return all;
}

}  // namespace

std::optional<uint32_t> Join::find_check(const std::string& key) const {
  const auto found = by_key_.find(key);
  if (found == by_key_.end()) return std::nullopt;
  return found->second;
}

void Join::set_check(uint32_t place, CheckState state) {
  for (const uint32_t parent : users_[place].calculations) dirty_calculated_.insert(parent);
  // What is down in silence may be kept for a reason that what says so itself has not: see doubt().
  const CheckState& before = states_[place];
  const bool is_down = state.health == Health::down;
  const bool is_other =
      before.standing() != state.standing() ||
      (is_down && (before.failure != state.failure || before.stored != state.stored));
  states_[place] = std::move(state);
  if (is_other) mark_users(place);
}

void Join::mark_users(uint32_t check) {
  for (const ClusterId id : users_[check].clusters) mark(id);
  for (const EndpointId id : users_[check].endpoints) mark(id);
}

std::vector<EndpointId> Join::set_intents(const Intents& intents) {
  std::vector<EndpointId> covered;
  // The intents before may be gone: no pointer to one may outlive this call.
  for (uint32_t i = 0; i < endpoints_.size(); ++i) {
    endpoints_[i].state.intent = nullptr;
    if (std::exchange(endpoints_[i].intent, nullptr)) covered.emplace_back(i);
  }
  for (uint32_t i = 0; i < clusters_.size(); ++i) {
    const Intent* intent =
        intents.of_target(cluster_target(model_->topology.clusters[i].name), IntentFamily::moves);
    clusters_[i].state.intent = intent && decides_endpoints(*intent) ? intent : nullptr;
    mark(ClusterId(i));  // what is drained is not kept
  }
  for (const auto& one : in_order(intents)) {
    for_each_covered(one.first, [&](EndpointId id) {
      endpoints_[id.value].intent = one.second;
      covered.push_back(id);
    });
  }
  for (const EndpointId id : covered) mark(id);
  return covered;
}

template <class Visit>
void Join::for_each_covered(const Target& target, Visit visit) const {
  if (target.kind == Target::Kind::cluster) {
    for (uint32_t i = 0; i < clusters_.size(); ++i) {
      if (model_->topology.clusters[i].name != target.cluster) continue;
      for (const EndpointId id : clusters_[i].endpoints) visit(id);
    }
    return;
  }
  const auto found = services_.find(target.service);
  if (found == services_.end()) return;
  const zones::Service& service = model_->services[found->second];
  for (const zones::Pool& pool : service.pools) {
    if (target.kind == Target::Kind::pool && pool.cluster_name != target.cluster) continue;
    for (const zones::Endpoint& endpoint : pool.endpoints) {
      if (target.kind == Target::Kind::endpoint &&
          endpoint_target(service, endpoint) != target.text())
        continue;
      visit(endpoint.id);
    }
  }
}

void Join::mark(EndpointId id) {
  if (std::exchange(endpoints_[id.value].is_dirty, true)) return;
  dirty_endpoints_.push_back(id);
}

void Join::mark(ClusterId id) {
  if (std::exchange(clusters_[id.value].is_dirty, true)) return;
  dirty_clusters_.push_back(id);
}

/// Of the members that count.
template <class Members, class StandingOf>
Standing Join::group_standing(const Members& members, const StandingOf& standing_of) {
  health::Standings critical;
  health::Standings votes;
  for (size_t i = 0; i < members.critical; ++i) critical.add(standing_of(members.all[i]));
  for (size_t i = members.critical; i < members.counted(); ++i)
    votes.add(standing_of(members.all[i]));
  return health::worse({all_up(critical.health), all_up(critical.usable)},
                       {voted(votes.health), voted(votes.usable)});
}

Standing Join::row_standing(const std::vector<uint32_t>& row) const {
  Standing any{Health::down, Health::down};
  for (const uint32_t check : row) any = better(any, states_[check].standing());
  return any;
}

Standing Join::standing_of(ClusterNode& cluster) const {
  const Standing monitors =
      group_standing(cluster.rows, [this](const auto& row) { return row_standing(row); });
  return cluster.floor ? worse(monitors, cluster.floor->apply()) : monitors;
}

/// Itself, with its cluster and its pool; whoever keeps it.
Standing Join::standing_of(const EndpointNode& node) const {
  const Standing own = worse(node.own, clusters_[node.cluster.value].standing);
  return node.pool_floor == none ? own : worse(own, floors_[node.pool_floor].standing);
}

Standing Join::own_standing(const EndpointNode& endpoint) const {
  const auto of_check = [this](uint32_t check) { return states_[check].standing(); };
  const Standing own = group_standing(endpoint.checks, of_check);
  if (endpoint.column == none) return own;
  return worse(own, group_standing(clusters_[endpoint.cluster.value].rows, [&](const auto& row) {
                 return of_check(row[endpoint.column]);
               }));
}

Join::Changes Join::settle(WallTime now) {
  Changes changes;
  if (is_first_settle_) count_all_eligible();
  settle_calculated(now);
  settle_own();
  settle_clusters(now, changes);
  settle_pools(changes);
  settle_endpoints(now, changes);
  is_first_settle_ = false;
  return changes;
}

/// In the order of their places, so that each is worked out once, from children that are settled.
void Join::settle_calculated(WallTime now) {
  while (!dirty_calculated_.empty()) {
    const uint32_t place = dirty_calculated_.extract(dirty_calculated_.begin()).value();
    const CheckState before = std::exchange(states_[place], calculate(place, now));
    CheckState& state = states_[place];
    state.reason = calculated_reason(place);
    const bool is_other = before.standing() != state.standing() || before.stored != state.stored;
    if (is_other) mark_users(place);
    // A parent's words are made of its children's, so they change though nothing is worth another thing.
    if (!is_other && before.reason == state.reason && before.warning == state.warning &&
        before.held_until == state.held_until && before.heard == state.heard)
      continue;
    for (const uint32_t parent : users_[place].calculations) dirty_calculated_.insert(parent);
  }
}

/// All but its reason, from its children and what it was.
CheckState Join::calculate(uint32_t place, WallTime now) const {
  const std::vector<uint32_t>& children = children_[place - told_];
  const health::MonitorOptions& monitor = *checks_[place].monitor;
  health::Standings members;
  CheckState state;
  state.heard = true;
  state.failure = health::Failure::silent;
  for (const uint32_t child : children) {
    const CheckState& seen = states_[child];
    if (seen.health == Health::down && seen.failure != health::Failure::silent)
      state.failure = seen.failure;
    members.add(seen.standing());
    state.stored |= seen.stored;
    state.heard &= seen.heard;
    state.hold = std::max(state.hold, seen.hold);
    if (seen.health == Health::up) state.held_until = std::max(state.held_until, seen.held_until);
    if (seen.health == Health::down)
      state.first_failure = std::max(state.first_failure, seen.first_failure);
  }
  if (monitor.inverted) state.failure = health::Failure::soft;  // others' answers bring it down
  state.health = health::calculated(monitor, members.health);
  // What is up because another is not has nothing to wait for.
  const Health worth =
      monitor.inverted ? state.health : health::calculated(monitor, members.usable);
  if (state.health != Health::up || worth == Health::up) {
    state.hold = health::Hold::none;
  } else if (worth == Health::down) {
    state.hold = health::Hold::resume;
  } else {
    state.hold = std::clamp(state.hold, health::Hold::settling, health::Hold::flapping);
  }
  // A person ends a `resume`, and nobody what is not held.
  if (state.hold == health::Hold::none || state.hold == health::Hold::resume) state.held_until = {};
  state.warning = warnings_of(children);
  const CheckState& before = states_[place];
  state.since = before.health == state.health && before.since != WallTime{} ? before.since
                : is_first_settle_ ? newest_since(children, now)
                                   : now;
  return state;
}

/// What endpoints are by themselves, and so what floors count.
void Join::settle_own() {
  for (const EndpointId id : dirty_endpoints_) {
    EndpointNode& node = endpoints_[id.value];
    const Standing before = std::exchange(node.own, own_standing(node));
    if (node.own == before) continue;
    if (node.pool_floor != none) {
      PoolFloor& pool = floors_[node.pool_floor];
      pool.floor.change(endpoint_of(id), before, node.own);
      pool.is_dirty = true;
    }
    if (std::optional<HealthyFloor>& floor = clusters_[node.cluster.value].floor) {
      floor->change(endpoint_of(id), before, node.own);
      mark(node.cluster);
    }
  }
}

void Join::settle_clusters(WallTime now, Changes& changes) {
  const std::vector<ClusterId> dirty = std::exchange(dirty_clusters_, {});
  std::vector<Standing> raw;
  std::vector<uint32_t> leaving;
  for (const ClusterId id : dirty) {
    ClusterNode& node = clusters_[id.value];
    node.is_dirty = false;
    raw.push_back(standing_of(node));
    node.down = down_of(node, raw.back());
    if (node.kept == KeptBy::reports && node.down == Down::plainly) node.kept = KeptBy::nobody;
    if (!would_leave(node, raw.back().usable, takes_out(node.state.intent))) continue;
    leaving.push_back(id.value);
  }
  ask_gate(true, leaving);
  for (size_t i = 0; i < dirty.size(); ++i) {
    ClusterNode& node = clusters_[dirty[i].value];
    if (node.kept != KeptBy::nobody) raw[i].usable = Health::up;
    const bool is_other_keeper = node.kept != node.state.kept;
    if (std::exchange(node.standing, raw[i]) != raw[i] || is_other_keeper) {
      for (const EndpointId endpoint : node.endpoints) mark(endpoint);
    }
    const ClusterState before = node.state;
    node.state.health = node.standing.health;
    node.state.kept = node.kept;
    if (node.state.health == before.health && node.state.kept == before.kept) continue;
    if (node.state.health != before.health) {
      node.state.since = now;
      if (is_first_settle_) {
        for (const auto& row : node.rows.all) node.state.since = newest_since(row, now);
      }
    }
    changes.clusters.push_back({dirty[i], before, node.state});
  }
}

/// Takes in what a node is worth now; true: it was up and would be down, which is the gate's to decide. What people took
/// out of answers themselves goes down as it likes: maintenance behind a drain is no eviction.
template <class Node>
bool Join::would_leave(Node& node, Health worth, bool is_out) {
  if (worth == Health::down && !is_out &&
      (node.agreed == Health::up || node.kept != KeptBy::nobody))
    return node.kept == KeptBy::nobody;
  node.kept = KeptBy::nobody;
  node.agreed = worth;
  return false;
}

void Join::ask_gate(bool is_clusters, const std::vector<uint32_t>& leaving) {
  const auto is_believed = [&](uint32_t place) { return !is_doubted(is_clusters, place); };
  const auto count = static_cast<size_t>(std::ranges::count_if(leaving, is_believed));
  const size_t all = is_clusters ? clusters_.size() : endpoints_.size();
  const KeptBy by = gate_ && count > 0 ? gate_(is_clusters, count, all) : KeptBy::nobody;
  for (const uint32_t place : leaving) {
    KeptBy& kept = is_clusters ? clusters_[place].kept : endpoints_[place].kept;
    Health& agreed = is_clusters ? clusters_[place].agreed : endpoints_[place].agreed;
    kept = is_believed(place) ? by : KeptBy::reports;
    if (kept == KeptBy::nobody) agreed = Health::down;
  }
}

void Join::settle_pools(Changes& changes) {
  for (PoolFloor& node : floors_) {
    if (!std::exchange(node.is_dirty, false)) continue;
    const Standing before = std::exchange(node.standing, node.floor.apply());
    if (node.standing == before) continue;
    const zones::Service& service = model_->services[node.service];
    const zones::Pool& pool = service.pools[node.pool];
    for (const zones::Endpoint& endpoint : pool.endpoints) mark(endpoint.id);
    if (node.standing.health == before.health) continue;
    changes.pools.push_back(
        {&service, &pool, before.health, node.standing.health, node.floor.reason()});
  }
}

/// What is nested in others before those.
void Join::settle_endpoints(WallTime now, Changes& changes) {
  while (!dirty_endpoints_.empty()) {
    settle_these(take_deepest_dirty(), now, changes);
    pass_up();
  }
}

/// The marked endpoints of the services that lie deepest.
std::vector<EndpointId> Join::take_deepest_dirty() {
  if (service_nodes_.empty()) return std::exchange(dirty_endpoints_, {});
  const auto depth = [this](EndpointId id) {
    return service_nodes_[endpoints_[id.value].service].depth;
  };
  const uint32_t least = depth(*std::ranges::min_element(dirty_endpoints_, {}, depth));
  const auto rest = std::stable_partition(dirty_endpoints_.begin(), dirty_endpoints_.end(),
                                          [&](EndpointId id) { return depth(id) != least; });
  std::vector<EndpointId> taken(rest, dirty_endpoints_.end());
  dirty_endpoints_.erase(rest, dirty_endpoints_.end());
  return taken;
}

void Join::count_all_eligible() {
  if (service_nodes_.empty()) return;
  for (const EndpointNode& node : endpoints_)
    ++service_nodes_[node.service].endpoints[static_cast<size_t>(node.state.eligibility)];
  for (uint32_t i = 0; i < service_nodes_.size(); ++i) {
    service_nodes_[i].is_dirty = true;
    dirty_services_.push_back(i);
  }
}

/// What changed services are worth now to those that they are nested in.
void Join::pass_up() {
  for (const uint32_t place : std::exchange(dirty_services_, {})) {
    ServiceNode& node = service_nodes_[place];
    node.is_dirty = false;
    const auto has = [&](zones::Eligibility wanted) {
      return node.endpoints[static_cast<size_t>(wanted)] > 0;
    };
    const Health worth = has(zones::Eligibility::eligible)  ? Health::up
                         : has(zones::Eligibility::unknown) ? Health::unknown
                                                            : Health::down;
    if (std::exchange(node.worth, worth) == worth) continue;
    for (const EndpointId user : node.users) mark(user);
  }
}

Standing Join::nested_standing(const EndpointNode& node) const {
  if (node.nested == none) return {Health::up, Health::up};
  const Health worth = service_nodes_[node.nested].worth;
  return {worth, worth};
}

void Join::settle_these(const std::vector<EndpointId>& dirty, WallTime now, Changes& changes) {
  std::vector<uint32_t> leaving;
  for (const EndpointId id : dirty) {
    EndpointNode& node = endpoints_[id.value];
    node.is_dirty = false;
    const Standing standing = standing_of(node);
    auto& by_down = clusters_[node.cluster.value].endpoints_by_down;
    --by_down[static_cast<size_t>(node.down)];
    node.down = down_of(node, standing);
    ++by_down[static_cast<size_t>(node.down)];
    if (node.kept == KeptBy::reports && node.down == Down::plainly) node.kept = KeptBy::nobody;
    const bool is_out = takes_out(node.intent);
    if (would_leave(node, standing.usable, is_out)) leaving.push_back(id.value);
  }
  ask_gate(false, leaving);
  for (const EndpointId id : dirty) {
    EndpointNode& node = endpoints_[id.value];
    const EndpointState before = node.state;
    Standing standing = standing_of(node);
    const Standing nested = nested_standing(node);
    node.state.usable = node.kept == KeptBy::nobody ? standing.usable : Health::up;
    node.is_needed = node.is_needed && is_flapping(node, standing);
    if (node.is_needed) node.state.usable = Health::up;
    node.state.is_needed = node.is_needed;
    node.state.usable = worse(node.state.usable, nested.usable);
    standing = worse(standing, nested);
    node.state.health = standing.health;
    node.state.kept = node.kept;
    const bool is_worth_more = better(standing.usable, standing.health) != standing.health;
    node.state.kept_with = node.kept == KeptBy::nobody && is_worth_more
                               ? clusters_[node.cluster.value].kept
                               : KeptBy::nobody;
    node.state.intent = node.intent;
    node.state.eligibility = eligibility_of(node.state);
    if (node.state.eligibility != before.eligibility && !service_nodes_.empty()) {
      ServiceNode& service = service_nodes_[node.service];
      --service.endpoints[static_cast<size_t>(before.eligibility)];
      ++service.endpoints[static_cast<size_t>(node.state.eligibility)];
      if (!std::exchange(service.is_dirty, true)) dirty_services_.push_back(node.service);
    }
    if (node.state.health != before.health) {
      node.state.since = is_first_settle_ ? newest_since(checks_of(id), now) : now;
      down_count_ += node.state.health == Health::down ? 1U : 0U;
      down_count_ -= before.health == Health::down ? 1U : 0U;
    }
    if (node.state.health == before.health && node.state.usable == before.usable &&
        node.state.eligibility == before.eligibility && node.state.kept == before.kept &&
        node.state.kept_with == before.kept_with && node.state.is_needed == before.is_needed)
      continue;
    changes.endpoints.push_back({id, before, node.state});
  }
}

WallTime Join::newest_since(const std::vector<uint32_t>& checks, WallTime otherwise) const {
  WallTime newest{};
  for (const uint32_t check : checks) newest = std::max(newest, states_[check].since);
  return newest == WallTime{} ? otherwise : newest;
}

std::vector<uint32_t> Join::checks_of(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  std::vector<uint32_t> checks = node.checks.all;
  if (node.column == none) return checks;
  for (const auto& row : clusters_[node.cluster.value].rows.all) checks.push_back(row[node.column]);
  return checks;
}

std::vector<Join::Member> Join::members_of(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  std::vector<Member> members;
  for (size_t i = 0; i < node.checks.all.size(); ++i)
    members.push_back({node.checks.all[i], node.checks.role(i)});
  const auto& rows = clusters_[node.cluster.value].rows;
  for (size_t i = 0; node.column != none && i < rows.all.size(); ++i)
    members.push_back({rows.all[i][node.column], rows.role(i), true});
  return members;
}

std::vector<Join::Member> Join::members_of(ClusterId id) const {
  const auto& rows = clusters_[id.value].rows;
  std::vector<Member> members;
  for (size_t i = 0; i < rows.all.size(); ++i) {
    for (const uint32_t check : rows.all[i]) {
      // One that a push monitor tells stands at each address of the cluster.
      const bool is_there = !members.empty() && members.back().check == check;
      if (!is_there) members.push_back({check, rows.role(i), true});
    }
  }
  return members;
}

std::vector<uint32_t> Join::told_checks(EndpointId id) const {
  std::vector<uint32_t> told;
  for (const uint32_t check : checks_of(id))
    visit_told(check, [&](uint32_t one) { told.push_back(one); });
  return told;
}

std::vector<uint32_t> Join::told_checks(ClusterId id) const {
  std::vector<uint32_t> told;
  for (const auto& row : clusters_[id.value].rows.all) {
    for (const uint32_t check : row) visit_told(check, [&](uint32_t one) { told.push_back(one); });
  }
  return told;
}

health::Hold Join::hold_of(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  health::Hold strongest = health::Hold::none;
  const auto consider = [&](uint32_t check) {
    if (states_[check].health == Health::up) strongest = std::max(strongest, states_[check].hold);
  };
  for (size_t i = 0; i < node.checks.counted(); ++i) consider(node.checks.all[i]);
  const auto& rows = clusters_[node.cluster.value].rows;
  for (size_t i = 0; node.column != none && i < rows.counted(); ++i)
    consider(rows.all[i][node.column]);
  return strongest;
}

bool Join::is_flapping(const EndpointNode& node, Standing standing) const {
  if (standing.health != Health::up || standing.usable == Health::up) return false;
  Hold strongest = Hold::none;
  const auto consider = [&](uint32_t check) {
    if (states_[check].health == Health::up) strongest = std::max(strongest, states_[check].hold);
  };
  for (size_t i = 0; i < node.checks.counted(); ++i) consider(node.checks.all[i]);
  const auto& rows = clusters_[node.cluster.value].rows;
  for (size_t i = 0; i < rows.counted(); ++i) {
    for (const uint32_t check : rows.all[i]) consider(check);
  }
  return strongest == Hold::flapping;
}

bool Join::is_flapping(EndpointId id) const {
  const EndpointNode& node = endpoints_[id.value];
  return !node.intent && is_flapping(node, standing_of(node));
}

bool Join::need(EndpointId id, bool is_needed) {
  if (std::exchange(endpoints_[id.value].is_needed, is_needed) == is_needed) return false;
  mark(id);
  return true;
}

std::optional<MonotonicTime> Join::first_failure(EndpointId id) const {
  std::optional<MonotonicTime> first;
  const auto consider = [&](uint32_t check) {
    const CheckState& state = states_[check];
    if (state.health != Health::down || state.first_failure.nanoseconds == 0) return;
    if (!first || state.first_failure > *first) first = state.first_failure;
  };
  const auto consider_own = [&](const EndpointNode& node) {
    for (size_t i = 0; i < node.checks.counted(); ++i) consider(node.checks.all[i]);
    const auto& rows = clusters_[node.cluster.value].rows;
    for (size_t i = 0; node.column != none && i < rows.counted(); ++i)
      consider(rows.all[i][node.column]);
  };
  const EndpointNode& node = endpoints_[id.value];
  consider_own(node);
  if (first) return first;
  if (node.nested != none) {
    for (const zones::Pool& pool : model_->services[node.nested].pools) {
      for (const zones::Endpoint& inner : pool.endpoints) {
        const auto since = first_failure(inner.id);
        if (since && (!first || *since > *first)) first = since;
      }
    }
    return first;
  }
  const ClusterNode& cluster = clusters_[node.cluster.value];
  for (size_t i = 0; i < cluster.rows.counted(); ++i) {
    for (const uint32_t check : cluster.rows.all[i]) consider(check);
  }
  if (first || node.pool_floor == none) return first;
  for (const zones::Endpoint& other : pool_of(id).endpoints)
    consider_own(endpoints_[other.id.value]);
  return first;
}

const zones::Service& Join::service_of(EndpointId id) const {
  return model_->services[endpoints_[id.value].service];
}
const zones::Pool& Join::pool_of(EndpointId id) const {
  return service_of(id).pools[endpoints_[id.value].pool];
}
const zones::Endpoint& Join::endpoint_of(EndpointId id) const {
  return pool_of(id).endpoints[endpoints_[id.value].place];
}

Health Join::shown_health(ClusterId id) const {
  const ClusterNode& node = clusters_[id.value];
  if (node.rows.counted() > 0 || node.floor || node.endpoints.empty()) return node.state.health;
  Health best = Health::down;
  for (const EndpointId endpoint : node.endpoints) {
    best = better(best, endpoints_[endpoint.value].state.health);
  }
  return best;
}

const std::vector<EndpointId>& Join::endpoints_of(ClusterId id) const {
  return clusters_[id.value].endpoints;
}

}  // namespace swingover::control
