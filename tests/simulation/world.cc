#include "tests/simulation/world.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace swingover::simulation {
namespace {

constexpr size_t resolvers = 60;
constexpr double lookups_per_request = 0.02;
constexpr double noise_part = 0.04;
constexpr double noise_seconds = 120;
constexpr double day_seconds = 7200;

double gaussian(Random& random) {
  const double u = 1 - random.unit();  // above 0
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * random.unit());
}

double exponential(Random& random, double mean) {
  return -mean * std::log(1 - random.unit());
}

/// How long a cache keeps an answer at least, whatever its TTL.
double keeps_seconds(Random& random) {
  const double u = random.unit();
  return u < 0.88 ? 0 : u < 0.95 ? 60 : u < 0.98 ? 300 : 1800;
}

}  // namespace

World::World(const Scenario& scenario, uint64_t seed, double ttl_seconds)
    : scenario_(scenario), ttl_(ttl_seconds), random_(seed) {
  const size_t size = scenario.size();
  noise_.assign(size, 0);
  surge_.assign(size, 1);
  demands_ = scenario.demands;
  clusters_.resize(size);
  flows_.resize(size * size);
  double zipf = 0;
  for (size_t k = 1; k <= resolvers; ++k) zipf += 1.0 / static_cast<double>(k);
  uint64_t source = 0;
  for (size_t i = 0; i < size; ++i) {
    for (size_t k = 1; k <= resolvers; ++k) {
      Cache cache{.locality = i, .source = ++source};
      cache.part = (1 - scenario.public_part) / static_cast<double>(k) / zipf;
      cache.random = Random(random_.next());
      cache.keeps = keeps_seconds(cache.random);
      caches_.push_back(cache);
    }
    ++source;
    for (size_t k = 0; k < scenario.public_caches; ++k) {
      Cache cache{.locality = i, .source = source};
      cache.part = scenario.public_part / static_cast<double>(scenario.public_caches);
      cache.random = Random(random_.next());
      caches_.push_back(cache);
    }
  }
  at_.resize(caches_.size() * size);
}

void World::step(const Pick& pick) {
  clock_.advance(Milliseconds(1000));
  time_ += 1;
  while (next_event_ < scenario_.events.size() && scenario_.events[next_event_].at <= time_) {
    happen(scenario_.events[next_event_++]);
  }
  move_demand();
  look_up(pick);
  move_clients();
  load_clusters();
  report();
}

void World::happen(const Event& event) {
  Cluster& cluster = clusters_[event.place];
  switch (event.kind) {
    case Event::Kind::dies:
    case Event::Kind::hangs:
      cluster.serves = false;
      cluster.refuses = event.kind == Event::Kind::dies;
      break;
    case Event::Kind::returns:
      cluster.serves = true;
      cluster.cold_until = event.at + scenario_.cold_seconds;
      break;
    case Event::Kind::loses:
      cluster.lost = event.value;
      break;
    case Event::Kind::surges:
      surge_[event.place] = event.value;
      break;
    case Event::Kind::falls_mute:
      cluster.is_mute = true;
      break;
    case Event::Kind::speaks:
      cluster.is_mute = false;
      break;
    case Event::Kind::seems_down:
      cluster.seems_down = true;
      break;
    case Event::Kind::seems_right:
      cluster.seems_down = false;
      break;
  }
}

void World::move_demand() {
  const double keep = std::exp(-1 / noise_seconds);
  for (size_t i = 0; i < demands_.size(); ++i) {
    noise_[i] = keep * noise_[i] + noise_part * std::sqrt(1 - keep * keep) * gaussian(random_);
    const double day =
        1 + scenario_.daily_swing * std::sin(2 * std::numbers::pi * time_ / day_seconds);
    demands_[i] = scenario_.demands[i] * std::max(0.0, 1 + noise_[i]) * day * surge_[i];
  }
}

void World::look_up(const Pick& pick) {
  answered_weight_ = changed_weight_ = 0;
  const bool is_first = time_ == 1;
  for (size_t c = 0; c < caches_.size(); ++c) {
    Cache& cache = caches_[c];
    if (!is_first && cache.asks_at > time_) continue;
    const size_t answer = pick(cache.locality, cache.source);
    const double weight = cache.part * demands_[cache.locality];
    if (is_first) {
      // The day began long ago: all clients are where the first answers send them, and caches expire at any time.
      if (answer != no_cluster) at_[c * clusters_.size() + answer] = 1;
    } else {
      answered_weight_ += weight;
      if (answer != cache.answer) changed_weight_ += weight;
    }
    cache.answer = answer;
    const double lifetime = std::max(ttl_, cache.keeps);
    const double idle = exponential(cache.random, 1 / std::max(1e-3, weight * lookups_per_request));
    cache.asks_at = time_ + (is_first ? lifetime * cache.random.unit() : lifetime) + idle;
  }
}

void World::move_clients() {
  const size_t size = clusters_.size();
  const double moves = 1 - std::exp(-1 / scenario_.connection_life);
  std::fill(flows_.begin(), flows_.end(), 0);
  unanswered_ = 0;
  for (size_t c = 0; c < caches_.size(); ++c) {
    const Cache& cache = caches_[c];
    double* at = &at_[c * size];
    double cut = 0;
    for (size_t j = 0; j < size; ++j) {
      const double leaves = clusters_[j].serves ? at[j] * moves : at[j];
      at[j] -= leaves;
      cut += leaves;
    }
    if (cache.answer == no_cluster) {
      // Whoever has no answer asks again, and is nowhere meanwhile.
      double rest = 0;
      for (size_t j = 0; j < size; ++j) rest += at[j];
      unanswered_ += (1 - rest) * cache.part * demands_[cache.locality];
    } else {
      double rest = 0;
      for (size_t j = 0; j < size; ++j) rest += at[j];
      at[cache.answer] += 1 - rest;
    }
    for (size_t j = 0; j < size; ++j) {
      flows_[cache.locality * size + j] += at[j] * cache.part * demands_[cache.locality];
    }
  }
}

void World::load_clusters() {
  const size_t size = clusters_.size();
  for (size_t j = 0; j < size; ++j) {
    Cluster& cluster = clusters_[j];
    cluster.load = cluster.foreign = 0;
    for (size_t i = 0; i < size; ++i) {
      cluster.load += flows_[i * size + j];
      if (i != j) cluster.foreign += flows_[i * size + j];
    }
    double warm = 1;
    if (time_ < cluster.cold_until) {
      const double left = (cluster.cold_until - time_) / scenario_.cold_seconds;
      warm = scenario_.is_cold_flat ? scenario_.cold_part : 1 - (1 - scenario_.cold_part) * left;
    }
    cluster.capacity = cluster.serves ? scenario_.capacities[j] * (1 - cluster.lost) * warm : 0;
    if (cluster.capacity <= 0) {
      cluster.dropped = cluster.load;
      continue;
    }
    const double excess = std::max(0.0, cluster.utilisation() - 1);
    const double served =
        excess > 0 ? cluster.capacity * std::max(0.1, 1 - 0.4 * excess) : cluster.load;
    cluster.dropped = cluster.load - served;
  }
}

void World::report() {
  arrived_.clear();
  const auto every = static_cast<int64_t>(scenario_.report_every);
  for (size_t j = 0; j < clusters_.size(); ++j) {
    // Each at its own second, so that not all are news at once.
    const bool is_due = (static_cast<int64_t>(time_) + static_cast<int64_t>(3 * j)) % every == 0;
    if (!is_due || !clusters_[j].serves || clusters_[j].is_mute) continue;
    sent_.push_back({time_ + scenario_.report_late, {j, clusters_[j].load, clock_.now()}});
  }
  while (!sent_.empty() && sent_.front().arrives <= time_) {
    arrived_.push_back(sent_.front().report);
    sent_.erase(sent_.begin());
  }
}

}  // namespace swingover::simulation
