#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/block.h"
#include "base/units.h"

namespace swingover::zones {

/// When the answers of each service of one generation may next be others, as far as anybody knows: wall-clock seconds
/// since 1970 (RFC 1982 order). No answer may be kept for much longer than until then (ServicePlan::ttl()).
///
/// Threads  set(): the control thread alone. get(): any worker. Relaxed: a word stands for itself.
/// Cost     get() is one load of four octets; no lock, no read-modify-write.
class ChangeTimes {
 public:
  /// Nothing speaks of a change: a failure would have to come first.
  static constexpr uint32_t unknown = 0;

  explicit ChangeTimes(size_t services)
      : size_(services), words_(std::make_unique<std::atomic<uint32_t>[]>(services)) {
    for (size_t i = 0; i < services; ++i) words_[i].store(unknown, std::memory_order_relaxed);
  }

  uint32_t get(ServiceId id) const { return words_[id.value].load(std::memory_order_relaxed); }
  void set(ServiceId id, uint32_t seconds) {
    words_[id.value].store(seconds, std::memory_order_relaxed);
  }
  size_t size() const { return size_; }
  /// This word is soon to be read.
  void prefetch(ServiceId id) const { swingover::prefetch(&words_[id.value]); }

 private:
  size_t size_;
  std::unique_ptr<std::atomic<uint32_t>[]> words_;
};

}  // namespace swingover::zones
