/// Measures what an allocation costs: different problems one after the other on one core, CPU time.
///   allocation_bench [PROBLEMS] [RUNS]   PROBLEMS of 50 x 8 (10,000), fewer of larger sizes; the median of RUNS (3)
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "base/random.h"
#include "bench/cpu_time.h"
#include "zones/steering/allocator.h"

namespace {

using namespace swingover;
using namespace swingover::steering;
using bench::cpu_milliseconds;

struct Kind {
  size_t localities;
  size_t clusters;
  bool tiers;      // 0, 2 and 8 by region, as localities have them; else any cost up to 20.000
  double closed;   // part of the pairs that is forbidden
  size_t portion;  // of the problems asked for: 1 in so many
};

/// Demand is 35 to 90 % of what the clusters can carry; the demands of localities differ tenfold, so some spill.
Problem make_problem(const Kind& kind, Random& random) {
  Problem problem;
  double capacity = 0;
  for (size_t j = 0; j < kind.clusters; ++j) {
    problem.capacities.push_back(200 + 1800 * random.unit());
    capacity += problem.capacities.back();
  }
  double demand = 0;
  for (size_t i = 0; i < kind.localities; ++i) {
    problem.demands.push_back(10 + 90 * random.unit());
    demand += problem.demands.back();
    for (size_t j = 0; j < kind.clusters; ++j) {
      const double tier = i % kind.clusters == j ? 0 : i % 4 == j % 4 ? 2 : 8;
      const double any = static_cast<double>(random.below(20'000)) / 1000;
      const bool is_open = i % kind.clusters == j || random.unit() >= kind.closed;
      problem.costs.push_back(!is_open ? forbidden : kind.tiers ? tier : any);
    }
  }
  const double load = 0.35 + 0.55 * random.unit();
  for (double& d : problem.demands) d *= load * capacity / demand;
  return problem;
}

struct Times {
  double mean = 0;
  double worst = 0;  // of one problem
};

Times measure(const std::vector<Problem>& problems) {
  Allocator allocator;
  Times times;
  for (const Problem& problem : problems) {
    const double start = cpu_milliseconds();
    const Allocation allocation = allocator.allocate(problem);
    const double took = cpu_milliseconds() - start;
    if (allocation.shares.empty()) std::abort();
    times.mean += took / static_cast<double>(problems.size());
    times.worst = std::max(times.worst, took);
  }
  return times;
}

}  // namespace

int main(int argc, char** argv) {
  const size_t asked = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 10'000;
  const size_t runs = argc > 2 ? std::strtoull(argv[2], nullptr, 10) : 3;
  std::printf(
      "| localities x clusters | costs | forbidden | problems | ms each | worst ms | 10,000 of "
      "them, s |\n");
  std::printf("|---|---|---|---|---|---|---|\n");
  for (const Kind& kind :
       {Kind{6, 6, true, 0, 1}, Kind{6, 6, false, 0.2, 1}, Kind{50, 4, true, 0, 1},
        Kind{50, 8, true, 0, 1}, Kind{50, 8, false, 0, 1}, Kind{50, 8, true, 0.2, 1},
        Kind{50, 8, false, 0.2, 1}, Kind{50, 50, true, 0, 20}, Kind{50, 50, false, 0, 20},
        Kind{50, 50, false, 0.2, 20}, Kind{300, 64, true, 0, 500}, Kind{300, 64, false, 0.2, 500},
        Kind{10'000, 8, true, 0.2, 2'000}, Kind{10'000, 8, false, 0.2, 2'000},
        Kind{20'000, 8, false, 0.2, 5'000}, Kind{10'000, 50, false, 0.2, 5'000}}) {
    Random random(1);
    std::vector<Problem> problems;
    for (size_t p = 0; p < std::max<size_t>(1, asked / kind.portion); ++p) {
      problems.push_back(make_problem(kind, random));
    }
    std::vector<Times> times;
    for (size_t run = 0; run < runs; ++run) times.push_back(measure(problems));
    std::ranges::sort(times, {}, &Times::mean);
    const Times median = times[times.size() / 2];
    std::printf("| %zux%zu | %s | %.0f %% | %zu | %.4f | %.3f | %.2f |\n", kind.localities,
                kind.clusters, kind.tiers ? "tiers" : "any", kind.closed * 100, problems.size(),
                median.mean, median.worst, median.mean * 10);
    std::fflush(stdout);
  }
}
