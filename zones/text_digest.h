#pragma once

#include <cstdint>
#include <string_view>

namespace swingover::zones {

/// What tells one text from another, by a keyed hash of all of it: two texts are the same in this process if these
/// are. No time or number of the file takes part, so no edit is missed.
struct TextDigest {
  uint64_t size = 0;
  uint64_t hash = 0;
  friend bool operator==(const TextDigest&, const TextDigest&) = default;
};

/// Any thread.
TextDigest digest_of(std::string_view text);

}  // namespace swingover::zones
