#include "server/control/brake.h"

#include <fmt/format.h>

#include "base/units.h"

namespace swingover::control {

void Brake::configure(const Rules& rules) {
  rules_ = rules;
}

bool Brake::let_go(Of what, size_t count, size_t all, MonotonicTime now, WallTime wall) {
  if (count == 0) return true;
  if (is_engaged_) return false;
  const std::optional<Portion> most = bound(what);
  if (!most) return true;
  auto& gone = gone_[static_cast<size_t>(what)];
  while (!gone.empty() && now - gone.front().first >= rules_.window) gone.pop_front();
  size_t sum = count;
  for (const auto& [when, number] : gone) sum += number;
  if (sum <= most->most_of(all)) {
    gone.emplace_back(now, count);
    return true;
  }
  engage(wall, fmt::format("{} of {} {} would be down within {}, brake {}", sum, all,
                           what == Of::endpoints ? "endpoints" : "clusters",
                           duration_text(rules_.window), most->text()));
  return false;
}

void Brake::engage(WallTime since, std::string reason) {
  is_engaged_ = true;
  since_ = since;
  reason_ = std::move(reason);
}

void Brake::disengage() {
  is_engaged_ = false;
  reason_.clear();
  for (auto& gone : gone_) gone.clear();
}

bool SelfDoubt::look(const Seen& seen, MonotonicTime now) {
  const bool is_so =
      2 * seen.targets_down > seen.targets && 2 * seen.endpoints_down > seen.endpoints;
  if (is_so) ends_ = now + window_;
  const bool before = std::exchange(is_in_doubt_, is_so || (is_in_doubt_ && now < ends_));
  return is_in_doubt_ != before;
}

void SelfDoubt::begin(MonotonicTime now) {
  is_in_doubt_ = true;
  ends_ = now + window_;
}

}  // namespace swingover::control
