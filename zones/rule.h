#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/portion.h"
#include "base/units.h"
#include "zones/name.h"

namespace swingover::zones {

/// A `[[rule]]`: what must hold of clusters and their capacity whatever people do. As written, with its references
/// resolved. It has one bound at least, and of what has capacities where a bound is of these.
struct Rule {
  std::string name;
  std::vector<Name> services;         // each by itself; empty: the clusters as a whole
  std::vector<std::string> clusters;  // that count; empty: all
  std::optional<Portion> min_clusters{};
  std::optional<double> min_capacity{};
  std::optional<double> min_capacity_part{};
  std::optional<double> covers_demand{};
  std::vector<ServiceId> service_ids{};  // of `services`

  bool counts(const std::string& cluster) const {
    return clusters.empty() || std::ranges::count(clusters, cluster) > 0;
  }
  bool is_of_capacity() const { return min_capacity || min_capacity_part || covers_demand; }
};

}  // namespace swingover::zones
