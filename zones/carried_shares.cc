#include "zones/carried_shares.h"

#include <algorithm>
#include <vector>

namespace swingover::zones {
namespace {

using Places = std::vector<std::optional<size_t>>;  // of each new one: where the old one was

Places old_rows(const Topology& before, const Topology& now) {
  Places places{0};  // clients of no known locality
  for (const Locality& locality : now.localities) {
    const auto old = std::ranges::find(before.localities, locality.name, &Locality::name);
    places.push_back(old == before.localities.end()
                         ? std::nullopt
                         : std::optional<size_t>(old - before.localities.begin() + 1));
  }
  return places;
}

void find_old_pools(const Service& before, const Service& now, Places& places) {
  places.clear();
  for (const Pool& pool : now.pools) {
    const auto old = std::ranges::find(before.pools, pool.cluster_name, &Pool::cluster_name);
    places.push_back(old == before.pools.end() ? std::nullopt
                                               : std::optional<size_t>(old - before.pools.begin()));
  }
}

}  // namespace

void carry_shares(const Snapshot& previous, std::span<const std::optional<ServiceId>> old_services,
                  const Snapshot& next) {
  const Places rows = old_rows(previous.model->topology, next.model->topology);
  Places pools;
  std::vector<uint16_t> before;
  std::vector<uint16_t> now;
  for (const Service& service : next.model->services) {
    const std::optional<ServiceId> old = old_services[service.id.value];
    if (!old || !next.shares->has_rows(service.id) || !previous.shares->has_rows(*old)) continue;
    const Service& old_service = previous.model->services[old->value];
    find_old_pools(old_service, service, pools);
    before.resize(old_service.pools.size());
    now.resize(service.pools.size());
    for (size_t row = 0; row < rows.size(); ++row) {
      if (!rows[row] || !previous.shares->read(*old, *rows[row], before)) continue;
      for (size_t i = 0; i < now.size(); ++i) now[i] = pools[i] ? before[*pools[i]] : uint16_t{0};
      next.shares->set(service.id, row, now);
    }
  }
}

}  // namespace swingover::zones
