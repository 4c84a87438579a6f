#pragma once

#include "base/clock.h"
#include "health/health.h"

namespace swingover::health {

/// What outlives a restart of what was learnt of a target.
struct StoredState {
  Health health = Health::unknown;
  Hold hold = Hold::none;
  double penalty = 0;  // of its flaps, at penalty_at; see endpoint_health.h
  WallTime penalty_at{};
  friend bool operator==(const StoredState&, const StoredState&) = default;
};

}  // namespace swingover::health
