// What steering does to requests, beside what others do: plays every scenario with every policy and prints a table.
//
//   steering_sim [--seeds N] [--ttl SECONDS] [--only TEXT] [--policy TEXT] [--bounds 1]
//
// --bounds: instead of the table, what ours is to be measured by where another drops less.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/run.h"

namespace swingover::simulation {
namespace {

struct Wanted {
  uint64_t seeds = 5;
  double ttl_seconds = 30;
  std::string scenario;
  std::string policy;
  bool is_bounds = false;
};

/// Below these, figures are the same: what another choice of seeds changes.
constexpr double noise_dropped = 0.05;  // percentage points
constexpr double noise_overload = 30;   // seconds
constexpr double noise_cost = 0.02;     // euros an hour

/// Every run of a policy in a scenario, by seed: those of two policies are pairs.
struct Runs {
  std::string policy;
  std::vector<Measures> all;      // each
  std::vector<Measures> by_seed;  // the mean of a scenario's variants, which share their clients
  Measures mean;
};

Runs measure(const ScenarioGroup& group, const Contender& contender, const Wanted& wanted) {
  Runs runs{contender.name, {}, {}, {}};
  for (uint64_t seed = 1; seed <= wanted.seeds; ++seed) {
    std::vector<Measures> variants;
    for (const Scenario& variant : group.variants) {
      variants.push_back(run(variant, contender, seed, wanted.ttl_seconds));
    }
    runs.by_seed.push_back(simulation::mean(variants));
    runs.all.insert(runs.all.end(), variants.begin(), variants.end());
  }
  runs.mean = simulation::mean(runs.all);
  return runs;
}

void print(const std::string& scenario, const std::string& policy, const Measures& m) {
  std::printf("| %s | %s | %.2f | %.2f | %.0f | %.2f | %.1f | %.2f | %.0f | %.1f | %.1f |\n",
              scenario.c_str(), policy.c_str(), m.dropped, m.on_dead, m.overload_seconds, m.peak,
              m.foreign, m.cost, m.tables, m.reversals, m.changed);
}

/// Whether ours is more than the other's, by more than noise and than twice the standard error of the pairs.
bool is_more(const Runs& ours, const Runs& other, double Measures::*what, double noise) {
  const auto n = static_cast<double>(ours.by_seed.size());
  double sum = 0;
  double squares = 0;
  for (size_t i = 0; i < ours.by_seed.size(); ++i) {
    const double more = ours.by_seed[i].*what - other.by_seed[i].*what;
    sum += more;
    squares += more * more;
  }
  const double average = sum / n;
  const double variance = n > 1 ? std::max(0.0, squares - n * average * average) / (n - 1) : 0;
  return average > std::max(noise, 2 * std::sqrt(variance / n));
}

std::string beaten_by(const std::vector<Runs>& runs, double Measures::*what, double noise,
                      bool only_those_that_drop_no_more) {
  const Runs& ours = runs.back();
  const Runs* best = nullptr;
  for (size_t i = 0; i + 1 < runs.size(); ++i) {
    if (only_those_that_drop_no_more && is_more(runs[i], ours, &Measures::dropped, noise_dropped)) {
      continue;
    }
    if (!is_more(ours, runs[i], what, noise)) continue;
    if (!best || runs[i].mean.*what < best->mean.*what) best = &runs[i];
  }
  if (!best) return "";
  char text[200];
  std::snprintf(text, sizeof text, "%s %.2f against %.2f", best->policy.c_str(), best->mean.*what,
                ours.mean.*what);
  return text;
}

/// Ours beside the others: a line of the second table.
void judge(const std::string& scenario, const std::vector<Runs>& runs) {
  const auto mark = [](const std::string& beaten) {
    return beaten.empty() ? "yes" : "no: " + beaten;
  };
  std::printf("| %s | %s | %s | %s |\n", scenario.c_str(),
              mark(beaten_by(runs, &Measures::dropped, noise_dropped, false)).c_str(),
              mark(beaten_by(runs, &Measures::overload_seconds, noise_overload, false)).c_str(),
              mark(beaten_by(runs, &Measures::cost, noise_cost, true)).c_str());
}

/// A row for each scenario: dropped %, overload s, cross %.
void print_short(const std::vector<std::pair<std::string, std::vector<Runs>>>& all) {
  std::printf("\nDropped %%, overload s, cross %%\n\n| scenario |");
  for (const Contender& contender : all_contenders()) std::printf(" %s |", contender.name.c_str());
  std::printf("\n|---|");
  for (size_t i = 0; i < all_contenders().size(); ++i) std::printf("---|");
  std::puts("");
  for (const auto& [name, runs] : all) {
    std::printf("| %s |", name.c_str());
    for (const Runs& one : runs) {
      std::printf(" %.2f, %.0f, %.1f |", one.mean.dropped, one.mean.overload_seconds,
                  one.mean.foreign);
    }
    std::puts("");
  }
}

const ScenarioGroup& scenario_of(const std::vector<ScenarioGroup>& all, const std::string& name) {
  return *std::ranges::find(all, name, &ScenarioGroup::name);
}

/// What was lost on a cluster that died, by what was on it: so many seconds of that load.
void print_losses(const std::vector<ScenarioGroup>& all, const Wanted& wanted) {
  std::puts(
      "| scenario | policy | on it before, % of all | lost on it, % of all | seconds of that load "
      "| "
      "beyond that dropped % |");
  std::puts("|---|---|---|---|---|---|");
  for (const char* name : {"busiest cluster lost", "cluster lost"}) {
    for (const Contender& contender : all_contenders()) {
      if (contender.name.find("gdnsd") != std::string::npos) continue;
      double before = 0;
      double demand = 0;
      double lost = 0;
      double dropped = 0;
      double on_dead = 0;
      double runs = 0;
      for (const Scenario& variant : scenario_of(all, name).variants) {
        const size_t dies = variant.events.front().place;
        for (uint64_t seed = 1; seed <= wanted.seeds; ++seed) {
          const Measures m = run(variant, contender, seed, wanted.ttl_seconds,
                                 [&](const World& world, const Policy&) {
                                   const World::Cluster& cluster = world.clusters()[dies];
                                   if (!cluster.serves) lost += cluster.load;
                                   if (world.time() < 600 || world.time() >= 900) return;
                                   before += cluster.load / 300;
                                   for (const World::Cluster& one : world.clusters())
                                     demand += one.load / 300;
                                 });
          dropped += m.dropped;
          on_dead += m.on_dead;
          ++runs;
        }
      }
      std::printf("| %s | %s | %.1f | %.3f | %.1f | %.3f |\n", name, contender.name.c_str(),
                  100 * before / demand, on_dead / runs, lost / before, (dropped - on_dead) / runs);
      std::fflush(stdout);
    }
  }
}

/// Surges, beside what nobody can be better than who keeps clients at home.
void print_surges(const std::vector<ScenarioGroup>& all, const Wanted& wanted) {
  std::puts("\n| scenario | policy | dropped % | overload s | cross % |\n|---|---|---|---|---|");
  const std::vector<Contender> contenders{
      {"bound: knows at once", make_best_at_home},
      {"bound: knows with the first report", make_best_at_home_once_told},
      all_contenders().back()};
  for (const char* name : {"flash crowd", "flash crowd that grows", "resolver skew"}) {
    for (const Contender& contender : contenders) {
      const Measures m = measure(scenario_of(all, name), contender, wanted).mean;
      std::printf("| %s | %s | %.3f | %.0f | %.1f |\n", name, contender.name.c_str(), m.dropped,
                  m.overload_seconds, m.foreign);
    }
  }
}

int main_of(int argc, char** argv) {
  Wanted wanted;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string key = argv[i];
    if (key == "--seeds") {
      wanted.seeds = std::strtoull(argv[i + 1], nullptr, 10);
    } else if (key == "--ttl") {
      wanted.ttl_seconds = std::strtod(argv[i + 1], nullptr);
    } else if (key == "--only") {
      wanted.scenario = argv[i + 1];
    } else if (key == "--policy") {
      wanted.policy = argv[i + 1];
    } else if (key == "--bounds") {
      wanted.is_bounds = true;
    } else {
      std::fprintf(stderr, "steering_sim: no option %s\n", key.c_str());
      return 1;
    }
  }
  if (wanted.is_bounds) {
    const std::vector<ScenarioGroup> all = all_scenarios();
    print_losses(all, wanted);
    print_surges(all, wanted);
    return 0;
  }
  double cpu = 0;
  double plays = 0;
  std::puts(
      "| scenario | policy | dropped % | on dead % | overload s | peak | cross % | EUR/h | tables "
      "| "
      "turns/h | changed % |");
  std::puts("|---|---|---|---|---|---|---|---|---|---|---|");
  std::vector<std::pair<std::string, std::vector<Runs>>> all;
  for (const ScenarioGroup& group : all_scenarios()) {
    if (group.name.find(wanted.scenario) == std::string::npos) continue;
    std::vector<Runs> runs;
    for (const Contender& contender : all_contenders()) {
      if (contender.name.find(wanted.policy) == std::string::npos) continue;
      runs.push_back(measure(group, contender, wanted));
      print(runs.size() == 1 ? group.name : "", contender.name, runs.back().mean);
      std::fflush(stdout);
      for (const Measures& one : runs.back().all) cpu += one.cpu_seconds;
      plays += static_cast<double>(runs.back().all.size());
    }
    if (runs.size() == all_contenders().size()) all.emplace_back(group.name, std::move(runs));
  }
  if (!all.empty()) {
    print_short(all);
    std::puts(
        "\nOurs is best or equal (within noise: 0.05 points, 30 s, 0.02 EUR/h, twice the standard "
        "error of "
        "pairs)\n");
    std::puts("| scenario | in drops | in overload | cheapest of those that drop no more |");
    std::puts("|---|---|---|---|");
    for (const auto& [name, runs] : all) judge(name, runs);
  }
  std::printf("\n%.0f runs, %.3f s of CPU time each\n", plays, cpu / std::max(1.0, plays));
  return 0;
}

}  // namespace
}  // namespace swingover::simulation

int main(int argc, char** argv) {
  return swingover::simulation::main_of(argc, argv);
}
