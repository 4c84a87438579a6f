#pragma once

#include <algorithm>
#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "health/group_health.h"
#include "health/prober.h"
#include "server/control/healthy_floor.h"
#include "server/control/intents.h"
#include "server/control/target.h"
#include "zones/eligibility.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// What is known of one check (a monitor at an address).
struct CheckState {
  health::Health health = health::Health::unknown;
  WallTime since{};               // of this health; 0: never seen
  std::string reason;             // the last failing verdict in words
  bool stored = false;            // remembered from the last run, and confirmed by no verdict yet
  MonotonicTime first_failure{};  // of the streak that brought it down
  health::Hold hold = health::Hold::none;
  WallTime held_until{};  // 0: nobody can say, or no hold
  double penalty = 0;     // of its flaps, at penalty_at
  WallTime penalty_at{};
  std::string warning{};  // of a pass: what will make it fail one day
  bool heard = false;     // a probe of this run has ended
  WallTime changes_at{};  // when the probes under way may next change it; 0: they agree with it
  health::Failure failure =
      health::Failure::soft;  // of the last failing verdict; of a stored state it is not known

  health::Standing standing() const { return {health, health::usable(health, hold)}; }
};

std::string_view word(KeptBy by);  // brake, doubt, person, reports; empty: nobody

/// Health and intents of one generation, joined to eligibility.
///
/// Checks    An endpoint has one for each monitor of its service and of its pool at its address; a cluster has one for
///           each of its monitors at each of its addresses. Equal ones are one check. A monitor that service and pool
///           name both counts as the pool says.
/// Derived   A push monitor's check is told by reports; that of a cluster is one for the whole cluster. A calculated
///           monitor's check is worked out here from its children's at the same place; they are checks like any
///           other, though nobody else may name them.
/// Groups    Of each owner's monitors the critical ones must all be up, and not more than half of the voting ones
///           down; the observing ones never count.
/// Cluster   A monitor of a cluster is up while it is at one address at least. Without monitors a cluster is up.
/// Floors    A cluster or pool with `min_healthy` is down while too few of its endpoints are up by themselves: by their
///           own checks and those of their address, never by what the cluster or the pool is.
/// Endpoint  Up while its own monitors are, its cluster and its pool are, and, where its address is one of the
///           cluster's, the cluster's monitors are at that very address. Any `down` makes it down, else any `unknown`
///           makes it unknown.
/// Nested    An endpoint that is the name of another service of ours is no better than that one is for anybody: up while
///           it has an eligible endpoint, down when all of its endpoints are down or drained, so that `when_all_down`
///           has to answer for it. Services are settled before those that they are nested in; the gate is not asked
///           for what follows from inside, since it was asked there.
/// Holds     Health is what verdicts add up to. A check that is up and held out is worth less than that to
///           eligibility (health::usable), in groups and floors alike.
/// Kept      What was up and would be down may be kept in answers by the gate (brake.h): its health is what the
///           checks say, its worth is that of an up one, until they no longer say `down`.
/// Needed    An endpoint that is up and held for its flaps counts as up while need() asks for it: a shortage is worse.
/// Doubted   A cluster whose probes are not believed (doubt()): what of it is down in silence, its checks having heard nothing
///           in time, is kept, and the gate is not asked.
/// Intents   A drain that covers it excludes it. Else the force with the narrowest target (endpoint, pool, service,
///           cluster) decides, whatever its health. Else its health does.
/// Cost      A changed check costs what hangs on it; changed intents cost the endpoints that those before and those now
///           cover. Which one decides is looked up once for each change of intents, not for each verdict.
/// Threads   The control thread. It may be made on another one; checks(), find_check() and model() never change and
///           are any thread's.
class Join {
 public:
  using Monitors = std::vector<std::shared_ptr<const health::MonitorOptions>>;

  /// `self_checks` are what this edge doubts itself by: told like all others, and nobody's.
  Join(std::shared_ptr<const zones::Model> model, const Monitors& monitors,
       const std::vector<health::Check>& self_checks = {});

  /// All checks, places as those of check(): first the probed ones, then those of push monitors, then the calculated.
  const std::vector<health::Check>& checks() const { return checks_; }
  size_t probed_count() const { return probed_; }
  size_t told_count() const {
    return told_;
  }  // the first that are told from outside: probed or push
  std::optional<uint32_t> find_check(const std::string& key) const;
  const CheckState& check(uint32_t place) const { return states_[place]; }
  /// Marks what hangs on the check for the next settle(), if its health is another than before.
  void set_check(uint32_t place, CheckState state);
  /// Takes the intents in force; marks the endpoints that they cover, or did before, for the next settle(), and names
  /// them: some more than once.
  std::vector<EndpointId> set_intents(const Intents& intents);

  struct EndpointState {
    health::Health health = health::Health::unknown;  // its own and its groups', without intents
    health::Health usable = health::Health::unknown;  // what that is worth while holds last
    zones::Eligibility eligibility = zones::Eligibility::unknown;
    WallTime since{};                // of this health
    const Intent* intent = nullptr;  // that decides, if any; of the Intents last set
    KeptBy kept = KeptBy::nobody;    // who keeps it in answers although it is down
    KeptBy kept_with =
        KeptBy::nobody;  // who keeps its cluster, where that makes it worth more than its health
    bool is_needed = false;  // its flap hold yields to a shortage
    KeptBy keeper() const { return kept != KeptBy::nobody ? kept : kept_with; }
    /// It is up, and kept out of answers nevertheless.
    bool is_held() const {
      return !intent && health == health::Health::up && usable != health::Health::up;
    }
  };
  struct ClusterState {
    health::Health health = health::Health::unknown;
    WallTime since{};
    const Intent* intent = nullptr;  // on this very cluster
    KeptBy kept = KeptBy::nobody;
  };

  struct EndpointChange {
    EndpointId id;
    EndpointState before;
    EndpointState after;
  };
  struct ClusterChange {
    ClusterId id;
    ClusterState before;
    ClusterState after;
  };
  struct PoolChange {  // of a pool with a floor
    const zones::Service* service;
    const zones::Pool* pool;
    health::Health before;
    health::Health after;
    std::string reason;
  };
  struct Changes {
    std::vector<ClusterChange> clusters;
    std::vector<PoolChange> pools;
    std::vector<EndpointChange>
        endpoints;  // whose health, its worth, eligibility or keeper is another
  };
  /// Works out everything that was marked; `now` dates what changed. The first call works out all of it: what the
  /// generation before did not have (follow) was unknown.
  Changes settle(WallTime now);

  /// Asked before clusters (or endpoints) that were up would be down, all of one settle() at once: nobody lets them go.
  using Gate = std::function<KeptBy(bool is_clusters, size_t count, size_t all)>;
  void set_gate(Gate gate) { gate_ = std::move(gate); }
  /// From the next settle() on it stays as good as up, until its checks no longer say that it is down.
  void keep(EndpointId id, KeptBy by);
  void keep(ClusterId id, KeptBy by);
  /// Lets go what `by` keeps, at the next settle(). Not for good: if it is still down the gate is asked anew.
  void let_go(KeptBy by, bool for_good);
  /// What `by` keeps is kept by a person from now on.
  void hand_over(KeptBy by);
  /// The probes of a cluster are not believed from the next settle() on, or are believed again.
  void doubt(ClusterId id, bool is_doubted);
  bool is_doubted(ClusterId id) const { return clusters_[id.value].is_doubted; }
  /// What a cluster is by its checks, whoever keeps it.
  struct ClusterSigns {
    bool is_down = false;    // itself, or by its endpoints: from under 25 % not down up to 35 %
    bool is_silent = false;  // down, and of what is most heard nothing in time
  };
  ClusterSigns look_at(ClusterId id);
  /// Up, and out, or needed, for nothing but that it went down too often lately.
  bool is_flapping(EndpointId id) const;
  /// From the next settle() on; one that is not is_flapping() then is not needed any more. True: it is news.
  bool need(EndpointId id, bool is_needed);
  size_t kept_count(KeptBy by) const;
  std::vector<std::string> kept_targets(KeptBy by) const;
  /// Goes on where the join of the generation before stands: floors that were missed, and what is kept. The first
  /// settle() then tells what is another than there. `services`: of each its place in `before`, if it was there.
  void follow(const Join& before, const std::vector<std::optional<uint32_t>>& services = {});
  /// Keeps what these targets name, all in one pass over everything.
  void keep(const std::unordered_map<std::string, KeptBy>& targets);

  const std::vector<uint32_t>& self_checks() const { return self_checks_; }
  bool is_self_check(uint32_t check) const {
    return std::ranges::find(self_checks_, check) != self_checks_.end();
  }
  size_t endpoint_count() const { return endpoints_.size(); }
  size_t down_count() const { return down_count_; }  // endpoints

  const EndpointState& endpoint(EndpointId id) const { return endpoints_[id.value].state; }
  const ClusterState& cluster(ClusterId id) const { return clusters_[id.value].state; }
  /// Why it is as it is, in words: the intent, the cluster, or the failing verdict; empty when all is well.
  std::string reason(EndpointId id) const;
  std::string reason(ClusterId id) const;
  /// The same without the intent.
  std::string health_reason(EndpointId id) const;
  std::string health_reason(ClusterId id) const;
  /// The intent's kind and who asked for it: "drained by ada: rack work".
  static std::string reason(const Intent& intent);

  /// Why an endpoint that is up is kept out all the same: the strongest hold of its checks.
  health::Hold hold_of(EndpointId id) const;
  /// The endpoint's own checks, then those of its address in its cluster.
  std::vector<uint32_t> checks_of(EndpointId id) const;
  /// How a check counts: critical and voting ones decide, observing ones are shown.
  enum class Role : uint8_t { critical, voting, observing };
  struct Member {
    uint32_t check = 0;
    Role role = Role::critical;
    bool is_of_cluster = false;  // asked for by the cluster, not by service or pool
  };
  /// checks_of(), and how each counts.
  std::vector<Member> members_of(EndpointId id) const;
  /// The checks of the cluster's own monitors, monitor by monitor; none twice.
  std::vector<Member> members_of(ClusterId id) const;
  /// What a calculated check is worked out from, in the order of its monitor's `of`; of another check, nothing.
  std::span<const uint32_t> children_of(uint32_t check) const {
    if (check < told_) return {};
    return children_[check - told_];
  }
  /// The checks of its own, those of its address included, that are told: of a calculated one its children.
  std::vector<uint32_t> told_checks(EndpointId id) const;
  std::vector<uint32_t> told_checks(ClusterId id) const;
  /// Every check that the endpoint's health hangs on and that counts: its own, then its cluster's. Not those of the
  /// other endpoints that a floor counts: of a pool's they are its service's too, a cluster's are too many.
  /// Of a calculated one its children instead.
  template <class Visit>
  void for_each_check(EndpointId id, Visit visit) const {
    const EndpointNode& node = endpoints_[id.value];
    for (size_t i = 0; i < node.checks.counted(); ++i) visit_told(node.checks.all[i], visit);
    const auto& rows = clusters_[node.cluster.value].rows;
    for (size_t i = 0; i < rows.counted(); ++i) {
      for (const uint32_t check : rows.all[i]) visit_told(check, visit);
    }
  }
  /// Every endpoint whose health hangs on the check; some more than once.
  template <class Visit>
  void for_each_user(uint32_t check, Visit visit) const {
    for (const EndpointId id : users_[check].endpoints) visit(id);
    for (const ClusterId cluster : users_[check].clusters) {
      for (const EndpointId id : clusters_[cluster.value].endpoints) visit(id);
    }
    for (const uint32_t parent : users_[check].calculations) for_each_user(parent, visit);
  }
  /// The service of ours that is its target; nothing: it is an address, or somebody else's name.
  std::optional<ServiceId> nested_in(EndpointId id) const {
    const uint32_t nested = endpoints_[id.value].nested;
    return nested == none ? std::nullopt : std::optional(ServiceId(nested));
  }
  /// Every service that has this one for a target of its pools; some more than once.
  template <class Visit>
  void for_each_outer(ServiceId id, Visit visit) const {
    if (service_nodes_.empty()) return;
    for (const EndpointId user : service_nodes_[id.value].users)
      visit(ServiceId(endpoints_[user.value].service));
  }
  /// When the failure began that brought the endpoint down; nothing if no check says.
  std::optional<MonotonicTime> first_failure(EndpointId id) const;

  const zones::Service& service_of(EndpointId id) const;
  const zones::Pool& pool_of(EndpointId id) const;
  const zones::Endpoint& endpoint_of(EndpointId id) const;
  const zones::Model& model() const { return *model_; }
  /// Health as shown for a cluster: its own, or, where it has no monitors, the best of its endpoints'.
  health::Health shown_health(ClusterId id) const;
  const std::vector<EndpointId>& endpoints_of(ClusterId id) const;

 private:
  struct Look {  // a monitor, and how it counts
    std::shared_ptr<const health::MonitorOptions> monitor;
    Role role;
  };
  /// Critical ones first, then voting, then observing ones.
  template <class T>
  struct Group {
    std::vector<T> all;
    uint32_t critical = 0;
    uint32_t voting = 0;
    size_t counted() const { return size_t{critical} + voting; }
    Role role(size_t member) const {
      if (member < critical) return Role::critical;
      return member < counted() ? Role::voting : Role::observing;
    }
    /// In the order of their roles.
    void add(T member, Role role) {
      all.push_back(std::move(member));
      if (role == Role::critical) ++critical;
      if (role == Role::voting) ++voting;
    }
  };
  using Lists = std::array<const std::vector<std::string>*, 3>;  // of names, by role; null: none
  static constexpr uint32_t none = UINT32_MAX;
  enum class Down : uint8_t { no, in_silence, plainly };
  struct EndpointNode {
    uint32_t service = 0;
    uint32_t pool = 0;   // place in Service::pools
    uint32_t place = 0;  // in Pool::endpoints
    ClusterId cluster;
    Group<uint32_t> checks;
    uint32_t column = none;      // its address among the cluster's
    uint32_t pool_floor = none;  // in floors_
    uint32_t nested = none;      // the service that is its target
    bool is_dirty = false;
    health::Standing own;  // by its checks and those of its address
    Down down = Down::no;
    bool is_needed = false;
    health::Health agreed = health::Health::unknown;  // the last worth that was let through
    KeptBy kept = KeptBy::nobody;
    const Intent* intent = nullptr;  // that decides, of the Intents last set
    EndpointState state;
  };
  struct ClusterNode {
    Group<std::vector<uint32_t>> rows;  // by monitor: its checks, one for each address
    std::vector<EndpointId> endpoints;
    std::optional<HealthyFloor> floor;
    bool is_dirty = false;
    health::Standing standing;  // up in its worth while it is kept
    health::Health agreed = health::Health::unknown;
    KeptBy kept = KeptBy::nobody;
    Down down = Down::no;
    std::array<uint32_t, 3> endpoints_by_down{};
    health::MinimumUp seems_up{health::MinimumUp::Bounds{}};  // by its endpoints
    bool is_doubted = false;
    ClusterState state;
  };
  struct PoolFloor {
    uint32_t service = 0;
    uint32_t pool = 0;
    HealthyFloor floor;
    bool is_dirty = true;
    health::Standing standing{};
  };
  struct ServiceNode {
    std::array<uint32_t, 4> endpoints{};             // by eligibility
    std::vector<EndpointId> users;                   // endpoints that are this service
    uint32_t depth = 0;                              // above all that are nested in it
    health::Health worth = health::Health::unknown;  // to those that it is nested in
    bool is_dirty = false;
  };
  struct CheckUsers {
    std::vector<EndpointId> endpoints;
    std::vector<ClusterId> clusters;
    std::vector<uint32_t> calculations;  // places of the calculated checks that it is a child of
  };
  struct Where {  // a monitor looks
    std::string address;
    std::string host;      // as the service is called; empty: a cluster's
    std::string reporter;  // what a push monitor is told from: the address, or the cluster
  };

  void follow_states(const Join& before, const std::vector<std::optional<uint32_t>>& services);
  void follow_state(EndpointNode& node, const EndpointState& before);

  template <class Visit>
  void visit_told(uint32_t check, Visit visit) const {
    if (check < told_) return visit(check);
    for (const uint32_t child : children_[check - told_]) visit_told(child, visit);
  }

  uint32_t add_check(health::Check check);
  uint32_t add_look(const std::shared_ptr<const health::MonitorOptions>& monitor,
                    const Where& where, const Monitors& monitors);
  void put_in_order();
  void add_cluster(uint32_t place, const Monitors& monitors);
  void add_service(uint32_t place, const Monitors& monitors);
  static std::vector<Look> looks(const Lists& lists, const Lists& narrower,
                                 const Monitors& monitors);
  void add_pool(uint32_t service, uint32_t place, const std::vector<Look>& looks,
                const Monitors& monitors);

  void settle_calculated(WallTime now);
  CheckState calculate(uint32_t place, WallTime now) const;
  std::string warnings_of(const std::vector<uint32_t>& children) const;
  void mark_users(uint32_t check);
  void settle_own();
  void settle_clusters(WallTime now, Changes& changes);
  void settle_pools(Changes& changes);
  void ask_gate(bool is_clusters, const std::vector<uint32_t>& leaving);
  template <class Node>
  static bool would_leave(Node& node, health::Health worth, bool is_out);
  bool is_doubted(bool is_cluster, uint32_t place) const;
  bool is_plainly_down(uint32_t check, KeptBy kept) const;
  Down down_of(const EndpointNode& node, health::Standing standing) const;
  Down down_of(const ClusterNode& node, health::Standing standing) const;
  void settle_endpoints(WallTime now, Changes& changes);
  void settle_these(const std::vector<EndpointId>& dirty, WallTime now, Changes& changes);
  std::vector<EndpointId> take_deepest_dirty();
  void pass_up();
  health::Standing nested_standing(const EndpointNode& node) const;
  void find_nested();
  uint32_t settle_depth(uint32_t service, unsigned limit);
  void count_all_eligible();
  health::Standing own_standing(const EndpointNode& endpoint) const;
  health::Standing row_standing(const std::vector<uint32_t>& row) const;
  health::Standing standing_of(ClusterNode& cluster) const;
  health::Standing standing_of(const EndpointNode& node) const;
  bool is_flapping(const EndpointNode& node, health::Standing standing) const;
  template <class Members, class StandingOf>
  static health::Standing group_standing(const Members& members, const StandingOf& standing_of);
  void mark(EndpointId id);
  void mark(ClusterId id);
  template <class Visit>
  void for_each_covered(const Target& target, Visit visit) const;
  WallTime newest_since(const std::vector<uint32_t>& checks, WallTime otherwise) const;

  std::string check_reason(uint32_t place) const;
  std::string calculated_reason(uint32_t place) const;
  std::string own_reason(const EndpointNode& endpoint, health::Health wanted) const;
  std::string cluster_reason(const ClusterNode& cluster, health::Health wanted) const;
  std::string down_reason(EndpointId id, health::Health wanted) const;
  std::string hold_reason(const EndpointNode& endpoint) const;
  template <class Members, class StandingOf, class ReasonOf>
  static std::string group_reason(const Members& members, health::Health health::Standing::*part,
                                  health::Health wanted, const StandingOf& standing_of,
                                  const ReasonOf& reason_of);

  std::shared_ptr<const zones::Model> model_;
  std::vector<health::Check> checks_;
  std::vector<CheckState> states_;
  std::vector<CheckUsers> users_;
  size_t probed_ = 0;
  size_t told_ = 0;
  std::vector<std::vector<uint32_t>> children_;  // of the calculated checks, from told_ on
  std::set<uint32_t> dirty_calculated_;          // children stand before their parents
  std::unordered_map<std::string, uint32_t> by_key_;
  std::unordered_map<std::string, uint32_t> services_;  // by name: their places
  std::vector<EndpointNode> endpoints_;
  std::vector<ClusterNode> clusters_;
  std::vector<PoolFloor> floors_;           // of the pools that have one
  std::vector<ServiceNode> service_nodes_;  // by place; none where no service is nested in another
  std::vector<uint32_t> dirty_services_;
  std::vector<EndpointId> dirty_endpoints_;
  std::vector<ClusterId> dirty_clusters_;
  std::vector<uint32_t> self_checks_;
  Gate gate_;
  size_t down_count_ = 0;
  bool is_first_settle_ = true;  // what is then found has been so since its checks say so
};

/// critical, voting, observing.
std::string_view word(Join::Role role);

}  // namespace swingover::control
