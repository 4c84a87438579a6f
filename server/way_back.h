#pragma once

#include <string>
#include <vector>

#include "base/units.h"
#include "server/config.h"

namespace swingover::server {

/// How a pool whose health is well again gets its share back. Of a service that is not steered within capacity: at once.
struct WayBack {
  zones::Failback failback = zones::Failback::at_once;
  Milliseconds hold{0};  // before its share begins to grow; 0 but with Failback::hold
  friend bool operator==(const WayBack&, const WayBack&) = default;
};

/// Those of all pools of a config. Services that take from one cluster's capacity go its most cautious way, as they do
/// in the daemon (control/capacity_groups.h).
///
/// Cost  O(pools) to make.
class WaysBack {
 public:
  explicit WaysBack(const Config& config);

  WayBack of(const zones::Service& service, const zones::Pool& pool) const;
  /// "first 10 %, all 120 s later"; empty where all of it is back at once.
  std::string steps_words() const;

 private:
  static void be_cautious(WayBack& way, const zones::Service& service);

  const Config& config_;
  std::vector<WayBack> shared_;  // by cluster
};

}  // namespace swingover::server
