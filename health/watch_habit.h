#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/units.h"

namespace swingover::health {

/// What the ends of idle connections tell of a backend. Pure.
///
/// Habit   Three connections in a row that lasted about equally long (within a fifth, or a second) were ended by a
///         backend that passed its probes right after: it closes idle connections after that time.
/// Pace    The next connection comes a second after one was ended, twice as long after each further one, a minute
///         at most; one that lasted for ten minutes starts again.
class WatchHabit {
 public:
  /// A connection of this age was ended, and the backend lives.
  void ended(Milliseconds age);
  /// It went down: another process may have other habits.
  void forget() { *this = {}; }

  /// After how long it closes what is idle, if it does so.
  std::optional<Milliseconds> idle_time() const { return idle_time_; }
  Milliseconds pause() const { return pause_; }

 private:
  static constexpr size_t ends_of_a_habit = 3;

  std::array<Milliseconds, ends_of_a_habit> ages_{};
  uint32_t ends_ = 0;
  Milliseconds pause_{1000};
  std::optional<Milliseconds> idle_time_;
};

}  // namespace swingover::health
