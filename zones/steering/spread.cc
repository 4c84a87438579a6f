#include "zones/steering/spread.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace swingover::steering {

namespace {

/// What is below this part of both its locality's demand and its cluster's load is a sum's rounding, not a flow. It
/// would join clusters that have nothing to exchange.
constexpr double least_part = 1e-11;
constexpr double wanted_precision = 1e-11;
/// What a fitting that ends before that must have reached for its flows to be taken.
constexpr double usable_precision = 1e-8;
constexpr int rounds_max = 100;
constexpr int scaling_rounds = 2;

}  // namespace

void Spreader::spread(Transport& transport) {
  const size_t clusters = transport.clusters;
  drop_rounding(transport);
  find_reach(transport);
  is_done_.assign(clusters, false);
  place_.assign(clusters, 0);
  for (size_t j = 0; j < clusters; ++j) {
    if (is_done_[j]) continue;
    group_.assign(1, j);
    for (size_t k = j + 1; k < clusters; ++k) {
      if (reach_.has(j, k) && reach_.has(k, j)) group_.push_back(k);
    }
    // Sums of demands and of loads differ by their rounding. The last one takes it, so that is the largest.
    const auto by_load = [&](size_t cluster) { return transport.loads[cluster]; };
    std::iter_swap(std::ranges::max_element(group_, {}, by_load), group_.end() - 1);
    for (size_t place = 0; place < group_.size(); ++place) {
      is_done_[group_[place]] = true;
      place_[group_[place]] = place;
    }
    if (group_.size() == 1) continue;  // nothing to exchange
    if (gather_kinds(transport)) {
      spread_evenly(transport);
    } else if (fit()) {
      set_flows(transport);
    }
  }
}

void Spreader::drop_rounding(Transport& transport) {
  for (size_t j = 0; j < transport.clusters; ++j) {
    double load = 0;
    const auto flows = transport.flows_to(j);
    for (const double flow : flows) load += flow;
    transport.loads[j] = 0;
    for (size_t i = 0; i < flows.size(); ++i) {
      if (flows[i] < least_part * std::min(load, transport.demands[i])) flows[i] = 0;
      transport.loads[j] += flows[i];
    }
  }
}

/// Where load can go on to from each cluster, in any number of steps.
void Spreader::find_reach(const Transport& transport) {
  const size_t clusters = transport.clusters;
  reach_.assign(clusters, clusters);
  for (size_t j = 0; j < clusters; ++j) {
    const auto flows = transport.flows_to(j);
    for (size_t i = 0; i < flows.size(); ++i) {
      if (flows[i] > 0) reach_.add(j, transport.arcs, i);
    }
  }
  for (size_t through = 0; through < clusters; ++through) {
    for (size_t j = 0; j < clusters; ++j) {
      if (j != through && reach_.has(j, through)) reach_.add(j, reach_, through);
    }
  }
}

/// True when all localities of the group may use all its clusters.
bool Spreader::gather_kinds(const Transport& transport) {
  demands_.assign(transport.localities, 0);
  wanted_.assign(group_.size(), 0);
  for (size_t place = 0; place < group_.size(); ++place) {
    const auto flows = transport.flows_to(group_[place]);
    for (size_t i = 0; i < flows.size(); ++i) demands_[i] += flows[i];
    wanted_[place] = transport.loads[group_[place]];
  }
  routes_.assign(transport.localities + 1, transport.clusters);
  const size_t whole = transport.localities;
  for (const size_t cluster : group_) routes_.insert(whole, cluster);

  kind_of_.assign(transport.localities, no_kind);
  kinds_.clear();
  example_.clear();
  bool is_even = true;
  for (size_t i = 0; i < transport.localities; ++i) {
    if (demands_[i] == 0) continue;
    for (size_t w = 0; w < routes_.words(); ++w) {
      routes_[i][w] = transport.arcs[i][w] & routes_[whole][w];
    }
    is_even &= std::ranges::equal(routes_[i], routes_[whole]);
    const auto same = std::ranges::find_if(
        example_, [&](size_t other) { return std::ranges::equal(routes_[i], routes_[other]); });
    kind_of_[i] = static_cast<uint32_t>(same - example_.begin());
    if (same == example_.end()) {
      example_.push_back(i);
      kinds_.push_back({0, 0, 0});
    }
    kinds_[kind_of_[i]].demand += demands_[i];
  }
  arcs_.clear();
  for (size_t k = 0; k < kinds_.size(); ++k) {
    kinds_[k].first_arc = arcs_.size();
    for_each_cluster(routes_[example_[k]],
                     [&](size_t cluster) { arcs_.push_back(place_[cluster]); });
    kinds_[k].arcs = arcs_.size() - kinds_[k].first_arc;
  }
  return is_even;
}

void Spreader::spread_evenly(Transport& transport) {
  double all = 0;
  for (const double load : wanted_) all += load;
  for (size_t place = 0; place < group_.size(); ++place) {
    const auto flows = transport.flows_to(group_[place]);
    for (size_t i = 0; i < flows.size(); ++i) flows[i] = demands_[i] * (wanted_[place] / all);
  }
}

/// False: no weights were found.
bool Spreader::fit() {
  logs_.resize(group_.size());
  for (size_t place = 0; place < group_.size(); ++place) logs_[place] = std::log(wanted_[place]);
  shares_.assign(arcs_.size(), 0);
  double off = std::numeric_limits<double>::infinity();
  for (int round = 0; round < rounds_max; ++round) {
    off = find_shares();
    if (off <= wanted_precision || !std::isfinite(off)) break;
    if (round < scaling_rounds) {
      scale_weights();
    } else if (!step_newton()) {
      break;
    }
  }
  return off <= usable_precision;
}

/// Shares from weights. How far the loads that they give are from those wanted, relatively; not finite when a weight is
/// beyond what a number holds.
double Spreader::find_shares() {
  const double highest = *std::ranges::max_element(logs_);
  weights_.resize(group_.size());
  for (size_t place = 0; place < group_.size(); ++place) {
    weights_[place] = std::exp(logs_[place] - highest);
  }
  found_.assign(group_.size(), 0);
  for (const Kind& kind : kinds_) {
    double all = 0;
    for (size_t a = kind.first_arc; a < kind.first_arc + kind.arcs; ++a) all += weights_[arcs_[a]];
    for (size_t a = kind.first_arc; a < kind.first_arc + kind.arcs; ++a) {
      shares_[a] = weights_[arcs_[a]] / all;
      found_[arcs_[a]] += kind.demand * shares_[a];
    }
  }
  double worst = 0;
  for (size_t place = 0; place < group_.size(); ++place) {
    const double off = std::abs(found_[place] / wanted_[place] - 1);
    if (!(off <= worst)) worst = off;  // also when it is no number
    if (!std::isfinite(worst)) break;
  }
  return worst;
}

void Spreader::scale_weights() {
  for (size_t place = 0; place < group_.size(); ++place) {
    logs_[place] += std::log(wanted_[place] / found_[place]);
  }
}

/// Plain scaling takes thousands of rounds where an arc must almost vanish; this takes about as many as the logarithm
/// of that arc's share is long.
bool Spreader::step_newton() {
  laplacian_.start(group_.size());
  for (const Kind& kind : kinds_) {
    for (size_t a = kind.first_arc; a < kind.first_arc + kind.arcs; ++a) {
      const double flow = kind.demand * shares_[a];
      for (size_t b = a + 1; b < kind.first_arc + kind.arcs; ++b) {
        laplacian_.join(arcs_[a], arcs_[b], flow * shares_[b]);
      }
    }
  }
  step_.resize(group_.size());
  for (size_t place = 0; place < group_.size(); ++place) {
    step_[place] = wanted_[place] - found_[place];
  }
  laplacian_.solve(step_);
  const auto [least, most] = std::ranges::minmax(step_);
  const double length = most - least;
  if (!(length > 0) || !std::isfinite(length)) return false;
  const double damping = std::log1p(length) / length;
  for (size_t place = 0; place < group_.size(); ++place) logs_[place] += damping * step_[place];
  return true;
}

void Spreader::set_flows(Transport& transport) {
  for (const size_t cluster : group_) {
    for (size_t i = 0; i < transport.localities; ++i) {
      if (kind_of_[i] != no_kind) transport.flows_to(cluster)[i] = 0;
    }
  }
  for (size_t i = 0; i < transport.localities; ++i) {
    if (kind_of_[i] == no_kind) continue;
    const Kind& kind = kinds_[kind_of_[i]];
    for (size_t a = kind.first_arc; a < kind.first_arc + kind.arcs; ++a) {
      transport.flows_to(group_[arcs_[a]])[i] = demands_[i] * shares_[a];
    }
  }
}

}  // namespace swingover::steering
