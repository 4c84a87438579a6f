#pragma once

#include "base/clock.h"

namespace swingover::tests {

/// A clock that stands still until told.
class ManualClock : public Clock {
 public:
  MonotonicTime now() const override { return now_; }
  WallTime wall() const override { return wall_; }
  void advance(Milliseconds by) {
    now_ = now_ + by;
    wall_ = wall_ + by;
  }
  /// The wall clock alone jumps, as an operator's or NTP's correction does.
  void jump_wall(Milliseconds by) { wall_ = wall_ + by; }

 private:
  MonotonicTime now_{1'000'000'000};
  WallTime wall_{1'790'000'000'000};
};

}  // namespace swingover::tests
