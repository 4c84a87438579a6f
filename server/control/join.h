#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "health/health.h"
#include "health/prober.h"
#include "server/control/intents.h"
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
};

/// Health and intents of one generation, joined to eligibility.
///
/// Checks    An endpoint has one for each monitor of its service at its address; a cluster has one for each
///           of its monitors at each of its addresses. Equal ones are one check.
/// Cluster   Each monitor passes at one address at least. Without monitors it is up.
/// Endpoint  Up while all its checks are, its cluster is, and, where its address is one of the cluster's,
///           the cluster's monitors pass at that very address. Without checks of its own it is up while its
///           cluster is. Any `down` makes it down, else any `unknown` makes it unknown.
/// Intents   A drain that covers it excludes it. Else the force with the narrowest target (endpoint, pool, service,
///           cluster) decides, whatever its health. Else its health does.
/// Cost      A changed check costs what hangs on it; changed intents cost one pass over everything.
/// Threads   The control thread. It may be made on another one; checks(), find_check() and model() never change and
///           are any thread's.
class Join {
 public:
  using Monitors = std::vector<std::shared_ptr<const health::MonitorOptions>>;

  Join(std::shared_ptr<const zones::Model> model, const Monitors& monitors);

  /// What to probe; places are those of check().
  const std::vector<health::Check>& checks() const { return checks_; }
  std::optional<uint32_t> find_check(const std::string& key) const;
  const CheckState& check(uint32_t place) const { return states_[place]; }
  /// Marks what hangs on the check for the next settle(), if its health is another than before.
  void set_check(uint32_t place, CheckState state);
  /// Takes the intents in force; marks everything for the next settle().
  void set_intents(const Intents& intents);

  struct EndpointState {
    health::Health health = health::Health::unknown;  // its own and its cluster's, without intents
    zones::Eligibility eligibility = zones::Eligibility::unknown;
    WallTime since{};                // of this health
    const Intent* intent = nullptr;  // that decides, if any; of the Intents last set
  };
  struct ClusterState {
    health::Health health = health::Health::unknown;
    WallTime since{};
    const Intent* intent = nullptr;  // on this very cluster
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
  struct Changes {
    std::vector<ClusterChange> clusters;
    std::vector<EndpointChange> endpoints;  // whose health or eligibility is another
  };
  /// Works out everything that was marked; `now` dates what changed. The first call works out all of it.
  Changes settle(WallTime now);

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

  /// The endpoint's own checks, then those of its address in its cluster.
  std::vector<uint32_t> checks_of(EndpointId id) const;
  /// Every check that the endpoint's health hangs on: its own, then its cluster's.
  template <class Visit>
  void for_each_check(EndpointId id, Visit visit) const {
    const EndpointNode& node = endpoints_[id.value];
    for (const uint32_t check : node.checks) visit(check);
    for (const auto& row : clusters_[node.cluster.value].checks) {
      for (const uint32_t check : row) visit(check);
    }
  }
  /// Every endpoint whose health hangs on the check; some more than once.
  template <class Visit>
  void for_each_user(uint32_t check, Visit visit) const {
    for (const EndpointId id : users_[check].endpoints) visit(id);
    for (const ClusterId cluster : users_[check].clusters) {
      for (const EndpointId id : clusters_[cluster.value].endpoints) visit(id);
    }
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
  struct EndpointNode {
    uint32_t service = 0;
    uint32_t pool = 0;   // place in Service::pools
    uint32_t place = 0;  // in Pool::endpoints
    ClusterId cluster;
    std::vector<uint32_t> checks;
    bool is_dirty = false;
    EndpointState state;
  };
  struct ClusterNode {
    std::vector<std::vector<uint32_t>> checks;  // by monitor: one of each inner row must pass
    std::vector<EndpointId> endpoints;
    bool is_dirty = false;
    ClusterState state;
  };
  struct CheckUsers {
    std::vector<EndpointId> endpoints;
    std::vector<ClusterId> clusters;
  };

  uint32_t add_check(health::Check check);
  void add_cluster(uint32_t place, const Monitors& monitors);
  void add_service(uint32_t place, const Monitors& monitors);
  health::Health health_of(const ClusterNode& cluster) const;
  health::Health health_of(const EndpointNode& endpoint) const;
  void mark(EndpointId id);
  void mark(ClusterId id);
  const Intent* deciding_intent(const EndpointNode& endpoint) const;
  WallTime newest_since(const std::vector<uint32_t>& checks, WallTime otherwise) const;
  std::string failing_reason(const std::vector<uint32_t>& checks) const;

  std::shared_ptr<const zones::Model> model_;
  std::vector<health::Check> checks_;
  std::vector<CheckState> states_;
  std::vector<CheckUsers> users_;
  std::unordered_map<std::string, uint32_t> by_key_;
  std::vector<EndpointNode> endpoints_;
  std::vector<ClusterNode> clusters_;
  std::vector<EndpointId> dirty_endpoints_;
  std::vector<ClusterId> dirty_clusters_;
  const Intents* intents_ = nullptr;
  bool is_first_settle_ = true;  // what is then found has been so since its checks say so
};

}  // namespace swingover::control
