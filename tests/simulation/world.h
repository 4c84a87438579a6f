#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "tests/simulation/scenario.h"
#include "tests/support/manual_clock.h"

namespace swingover::simulation {

/// What a cluster says of itself.
struct LoadReport {
  size_t cluster = 0;
  double load = 0;  // requests a second offered to it
  MonotonicTime taken;
};

/// Clients, resolvers and clusters, second by second: what no policy can change, and what none sees but through
/// probes and reports.
///
/// Demand     A locality's mean, times noise (first-order, 4 %, correlated for two minutes), a daily swing, surges.
/// Resolvers  60 a locality with Zipf(1) shares, and the caches of a public one in equal parts. 88 of 100 honour
///            the TTL, 7 keep answers for 60 s at least, 3 for 300 s, 2 for half an hour (the public one's honour
///            it). A cache asks again when the first of its clients does: two lookups for 100 requests.
/// Clients    follow their cache's answer with connections of 20 s on average. Those of a cluster that died are cut,
///            and come again by the answer that their cache has.
/// Clusters   serve all that they are offered up to their capacity. Above it they serve less than that, by 0.4 of the
///            excess: queues and what gives up in them take their part. Probes begin to fail at 110 %, all do at 160 %.
/// Limits     Load is a fluid; no latency, one service, resolvers stand where their clients are, and nobody tries a second
///            address.
/// Cost       90 minutes of 400 caches take some 0.03 s.
/// Source     the lag of DNS: Flavel, Mani, Maltz 2014 (LANMAN).
/// Chance     Everything by `seed`, apart from what is answered: two policies meet the same clients.
class World {
 public:
  /// Which cluster a cache is answered; `no_cluster` for none. `source` is the same for all caches of a resolver.
  using Pick = std::function<size_t(size_t locality, uint64_t source)>;
  static constexpr size_t no_cluster = SIZE_MAX;

  World(const Scenario& scenario, uint64_t seed, double ttl_seconds);

  /// One second passes.
  void step(const Pick& pick);

  const Scenario& scenario() const { return scenario_; }
  const Clock& clock() const { return clock_; }
  double time() const { return time_; }

  struct Cluster {
    bool serves = true;
    bool refuses = false;  // when it does not serve: refuses rather than hangs
    double lost = 0;       // part of its endpoints
    bool is_mute = false;
    bool seems_down = false;
    double cold_until = 0;
    double load = 0;      // offered in this second
    double foreign = 0;   // of that, from other localities
    double capacity = 0;  // real one, of this second
    double dropped = 0;
    double utilisation() const { return capacity > 0 ? load / capacity : 0; }
  };
  const std::vector<Cluster>& clusters() const { return clusters_; }
  double demand(size_t locality) const { return demands_[locality]; }
  /// [locality × clusters + cluster], requests of this second.
  double flow(size_t locality, size_t cluster) const {
    return flows_[locality * clusters_.size() + cluster];
  }
  /// Requests of this second that no cluster was answered for.
  double unanswered() const { return unanswered_; }
  /// Those that arrive in this second.
  const std::vector<LoadReport>& reports() const { return arrived_; }
  /// Answers of this second, and those of them that differ from the one before, by their clients' demand.
  double answered_weight() const { return answered_weight_; }
  double changed_weight() const { return changed_weight_; }

 private:
  struct Cache {
    size_t locality = 0;
    uint64_t source = 0;
    double part = 0;   // of its locality's demand
    double keeps = 0;  // answers for so many seconds at least
    double asks_at = 0;
    size_t answer = no_cluster;
    Random random{0};
  };

  void happen(const Event& event);
  void move_demand();
  void look_up(const Pick& pick);
  void move_clients();
  void load_clusters();
  void report();

  Scenario scenario_;
  double ttl_;
  tests::ManualClock clock_;
  double time_ = 0;
  size_t next_event_ = 0;
  Random random_;
  std::vector<double> noise_;
  std::vector<double> surge_;
  std::vector<double> demands_;
  std::vector<Cache> caches_;
  std::vector<double> at_;  // [cache × clusters + cluster]: where a cache's clients are, parts of 1
  std::vector<Cluster> clusters_;
  std::vector<double> flows_;
  double unanswered_ = 0;
  double answered_weight_ = 0;
  double changed_weight_ = 0;
  struct Sent {
    double arrives = 0;
    LoadReport report;
  };
  std::vector<Sent> sent_;
  std::vector<LoadReport> arrived_;
};

}  // namespace swingover::simulation
