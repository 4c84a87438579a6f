#include "zones/steering/demand.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <numeric>

#include "zones/steering/allocation.h"

namespace swingover::steering {
namespace {

double sum(std::span<const double> values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

}  // namespace

Demand::Demand(size_t localities, size_t clusters, const DemandRules& rules)
    : lag_(localities, clusters,
           {.caches = Milliseconds(rules.ttl.value / 2), .connections = rules.connection_life}),
      gamma_(static_cast<float>(rules.gamma)),
      demands_(localities) {}

void Demand::baseline(std::span<const double> demands) {
  assert(demands.size() == demands_.size());
  baseline_.resize(demands.size());
  std::ranges::transform(demands, baseline_.begin(),
                         [](double d) { return static_cast<float>(d); });
  if (source_ == DemandSource::reports) return;
  demands_ = baseline_;
  source_ = total() > 0 ? DemandSource::baseline : DemandSource::nothing;
  least_ = static_cast<float>(total() / 100 / static_cast<double>(demands_.size()));
}

void Demand::restore(std::span<const double> demands) {
  assert(demands.size() == demands_.size());
  std::ranges::transform(demands, demands_.begin(), [](double d) { return static_cast<float>(d); });
  source_ = DemandSource::reports;
  least_ = static_cast<float>(total() / 100 / static_cast<double>(demands_.size()));
}

void Demand::answers(std::span<const double> counts) {
  assert(counts.size() == demands_.size());
  if (source_ == DemandSource::nothing) {
    split_.resize(counts.size());
    std::ranges::transform(counts, split_.begin(), [](double c) { return static_cast<float>(c); });
    return;
  }
  double known = 0;
  double added = 0;
  for (size_t i = 0; i < counts.size(); ++i) (demands_[i] > 0 ? known : added) += counts[i];
  if (known <= 0 || added <= 0) return;
  // The reports have counted the newcomers in already, only under others' names: the total stays what it was.
  const double whole = total();
  const double of_all = known / (known + added);
  for (size_t i = 0; i < counts.size(); ++i) {
    demands_[i] = static_cast<float>(demands_[i] > 0 ? demands_[i] * of_all
                                                     : whole * counts[i] / (known + added));
  }
}

bool Demand::update(std::span<const ClusterLoad> fresh) {
  MonotonicTime newest = newest_;
  for (const ClusterLoad& report : fresh) newest = std::max(newest, report.taken);
  if (newest == newest_) return false;

  lag_.forget(newest);
  const size_t localities = demands_.size();
  std::vector<float> lags(localities * fresh.size());  // [report × localities + locality]
  if (lag_.known()) {
    mend_what_lives(fresh);
    for (size_t r = 0; r < fresh.size(); ++r) {
      lag_.at(fresh[r].cluster, fresh[r].taken,
              std::span(lags).subspan(r * localities, localities));
    }
  }
  newest_ = newest;
  if (total() <= 0) return begin(fresh, lags);
  if (!lag_.known()) return false;

  std::vector<double> ratios(localities);  // Σ w̄_ij L_j / P_j over clusters that tell a sum alone
  std::vector<double> surges(localities);   // likewise, P_j the most that may have been expected
  std::vector<double> covered(localities);  // Σ w̄_ij of those
  std::vector<double> told(localities);     // what clusters say that a locality sends them
  std::vector<double> told_by(localities);  // Σ w̄_ij of those
  std::vector<float> most_lag(localities);
  for (size_t r = 0; r < fresh.size(); ++r) {
    const std::span<const float> lag = std::span(lags).subspan(r * localities, localities);
    const double split = sum(fresh[r].by_locality);
    if (split > 0 || (!fresh[r].by_locality.empty() && fresh[r].load <= 0)) {
      for (size_t i = 0; i < localities; ++i) {
        told[i] += split > 0 ? fresh[r].by_locality[i] / split * fresh[r].load : 0;
        told_by[i] += lag[i];
      }
      continue;
    }
    double predicted = 0;
    for (size_t i = 0; i < localities; ++i) predicted += double{demands_[i]} * lag[i];
    if (predicted <= 0) continue;  // nobody is sent there: its load is not the shares' doing
    double most = predicted;
    if (fresh[r].load > surge_factor * predicted) {
      lag_.at_most(fresh[r].cluster, fresh[r].taken, most_lag);
      most = 0;
      for (size_t i = 0; i < localities; ++i) most += double{demands_[i]} * most_lag[i];
    }
    for (size_t i = 0; i < localities; ++i) {
      ratios[i] += lag[i] * fresh[r].load / predicted;
      surges[i] += lag[i] * fresh[r].load / most;
      covered[i] += lag[i];
    }
  }
  for (size_t i = 0; i < localities; ++i) {
    double rest = demands_[i];
    if (covered[i] >= covered_min) {
      const double factor = std::clamp(ratios[i] / covered[i], factor_min, factor_max);
      const double surge = std::min(surges[i] / covered[i], factor_max);
      const double by = surge > surge_factor && gamma_ > 0 ? surge : std::pow(factor, gamma_);
      rest = std::max(rest * by, std::min<double>(rest, least_));
    }
    // Load told of clients that the shares send elsewhere cannot be of the estimate's making: it would only add up.
    if (told_by[i] >= covered_min) rest = told[i] + (1 - std::min(told_by[i], 1.0)) * rest;
    demands_[i] = static_cast<float>(std::min(rest, amount_max));
  }
  source_ = DemandSource::reports;
  return true;
}

/// A cluster that carries much of what it did before it seemed dead has its connections still.
void Demand::mend_what_lives(std::span<const ClusterLoad> fresh) {
  for (const ClusterLoad& report : fresh) {
    const std::optional<MonotonicTime> since = lag_.broken_since(report.cluster);
    if (!since || report.taken <= *since) continue;
    if (report.load > lives_min * expected(report.cluster, *since)) lag_.mend(report.cluster);
  }
}

/// The first reports of a service of which nothing was known: their sum, split as they say, else by where answers went.
bool Demand::begin(std::span<const ClusterLoad> fresh, std::span<const float> lags) {
  const size_t localities = demands_.size();
  double loads = 0;
  std::vector<double> weights(localities);
  for (const ClusterLoad& report : fresh) {
    for (size_t i = 0; i < report.by_locality.size(); ++i) weights[i] += report.by_locality[i];
  }
  if (sum(weights) <= 0) weights.assign(split_.begin(), split_.end());
  weights = split_by_counts(1, weights, localities);
  double covered = 0;
  for (size_t r = 0; r < fresh.size(); ++r) {
    loads += fresh[r].load;
    for (size_t i = 0; i < localities; ++i) covered += weights[i] * lags[r * localities + i];
  }
  if (!lag_.known()) covered = 1;
  if (loads <= 0 || covered < covered_min) return false;
  const double whole = loads / std::min(covered, 1.0);
  for (size_t i = 0; i < localities; ++i)
    demands_[i] = static_cast<float>(std::min(whole * weights[i], amount_max));
  least_ = static_cast<float>(whole / 100 / static_cast<double>(localities));
  source_ = DemandSource::reports;
  std::vector<float>().swap(split_);
  return true;
}

void Demand::hold_over() {
  for (size_t i = 0; i < baseline_.size(); ++i) demands_[i] = std::max(demands_[i], baseline_[i]);
}

double Demand::total() const {
  return std::accumulate(demands_.begin(), demands_.end(), 0.0);
}

double Demand::expected(size_t cluster, MonotonicTime then) const {
  if (!lag_.known()) return 0;
  std::vector<float> lags(demands_.size());
  lag_.at(cluster, then, lags);
  double load = 0;
  for (size_t i = 0; i < lags.size(); ++i) load += double{demands_[i]} * lags[i];
  return load;
}

std::vector<double> Demand::predicted(MonotonicTime then) const {
  if (!lag_.known()) return {};
  std::vector<double> loads;
  for (size_t j = 0; j < lag_.clusters(); ++j) loads.push_back(expected(j, then));
  return loads;
}

size_t Demand::octets() const {
  return sizeof(*this) - sizeof(lag_) + lag_.octets() +
         (demands_.capacity() + baseline_.capacity() + split_.capacity()) * sizeof(float);
}

std::vector<double> split_by_counts(double total, std::span<const double> counts,
                                    size_t localities) {
  std::vector<double> parts(localities, localities ? total / static_cast<double>(localities) : 0);
  const double all = sum(counts);
  if (all <= 0) return parts;
  assert(counts.size() == localities);
  for (size_t i = 0; i < localities; ++i) parts[i] = total * counts[i] / all;
  return parts;
}

}  // namespace swingover::steering
