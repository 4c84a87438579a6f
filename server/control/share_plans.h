#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/units.h"

namespace swingover::control {

/// What people have in force that moves shares: by places of one generation, plain values.
struct SharePlans {
  static constexpr uint32_t best = UINT32_MAX;

  /// A holder gives up so many parts of 10,000 of its load, to whoever is best.
  struct Cut {
    uint32_t holder = 0;
    uint16_t moved = 0;
    friend bool operator==(const Cut&, const Cut&) = default;
  };
  /// One service's pool gives up so many parts of 10,000 of its shares: to that pool, or to all that have room.
  struct Move {
    uint32_t from = 0;
    uint32_t to = best;
    uint16_t moved = 0;
    friend bool operator==(const Move&, const Move&) = default;
  };
  std::map<uint32_t, std::vector<Cut>> cuts;               // by group
  std::map<uint32_t, std::vector<Move>> moves;             // by service
  std::map<uint32_t, std::map<uint32_t, double>> weights;  // by group, by holder: a factor
  std::vector<bool> frozen;                                // by service; empty: none is

  bool is_frozen(ServiceId service) const {
    return service.value < frozen.size() && frozen[service.value];
  }
  friend bool operator==(const SharePlans&, const SharePlans&) = default;
};

/// What one planned swing takes shares from, by places of one generation. A holder that all its services leave is cut,
/// which is exact; one that others keep loses rows of the services that leave.
struct SwingParts {
  std::map<uint32_t, std::vector<uint32_t>> cuts;           // by group: holders
  std::map<uint32_t, std::vector<SharePlans::Move>> moves;  // by service; `moved` is of no meaning
  std::vector<uint32_t> groups;                             // of all these, each once
  std::vector<uint32_t> services;                           // that leave, steered or not
};

}  // namespace swingover::control
