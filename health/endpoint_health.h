#pragma once

#include <cstdint>

#include "base/clock.h"
#include "health/health.h"

namespace swingover::health {

enum class Transition : uint8_t {
  unchanged,  // the verdict agrees with what was known
  pending,    // it disagrees, and others must confirm it
  changed,    // health() is another than before
};

/// Verdicts of one endpoint to its health. Pure: a verdict and its time in, a transition out.
///
/// Rule      `fall` failures in a row bring it down, `rise` passes in a row bring it up; one verdict
///           of the other kind starts the count again.
/// Start     With a stored state that state holds, and verdicts that disagree need `rise` or `fall`
///           as ever. With none the first verdict decides alone: a likely answer now beats a certain
///           one a minute on.
/// Quick     While is_confirming(), the next probe comes after the monitor's confirm interval
///           rather than its interval: a change is under way, or nothing is known.
class EndpointHealth {
 public:
  struct Thresholds {
    uint32_t rise = 2;
    uint32_t fall = 3;
    friend bool operator==(const Thresholds&, const Thresholds&) = default;
  };
  explicit EndpointHealth(Thresholds thresholds, Health stored = Health::unknown)
      : thresholds_(thresholds), health_(stored) {}

  Transition apply(Verdict verdict, MonotonicTime seen);

  Health health() const { return health_; }
  bool is_confirming() const { return health_ == Health::unknown || streak_ > 0; }
  /// How many verdicts in a row, from here, would change the health; at least 1.
  uint32_t still_needed() const;
  /// When the first failure of the current or latest run of failures was seen.
  MonotonicTime first_failure() const { return first_failure_; }

 private:
  uint32_t threshold() const;

  Thresholds thresholds_;
  Health health_;
  uint32_t streak_ = 0;  // verdicts in a row that disagree with health_
  bool is_failing_ = false;
  MonotonicTime first_failure_{};
};

}  // namespace swingover::health
