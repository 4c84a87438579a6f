#include "store/format.h"

#include <algorithm>
#include <array>

#include "base/bytes.h"

namespace swingover::store {
namespace {

/// Format 1 is the first: no step yet. A step's `from` is the format that it leaves behind.
constexpr std::array<FormatStep, 0> known_steps{};

Error unreadable(uint64_t found, uint64_t format, std::string_view advice) {
  return {ErrorCode::conflict, "the store has format " + std::to_string(found) +
                                   " and this program writes format " + std::to_string(format) +
                                   ": " + std::string(advice)};
}

}  // namespace

std::string encode_number(uint64_t number) {
  std::string bytes(8, '\0');
  ByteWriter(std::span(reinterpret_cast<uint8_t*>(bytes.data()), bytes.size())).u64(number);
  return bytes;
}

std::optional<uint64_t> decode_number(std::string_view bytes) {
  if (bytes.size() != 8) return std::nullopt;
  return ByteReader(Bytes(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size())).u64();
}

Status bring_up_to_date(Store& store) {
  return bring_up_to_date(store, current_format, known_steps);
}

Status bring_up_to_date(Store& store, uint64_t format, std::span<const FormatStep> steps) {
  const auto row = store.get(Table::meta, format_key);
  if (!row) return row.error("reading the store's format");

  uint64_t found = format;
  if (row->has_value()) {
    const auto number = decode_number(**row);
    if (!number) return Error{ErrorCode::corrupt, "the store's format number is damaged"};
    found = *number;
  } else if (store.revision() != 0) {
    return Error{ErrorCode::corrupt, "the store has rows but no format number"};
  } else {
    Batch first;
    first.put(Table::meta, std::string(format_key), encode_number(format));
    const auto written = store.commit(first);
    if (!written) return written.error("starting a new store");
  }
  if (found > format) {
    return unreadable(found, format,
                      "run the newer version, or move the folder away to start anew");
  }

  for (; found < format; ++found) {
    const auto step = std::ranges::find(steps, found, &FormatStep::from);
    if (step == steps.end()) {
      return unreadable(found, format, "first run a version in between, which upgrades it");
    }
    Batch batch;
    const auto upgraded = step->upgrade(store, batch);
    if (!upgraded)
      return upgraded.error("upgrading the store from format " + std::to_string(found));
    batch.put(Table::meta, std::string(format_key), encode_number(found + 1));
    const auto written = store.commit(batch);
    if (!written) return written.error("upgrading the store from format " + std::to_string(found));
  }
  return Done{};
}

}  // namespace swingover::store
