#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "zones/steering/allocation.h"

namespace swingover::steering {

/// When shares in force are replaced by better ones. Between `low` and `high` nothing moves, however much the best drifts,
/// and after a change that load caused one TTL passes before the next: clients and reports follow only by then. That
/// dead band with that wait is what keeps a service from swinging to and fro.
struct PublishRules {
  double high = 0.80;  // predicted utilisation above which load may move, where better is possible
  double low = 0.60;   // traffic comes home only to clusters below it
  double min_gain = 0.05;  // and only when this part of the cost is saved
  Milliseconds ttl{30'000};
};

/// The marks of utilisation that [steering] names: low < target < high <= limit.
struct Marks {
  double low = 0.60;
  double target = 0.70;
  double high = 0.80;
};

/// Between `low` and `high` nothing moves.
struct DeadBand {
  double low = 0.60;
  double high = 0.80;
};

/// That of services with a target and a limit of their own, which the common marks may lie below or above: `high` is
/// as far above their target as it is above the common one at least, and at most their limit, so that what is above
/// the limit is relieved and what may be used is not; `low` is the same part of their target. With the common target
/// these are the common marks, but for the limit.
DeadBand dead_band(const Marks& common, double target, double limit);

/// changed: a verdict, an intent, a capacity, a ramp's step or the configuration. load: a cluster would be too hot.
/// home: traffic that can be served cheaper comes back.
enum class PublishReason : uint8_t { none, changed, load, home };
std::string_view word(PublishReason reason);

/// What stands in answers, and since when.
struct InForce {
  std::span<const uint16_t> shares;  // as Allocation::shares; empty: none were published yet
  bool changed =
      false;  // whether what the shares rest on, other than load, is no longer what it was
  MonotonicTime last_by_load{INT64_MIN / 2};  // the last publication for the reason load or home
};

struct PublishVerdict {
  PublishReason reason = PublishReason::none;
  // load: the cluster furthest beyond what it may be, and its predicted utilisation; above the limit nothing waits.
  uint32_t cluster = 0;
  double utilisation = 0;
  bool above_limit = false;
  double saved = 0;  // home: cost, for all demand
};

/// What each cluster would carry of `problem`'s demands with these shares.
std::vector<double> predicted_loads(const Problem& problem, std::span<const uint16_t> shares);

/// False when decide() would say `none` whatever the best allocation is: nobody is hot, and even if every locality were
/// served at its cheapest, not enough would be saved. Spares the solving. Localities × clusters; allocates.
bool may_publish(const Problem& problem, const InForce& in_force, MonotonicTime now,
                 const PublishRules& rules);

/// Whether `best`, the allocation of `problem`, is to be published now. Pure; localities × clusters; allocates.
PublishVerdict decide(const Problem& problem, const InForce& in_force, const Allocation& best,
                      MonotonicTime now, const PublishRules& rules);

}  // namespace swingover::steering
