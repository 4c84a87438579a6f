#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <unordered_map>

#include "zones/steering/allocation.h"

namespace swingover::control {

/// A problem and what came of it. Immutable.
struct Solved {
  steering::Problem problem;
  steering::Allocation allocation;
};

/// Solves problems, equal ones once.
///
/// Cost     A hash and a comparison of the problem for one that is known, else an allocation (zones/steering/allocator.h).
/// Memory   Some 2,000 of them at most; forget() drops all.
/// Threads  One at a time.
class Solutions {
 public:
  using Allocate = std::function<steering::Allocation(const steering::Problem&)>;

  /// `allocate`: instead of an Allocator of its own; a test's, that is wrong on purpose.
  explicit Solutions(Allocate allocate = {});

  std::shared_ptr<const Solved> of(steering::Problem problem);
  void forget() { known_.clear(); }

  const Allocate& allocate() const { return allocate_; }
  uint64_t solved() const { return solved_; }  // problems
  uint64_t shared() const { return shared_; }  // taken from an equal one

 private:
  Allocate allocate_;
  std::unordered_multimap<uint64_t, std::shared_ptr<const Solved>> known_;
  uint64_t solved_ = 0;
  uint64_t shared_ = 0;
};

}  // namespace swingover::control
