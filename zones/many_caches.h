#pragma once

#include <atomic>
#include <bit>
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
///          next one if it got more than so many in this: it does not change to and fro. "That TTL" is the shortest
///          that it was answered in the meantime, since a TTL that counts down has one cache ask more often. It is
///          kept with two digits of four, so up to a fifth of it may be missing.
/// Limits   What one thread answered; a network whose queries several threads answer counts at each of them. Of some
///          16,000 pairs of a network and a service at a time. Where there is no place, those that are many stay and
///          the others' counts begin anew: a network is then taken for one cache, as all are at first. TTLs count up to
///          16 hours.
/// Shape    128 KiB, or nothing when `is_needed` is not set.
/// Threads  note(): the thread of the tally. is_many(): any. An entry is one word, read and written whole.
/// Cost     Half a cache line; no lock, no allocation, no read-modify-write.
class ManyCaches {
 public:
  static constexpr uint32_t answers_max = 4;

  explicit ManyCaches(bool is_needed) : memory_(is_needed ? sets * ways * sizeof(uint64_t) : 0) {}

  /// `client`: PickKey::client, of the address that asks. `now`: seconds of any clock, the same for all calls.
  bool is_many(ServiceId service, uint64_t client, uint32_t now) const {
    const uint64_t hash = hash_of(service, client);
    for (size_t way = 0; way < ways; ++way) {
      const Entry entry = get(hash, way);
      if (entry.tag == tag_of(hash)) return entry.is_many(now);
    }
    return false;
  }

  /// One more answer went there, with this TTL.
  void note(ServiceId service, uint64_t client, Ttl ttl, uint32_t now) {
    const uint64_t hash = hash_of(service, client);
    const uint32_t code = code_of(ttl);
    size_t place = ways;
    uint32_t least = answers_max;  // an entry with so many is not given up while its TTL lasts
    for (size_t way = 0; way < ways; ++way) {
      const Entry entry = get(hash, way);
      if (entry.tag == tag_of(hash)) return set(hash, way, entry.counted_on(code, now));
      // By its own TTL: who is answered for a second does not age what holds for an hour.
      const uint32_t worth = entry.age(now) < 2 * entry.span() ? entry.count : 0;
      if (entry.was_many && entry.age(now) < entry.span()) continue;
      if (worth >= least) continue;
      least = worth;
      place = way;
    }
    if (place < ways)
      set(hash, place, {.tag = tag_of(hash), .since = now & since_mask, .code = code, .count = 1});
  }

 private:
  static constexpr size_t ways = 4;
  static constexpr size_t sets = 4'096;
  static constexpr uint32_t since_mask = 0xffffff;
  static constexpr uint32_t code_max = 0x3f;
  static constexpr uint32_t count_max = 7;
  static_assert(count_max > answers_max);

  /// As a word: the tag's 30 bits, 24 of `since`, 6 of the code, 3 of the count, was_many.
  struct Entry {
    uint32_t tag = 0;  // never 0 once set
    uint32_t since = 0;
    uint32_t code = 0;      // of the shortest TTL since then
    uint32_t count = 0;     // within the TTL that began at `since`
    bool was_many = false;  // in the one before

    uint32_t span() const { return seconds_of(code); }
    uint32_t age(uint32_t now) const { return (now - since) & since_mask; }
    bool is_many(uint32_t now) const {
      if (age(now) < span()) return was_many || count >= answers_max;
      return age(now) < 2 * span() && count > answers_max;
    }
    Entry counted_on(uint32_t answered, uint32_t now) const {
      if (age(now) >= span())
        return {tag, now & since_mask, answered, 1, age(now) < 2 * span() && count > answers_max};
      return {tag, since, answered < code ? answered : code, count < count_max ? count + 1 : count,
              was_many};
    }
  };

  /// A TTL as 4 to 7 times a power of two, in quarters of a second, rounded down: in the order of the TTLs.
  static uint32_t code_of(Ttl ttl) {
    if (ttl.value == 0) return 0;  // as one second
    const auto exponent = static_cast<uint32_t>(std::bit_width(ttl.value)) - 1;
    if (exponent > code_max >> 2) return code_max;
    const uint64_t quarters = uint64_t{ttl.value} << 2 >> exponent;
    return exponent << 2 | (static_cast<uint32_t>(quarters) & 3);
  }
  static uint32_t seconds_of(uint32_t code) { return ((4 | (code & 3)) << (code >> 2)) >> 2; }

  static uint64_t hash_of(ServiceId service, uint64_t client) {
    uint64_t hash =
        (client ^ (uint64_t{service.value} + 1) * 0x9e3779b97f4a7c15U) * 0xd6e8feb86659fd93U;
    hash ^= hash >> 32;
    return hash * 0xd6e8feb86659fd93U;
  }
  static uint32_t tag_of(uint64_t hash) { return static_cast<uint32_t>(hash >> 34) | 1; }

  uint64_t& word(uint64_t hash, size_t way) const {
    return reinterpret_cast<uint64_t*>(base_)[(hash >> 8) % sets * ways + way];
  }
  Entry get(uint64_t hash, size_t way) const {
    const uint64_t bits = std::atomic_ref(word(hash, way)).load(std::memory_order_relaxed);
    return {.tag = static_cast<uint32_t>(bits >> 34),
            .since = static_cast<uint32_t>(bits >> 10) & since_mask,
            .code = static_cast<uint32_t>(bits >> 4) & code_max,
            .count = static_cast<uint32_t>(bits >> 1) & count_max,
            .was_many = (bits & 1) != 0};
  }
  void set(uint64_t hash, size_t way, const Entry& entry) {
    const uint64_t bits = uint64_t{entry.tag} << 34 | uint64_t{entry.since} << 10 |
                          uint64_t{entry.code} << 4 | uint64_t{entry.count} << 1 |
                          uint64_t{entry.was_many};
    std::atomic_ref(word(hash, way)).store(bits, std::memory_order_relaxed);
  }

  Block memory_;  // sets of entries
  uint8_t* base_ = memory_.data();
};

}  // namespace swingover::zones
