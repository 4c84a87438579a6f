#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "base/units.h"
#include "zones/steering/allocation.h"

namespace swingover::steering {

/// How much of a recovered cluster's capacity counts while its caches, pools and processes warm up.
struct RampRules {
  Milliseconds duration{120'000};  // 0: the whole capacity at once
  double start = 0.10;
  Milliseconds ttl{
      30'000};  // one step a TTL: clients follow no faster, and each step is a new share table
};

/// At most so many steps, however long the ramp and short the TTL.
inline constexpr int64_t ramp_steps_max = 10;

/// The part of the capacity that counts `since_up` after recovery: `start` at first, rising along the line to 1 at
/// `duration` in steps, each one a TTL or a tenth of the ramp long, whichever is longer.
double ramp_factor(Milliseconds since_up, const RampRules& rules);

/// The least `since_up` from which on ramp_factor() is not below `factor`.
Milliseconds ramp_reaches(double factor, const RampRules& rules);

/// The part of a pool's capacity that its endpoints still are. A pool without endpoints has none.
double healthy_fraction(size_t eligible, size_t all);

/// Why a cluster that is up has less than its capacity, or none: what yields first stands first.
enum class SoftExclusion : uint8_t { ramp, flap_hold };

/// One that may yield. `capacity` is what it would have then.
struct Yielding {
  uint32_t cluster = 0;
  SoftExclusion kind = SoftExclusion::ramp;
  double capacity = 0;
};

/// The order in which soft exclusions yield to shortage: ramps before flap holds, since who warms up is healthy and who
/// flaps may not be; the one that brings most first; the smaller place first.
void order_yielding(std::vector<Yielding>& exclusions, const Problem& problem);

/// Who must yield so that everybody is served within the limit: in that order, one by one, those that lessen what is
/// unserved or above the limit, until nothing is. Sets their capacities in `problem`; the result says who, in order.
/// When everybody has yielded and the demand still does not fit, those who helped stay: that is overload.
///
/// `solve` gives the allocation of a problem, such as allocate(); called once, and once more for each that is tried.
std::vector<Yielding> yield_to_shortage(Problem& problem, std::vector<Yielding> exclusions,
                                        const std::function<Allocation(const Problem&)>& solve);

}  // namespace swingover::steering
