#pragma once

#include <deque>
#include <optional>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::steering {

/// At most such a part of all load may move within any window by what is planned: people's acts, traffic that comes home,
/// ramps. What relieves overload or follows health is nobody's to ask here.
///
/// Window    Slides. What was moved counts for one window, and up to a sixtieth of it longer, never shorter.
/// Large     A move that is more than the whole budget is allowed when nothing counts any more: it can be made in no
///           smaller way, and would else wait for ever.
/// Memory    62 entries at most. Pure; one owner.
class MoveBudget {
 public:
  /// `part` of all load, 0 to 1; 1 bounds nothing.
  struct Rules {
    double part = 1;
    Milliseconds window{300'000};
    friend bool operator==(const Rules&, const Rules&) = default;
  };

  MoveBudget() = default;
  /// What was moved goes on to count, for the new window.
  void configure(const Rules& rules) { rules_ = rules; }
  const Rules& rules() const { return rules_; }
  bool is_bounded() const { return rules_.part < 1; }

  void spend(double part, MonotonicTime now);
  /// Of what was moved within the window ending now.
  double spent(MonotonicTime now) const;
  /// Whether so much more is within the budget: of what could be made in smaller moves.
  bool fits(double part, MonotonicTime now) const;
  /// Whether so much may move now, in the smallest move that there is.
  bool allows(double part, MonotonicTime now) const;
  /// When it may, if nothing else moves; now, when it may already.
  MonotonicTime free_at(double part, MonotonicTime now) const;

 private:
  struct Entry {
    MonotonicTime until{};  // when the last of what it holds can have moved
    double part = 0;
  };
  Rules rules_;
  std::deque<Entry> entries_;  // oldest first
};

}  // namespace swingover::steering
