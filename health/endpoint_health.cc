#include "health/endpoint_health.h"

#include <algorithm>

namespace swingover::health {

Transition EndpointHealth::apply(Verdict verdict, MonotonicTime seen) {
  const bool fails = verdict == Verdict::fail;
  if (fails && !is_failing_) first_failure_ = seen;
  is_failing_ = fails;

  const Health says = fails ? Health::down : Health::up;
  if (says == health_) {
    streak_ = 0;
    return Transition::unchanged;
  }
  if (++streak_ < threshold()) return Transition::pending;
  streak_ = 0;
  health_ = says;
  return Transition::changed;
}

uint32_t EndpointHealth::still_needed() const {
  return threshold() > streak_ ? threshold() - streak_ : 1;
}

uint32_t EndpointHealth::threshold() const {
  if (health_ == Health::unknown) return 1;
  return std::max<uint32_t>(health_ == Health::up ? thresholds_.fall : thresholds_.rise, 1);
}

}  // namespace swingover::health
