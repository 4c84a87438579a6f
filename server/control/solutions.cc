#include "server/control/solutions.h"

#include <bit>
#include <utility>

#include "zones/steering/allocator.h"

namespace swingover::control {

using steering::Problem;

namespace {

constexpr size_t known_max = 2'048;

uint64_t hash_of(const Problem& problem) {
  uint64_t hash = 0xcbf29ce484222325U;
  const auto add = [&](double value) {
    hash = (hash ^ std::bit_cast<uint64_t>(value)) * 0x100000001b3U;
    hash ^= hash >> 29;
  };
  add(problem.target);
  add(problem.limit);
  for (const auto* values : {&problem.demands, &problem.capacities, &problem.costs}) {
    add(static_cast<double>(values->size()));
    for (const double value : *values) add(value);
  }
  return hash;
}

}  // namespace

Solutions::Solutions(Allocate allocate) : allocate_(std::move(allocate)) {
  if (allocate_) return;
  allocate_ = [allocator = steering::Allocator()](const Problem& problem) mutable {
    return allocator.allocate(problem);
  };
}

std::shared_ptr<const Solved> Solutions::of(Problem problem) {
  const uint64_t hash = hash_of(problem);
  const auto [first, last] = known_.equal_range(hash);
  for (auto at = first; at != last; ++at) {
    if (at->second->problem != problem) continue;
    ++shared_;
    return at->second;
  }
  ++solved_;
  auto solved = std::make_shared<Solved>();
  solved->allocation = allocate_(problem);
  solved->problem = std::move(problem);
  if (known_.size() >= known_max) known_.clear();
  known_.emplace(hash, solved);
  return solved;
}

}  // namespace swingover::control
