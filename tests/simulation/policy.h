#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"
#include "tests/simulation/detection.h"
#include "tests/simulation/world.h"

namespace swingover::simulation {

/// What a policy is told each second: nothing of the world but by probes and reports.
struct Told {
  MonotonicTime now;
  std::span<const Seen> seen;           // by cluster
  std::span<const LoadReport> reports;  // that came in this second
  const World* truth = nullptr;         // for bounds alone
};

/// Who decides which cluster each lookup is answered.
class Policy {
 public:
  virtual ~Policy() = default;
  virtual void look(const Told& told) = 0;
  virtual size_t pick(size_t locality, uint64_t source) = 0;
  /// How often it changed what it answers, apart from chance.
  virtual uint64_t tables() const = 0;
};

/// What is configured, and so known to every policy.
struct Configured {
  std::vector<double> demands;             // the usual ones; by locality
  std::vector<double> capacities;          // declared; by cluster
  std::vector<std::vector<size_t>> order;  // by locality: clusters by cost, then place
  const Scenario* scenario = nullptr;
  double ttl_seconds = 30;
};
Configured configured(const Scenario& scenario, double ttl_seconds);

using MakePolicy = std::unique_ptr<Policy> (*)(const Configured& configured, uint64_t seed);

/// A column of the table.
struct Contender {
  std::string name;
  MakePolicy make = nullptr;
  DetectionRules detection{};
};

/// The rules of others, as published, over the same resolvers and the same detection; not their code:
/// static failover   each locality's clusters in order of cost; the first one that is up (gdnsd's metafo and multifo)
/// equal weights     all that are up alike, at random
/// zone awareness    Envoy's: local as far as the locality's part of all healthy hosts reaches for its part of all
///                   callers, the rest by what other localities have left over
/// load bands        HAZL's: above 80 % load of the clusters in use the next cheapest is added, below 60 % the last
///                   one leaves
/// shedding          NS1's: in order of cost, each up cluster is passed over with the probability
///                   (load - 70 %) / (95 % - 70 %)
std::unique_ptr<Policy> make_static_failover(const Configured& configured, uint64_t seed);
std::unique_ptr<Policy> make_equal_weights(const Configured& configured, uint64_t seed);
std::unique_ptr<Policy> make_zone_aware(const Configured& configured, uint64_t seed);
std::unique_ptr<Policy> make_load_bands(const Configured& configured, uint64_t seed);
std::unique_ptr<Policy> make_shedding(const Configured& configured, uint64_t seed);
/// No rule that anybody could follow, but a bound on those who keep clients at home while nothing tells against it. From
/// the second on in which a surge begins, or in which the first report of more than a capacity comes, it knows the truth:
/// no answer leads to a cluster at its capacity any more. Clusters that die are not its matter.
std::unique_ptr<Policy> make_best_at_home(const Configured& configured, uint64_t seed);
std::unique_ptr<Policy> make_best_at_home_once_told(const Configured& configured, uint64_t seed);
/// Ours: see swingover_policy.cc.
std::unique_ptr<Policy> make_swingover(const Configured& configured, uint64_t seed);

/// In the order of the table; ours is the last.
std::vector<Contender> all_contenders();

}  // namespace swingover::simulation
