#include "zones/steering/move_budget.h"

#include <algorithm>

namespace swingover::steering {
namespace {

constexpr int64_t entries_a_window = 60;
constexpr double noise = 1e-9;

}  // namespace

void MoveBudget::spend(double part, MonotonicTime now) {
  if (part <= 0) return;
  while (!entries_.empty() && entries_.front().until + rules_.window <= now) entries_.pop_front();
  if (!entries_.empty() && entries_.back().until > now) {
    entries_.back().part += part;
    return;
  }
  const int64_t width = std::max<int64_t>(rules_.window.value / entries_a_window, 1) * 1'000'000;
  entries_.push_back({MonotonicTime{(now.nanoseconds / width + 1) * width}, part});
}

double MoveBudget::spent(MonotonicTime now) const {
  double spent = 0;
  for (const Entry& entry : entries_) {
    if (entry.until + rules_.window > now) spent += entry.part;
  }
  return spent;
}

bool MoveBudget::fits(double part, MonotonicTime now) const {
  return !is_bounded() || spent(now) + part <= rules_.part + noise;
}

bool MoveBudget::allows(double part, MonotonicTime now) const {
  return fits(part, now) || spent(now) <= noise;
}

MonotonicTime MoveBudget::free_at(double part, MonotonicTime now) const {
  if (allows(part, now)) return now;
  for (const Entry& entry : entries_) {
    const MonotonicTime end = entry.until + rules_.window;
    if (end > now && allows(part, end)) return end;
  }
  return now;
}

}  // namespace swingover::steering
