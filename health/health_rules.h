#pragma once

#include <cstdint>

#include "base/units.h"

namespace swingover::health {

/// How verdicts add up to health, and what keeps an up target out: the numbers of EndpointHealth. People write
/// them as keys of a [[monitor]] (monitor_options.h), which also says why the defaults are as they are.
struct HealthRules {
  uint32_t rise = 2;           // passes in a row that bring it up
  uint32_t fall = 3;           // failures in a row that bring it down
  uint32_t fall_hard = 2;      // hard failures in a row that do
  uint32_t flaky_fall = 5;     // failures among the last flaky_window verdicts that do; 0: never
  uint32_t flaky_window = 10;  // at most 64

  Milliseconds flap_half_life{0};  // of the penalty; 0: flaps are not counted
  uint32_t flap_suppress = 2500;
  uint32_t flap_reuse = 1000;
  Milliseconds flap_hold_max{1'800'000};
  Milliseconds hold_up{0};
  bool resumes_by_hand = false;

  Milliseconds confirm{500};       // from probe to probe while a change is being confirmed
  Milliseconds confirm_hard{100};  // the same after a hard failure

  friend bool operator==(const HealthRules&, const HealthRules&) = default;
};

}  // namespace swingover::health
