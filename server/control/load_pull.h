#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "health/metric_page.h"
#include "health/pulls.h"
#include "server/control/load_board.h"
#include "zones/topology.h"

namespace swingover::control {

/// How each cluster that has a `load_url` is asked, under its name.
std::vector<health::Pull> load_pulls(const zones::Topology& topology);

/// What the page of a cluster says, as far as it is read without its past. Any thread.
struct LoadPage {
  std::string problem;  // in words; then there are no samples
  health::MetricSamples samples;
};
LoadPage read_load_page(const zones::LoadSource& source, std::string_view body);

/// The loads in pages of counters need the page before: a load is a rate between two pulls.
///
/// Gaps     After pages that failed a rate would be a mean of long ago: the next page only begins anew.
/// Resets   A counter that fell began anew at 0, as Prometheus has it; a series' first sample says nothing yet.
/// Memory   24 octets or so a series of the last page.
class PulledLoads {
 public:
  /// The reports of a page that was there at `at`, by service; those of samples without a service are the cluster's.
  /// `gap_max`: the longest from the page before for a rate.
  std::vector<LoadReport> reports(const std::string& cluster, const LoadPage& page,
                                  MonotonicTime at, WallTime wall, Milliseconds gap_max);
  /// Forgets those that are not asked any more.
  void keep(const std::vector<health::Pull>& pulls);

 private:
  struct Before {
    MonotonicTime at;
    std::unordered_map<uint64_t, double> values;
  };
  std::map<std::string, Before> before_;  // by cluster
};

}  // namespace swingover::control
