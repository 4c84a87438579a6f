#include "health/group_health.h"

#include <algorithm>

namespace swingover::health {

Health at_least_up(std::span<const Health> members, size_t minimum) {
  const auto up = static_cast<size_t>(std::ranges::count(members, Health::up));
  const auto unknown = static_cast<size_t>(std::ranges::count(members, Health::unknown));
  if (up >= minimum) return Health::up;
  return up + unknown < minimum ? Health::down : Health::unknown;
}

Health any_up(std::span<const Health> members) {
  return at_least_up(members, 1);
}

Health all_up(std::span<const Health> members) {
  return at_least_up(members, members.size());
}

Health cluster_health(std::span<const std::vector<Health>> monitors) {
  if (monitors.empty()) return Health::unknown;
  std::vector<Health> seen;
  seen.reserve(monitors.size());
  for (const auto& addresses : monitors) seen.push_back(any_up(addresses));
  return all_up(seen);
}

}  // namespace swingover::health
