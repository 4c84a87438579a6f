#include "store/time_key.h"

#include <algorithm>
#include <limits>

#include "base/bytes.h"

namespace swingover::store {

namespace {

constexpr size_t key_size = 12;

}  // namespace

uint64_t key_time(WallTime time) {
  return std::min(static_cast<uint64_t>(std::max<int64_t>(time.unix_milliseconds, 0)), time_max);
}

TimeKey next_key(const TimeKey& newest, WallTime now) {
  const uint64_t time = key_time(now);
  constexpr auto step = static_cast<uint64_t>(epoch_step.value);
  // After 65,535 epochs the last one goes on, with the order alone.
  const bool is_last = newest.epoch == std::numeric_limits<uint16_t>::max();
  if (newest.milliseconds > time + step && !is_last)
    return {time, 0, static_cast<uint16_t>(newest.epoch + 1)};
  if (time > newest.milliseconds) return {time, 0, newest.epoch};
  if (newest.sequence == std::numeric_limits<uint32_t>::max())
    return {newest.milliseconds + 1, 0, newest.epoch};
  return {newest.milliseconds, newest.sequence + 1, newest.epoch};
}

std::string encode_key(const TimeKey& key, std::string_view prefix) {
  std::string bytes(prefix.size() + key_size, '\0');
  ByteWriter writer(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size()));
  writer.put(Bytes(reinterpret_cast<const uint8_t*>(prefix.data()), prefix.size()));
  writer.u64((uint64_t{key.epoch} << time_bits) | key.milliseconds);
  writer.u32(key.sequence);
  return bytes;
}

std::optional<TimeKey> decode_key(std::string_view bytes, std::string_view prefix) {
  if (bytes.size() != prefix.size() + key_size || !bytes.starts_with(prefix)) return std::nullopt;
  bytes.remove_prefix(prefix.size());
  ByteReader reader(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()));
  const uint64_t time = reader.u64();
  return TimeKey{time & time_max, reader.u32(), static_cast<uint16_t>(time >> time_bits)};
}

std::string end_of(std::string_view prefix) {
  std::string end(prefix);
  if (!end.empty()) ++end.back();  // prefixes are letters
  return end;
}

Result<std::optional<Placed>> newest_before(const Store& store, Table table,
                                            std::string_view prefix, WallTime then) {
  std::optional<Placed> found;
  bool is_damaged = false;
  const auto take_first = [&](std::string_view key, std::string_view value) {
    const auto place = decode_key(key, prefix);
    is_damaged = !place;
    if (place) found = Placed{*place, std::string(value)};
    return false;
  };
  std::string end = end_of(prefix);
  for (;;) {
    found.reset();
    Status scanned = store.scan(table, std::string(prefix), end, Direction::descending, take_first);
    if (!scanned) return scanned.error();
    if (is_damaged) return Error{ErrorCode::corrupt, "a damaged key"};
    if (!found) return found;
    const uint16_t epoch = found->key.epoch;
    found.reset();
    const std::string begin = encode_key({0, 0, epoch}, prefix);
    scanned = store.scan(table, begin, encode_key({key_time(then), 0, epoch}, prefix),
                         Direction::descending, take_first);
    if (!scanned) return scanned.error();
    if (is_damaged) return Error{ErrorCode::corrupt, "a damaged key"};
    if (found) return found;
    end = begin;
  }
}

}  // namespace swingover::store
