#include "zones/steering/silence.h"

#include <algorithm>

namespace swingover::steering {

std::vector<double> silence_factors(std::span<const std::optional<MonotonicTime>> reported,
                                    MonotonicTime now, Milliseconds age_max) {
  const auto is_fresh = [&](const std::optional<MonotonicTime>& at) {
    return at && now < *at + age_max;
  };
  std::vector<double> factors(reported.size(), 1);
  if (std::ranges::none_of(reported, is_fresh)) return factors;
  for (size_t j = 0; j < reported.size(); ++j) {
    if (reported[j] && !is_fresh(reported[j])) factors[j] = silent_part;
  }
  return factors;
}

}  // namespace swingover::steering
