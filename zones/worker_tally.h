#pragma once

#include <cstdint>

#include "base/block.h"
#include "base/counters.h"
#include "base/units.h"
#include "zones/many_caches.h"
#include "zones/service_plan.h"
#include "zones/share_rows.h"
#include "zones/signing_budget.h"

namespace swingover::zones {

struct Snapshot;

/// What one answering thread counts in one generation: for each service how many picks it made, and right behind it the
/// answers of each of its pools, so that an answer touches one cache line of it. No line is another thread's too.
///
/// Rows     Of a steered service the same again for the clients of each locality, laid out as ShareRows is: the picks
///          of a locality then follow its shares from the first few on, and who gives out shares learns what became
///          of them. That is one cache line more an answer; memory that no answer touches is never had.
/// Threads  next_pick() and count_answer(): the writer alone. answers(), add_answers(): any.
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
  /// Likewise of a steered service, among the clients of one locality. Each row begins elsewhere: were all at the same
  /// place, the first clients of many localities and services would all get the same pool, whatever its share is.
  uint32_t next_pick(const ServicePlan& plan, LocalityId client) {
    uint32_t* const begin = row(plan, ShareRows::row_of(client));
    const std::atomic_ref<uint32_t> picks(*begin);
    const uint32_t pick = picks.load(std::memory_order_relaxed);
    picks.store(pick + 1, std::memory_order_relaxed);
    const auto place = static_cast<uint64_t>(reinterpret_cast<uint8_t*>(begin) - rows_);
    return pick + first_pick_ + static_cast<uint32_t>(place * 0xd6e8feb86659fd93U >> 32);
  }
  /// Likewise of picks for additional sections, of all services together.
  uint32_t next_helper_pick() { return helper_picks_++; }
  void count_answer(ServiceId service, PoolId pool) { word(service, pool, 1).add(); }
  /// Of a steered service, besides that.
  void count_answer(const ServicePlan& plan, LocalityId client, PoolId pool) {
    const size_t place = pool.value - plan.pool_id(0).value;
    const std::atomic_ref<uint32_t> count(row(plan, ShareRows::row_of(client))[place + 1]);
    count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  uint64_t answers(ServiceId service, PoolId pool) const { return word(service, pool, 1).value(); }

  /// Adds to each pool's place of `sums` the answers from it to clients of that row, modulo 2^32: take differences.
  void add_answers(const ServicePlan& plan, size_t row_place, std::span<uint32_t> sums) const {
    uint32_t* const counts = row(plan, row_place) + 1;
    for (size_t i = 0; i < sums.size(); ++i)
      sums[i] += std::atomic_ref(counts[i]).load(std::memory_order_relaxed);
  }

  ManyCaches& many_caches() { return many_caches_; }
  const ManyCaches& many_caches() const { return many_caches_; }

  SigningBudget& signing_budget() { return signing_budget_; }

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

  uint32_t* row(const ServicePlan& plan, size_t place) const {
    return reinterpret_cast<uint32_t*>(rows_ + size_t{plan.share_place()} * share_place_octets +
                                       place * share_row_octets(plan.pools().size()));
  }

  Block memory_;
  Counter* words_;
  Block row_memory_;  // each row: its picks, then the answers of each pool
  uint8_t* rows_;
  ManyCaches many_caches_;
  SigningBudget signing_budget_;
  uint32_t first_pick_;
  uint32_t helper_picks_ = 0;
};

}  // namespace swingover::zones
