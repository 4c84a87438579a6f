#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

#include "base/units.h"

namespace swingover {

/// Time that only goes forward, from an arbitrary start. For deadlines, intervals, rates.
struct MonotonicTime {
  int64_t nanoseconds = 0;
  friend constexpr auto operator<=>(const MonotonicTime&, const MonotonicTime&) = default;
  friend constexpr MonotonicTime operator+(MonotonicTime t, Milliseconds d) {
    return {t.nanoseconds + d.value * 1'000'000};
  }
  /// Whole milliseconds; what is left over is dropped.
  friend constexpr Milliseconds operator-(MonotonicTime a, MonotonicTime b) {
    return Milliseconds((a.nanoseconds - b.nanoseconds) / 1'000'000);
  }
};

/// Milliseconds since 1970 UTC. For what people read and what is stored; it may jump.
struct WallTime {
  int64_t unix_milliseconds = 0;
  friend constexpr auto operator<=>(const WallTime&, const WallTime&) = default;
  friend constexpr WallTime operator+(WallTime t, Milliseconds d) {
    return {t.unix_milliseconds + d.value};
  }
  friend constexpr Milliseconds operator-(WallTime a, WallTime b) {
    return Milliseconds(a.unix_milliseconds - b.unix_milliseconds);
  }
};

/// The time, passed in so that tests hold it (tests/support/manual_clock.h).
class Clock {
 public:
  virtual ~Clock() = default;
  virtual MonotonicTime now() const = 0;
  virtual WallTime wall() const = 0;
};

/// CLOCK_MONOTONIC and CLOCK_REALTIME. Any thread.
const Clock& system_clock();

/// RFC 3339 in UTC with milliseconds: 2026-11-22T08:00:00.250Z. Years 1 to 9999; beyond, their ends.
std::string rfc3339(WallTime time);
/// Reads what rfc3339() writes, and the same without the fraction.
Result<WallTime> parse_rfc3339(std::string_view text);

}  // namespace swingover
