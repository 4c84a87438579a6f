#pragma once

#include <atomic>
#include <cstdint>
#include <memory>

#include "base/block.h"
#include "base/units.h"

namespace swingover::zones {

/// All that a query may know of an endpoint. Higher is better; `choose` takes the best there is.
enum class Eligibility : uint8_t {
  excluded,  // a person took it out (drain): used only when nothing else exists at all
  down,      // its health, its cluster's, or a person's `force down`: only by `when_all_down`
  unknown,   // never seen: only when nothing eligible is there
  eligible,
};

/// One byte per endpoint of one generation: a verdict flips a byte, and every service that uses the
/// endpoint has swung, before anything is rebuilt.
///
/// Threads  set(): the control thread alone. get(): any worker. Relaxed: a byte stands for itself.
/// Cost     get() is one byte load; no lock, no read-modify-write.
class EligibilityMap {
 public:
  explicit EligibilityMap(size_t endpoints)
      : size_(endpoints), bytes_(std::make_unique<std::atomic<uint8_t>[]>(endpoints)) {
    for (size_t i = 0; i < endpoints; ++i) {
      bytes_[i].store(static_cast<uint8_t>(Eligibility::unknown), std::memory_order_relaxed);
    }
  }

  Eligibility get(EndpointId id) const { return static_cast<Eligibility>(byte(id) & ~stored_bit); }
  /// Whether that is what the last run knew, and no probe has confirmed it yet.
  bool is_stored(EndpointId id) const { return (byte(id) & stored_bit) != 0; }
  void set(EndpointId id, Eligibility value, bool is_stored = false) {
    const unsigned byte = static_cast<unsigned>(value) | (is_stored ? stored_bit : 0U);
    bytes_[id.value].store(static_cast<uint8_t>(byte), std::memory_order_relaxed);
  }
  size_t size() const { return size_; }
  /// This byte and those of its neighbours are soon to be read.
  void prefetch(EndpointId id) const { swingover::prefetch(&bytes_[id.value]); }

 private:
  static constexpr unsigned stored_bit = 0x80;

  unsigned byte(EndpointId id) const { return bytes_[id.value].load(std::memory_order_relaxed); }

  size_t size_;
  std::unique_ptr<std::atomic<uint8_t>[]> bytes_;
};

}  // namespace swingover::zones
