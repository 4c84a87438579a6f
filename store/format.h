#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "store/store.h"

namespace swingover::store {

/// The store's own rows in Table::meta; everything else there is free for others.
inline constexpr std::string_view format_key = "format";
inline constexpr std::string_view revision_key = "revision";

/// Numbers in those rows: eight bytes, big-endian.
std::string encode_number(uint64_t number);
std::optional<uint64_t> decode_number(std::string_view bytes);

/// The shape of keys and values that this program writes. One more whenever an older program could not
/// read what a newer one wrote; then a step below tells how the old rows become new ones.
inline constexpr uint64_t current_format = 1;

/// Turns rows of format `from` into rows of `from` + 1: reads `store`, writes into `batch`.
struct FormatStep {
  uint64_t from = 0;
  Status (*upgrade)(const Store& store, Batch& batch) = nullptr;
};

/// Writes the current format into a new store; brings an older one up step by step, one commit each, so
/// that a crash in between goes on where it was.
/// Errors  conflict: the store is newer than this program, or too old for it. corrupt. What commit() says.
Status bring_up_to_date(Store& store);
Status bring_up_to_date(Store& store, uint64_t format, std::span<const FormatStep> steps);

}  // namespace swingover::store
