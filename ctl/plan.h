#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace swingover::ctl {

/// What came of a case: one of the two is empty.
struct Planned {
  std::string json;  // an object, without a line end
  std::vector<std::string>
      problems;  // each with the path of its field: "clusters[2].capacity: below 0"
};

/// Who would serve whom, by the daemon's own allocator and without a daemon.
///
/// Input    One JSON object: `target`, `limit`, `client_localities` ({name, demand}), `clusters` ({name, capacity}, and
///          if wanted locality, state, healthy_fraction, ramp) and `cost_per_unit` (by locality, then by cluster; null:
///          forbidden). Or an object that holds such a one as `input`; what stands beside that is not read.
/// Output   `regime`, `weights_per_10000`, `cluster_load`, `cluster_utilisation`, `max_level`, `total_cost` and
///          `unserved`. Ratios have four decimals; loads and costs too, or six digits where those are finer.
/// Errors   All that make no sense, not only the first; a text that is no JSON is one, with its line and column.
/// Limits   2,000 clusters. `ascii`: the output has no other bytes, as a terminal needs.
Planned plan_case(std::string_view text, bool ascii);

}  // namespace swingover::ctl
