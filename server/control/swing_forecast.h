#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "zones/steering/allocation.h"
#include "zones/steering/allocator.h"
#include "zones/steering/leaving.h"
#include "zones/steering/swing_plan.h"

namespace swingover::control {

/// One group as it stands, and what a planned swing moves in it: enough to say what any part of it would come to.
/// Immutable, any thread.
struct SwingCase {
  /// To whoever is best. Those of other swings are in force with what they have moved.
  struct Leaver {
    steering::Leaving leaving;
    bool is_asked_about = false;
  };
  /// To one holder, of clients of one locality that ask for one service.
  struct Move {
    uint32_t locality = 0;  // of the problem
    double demand = 0;
    uint32_t from = 0;  // holders
    uint32_t to = 0;
    std::optional<uint16_t> moved;  // of another swing, that is in force; none: what is asked about
  };
  steering::Problem problem;
  double high = 0.80;                 // of the dead band that its services have
  std::vector<std::string> clusters;  // names, by holder
  std::vector<double>
      old_loads;  // by holder: what may still follow old answers there; empty: nothing
  std::vector<Leaver> leavers;
  std::vector<Move> moves;
};

/// The fullest of those that would gain by it.
struct Utilisation {
  double utilisation = 0;
  std::string cluster;  // empty: nobody gains
  double high = 0.80;   // of its group
};

/// With so many parts of 10,000 moved. Cost: an allocation for each step that differs (leaving.h), twice.
Utilisation forecast(const SwingCase& swing, uint16_t moved, steering::Allocator& allocator);
/// Of all the cases the worst: the one furthest above its `high`, or the least below.
Utilisation forecast(std::span<const SwingCase> cases, uint16_t moved);

/// How they are who would take it.
struct SwingState {
  steering::SwingTarget target = steering::SwingTarget::in;
  bool is_frozen = false;  // one of the services
};

}  // namespace swingover::control
