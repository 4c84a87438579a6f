#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace swingover {

/// So many, or such a part of all that there are: 2, or "50%".
struct Portion {
  uint32_t value = 0;
  bool is_percent = false;

  /// The least count of `all` that is as much as this: a part is rounded up.
  constexpr size_t least_of(size_t all) const {
    return is_percent ? (all * value + 99) / 100 : size_t{value};
  }
  /// The greatest count of `all` that is no more than this: a part is rounded down.
  constexpr size_t most_of(size_t all) const {
    return is_percent ? all * value / 100 : size_t{value};
  }
  std::string text() const { return std::to_string(value) + (is_percent ? "%" : ""); }
  friend bool operator==(const Portion&, const Portion&) = default;
};

}  // namespace swingover
