#pragma once

#include <cstdint>

#include "base/block.h"
#include "base/counters.h"
#include "base/units.h"

namespace swingover::zones {

struct Snapshot;

/// What one answering thread counts in one generation: for each service how many picks it made, and right behind it the
/// answers of each of its pools, so that an answer touches one cache line of it. No line is another thread's too.
///
/// Threads  next_pick() and count_answer(): the writer alone. answers(): any.
class WorkerTally {
 public:
  /// `writer`: each starts at another place of the picks' sequence, so that together they follow it too.
  WorkerTally(const Snapshot& snapshot, uint32_t writer);

  /// The index of this pick in the low-discrepancy sequence of the service.
  uint32_t next_pick(ServiceId service, PoolId first_pool) {
    Counter& picks = word(service, first_pool);
    const auto pick = static_cast<uint32_t>(picks.value()) + first_pick_;
    picks.add();
    return pick;
  }
  /// Likewise of picks for additional sections, of all services together.
  uint32_t next_helper_pick() { return helper_picks_++; }
  void count_answer(ServiceId service, PoolId pool) { word(service, pool, 1).add(); }
  uint64_t answers(ServiceId service, PoolId pool) const { return word(service, pool, 1).value(); }

  /// Both of a service, soon to be used.
  void prefetch_service(ServiceId service, PoolId first_pool) const {
    prefetch(&word(service, first_pool));
  }

 private:
  // Ids are running numbers in one order: in front of a service's words stand one of each service before it
  // and one of each of their pools.
  Counter& word(ServiceId service, PoolId pool, size_t behind = 0) const {
    return words_[size_t{service.value} + pool.value + behind];
  }

  Block memory_;
  Counter* words_;
  uint32_t first_pick_;
  uint32_t helper_picks_ = 0;
};

}  // namespace swingover::zones
