#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::steering {

/// Where the clients of one service really are while new shares reach them: caches keep an old answer for half a TTL on
/// average and connections outlive it, so a load that a cluster reports was caused by shares of some time ago.
///
/// Shape      One first-order lag for each (locality, cluster), with the time constant τ: it approaches the share in force
///            by 1 − e^(−Δt/τ). Shares change in steps, so that the lag at any instant of the last `memory` follows
///            from the steps alone: nothing ticks, and time costs nothing.
/// Broken     Of a cluster that died no connection is left to be waited for: its clients leave it with the shorter
///            constant of caches alone, and go where the shares in force send them. Counted with connections, they seem to
///            arrive late, and the load that they bring meanwhile looks like new demand.
/// Units      Shares in parts of 10,000 (share_parts), [locality × clusters + cluster]; lags as fractions, 0 to 1.
/// Memory     2 octets a share and step, and 4 more a share while an older step still counts. At rest there is one
///            step: 50 localities × 8 clusters are 900 octets. At most `steps_max` steps are kept; beyond, the oldest are
///            folded into the start, so that the memory reaches back less far but the lag stays exact.
/// Cost       in_force(): one copy of the shares. at(): localities × steps × (1 + broken clusters), and two exp() a step.
/// Threads    One. Pure: time is passed in, and must not go back.
class ShareLag {
 public:
  static constexpr size_t steps_max = 12;
  /// Longer than a load report may be late.
  static constexpr Milliseconds memory{300'000};
  /// Changes within so little time are one: clients cannot tell them apart, and a burst of verdicts is no history.
  static constexpr Milliseconds same_step{1'000};

  /// Time constants: how long clients take to follow on average.
  struct Constants {
    Milliseconds caches{15'000};       // those without a connection: half a TTL
    Milliseconds connections{20'000};  // the others so much longer
  };

  ShareLag(size_t localities, size_t clusters, const Constants& constants);

  /// Clients who ask from `now` on get these shares: after masks, so what answers really follow. The first shares count
  /// as long in force. `broken`: the clusters that died, ascending; clients of a locality without a share there leave them.
  void in_force(std::span<const uint16_t> shares, MonotonicTime now,
                std::span<const uint32_t> broken = {});
  /// Since when the cluster is broken; nothing: it is not.
  std::optional<MonotonicTime> broken_since(uint32_t cluster) const;
  /// It was not broken after all: as if that had never been said.
  void mend(uint32_t cluster);

  /// Gives back what happened before the memory begins. in_force() does it, too.
  void forget(MonotonicTime now);

  /// Whether any shares were ever in force.
  bool known() const { return !steps_.empty(); }
  /// The shares in force now; empty before the first.
  std::span<const uint16_t> current() const;

  /// The fraction of each locality's clients at `cluster` at that instant, into one place a locality. Before the
  /// memory begins: as it was then.
  void at(size_t cluster, MonotonicTime then, std::span<float> out) const;
  /// The most that each locality's clients at `cluster` may have been then, were they quicker or slower by up to the time
  /// constant than this model has them. Costs what at() does twice.
  void at_most(size_t cluster, MonotonicTime then, std::span<float> out) const;

  size_t localities() const { return localities_; }
  size_t clusters() const { return clusters_; }
  size_t octets() const;

 private:
  struct Step {
    MonotonicTime since;
    std::vector<uint16_t> shares;
    std::vector<uint32_t> broken;  // ascending
  };
  /// What is left of a distance after a step, of those who have connections to wait for and of the others.
  struct Left {
    float all = 1;
    float broken = 1;
  };

  Left left(MonotonicTime from, MonotonicTime to) const;
  static bool leaves(const Step& step, size_t row, uint32_t cluster);
  static float moved(const Step& step, size_t row, uint32_t cluster, float lag, float leaving,
                     const Left& left);
  void fold_oldest();

  uint32_t localities_;
  uint32_t clusters_;
  float constant_ms_;
  float broken_constant_ms_;
  std::vector<float> start_;  // the lag when steps_.front() began; empty: its shares
  std::vector<Step> steps_;
};

}  // namespace swingover::steering
