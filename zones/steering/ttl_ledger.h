#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::steering {

/// Which answers of one service caches may still hold, by pool: counted when they were given, forgotten when their TTL has
/// run out. An answer is old once mark() was called after it: whoever keeps it follows what was so before.
///
/// Bound    Never too little, never over too soon: an answer counts until its TTL has run out, and for a fourteenth of the
///          longest TTL (granularity()) more at most.
/// Memory   fixed: 16 slots of 12 octets a pool, whatever the number of answers and the TTL.
/// Cost     add() one slot; held() and mark() all of a pool's.
/// Limits   It knows what was given, not what caches do: one that keeps answers longer than their TTL is not seen, one that
///          asks again before the end counts twice until then. A count beyond 2^32 in one slot stays there.
class TtlLedger {
 public:
  /// `ttl_max`: the longest TTL that add() will be given.
  TtlLedger(size_t pools, Milliseconds ttl_max);

  /// So many more answers from this pool, the last of them given by `given`, none to be kept for longer than `ttl`.
  /// Asserts that this is at most `ttl_max`.
  void add(size_t pool, uint64_t count, MonotonicTime given, Milliseconds ttl);
  /// Whatever was added so far is old from here on.
  void mark();
  /// All that `before` has of this pool, as old; `before` may have other pools and another `ttl_max`, and what it has
  /// beyond that of this one counts until then at least.
  void take_over(size_t pool, const TtlLedger& before, size_t pool_before, MonotonicTime now);

  struct Held {
    uint64_t answers = 0;
    uint64_t old = 0;           // of these
    MonotonicTime until{};      // when the last of them runs out; of meaning where there are any
    MonotonicTime old_until{};  // likewise
    friend bool operator==(const Held&, const Held&) = default;
  };
  Held held(size_t pool, MonotonicTime now) const;

  size_t pools() const { return slots_.size() / slots_a_pool; }
  Milliseconds ttl_max() const { return ttl_max_; }
  Milliseconds granularity() const { return width_; }

 private:
  static constexpr size_t slots_a_pool = 16;
  /// Answers that run out within one width; a slot is used anew when its number has passed.
  struct Slot {
    uint32_t number = 0;  // they count until number × width
    uint32_t fresh = 0;
    uint32_t old = 0;
  };
  MonotonicTime end_of(const Slot& slot) const {
    return MonotonicTime{} + Milliseconds(int64_t{slot.number} * width_.value);
  }
  Slot& slot_for(size_t pool, MonotonicTime end);

  Milliseconds ttl_max_;
  Milliseconds width_;
  std::vector<Slot> slots_;  // by pool, by number modulo slots_a_pool
};

}  // namespace swingover::steering
