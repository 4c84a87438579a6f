#include "zones/steering/corroboration.h"

#include <algorithm>

namespace swingover::steering {

double part_down(std::span<const Suspect> clusters) {
  const bool has_capacities =
      std::ranges::any_of(clusters, [](const Suspect& one) { return one.capacity > 0; });
  double all = 0;
  double down = 0;
  for (const Suspect& cluster : clusters) {
    const double weight = has_capacities ? cluster.capacity : 1;
    all += weight;
    if (cluster.is_down) down += weight;
  }
  return all > 0 ? down / all : 0;
}

std::vector<bool> believed_down(std::span<const Suspect> clusters, MonotonicTime now,
                                const CorroborationRules& rules) {
  const bool is_doubtful = part_down(clusters) >= rules.from;
  std::vector<bool> believed(clusters.size());
  for (size_t j = 0; j < clusters.size(); ++j) {
    const Suspect& cluster = clusters[j];
    const bool speaks = cluster.reported && now < *cluster.reported + rules.age_max;
    believed[j] = cluster.is_down && (cluster.is_hard || !is_doubtful || !speaks);
  }
  return believed;
}

}  // namespace swingover::steering
