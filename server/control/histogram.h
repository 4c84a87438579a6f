#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace swingover::control {

/// Counts of values by upper bound, for the metrics page. One owner.
struct Histogram {
  explicit Histogram(std::vector<double> upper_bounds)
      : bounds(std::move(upper_bounds)), buckets(bounds.size() + 1) {}

  void observe(double value) {
    const auto bucket = std::lower_bound(bounds.begin(), bounds.end(), value) - bounds.begin();
    ++buckets[static_cast<size_t>(bucket)];
    sum += value;
  }

  std::vector<double> bounds;     // ascending
  std::vector<uint64_t> buckets;  // one more than bounds; not cumulative
  double sum = 0;
};

}  // namespace swingover::control
