#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace swingover::simulation {

/// What happens to the world, and when. All numbers of a scenario stand here; everything else is the model's.
struct Event {
  enum class Kind {
    dies,         // refuses connections from then on
    hangs,        // answers nothing from then on
    returns,      // serves again, cold at first (Scenario::cold_part)
    loses,        // so large a part of its endpoints refuses; 0: none
    surges,       // its clients ask so many times as much as usual
    falls_mute,   // serves, but its load reports stop
    speaks,       // they come again
    seems_down,   // serves, but no probe gets through
    seems_right,  // probes tell the truth again
  };
  double at = 0;  // seconds from the start
  Kind kind = Kind::dies;
  size_t place = 0;  // of the cluster, or of the locality where clients surge
  double value = 0;
};

/// Locality i has clients and cluster i.
struct Scenario {
  std::string name{};
  double seconds = 5400;
  std::vector<double> demands;     // by locality, requests a second on average
  std::vector<double> capacities;  // by cluster, requests a second, as declared
  std::vector<int> regions;        // by locality
  double daily_swing = 0;          // demand goes up and down by so large a part, within two hours
  double public_part = 0.30;       // of each locality's clients ask one public resolver,
  size_t public_caches = 8;        // ... which has so many caches
  double cold_part = 0.50;         // of its capacity that a cluster has when it returns,
  double cold_seconds = 120;       // ... and until it has all of it
  bool is_cold_flat = false;       // stays at cold_part until then, instead of warming up evenly
  double connection_life = 20;     // seconds that a client stays after its last lookup, on average,
  double told_connection_life = 20;  // ... and what is configured of it
  double report_every = 10;
  double report_late = 5;
  std::vector<Event> events;

  size_t size() const { return demands.size(); }
  double cost(size_t locality, size_t cluster) const {
    return locality == cluster ? 0 : regions[locality] == regions[cluster] ? 2 : 8;
  }
};

/// One row of the table. Where it matters which cluster it hits, each is hit in turn: a policy that keeps clients at
/// home loses more with the busiest cluster and less with the others.
struct ScenarioGroup {
  std::string name{};
  std::string about;
  std::vector<Scenario> variants;
};

std::vector<ScenarioGroup> all_scenarios();

}  // namespace swingover::simulation
