#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/block.h"
#include "base/units.h"

namespace swingover::zones {

/// Which client networks are many caches: a cache asks once a TTL for each type, so whoever gets more than
/// `answers_max` answers of a service within one is several. Such a network, a large resolver's, stands for too many
/// clients to stick to one pool.
///
/// Rule     A network is many from its answer behind `answers_max` on until that TTL has passed, and all through the
///          next one if it got more than so many in this: it does not change to and fro.
/// Limits   What one thread answered; a network whose queries several threads answer counts at each of them. Of some
///          16,000 pairs of a network and a service at a time. Where there is no place, those that are many stay and
///          the others' counts begin anew: a network is then taken for one cache, as all are at first.
/// Shape    128 KiB, or nothing when `is_needed` is not set.
/// Threads  note(): the thread of the tally. is_many(): any. An entry is one word, read and written whole.
/// Cost     Half a cache line; no lock, no allocation, no read-modify-write.
class ManyCaches {
 public:
  static constexpr uint32_t answers_max = 4;

  explicit ManyCaches(bool is_needed) : memory_(is_needed ? sets * ways * sizeof(uint64_t) : 0) {}

  /// `client`: PickKey::client. `now`: seconds of any clock, the same for all calls.
  bool is_many(ServiceId service, uint64_t client, Ttl ttl, uint32_t now) const {
    const uint64_t hash = hash_of(service, client);
    for (size_t way = 0; way < ways; ++way) {
      const Entry entry = get(hash, way);
      if (entry.tag == tag_of(hash)) return entry.is_many(span_of(ttl), now);
    }
    return false;
  }

  /// One more answer went there.
  void note(ServiceId service, uint64_t client, Ttl ttl, uint32_t now) {
    const uint64_t hash = hash_of(service, client);
    const uint32_t span = span_of(ttl);
    size_t place = ways;
    uint32_t least = answers_max;  // an entry with so many is not given up while its TTL lasts
    for (size_t way = 0; way < ways; ++way) {
      const Entry entry = get(hash, way);
      if (entry.tag == tag_of(hash)) return set(hash, way, entry.counted_on(span, now));
      const uint32_t worth = entry.age(now) < 2 * span ? entry.count : 0;
      if (entry.was_many && entry.age(now) < span) continue;
      if (worth >= least) continue;
      least = worth;
      place = way;
    }
    if (place < ways)
      set(hash, place, {.tag = tag_of(hash), .since = now & since_mask, .count = 1});
  }

 private:
  static constexpr size_t ways = 4;
  static constexpr size_t sets = 4'096;
  static constexpr uint32_t since_mask = 0xffffff;
  static constexpr uint32_t count_max = 0x7f;

  /// As a word: the tag's 32 bits, 24 of `since`, 7 of the count, was_many.
  struct Entry {
    uint32_t tag = 0;  // never 0 once set
    uint32_t since = 0;
    uint32_t count = 0;     // within the TTL that began at `since`
    bool was_many = false;  // in the one before

    uint32_t age(uint32_t now) const { return (now - since) & since_mask; }
    bool is_many(uint32_t span, uint32_t now) const {
      if (age(now) < span) return was_many || count >= answers_max;
      return age(now) < 2 * span && count > answers_max;
    }
    Entry counted_on(uint32_t span, uint32_t now) const {
      if (age(now) < span) return {tag, since, count < count_max ? count + 1 : count, was_many};
      return {tag, now & since_mask, 1, age(now) < 2 * span && count > answers_max};
    }
  };

  static uint64_t hash_of(ServiceId service, uint64_t client) {
    uint64_t hash =
        (client ^ (uint64_t{service.value} + 1) * 0x9e3779b97f4a7c15U) * 0xd6e8feb86659fd93U;
    hash ^= hash >> 32;
    return hash * 0xd6e8feb86659fd93U;
  }
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 32) | 1; }
  /// Half of `since` at most, so that an old entry is not taken for a young one by and by.
  static uint32_t span_of(Ttl ttl) {
    if (ttl.value == 0) return 1;
    return ttl.value < since_mask / 4 ? ttl.value : since_mask / 4;
  }

  uint64_t& word(uint64_t hash, size_t way) const {
    return reinterpret_cast<uint64_t*>(base_)[(hash >> 8) % sets * ways + way];
  }
  Entry get(uint64_t hash, size_t way) const {
    const uint64_t bits = std::atomic_ref(word(hash, way)).load(std::memory_order_relaxed);
    return {.tag = static_cast<uint32_t>(bits >> 32),
            .since = static_cast<uint32_t>(bits >> 8) & since_mask,
            .count = static_cast<uint32_t>(bits >> 1) & count_max,
            .was_many = (bits & 1) != 0};
  }
  void set(uint64_t hash, size_t way, const Entry& entry) {
    const uint64_t bits = uint64_t{entry.tag} << 32 | uint64_t{entry.since} << 8 |
                          uint64_t{entry.count} << 1 | uint64_t{entry.was_many};
    std::atomic_ref(word(hash, way)).store(bits, std::memory_order_relaxed);
  }

  Block memory_;  // sets of entries
  uint8_t* base_ = memory_.data();
};

}  // namespace swingover::zones
