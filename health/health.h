#pragma once

#include <cstdint>
#include <string_view>

namespace swingover::health {

/// What verdicts add up to. Three-valued: `unknown` is neither a yes nor a no.
enum class Health : uint8_t { unknown, up, down };

enum class Verdict : uint8_t { pass, fail };

constexpr std::string_view word(Health health) {
  return health == Health::up ? "up" : health == Health::down ? "down" : "unknown";
}

}  // namespace swingover::health
