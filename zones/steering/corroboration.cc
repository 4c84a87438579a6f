#include "zones/steering/corroboration.h"

namespace swingover::steering {

std::vector<bool> believed_down(std::span<const Suspect> clusters, MonotonicTime now,
                                Milliseconds age_max) {
  double all = 0;
  double down = 0;
  for (const Suspect& cluster : clusters) {
    all += cluster.capacity;
    if (cluster.is_down) down += cluster.capacity;
  }
  const bool is_doubtful = 2 * down >= all;
  std::vector<bool> believed(clusters.size());
  for (size_t j = 0; j < clusters.size(); ++j) {
    const Suspect& cluster = clusters[j];
    const bool speaks = cluster.reported && now < *cluster.reported + age_max;
    believed[j] = cluster.is_down && (cluster.is_hard || !is_doubtful || !speaks);
  }
  return believed;
}

}  // namespace swingover::steering
