#include "server/way_back.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "server/swing_times.h"

namespace swingover::server {

WaysBack::WaysBack(const Config& config)
    : config_(config), shared_(config.topology.clusters.size()) {
  for (const zones::Service& service : config.services) {
    if (!service.is_steered()) continue;
    for (const zones::Pool& pool : service.pools) {
      if (!pool.last_resort && !pool.has_own_capacity)
        be_cautious(shared_[pool.cluster.value], service);
    }
  }
}

void WaysBack::be_cautious(WayBack& way, const zones::Service& service) {
  constexpr std::array boldest_first{zones::Failback::at_once, zones::Failback::ramp,
                                     zones::Failback::hold, zones::Failback::manual};
  const auto caution = [&](zones::Failback one) { return std::ranges::find(boldest_first, one); };
  if (caution(service.failback) > caution(way.failback)) way.failback = service.failback;
  if (service.failback == zones::Failback::hold)
    way.hold = std::max(way.hold, service.failback_hold);
}

WayBack WaysBack::of(const zones::Service& service, const zones::Pool& pool) const {
  if (!service.is_steered() || pool.last_resort) return {};
  WayBack way;
  if (pool.has_own_capacity) {
    be_cautious(way, service);
  } else {
    way = shared_[pool.cluster.value];
  }
  return way;
}

std::string WaysBack::steps_words() const {
  if (config_.steering.ramp.value == 0) return {};
  return fmt::format("first {:g} %, all {} later", config_.steering.ramp_start * 100,
                     seconds_text(config_.steering.ramp));
}

}  // namespace swingover::server
