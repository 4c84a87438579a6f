#include "zones/worker_tally.h"

#include <algorithm>
#include <memory>

#include "zones/snapshot.h"

namespace swingover::zones {

WorkerTally::WorkerTally(const Snapshot& snapshot, uint32_t writer)
    : memory_((snapshot.plans.size() + snapshot.counts.pools) * sizeof(Counter)),
      words_(reinterpret_cast<Counter*>(memory_.data())),
      row_memory_(snapshot.plans.share_octets()),
      rows_(row_memory_.data()),
      many_caches_(std::ranges::any_of(
          snapshot.model->services,
          [](const Service& service) { return service.sticky == Sticky::client; })),
      first_pick_(writer * 0x9e3779b9U) {
  std::uninitialized_value_construct_n(words_, memory_.size() / sizeof(Counter));
}

}  // namespace swingover::zones
