#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "base/result.h"
#include "store/store.h"

namespace swingover::store {

/// A place in a table that is written in order: by the wall clock, and by how often that went back far.
///
/// Epoch  A clock that was once a year ahead would leave all that follows a year ahead, too: not to be found by its time,
///        and never old. So whoever finds the newest place more than `epoch_step` ahead of now begins a new epoch. Within
///        one a place's time is at most that much after the record's own.
/// Bytes  12, big-endian: the epoch is in the upper 16 bits of the time, 0 in stores that knew of none.
struct TimeKey {
  uint64_t milliseconds = 0;  // below 2^48
  uint32_t sequence = 0;  // of the records of that millisecond, and of what the clock went back by
  uint16_t epoch = 0;

  friend bool operator==(const TimeKey&, const TimeKey&) = default;
  friend std::strong_ordering operator<=>(const TimeKey& one, const TimeKey& other) {
    if (one.epoch != other.epoch) return one.epoch <=> other.epoch;
    if (one.milliseconds != other.milliseconds) return one.milliseconds <=> other.milliseconds;
    return one.sequence <=> other.sequence;
  }
};

inline constexpr Milliseconds epoch_step{300'000};
inline constexpr unsigned time_bits = 48;
inline constexpr uint64_t time_max = (uint64_t{1} << time_bits) - 1;

/// A time as it stands in a key: what is before 1970 counts as then.
uint64_t key_time(WallTime time);

/// The place of a record of now; `newest`: the last one given.
TimeKey next_key(const TimeKey& newest, WallTime now);

/// The bytes; `prefix` tells records apart that share a table.
std::string encode_key(const TimeKey& key, std::string_view prefix = {});
/// Nothing: it has another length or prefix.
std::optional<TimeKey> decode_key(std::string_view bytes, std::string_view prefix = {});

/// The first key that none of `prefix` has; empty: the table's end.
std::string end_of(std::string_view prefix);

/// The newest record whose place is before `then` by the clock of its own epoch; older epochs are before it, whatever
/// their clock showed. Nothing: none is. Errors: of the store; corrupt, a damaged key.
struct Placed {
  TimeKey key;
  std::string value;
};
Result<std::optional<Placed>> newest_before(const Store& store, Table table,
                                            std::string_view prefix, WallTime then);

}  // namespace swingover::store
