#pragma once

#include <cstdint>
#include <cstdlib>
#include <vector>

namespace swingover::tests {

/// What the environment says of a simulation, for one more run of what failed, or for other seeds than ever before.
inline uint64_t from_environment(const char* name, uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}
inline uint64_t first_simulation_seed() {
  return from_environment("SWINGOVER_SIMULATION_SEED", 1);
}
/// SWINGOVER_SIMULATION_SEED (else 1) and those that follow it, SWINGOVER_SIMULATION_RUNS (else `runs`) in all.
inline std::vector<uint64_t> simulation_seeds(uint64_t runs) {
  std::vector<uint64_t> all(from_environment("SWINGOVER_SIMULATION_RUNS", runs));
  for (size_t i = 0; i < all.size(); ++i) all[i] = first_simulation_seed() + i;
  return all;
}

}  // namespace swingover::tests
