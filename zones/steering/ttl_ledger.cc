#include "zones/steering/ttl_ledger.h"

#include <algorithm>
#include <cassert>
#include <limits>

namespace swingover::steering {
namespace {

// Two slots more than widths in the longest TTL: the one that runs now, and the one that a late end is rounded up to.
constexpr int64_t widths = 14;
constexpr Milliseconds width_min{100};

uint32_t sum_of(uint32_t count, uint64_t more) {
  constexpr uint64_t most = std::numeric_limits<uint32_t>::max();
  return static_cast<uint32_t>(std::min(most, count + std::min(more, most)));
}

}  // namespace

TtlLedger::TtlLedger(size_t pools, Milliseconds ttl_max)
    : ttl_max_(ttl_max),
      width_(std::max(width_min, Milliseconds((ttl_max.value + widths - 1) / widths))),
      slots_(pools * slots_a_pool) {}

TtlLedger::Slot& TtlLedger::slot_for(size_t pool, MonotonicTime end) {
  const int64_t nanoseconds = width_.value * 1'000'000;
  const auto number = static_cast<uint32_t>((end.nanoseconds + nanoseconds - 1) / nanoseconds);
  Slot& slot = slots_[pool * slots_a_pool + number % slots_a_pool];
  if (slot.number != number) slot = {.number = number};
  return slot;
}

void TtlLedger::add(size_t pool, uint64_t count, MonotonicTime given, Milliseconds ttl) {
  assert(ttl <= ttl_max_);
  if (count == 0) return;
  Slot& slot = slot_for(pool, given + ttl);
  slot.fresh = sum_of(slot.fresh, count);
}

void TtlLedger::mark() {
  for (Slot& slot : slots_) {
    slot.old = sum_of(slot.old, slot.fresh);
    slot.fresh = 0;
  }
}

void TtlLedger::take_over(size_t pool, const TtlLedger& before, size_t pool_before,
                          MonotonicTime now) {
  for (size_t i = 0; i < slots_a_pool; ++i) {
    const Slot& slot = before.slots_[pool_before * slots_a_pool + i];
    const MonotonicTime end = before.end_of(slot);
    const uint64_t count = uint64_t{slot.fresh} + slot.old;
    if (count == 0 || end <= now) continue;
    // Later ends share the last slot that there is: what is beyond a shorter ttl_max would else be written over.
    Slot& own = slot_for(pool, std::min(end, now + ttl_max_));
    own.old = sum_of(own.old, count);
  }
}

TtlLedger::Held TtlLedger::held(size_t pool, MonotonicTime now) const {
  Held held;
  for (size_t i = 0; i < slots_a_pool; ++i) {
    const Slot& slot = slots_[pool * slots_a_pool + i];
    const MonotonicTime end = end_of(slot);
    if (end <= now) continue;
    const uint64_t count = uint64_t{slot.fresh} + slot.old;
    held.answers += count;
    held.old += slot.old;
    if (count > 0) held.until = std::max(held.until, end);
    if (slot.old > 0) held.old_until = std::max(held.old_until, end);
  }
  return held;
}

}  // namespace swingover::steering
