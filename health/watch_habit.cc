#include "health/watch_habit.h"

#include <algorithm>

namespace swingover::health {

namespace {

constexpr Milliseconds pause_least{1000};
constexpr Milliseconds pause_most{60'000};
constexpr Milliseconds long_life{600'000};

}  // namespace

void WatchHabit::ended(Milliseconds age) {
  pause_ = age >= long_life || ends_ == 0 ? pause_least : std::min(pause_ * 2, pause_most);
  ages_[ends_++ % ends_of_a_habit] = age;
  if (ends_ < ends_of_a_habit) return;
  const auto [least, most] = std::minmax_element(ages_.begin(), ages_.end());
  const Milliseconds tolerance = std::max(Milliseconds(1000), Milliseconds(most->value / 5));
  idle_time_.reset();
  if (*most - *least <= tolerance) idle_time_ = *least;
}

}  // namespace swingover::health
