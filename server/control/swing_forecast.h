#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "zones/steering/allocation.h"
#include "zones/steering/allocator.h"
#include "zones/steering/swing_plan.h"

namespace swingover::control {

/// One group as it stands, and what a planned swing moves in it: enough to say what any part of it would come to.
/// Immutable, any thread.
struct SwingCase {
  /// Of clients of one locality that ask for one service.
  struct Move {
    uint32_t locality = 0;  // of the problem
    uint16_t row = 0;       // of the service
    double demand = 0;
    uint32_t from = 0;              // holder
    std::vector<uint32_t> to;       // holders that may take it
    std::optional<uint16_t> moved;  // of another swing, that is in force; none: what is asked about
  };
  steering::Problem problem;
  std::vector<std::string> clusters;  // names, by holder
  std::vector<double>
      old_loads;               // by holder: what may still follow old answers there; empty: nothing
  std::vector<uint32_t> cuts;  // holders
  std::vector<Move> moves;
};

/// The fullest of those that would gain by it.
struct Utilisation {
  double utilisation = 0;
  std::string cluster;  // empty: nobody gains
};

/// With so many parts of 10,000 moved. Cost: two allocations.
Utilisation forecast(const SwingCase& swing, uint16_t moved, steering::Allocator& allocator);
/// Of all the cases the worst.
Utilisation forecast(std::span<const SwingCase> cases, uint16_t moved);

/// `whole` parts by `weights`, by largest remainder, ties to the first; zeros where no weight is above 0.
std::vector<uint16_t> divided(uint16_t whole, std::span<const double> weights);

/// How the parts that a locality gives up are divided over who may take them, in the order of `to`: by the room that they
/// have below the target, else below the limit, else by capacity. Adds up to `parts`, or to 0 where nobody has capacity.
std::vector<uint16_t> divided_by_room(uint16_t parts, std::span<const uint32_t> to,
                                      const steering::Problem& problem,
                                      std::span<const double> loads);

/// How they are who would take it.
struct SwingState {
  steering::SwingTarget target = steering::SwingTarget::in;
  bool is_frozen = false;  // one of the services
};

}  // namespace swingover::control
