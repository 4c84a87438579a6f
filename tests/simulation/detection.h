#pragma once

#include <vector>

#include "base/random.h"
#include "health/endpoint_health.h"
#include "health/group_health.h"
#include "tests/simulation/world.h"

namespace swingover::simulation {

/// How clusters are watched.
struct DetectionRules {
  size_t vantages = 3;
  Milliseconds interval{5'000};
  health::HealthRules probes{};  // of each vantage
  health::HealthRules cluster{.rise = 1,
                              .fall = 1,
                              .fall_hard = 1,
                              .flaky_fall = 0,
                              .flap_half_life = Milliseconds(300'000)};  // of what they agree on
};

/// What a policy may know of a cluster's health.
struct Seen {
  bool is_up = true;
  bool is_held = false;  // it is up, but flapped too much lately
  bool is_hard = false;  // it is down, and its host itself said so
  double healthy = 1;    // part of its endpoints that are up
  bool is_usable() const { return is_up && !is_held; }
};

/// The health of every cluster by the machines that the daemon runs: each vantage's verdicts through an EndpointHealth,
/// their majority through one more that holds what flaps, endpoints through ten more and a bound on how many must be up
/// (down below 25 %, up again from 35 %).
///
/// Chance   One probe of 200 is lost. An overloaded cluster's ingress fails the more probes the fuller it is, from 110 %
///          to 160 % of capacity; a probe that hangs takes two seconds.
class Detection {
 public:
  Detection(size_t clusters, const DetectionRules& rules, uint64_t seed);

  /// Probes of this second, after World::step().
  void look(const World& world);
  const std::vector<Seen>& seen() const { return seen_; }

 private:
  struct Watched {
    health::EndpointHealth health;
    MonotonicTime next{};
    bool was_hard = false;
  };
  struct Cluster {
    std::vector<Watched> vantages;
    std::vector<Watched> endpoints;
    health::EndpointHealth agreed;
    health::MinimumUp minimum;
  };
  /// What the probe that `watched` is due for finds, if it is due; several, when they follow fast.
  void probe(Watched& watched, bool is_right, bool refuses, double fails, const World& world);

  DetectionRules rules_;
  Random random_;
  std::vector<Cluster> clusters_;
  std::vector<Seen> seen_;
};

}  // namespace swingover::simulation
