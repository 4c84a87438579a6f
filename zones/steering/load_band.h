#pragma once

#include <cstddef>
#include <optional>

namespace swingover::steering {

/// How many requests an endpoint should have under way: above `high` a pool is full, below `low` it has room. What one
/// endpoint has under way says how hard it works whatever its requests cost, so that nobody has to know a capacity.
struct LoadBand {
  double low = 0.8;
  double high = 2.0;
  friend bool operator==(const LoadBand&, const LoadBand&) = default;
};

/// What a pool reports of itself.
struct PoolWork {
  double load = 0;       // in the service's unit, such as requests a second
  double in_flight = 0;  // requests under way, in the whole pool
  size_t eligible = 0;   // its endpoints in answers
};

/// The capacity of a pool, in the service's unit, that leads its endpoints to the band: where each has `high` requests
/// under way the pool is at its capacity.
///
/// Rule      Requests under way are load times latency (Little's law), so that as long as latency stays `load` grows with them:
///           the load at which an endpoint has `high` is load × high / (in_flight / eligible). Latency does not stay
///           when a pool gets busy, and idle pools tell little of it; hence
///           - within the band nothing is learnt: the capacity stays, as HAZL changes nothing there;
///           - above it, capacity falls towards that estimate, below it, it rises: by half of the way a report, by a
///             quarter of itself at most, so that a single odd report moves little;
///           - a pool that carries nothing, or without endpoints, teaches nothing;
///           - it never leaves an eighth to eight times of what it began with.
///           What is kept is the capacity of one endpoint: when one leaves the pool, so does its part, at once.
/// Start     Without a capacity known: the estimate itself, within the band or not.
/// Cost      Constant. Pure.
/// Source    Little (1961); the band of low and high marks per endpoint as in Buoyant's HAZL.
class BandCapacity {
 public:
  static constexpr double step = 0.5;         // of the way to the estimate
  static constexpr double change_max = 0.25;  // of the capacity, a report
  static constexpr double bound = 8;

  /// Nothing known yet; or a configured capacity of a pool with so many endpoints to begin with.
  BandCapacity() = default;
  BandCapacity(double configured, size_t endpoints);

  /// Once a report.
  void apply(const PoolWork& work, const LoadBand& band);
  /// Of a pool with so many endpoints in answers; nothing: not known yet.
  std::optional<double> capacity(size_t eligible) const;

 private:
  double each_ = 0;    // of one endpoint; 0: not known
  double anchor_ = 0;  // of the bounds
};

/// The load at which each of the pool's endpoints would have `high` requests under way, latency as it is; nothing where the
/// pool says nothing.
std::optional<double> load_at_high(const PoolWork& work, const LoadBand& band);

}  // namespace swingover::steering
