#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

namespace swingover {

/// Counters of different writers stand on lines of their own, so that no core waits for another's.
inline constexpr size_t cache_line_size = 64;

/// A number that one thread changes and any thread reads.
///
/// Threads  add(), subtract(), set(): the owner alone, so a load and a store do; value(): any.
/// Cost     add() is an ordinary increment: no read-modify-write, no fence. Hot path.
class Counter {
 public:
  void add(uint64_t by = 1) { set(value() + by); }
  void subtract(uint64_t by = 1) { set(value() - by); }
  void set(uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

}  // namespace swingover
