#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/block.h"
#include "base/counters.h"
#include "base/units.h"
#include "zones/service_plan.h"

namespace swingover::zones {

/// Who serves whom, of one generation's steered services: for the clients of each locality, which part of their
/// answers each pool gets. The part of a service's plan that changes at run time, by capacity and load.
///
/// Shape    For each steered service (Service::is_steered) one row per locality, and row 0 for clients of none; in a
///          row one share a pool, in parts of `whole`, by place in Service::pools. A row of zeros says nothing: the
///          plan's tiers decide alone, and so they do when no pool with a share is eligible.
/// Threads  set(): the control thread alone. read(): any worker. A row is read as it was set, never half of one and
///          half of another: it has two copies and a count of its changes, which says where the newest is. A writer
///          that sleeps in the midst of set() holds nobody up, and a reader sees only what is set after it began:
///          it looks again then, at most `attempts` times, and takes the row for one of zeros after that. That
///          takes as many calls of set() for this row within the nanoseconds of one read().
/// Cost     read() is one cache line up to 15 pools; no lock, no allocation, no read-modify-write.
///          4 + 4 × pools octets a row, rounded up to a power of two, or above 64 to cache lines: with 8 pools
///          and 50 localities 3,264 octets a service.
class ShareRows {
 public:
  static constexpr uint16_t whole = 10'000;
  static constexpr int attempts = 8;

  /// All rows zero.
  explicit ShareRows(const ServicePlans& plans);

  bool has_rows(ServiceId service) const { return places_[service.value].has_value(); }
  /// Of each service that has rows.
  size_t rows() const { return rows_; }
  static size_t row_of(LocalityId client) {
    return client == no_locality ? 0 : size_t{client.value} + 1;
  }
  size_t pools(ServiceId service) const { return places_[service.value]->pools; }
  size_t memory_octets() const { return memory_.size(); }

  /// One share for each pool of the service.
  void set(ServiceId service, size_t row, std::span<const uint16_t> shares);
  /// Into `out`, which has room for all pools. False: all are zero. Control path; hot path: the other one.
  bool read(ServiceId service, size_t row, std::span<uint16_t> out) const {
    const Place& place = *places_[service.value];
    return read_row(place.first, place.pools, row, out.data());
  }
  bool read(const ServicePlan& plan, LocalityId client, std::span<uint16_t> out) const {
    return read_row(plan.share_place(), plan.pools().size(), row_of(client), out.data());
  }
  /// This row is soon to be read.
  void prefetch(const ServicePlan& plan, LocalityId client) const {
    swingover::prefetch(
        octets(plan.share_place(), row_of(client), share_row_octets(plan.pools().size())));
  }

 private:
  struct Place {
    uint32_t first = 0;  // as ServicePlan::share_place()
    uint16_t pools = 0;
  };

  uint8_t* octets(uint32_t place, size_t row, size_t row_octets) const {
    return base_ + size_t{place} * share_place_octets + row * row_octets;
  }

  bool read_row(uint32_t place, size_t pools, size_t row, uint16_t* out) const {
    uint8_t* const begin = octets(place, row, share_row_octets(pools));
    const std::atomic_ref<uint32_t> changes(*reinterpret_cast<uint32_t*>(begin));
    auto* const copies = reinterpret_cast<uint16_t*>(begin + sizeof(uint32_t));
    for (int attempt = 0; attempt < attempts; ++attempt) {
      const uint32_t seen = changes.load(std::memory_order_acquire);
      uint16_t* const copy = copies + (seen & 1) * pools;
      unsigned any = 0;
      for (size_t i = 0; i < pools; ++i) {
        // Acquire, so that whoever read a share of a later change below sees that it has begun.
        const uint16_t share = std::atomic_ref(copy[i]).load(std::memory_order_acquire);
        out[i] = share;
        any |= share;
      }
      if (changes.load(std::memory_order_relaxed) == seen) return any != 0;
    }
    std::fill_n(out, pools, uint16_t{0});
    return false;
  }

  size_t rows_;
  std::vector<std::optional<Place>> places_;  // by ServiceId
  Block
      memory_;  // of each row: how often it was changed, then its two copies; the last bit says which counts
  uint8_t* base_;
};

}  // namespace swingover::zones
