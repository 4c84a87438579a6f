#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"

namespace swingover::health {

/// Which samples of a page count: `requests_in_flight{job="shop"}`, each label equal.
struct MetricSelector {
  std::string name;
  std::vector<std::pair<std::string, std::string>> labels;
};
/// Errors: invalid, in words.
Result<MetricSelector> parse_metric_selector(std::string_view text);

/// One series of the page.
struct MetricSample {
  std::string service;  // its label `service`; empty: it has none
  uint64_t series = 0;  // a hash of all its labels: the same in each page
  double value = 0;     // 0 and above
};

struct MetricSamples {
  bool is_counter = false;  // by its TYPE; without one by its name: _total, _count
  std::vector<MetricSample> samples;
};

/// What a page in Prometheus text format (0.0.4, and OpenMetrics' lines) has of the metric. Of other metrics no more
/// than the name is looked at. A NaN counts as absent. Errors: invalid: no such sample, or a line of the metric that
/// makes no sense, with its number. About 1 GB/s over other lines; 100,000 samples at most.
Result<MetricSamples> read_metric(std::string_view page, const MetricSelector& selector);

}  // namespace swingover::health
