#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "zones/steering/share_lag.h"

namespace swingover::steering {

/// How an estimate of demand follows what clusters report.
struct DemandRules {
  Milliseconds ttl{30'000};
  Milliseconds connection_life{
      20'000};  // how long a client stays after its last lookup, on average
  double gamma =
      0.30;  // how much of a difference, but for a surge, an update takes over: 1 all, 0 nothing ever
};

/// What one cluster carries of a service, as measured there.
struct ClusterLoad {
  uint32_t cluster = 0;
  double load = 0;      // offered, in the service's unit; 0 and above
  MonotonicTime taken;  // when it was measured
  /// How that load splits over the localities where it came from; empty when the cluster does not know. Only proportions
  /// count: they are scaled to `load`, so that a sample serves as well.
  std::span<const double> by_locality{};
};

/// What an estimate rests on, from the weakest to the strongest.
enum class DemandSource : uint8_t { nothing, baseline, reports };

/// How much each locality's clients ask of one service, by what the clusters carry. Nobody reports who sent what:
/// each cluster's load is compared with what the estimate and the shares *of that time* predict for it, and the localities
/// behind it are scaled by the ratio. An estimate that predicts every load is left alone; one that a new share table
/// moves clients under is, too, since the prediction follows them with the same lag.
///
/// Shape      d_i ← d_i × r_i^γ, r_i the ratios L_j / Σ_k d_k w̄_kj of the reporting clusters weighted by w̄_ij, within
///            [factor_min, factor_max]; γ is 1 for a surge (surge_factor). A cluster that does not report is left out, so that a dead one's silence lowers
///            nothing; a locality with less than 2 % of its clients at reporting clusters stays as it is. Where a
///            cluster splits its load by locality, that part is taken as told.
/// Units      The service's own unit of load; 0 and above. Shares in parts of 10,000.
/// Memory     50 localities × 8 clusters: 1.4 KB at rest, 0.8 KB more for each change of shares within five minutes, and
///            1.6 KB while older ones still count (octets(), and a test).
/// Cost       update(): localities × clusters × changes of shares within five minutes; 50 × 8 take 2.7 µs at rest, 4.2 µs
///            after three changes. Allocates its scratch.
/// Threads    One. Pure: time is passed in.
/// Source     multiplicative updates as in tomography of traffic matrices (Vardi 1996; EM keeps them positive).
class Demand {
 public:
  static constexpr double factor_min = 0.25;
  static constexpr double factor_max = 4;
  /// A locality that seems to ask for more than so many times what was expected is no noise: the whole difference is
  /// taken over at once, as far as clients on their way after a change of shares do not explain it
  /// (ShareLag::at_most). A sudden surge of 2.2 overloads its cluster for 53 s instead of 59, and 0.10 % of all requests
  /// are dropped instead of 0.13; half of the demand behind one resolver of 16 caches: 44 s instead of 53. With 1.15 the
  /// noise of few big caches comes in, when a region is lost (bench/steering, 20 seeds).
  static constexpr double surge_factor = 1.4;
  /// A cluster that is said to be broken and reports more than such a part of what it carried before is not.
  static constexpr double lives_min = 0.5;
  /// A report above a cluster's limit, and so much above what was expected of it, is not to wait for its turn. A sudden
  /// surge of 2.2 drops 0.094 % instead of 0.104, half of all demand behind one resolver 0.094 instead of 0.106;
  /// without this factor a region lost drops 0.65 % instead of 0.63, since reports near the limit are looked at over and
  /// over (bench/steering, 20 seeds).
  static constexpr double sudden_factor = 1.1;
  static bool is_sudden(double load, double expected, double room) {
    return load > room && load > sudden_factor * expected;
  }
  /// Below this fraction of a locality's clients, what clusters report says nothing about it.
  static constexpr double covered_min = 0.02;

  Demand(size_t localities, size_t clusters, const DemandRules& rules);

  /// What is known before any report, one a locality: the estimate until reports come, and the least after a long
  /// silence (hold_over). May be told again, such as split by newer counts of answers.
  void baseline(std::span<const double> demands);
  /// Answers given in the last minute or so, one a locality. They show where clients are, never how much they ask:
  /// they split the first reports of a service without a baseline, and let a locality that had none have demand.
  void answers(std::span<const double> counts);
  /// What an earlier run had learned from reports: the estimate from here on, whatever the baseline.
  void restore(std::span<const double> demands);
  /// From `now` on, answers follow these shares, and the connections of `broken` clusters are gone (ShareLag::in_force).
  void in_force(std::span<const uint16_t> shares, MonotonicTime now,
                std::span<const uint32_t> broken = {}) {
    lag_.in_force(shares, now, broken);
  }

  /// Call once a control period (10 s, which γ is made for) with the newest report of every cluster that has a fresh
  /// one. False, and nothing changes, when none of them is newer than at the last call, or there are none.
  bool update(std::span<const ClusterLoad> fresh);
  /// Nobody has reported for long: at least the baseline is expected from then on.
  void hold_over();

  double of(size_t locality) const { return demands_[locality]; }
  std::vector<double> all() const { return {demands_.begin(), demands_.end()}; }
  double total() const;
  DemandSource source() const { return source_; }
  const ShareLag& lag() const { return lag_; }
  /// What this estimate lets that cluster expect at that instant; 0 before the first shares.
  double expected(size_t cluster, MonotonicTime then) const;
  /// What this estimate lets each cluster expect at that instant: Σ_i d_i w̄_ij. Empty before the first shares.
  std::vector<double> predicted(MonotonicTime then) const;
  size_t octets() const;

 private:
  void mend_what_lives(std::span<const ClusterLoad> fresh);
  bool begin(std::span<const ClusterLoad> fresh, std::span<const float> lags);

  ShareLag lag_;
  float gamma_;
  DemandSource source_ = DemandSource::nothing;
  // A locality that asks for nothing for a while keeps a hundredth of its part at the start: from 0 no factor leads back.
  float least_ = 0;
  MonotonicTime newest_{INT64_MIN};
  std::vector<float> demands_;   // by locality
  std::vector<float> baseline_;  // likewise; empty when none was told
  std::vector<float> split_;     // likewise: answers, kept until a total is known
};

/// `total` by counts; evenly when all counts are 0 or there are none.
std::vector<double> split_by_counts(double total, std::span<const double> counts,
                                    size_t localities);

}  // namespace swingover::steering
