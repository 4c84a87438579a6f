#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "server/config.h"

namespace swingover::server {

/// The ways back of all pools of a config. A pool of a service that is not steered within capacity has its share back at
/// once; services that take from one cluster's capacity go its most cautious way, as they do
/// in the daemon (control/capacity_groups.h).
///
/// Cost  O(pools) to make.
class WaysBack {
 public:
  explicit WaysBack(const Config& config);

  zones::WayBack of(const zones::Service& service, const zones::Pool& pool) const;
  /// "first 10 %, all 120 s later"; empty where all of it is back at once.
  std::string steps_words() const;

 private:
  const Config& config_;
  std::vector<zones::WayBack> shared_;  // by cluster
};

}  // namespace swingover::server
