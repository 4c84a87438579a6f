#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "server/control/intents.h"
#include "server/control/steering.h"
#include "server/control/told.h"
#include "zones/rule.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// What acts of people leave of pools and clusters, of what they are now: 0 nothing, 1 all.
struct Act {
  std::map<uint32_t, double> clusters;  // by ClusterId
  std::map<uint32_t, double> pools;     // by PoolId

  double of(ClusterId cluster) const;
  double of(const zones::Pool& pool) const;
  /// Both at once: of each the least.
  void join(const Act& other);
};

/// What a rule measures, of one service or of the clusters as a whole.
struct RuleMeasure {
  std::string service;  // empty: as a whole
  size_t clusters = 0;  // eligible
  size_t clusters_of = 0;
  double capacity = 0;  // of the eligible
  double capacity_of = 0;
  double demand = 0;
};

/// A bound of a rule that does not hold.
struct BrokenRule {
  std::string rule;
  std::string service;  // empty: as a whole
  std::string words;    // "rule two-sites: 1 of 2 clusters of shop… eligible, 2 are the least"
  double value = 0;     // of what is bounded
  std::string_view bound;
};

/// `[[rule]]`s over what is in force now.
///
/// Counts    A cluster with an eligible endpoint of an ordinary pool; its usable capacity: healthy endpoints, ramps, weights,
///           reports. Of the clusters as a whole: capacities that services share, and the demand of those services.
/// Cost      Of a rule of services their pools; as a whole all pools, until each cluster is found eligible.
/// Threads   The control thread.
class Rules {
 public:
  Rules(const zones::Snapshot& snapshot, const Steering& steering)
      : snapshot_(snapshot), steering_(steering) {}

  std::vector<RuleMeasure> measure(const zones::Rule& rule, const Act& act) const;
  /// All bounds that do not hold once these acts have had their effect.
  std::vector<BrokenRule> broken(const Act& act) const;
  /// What would be broken by `next` beside `before`, and is by it further from holding than without.
  std::vector<BrokenRule> broken_by(const Act& next, const Act& before) const;

  /// What the intent leaves when it has had all of its effect; all, of kinds that take nothing away.
  Act act_of(const Intent& intent, const Intents& intents) const;
  /// Of plans in force that take pools out only at their end; `but`: without that of this target.
  Act acts_on_their_way(const Intents& intents, const std::string& but) const;

 private:
  RuleMeasure of_service(const zones::Rule& rule, ServiceId service, const Act& act) const;
  RuleMeasure of_clusters(const zones::Rule& rule, const Act& act) const;

  const zones::Snapshot& snapshot_;
  const Steering& steering_;
};

/// Tells when rules begin and cease to be broken, whoever breaks them: a journal entry of kind "rule" about rule/NAME, from
/// "holds" to "broken" or back, and a log line.
class RuleWatch {
 public:
  static constexpr Milliseconds every{1'000};

  explicit RuleWatch(const Clock& clock) : clock_(clock) {}

  /// Looks when it is time; to be called often.
  std::optional<Told> tick(const zones::Snapshot& snapshot, const Steering& steering);
  /// By rule, the words of what is broken.
  const std::map<std::string, std::string>& broken() const { return broken_; }

 private:
  const Clock& clock_;
  MonotonicTime next_{};
  std::map<std::string, std::string> broken_;
};

}  // namespace swingover::control
