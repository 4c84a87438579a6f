#include "tests/simulation/run.h"

#include <algorithm>
#include <ctime>

namespace swingover::simulation {
namespace {

constexpr double gigabytes_a_request = 20e3 / 1e9;

/// Illustrative: what clouds ask for a gigabyte that leaves a locality, and a region.
double price(const Scenario& scenario, size_t locality, size_t cluster) {
  if (locality == cluster) return 0;
  return scenario.regions[locality] == scenario.regions[cluster] ? 0.02 : 0.05;
}

/// Counts turns of a curve, leaving out those of less than `least`.
class Turns {
 public:
  explicit Turns(double least) : least_(least) {}
  void add(double value) {
    if (direction_ >= 0) {
      if (value > extreme_) {
        extreme_ = value;
      } else if (value < extreme_ - least_) {
        turn(-1, value);
      }
    }
    if (direction_ <= 0) {
      if (value < extreme_) {
        extreme_ = value;
      } else if (value > extreme_ + least_) {
        turn(1, value);
      }
    }
  }
  double count() const { return count_; }

 private:
  void turn(int direction, double value) {
    if (direction_ != 0) ++count_;
    direction_ = direction;
    extreme_ = value;
  }
  double least_;
  int direction_ = 0;
  double extreme_ = 0;
  double count_ = 0;
};

double cpu_now() {
  return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

}  // namespace

Measures run(const Scenario& scenario, const Contender& contender, uint64_t seed,
             double ttl_seconds, const Watcher& watch) {
  const double begin = cpu_now();
  World world(scenario, seed, ttl_seconds);
  Detection detection(scenario.size(), contender.detection, seed + 1'000'003);
  const Configured known = configured(scenario, ttl_seconds);
  const std::unique_ptr<Policy> policy = contender.make(known, seed + 2'000'003);
  const size_t size = scenario.size();
  Measures out;
  double requests = 0;
  double dropped = 0;
  double dead = 0;
  double foreign = 0;
  double euros = 0;
  double answered = 0;
  double changed = 0;
  std::vector<Turns> turns(size, Turns(0));
  for (size_t j = 0; j < size; ++j) turns[j] = Turns(0.05 * scenario.capacities[j]);
  policy->look({world.clock().now(), detection.seen(), {}, &world});
  while (world.time() < scenario.seconds) {
    world.step([&](size_t locality, uint64_t source) { return policy->pick(locality, source); });
    detection.look(world);
    policy->look({world.clock().now(), detection.seen(), world.reports(), &world});
    for (size_t j = 0; j < size; ++j) {
      const World::Cluster& cluster = world.clusters()[j];
      requests += cluster.load;
      dropped += cluster.dropped;
      foreign += cluster.foreign;
      if (!cluster.serves) dead += cluster.load;
      if (cluster.capacity > 0) {
        out.overload_seconds += cluster.utilisation() > 1;
        out.peak = std::max(out.peak, cluster.utilisation());
      }
      turns[j].add(cluster.load);
      for (size_t i = 0; i < size; ++i) {
        euros += world.flow(i, j) * gigabytes_a_request * price(scenario, i, j);
      }
    }
    requests += world.unanswered();
    dropped += world.unanswered();
    dead += world.unanswered();
    answered += world.answered_weight();
    changed += world.changed_weight();
    if (watch) watch(world, *policy);
  }
  const double hours = scenario.seconds / 3600;
  out.dropped = 100 * dropped / requests;
  out.on_dead = 100 * dead / requests;
  out.foreign = 100 * foreign / requests;
  out.cost = euros / hours;
  out.tables = static_cast<double>(policy->tables());
  for (const Turns& one : turns) out.reversals += one.count() / hours / static_cast<double>(size);
  out.changed = answered > 0 ? 100 * changed / answered : 0;
  out.cpu_seconds = cpu_now() - begin;
  return out;
}

Measures mean(const std::vector<Measures>& all) {
  Measures sum;
  const auto n = static_cast<double>(std::max<size_t>(1, all.size()));
  for (const Measures& one : all) {
    sum.dropped += one.dropped / n;
    sum.on_dead += one.on_dead / n;
    sum.overload_seconds += one.overload_seconds / n;
    sum.peak = std::max(sum.peak, one.peak);
    sum.foreign += one.foreign / n;
    sum.cost += one.cost / n;
    sum.tables += one.tables / n;
    sum.reversals += one.reversals / n;
    sum.changed += one.changed / n;
    sum.cpu_seconds += one.cpu_seconds / n;
  }
  return sum;
}

}  // namespace swingover::simulation
