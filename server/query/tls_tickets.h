#pragma once

#include <array>
#include <cstdint>

#include "base/clock.h"

namespace swingover::query {

/// What seals session tickets (RFC 8446 section 4.6.1), so that a client that comes back needs no signature
/// and the server remembers nobody.
///
/// Shape    Each period has its keys. They follow from one secret by a one-way step, so workers that began with
///          the same secret have the same keys without a word between them, and what was sealed two periods ago
///          cannot be opened any more, by anybody.
/// Threads  The worker's.
class TlsTickets {
 public:
  using Secret = std::array<uint8_t, 32>;
  static constexpr Milliseconds period{6LL * 3600 * 1000};

  struct Keys {
    std::array<uint8_t, 16> name{};
    std::array<uint8_t, 32> cipher{};
    std::array<uint8_t, 32> mac{};
  };

  /// What all workers of a process begin with.
  struct Origin {
    Secret secret{};
    MonotonicTime start;
  };
  static Secret new_secret();  // random

  explicit TlsTickets(const Origin& origin);
  ~TlsTickets();

  /// Comes to the keys of this instant.
  void rotate(MonotonicTime now);

  const Keys& newest() const { return newest_; }
  /// The keys of that name, of this period or the one before; none: too old, or not ours.
  const Keys* find(const uint8_t* name) const;

 private:
  void step();

  Secret secret_;  // of the period after the newest
  MonotonicTime next_;
  Keys newest_;
  Keys before_;
  bool has_before_ = false;
};

}  // namespace swingover::query
