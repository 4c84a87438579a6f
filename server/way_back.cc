#include "server/way_back.h"

#include <fmt/format.h>

#include "server/swing_times.h"

namespace swingover::server {

WaysBack::WaysBack(const Config& config)
    : config_(config), shared_(config.topology.clusters.size()) {
  for (const zones::Service& service : config.services) {
    if (!service.is_steered()) continue;
    for (const zones::Pool& pool : service.pools) {
      if (pool.last_resort || pool.has_own_capacity) continue;
      zones::WayBack& back = shared_[pool.cluster.value];
      back = more_cautious(back, way_back_of(service));
    }
  }
}

zones::WayBack WaysBack::of(const zones::Service& service, const zones::Pool& pool) const {
  if (!service.is_steered() || pool.last_resort) return {};
  return pool.has_own_capacity ? way_back_of(service) : shared_[pool.cluster.value];
}

std::string WaysBack::steps_words() const {
  if (config_.steering.ramp.value == 0) return {};
  return fmt::format("first {:g} %, all {} later", config_.steering.ramp_start * 100,
                     seconds_text(config_.steering.ramp));
}

}  // namespace swingover::server
