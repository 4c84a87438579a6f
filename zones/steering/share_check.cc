#include "zones/steering/share_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <optional>

#include "zones/steering/cluster_sets.h"

namespace swingover::steering {

namespace {

constexpr double noticed = 1e-6;  // of a capacity

/// With commas between thousands: 9990 is "9,990".
std::string grouped(int64_t number) {
  std::string text = std::to_string(number);
  for (size_t digits = 3; digits < text.size(); digits += 4) text.insert(text.size() - digits, ",");
  return text;
}

/// Whole units where there are any.
std::string amount(double value) {
  if (value >= 10) return grouped(std::llround(value));
  std::string text = std::to_string(value);
  while (text.back() == '0') text.pop_back();
  if (text.back() == '.') text.pop_back();
  return text;
}

bool is_open(const Problem& problem, size_t locality, size_t cluster) {
  return problem.capacities[cluster] >= least_amount &&
         problem.cost(locality, cluster) != forbidden;
}

class Check {
 public:
  Check(const Problem& problem, std::span<const uint16_t> shares, const PlaceNames& names)
      : problem_(problem), shares_(shares), names_(names) {}

  std::vector<std::string> run() {
    for (size_t i = 0; i < problem_.localities(); ++i) check_row(i);
    check_limits();
    return std::move(broken_);
  }

 private:
  uint16_t share(size_t locality, size_t cluster) const {
    return shares_[locality * problem_.clusters() + cluster];
  }
  const std::string& cluster(size_t place) const { return names_.clusters[place]; }

  void check_row(size_t locality) {
    const std::string who = "locality " + names_.localities[locality] + ": ";
    int64_t all = 0;
    bool is_served = false;
    for (size_t j = 0; j < problem_.clusters(); ++j) {
      const bool open = is_open(problem_, locality, j);
      is_served |= open;
      all += share(locality, j);
      if (open || share(locality, j) == 0) continue;
      const bool is_forbidden = problem_.cost(locality, j) == forbidden;
      broken_.push_back(who + "a share of " + grouped(share(locality, j)) + " at " + cluster(j) +
                        (is_forbidden ? ", which is forbidden" : ", which has no capacity"));
    }
    if (is_served && all != share_parts) {
      broken_.push_back(who + "shares add up to " + grouped(all));
    } else if (!is_served && all != 0) {
      broken_.push_back(who + "has shares although no cluster can serve it");
    }
  }

  void check_limits() {
    const size_t clusters = problem_.clusters();
    std::vector<double> excess(clusters);    // above the limit; below 0: room
    std::vector<double> rounding(clusters);  // what whole parts can add or take
    std::vector<double> largest(clusters);   // of those parts
    for (size_t j = 0; j < clusters; ++j) excess[j] = -problem_.limit * problem_.capacities[j];
    for (size_t i = 0; i < problem_.localities(); ++i) {
      const double part = problem_.demands[i] / share_parts;
      for (size_t j = 0; j < clusters; ++j) {
        excess[j] += part * share(i, j);
        if (!is_open(problem_, i, j)) continue;
        rounding[j] += part;
        largest[j] = std::max(largest[j], part);
      }
    }
    std::vector<bool> is_above(clusters);
    for (size_t j = 0; j < clusters; ++j) {
      if (problem_.capacities[j] < least_amount) continue;  // that is told already
      is_above[j] = excess[j] > rounding[j] + 1e-9 * problem_.capacities[j];
    }
    double lost = 0;  // of an Allocation's Precision
    for (const double demand : problem_.demands) lost += 1e-12 * demand;
    for (size_t j = 0; j < clusters; ++j) {
      if (!is_above[j]) continue;
      find_steps(largest[j]);
      const auto room = nearest(j, [&](size_t k) {
        return -excess[k] >
               std::max({rounding[k] + 1e-9 * problem_.capacities[k], largest[j], lost});
      });
      if (!room) continue;  // nobody can help: the excess has its declared fate
      broken_.push_back("cluster " + cluster(j) + ": " + amount(excess[j]) +
                        " above its limit, while " + cluster(*room) + " has room for " +
                        amount(-excess[*room]));
    }
  }

  /// Where the load of each cluster could go instead, by the localities that send more there than rounding would, enough
  /// that the cluster would notice, and more than `least`.
  void find_steps(double least) {
    ClusterSets open;
    open.assign(problem_.localities(), problem_.clusters());
    steps_.assign(problem_.clusters(), problem_.clusters());
    for (size_t i = 0; i < problem_.localities(); ++i) {
      if (problem_.demands[i] < least_amount) continue;
      for (size_t j = 0; j < problem_.clusters(); ++j) {
        if (is_open(problem_, i, j)) open.insert(i, j);
      }
      for (size_t j = 0; j < problem_.clusters(); ++j) {
        const double flow = problem_.demands[i] * share(i, j) / share_parts;
        if (share(i, j) > 1 && flow > std::max(least, noticed * problem_.capacities[j]))
          steps_.add(j, open, i);
      }
    }
  }

  template <class HasRoom>
  std::optional<size_t> nearest(size_t from, HasRoom&& has_room) const {
    std::vector<bool> is_seen(problem_.clusters());
    std::vector<size_t> queue{from};
    is_seen[from] = true;
    for (size_t next = 0; next < queue.size(); ++next) {
      if (has_room(queue[next])) return queue[next];
      for_each_cluster(steps_[queue[next]], [&](size_t to) {
        if (is_seen[to]) return;
        is_seen[to] = true;
        queue.push_back(to);
      });
    }
    return std::nullopt;
  }

  const Problem& problem_;
  std::span<const uint16_t> shares_;
  const PlaceNames& names_;
  ClusterSets steps_;  // by cluster: those that a locality could use instead
  std::vector<std::string> broken_;
};

}  // namespace

std::vector<std::string> broken_invariants(const Problem& problem, std::span<const uint16_t> shares,
                                           const PlaceNames& names) {
  const size_t pairs = problem.localities() * problem.clusters();
  if (shares.size() != pairs) {
    return {"the table has " + grouped(std::ssize(shares)) + " shares, not " +
            grouped(static_cast<int64_t>(pairs))};
  }
  return Check(problem, shares, names).run();
}

std::string broken_row(std::span<const uint16_t> shares, const std::vector<bool>& may_serve) {
  int64_t all = 0;
  for (size_t i = 0; i < shares.size(); ++i) {
    all += shares[i];
    if (shares[i] > 0 && !may_serve[i])
      return "share " + grouped(shares[i]) + " leads to place " + std::to_string(i) +
             ", which must not serve it";
  }
  if (all == 0 || all == share_parts) return {};
  return "shares add up to " + grouped(all);
}

}  // namespace swingover::steering
