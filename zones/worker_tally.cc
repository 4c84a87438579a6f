#include "zones/worker_tally.h"

#include <memory>

#include "zones/snapshot.h"

namespace swingover::zones {

WorkerTally::WorkerTally(const Snapshot& snapshot, uint32_t worker)
    : memory_((snapshot.plans.size() + snapshot.counts.pools) * sizeof(Counter)),
      words_(reinterpret_cast<Counter*>(memory_.data())) {
  std::uninitialized_value_construct_n(words_, memory_.size() / sizeof(Counter));
  for (uint32_t i = 0; i < snapshot.plans.size(); ++i)
    word(ServiceId(i), snapshot.plans[i].pool_id(0)).add(worker * 0x9e3779b9U);
}

}  // namespace swingover::zones
