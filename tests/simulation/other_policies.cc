#include <algorithm>
#include <numeric>

#include "tests/simulation/policy.h"

namespace swingover::simulation {
namespace {

/// What they have in common: who is up, who reported what, and a count of changes.
class Other : public Policy {
 public:
  Other(const Configured& configured, uint64_t seed)
      : configured_(configured),
        random_(seed),
        usable_(configured.capacities.size(), true),
        healthy_(configured.capacities.size(), 1),
        loads_(configured.capacities.size(), 0) {}

  void look(const Told& told) final {
    bool is_news = tables_ == 0;
    for (size_t j = 0; j < usable_.size(); ++j) {
      is_news |= usable_[j] != told.seen[j].is_usable();
      usable_[j] = told.seen[j].is_usable();
      healthy_[j] = told.seen[j].healthy;
    }
    for (const LoadReport& report : told.reports) loads_[report.cluster] = report.load;
    is_news |= decide(told);
    if (is_news) ++tables_;
  }
  uint64_t tables() const final { return tables_; }

 protected:
  /// True if what is answered changed by more than who is up.
  virtual bool decide(const Told&) { return false; }

  size_t clusters() const { return usable_.size(); }
  bool is_usable(size_t cluster) const { return usable_[cluster]; }
  double healthy_capacity(size_t cluster) const {
    return usable_[cluster] ? configured_.capacities[cluster] * healthy_[cluster] : 0;
  }
  /// Of what is configured and healthy, as last reported.
  double load_part(size_t cluster) const {
    const double capacity = configured_.capacities[cluster] * healthy_[cluster];
    return capacity > 0 ? loads_[cluster] / capacity : 1;
  }
  double load(size_t cluster) const { return loads_[cluster]; }
  std::span<const size_t> order(size_t locality) const { return configured_.order[locality]; }
  double usual_demand(size_t locality) const { return configured_.demands[locality]; }
  /// The place that a random point hits; none has weight: the locality's cheapest, as if all were up.
  size_t by_weight(std::span<const double> weights, size_t locality) {
    const double all = std::accumulate(weights.begin(), weights.end(), 0.0);
    if (all <= 0) return order(locality).front();
    double point = random_.unit() * all;
    size_t last = 0;
    for (size_t j = 0; j < weights.size(); ++j) {
      if (weights[j] <= 0) continue;
      last = j;
      if (point < weights[j]) return j;
      point -= weights[j];
    }
    return last;
  }
  double chance() { return random_.unit(); }

 private:
  Configured configured_;
  Random random_;
  std::vector<bool> usable_;
  std::vector<double> healthy_;
  std::vector<double> loads_;
  uint64_t tables_ = 0;
};

class StaticFailover final : public Other {
 public:
  using Other::Other;
  size_t pick(size_t locality, uint64_t) override {
    for (const size_t j : order(locality)) {
      if (is_usable(j)) return j;
    }
    return order(locality).front();
  }
};

class EqualWeights final : public Other {
 public:
  using Other::Other;
  size_t pick(size_t locality, uint64_t) override {
    std::vector<double> weights(clusters());
    for (size_t j = 0; j < weights.size(); ++j) weights[j] = is_usable(j) ? 1 : 0;
    return by_weight(weights, locality);
  }
};

class ZoneAware final : public Other {
 public:
  using Other::Other;
  size_t pick(size_t locality, uint64_t) override { return by_weight(rows_[locality], locality); }

 private:
  bool decide(const Told&) override {
    const size_t size = clusters();
    double hosts = 0;
    double callers = 0;
    for (size_t j = 0; j < size; ++j) {
      hosts += healthy_capacity(j);
      callers += usual_demand(j);
    }
    rows_.assign(size, std::vector<double>(size, 0));
    if (hosts <= 0) return false;
    std::vector<double> left(size);
    for (size_t j = 0; j < size; ++j) {
      left[j] = std::max(0.0, healthy_capacity(j) / hosts - usual_demand(j) / callers);
    }
    const double all_left = std::accumulate(left.begin(), left.end(), 0.0);
    for (size_t i = 0; i < size; ++i) {
      const double local = healthy_capacity(i) / hosts / (usual_demand(i) / callers);
      rows_[i][i] = std::min(1.0, local);
      if (local >= 1 || all_left <= 0) continue;
      for (size_t j = 0; j < size; ++j) rows_[i][j] += (1 - local) * left[j] / all_left;
    }
    return false;
  }

  std::vector<std::vector<double>> rows_;
};

class LoadBands final : public Other {
 public:
  LoadBands(const Configured& configured, uint64_t seed)
      : Other(configured, seed), counts_(configured.demands.size(), 1) {}
  size_t pick(size_t locality, uint64_t) override {
    std::vector<double> weights(clusters());
    for (const size_t j : in_use(locality)) weights[j] = healthy_capacity(j);
    return by_weight(weights, locality);
  }

 private:
  static constexpr double low = 0.60;
  static constexpr double high = 0.80;

  std::vector<size_t> in_use(size_t locality) const {
    std::vector<size_t> chosen;
    for (const size_t j : order(locality)) {
      if (is_usable(j) && chosen.size() < counts_[locality]) chosen.push_back(j);
    }
    return chosen;
  }
  bool decide(const Told& told) override {
    // Once for each round of reports, so that what it did last is seen before it does more.
    if (told.now < next_) return false;
    next_ = told.now + Milliseconds(10'000);
    bool changed = false;
    for (size_t i = 0; i < counts_.size(); ++i) {
      double loads = 0;
      double capacities = 0;
      const std::vector<size_t> chosen = in_use(i);
      for (const size_t j : chosen) {
        loads += load(j);
        capacities += healthy_capacity(j);
      }
      counts_[i] = std::max<size_t>(1, chosen.size());
      const double part = capacities > 0 ? loads / capacities : 0;
      if (part > high && counts_[i] < clusters()) {
        ++counts_[i];
        changed = true;
      } else if (part < low && counts_[i] > 1) {
        --counts_[i];
        changed = true;
      }
    }
    return changed;
  }

  std::vector<size_t> counts_;  // by locality: so many of its order are in use
  MonotonicTime next_{};
};

class Shedding final : public Other {
 public:
  using Other::Other;
  size_t pick(size_t locality, uint64_t) override {
    size_t first = clusters();
    for (const size_t j : order(locality)) {
      if (!is_usable(j)) continue;
      if (first == clusters()) first = j;
      if (chance() >= shed(j)) return j;
    }
    return first < clusters() ? first : order(locality).front();
  }

 private:
  static constexpr double low = 0.70;
  static constexpr double high = 0.95;

  double shed(size_t cluster) const {
    return std::clamp((load_part(cluster) - low) / (high - low), 0.0, 1.0);
  }
  bool decide(const Told& told) override {
    bool changed = false;
    for (const LoadReport& report : told.reports) {
      const double now = shed(report.cluster);
      shed_.resize(clusters());
      changed |= now != shed_[report.cluster];
      shed_[report.cluster] = now;
    }
    return changed;
  }

  std::vector<double> shed_;
};

}  // namespace

std::unique_ptr<Policy> make_static_failover(const Configured& configured, uint64_t seed) {
  return std::make_unique<StaticFailover>(configured, seed);
}
std::unique_ptr<Policy> make_equal_weights(const Configured& configured, uint64_t seed) {
  return std::make_unique<EqualWeights>(configured, seed);
}
std::unique_ptr<Policy> make_zone_aware(const Configured& configured, uint64_t seed) {
  return std::make_unique<ZoneAware>(configured, seed);
}
std::unique_ptr<Policy> make_load_bands(const Configured& configured, uint64_t seed) {
  return std::make_unique<LoadBands>(configured, seed);
}
std::unique_ptr<Policy> make_shedding(const Configured& configured, uint64_t seed) {
  return std::make_unique<Shedding>(configured, seed);
}

Configured configured(const Scenario& scenario, double ttl_seconds) {
  Configured out{.demands = scenario.demands,
                 .capacities = scenario.capacities,
                 .order = {},
                 .scenario = &scenario,
                 .ttl_seconds = ttl_seconds};
  for (size_t i = 0; i < scenario.size(); ++i) {
    std::vector<size_t> order(scenario.size());
    std::iota(order.begin(), order.end(), size_t{0});
    std::stable_sort(order.begin(), order.end(),
                     [&](size_t a, size_t b) { return scenario.cost(i, a) < scenario.cost(i, b); });
    out.order.push_back(std::move(order));
  }
  return out;
}

}  // namespace swingover::simulation
