#pragma once

#include <cstdint>
#include <string_view>

namespace swingover::health {

/// What verdicts add up to. Three-valued: `unknown` is neither a yes nor a no.
enum class Health : uint8_t { unknown, up, down };

enum class Verdict : uint8_t { pass, fail };

/// How sure one failure is. Hard: the target's host itself said no (refused, reset, unreachable), which a lost packet
/// or a slow answer never does; so fewer of them are believed. Silent: nothing came in time, which may as well be the
/// prober's own trouble. Soft: an answer that is not what was wanted, and whatever else.
enum class Failure : uint8_t { soft, hard, silent };

/// Why a target that passes its probes is kept out of new answers all the same.
enum class Hold : uint8_t {
  none,
  settling,  // it has not passed for `hold_up` yet
  flapping,  // it went down too often lately
  resume,    // it went down, and waits for a person (`resume = "manual"`)
};

constexpr std::string_view word(Health health) {
  return health == Health::up ? "up" : health == Health::down ? "down" : "unknown";
}

constexpr std::string_view word(Hold hold) {
  switch (hold) {
    case Hold::none:
      return "none";
    case Hold::settling:
      return "settling";
    case Hold::flapping:
      return "flapping";
    case Hold::resume:
      return "resume";
  }
  return "none";
}

}  // namespace swingover::health
