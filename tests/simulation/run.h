#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/simulation/policy.h"
#include "tests/simulation/scenario.h"

namespace swingover::simulation {

/// What one run, or the mean of several, came to.
struct Measures {
  double dropped = 0;  // of all requests, in %
  double on_dead = 0;  // of those, sent to a cluster that did not serve, or nowhere; in % of all
  double overload_seconds = 0;  // summed over clusters that serve, with more than their capacity
  double peak = 0;              // the greatest utilisation of a cluster that serves
  double foreign = 0;           // requests served from another locality, in %
  double cost = 0;              // euros an hour
  double tables = 0;            // published
  double reversals =
      0;               // turns of a cluster's load by 5 % of capacity or more, per cluster and hour
  double changed = 0;  // answers that differ from the one before, in % of clients asking
  double cpu_seconds = 0;
};

Measures mean(const std::vector<Measures>& all);

/// Called after each second; for tests that watch what must hold at any time.
using Watcher = std::function<void(const World&, const Policy&)>;

/// Plays the scenario once. Same seed, same figures.
Measures run(const Scenario& scenario, const Contender& contender, uint64_t seed,
             double ttl_seconds = 30, const Watcher& watch = {});

}  // namespace swingover::simulation
