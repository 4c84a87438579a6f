#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop/loop.h"
#include "base/loop/timer.h"
#include "health/health_table.h"
#include "health/probe.h"
#include "health/prober.h"
#include "health/schedule.h"
#include "health/watch.h"

namespace swingover::health {

/// Schedule, probes and table on one loop: what the prober's thread runs.
///
/// Order    A verdict is applied when it comes; all updates of a turn are delivered together, right
///          after it.
/// Watch    A watched target whose connection ends is looked at in the same turn; see HealthTable on alarms.
/// Behind   What is down, and takes a whole interval to fail as a hung target does, is always being looked at, while
///          less than half of the looks that may run do: the one under way finds its end.
/// Bound    Probes and watched connections together take `descriptors_max`: what is watched leaves that much less room
///          for probes, but half of what they may have is theirs.
/// Gaps     Failures of probes under way while this process stood still are not believed: it was us.
/// Threads  The loop's.
class ProbeEngine {
 public:
  using MakeTarget = std::function<std::unique_ptr<Target>(const Check&)>;
  struct Hooks {
    MakeTarget make_target;
    Prober::Deliver deliver;
    std::function<void(const Check&, const Finding&)> on_probe_end;
    std::function<void(const Schedule&, const Watch&)> on_turn;  // at least every 100 ms
    /// A probe was started: when it was due, and when that was done.
    std::function<void(MonotonicTime due, MonotonicTime at)> on_start{};
  };
  struct Options {
    Schedule::Options schedule;
    uint32_t descriptors_max = 0;  // 0: nothing is watched
  };
  ProbeEngine(loop::Loop& loop, const Clock& clock, Options options, Hooks hooks);
  ~ProbeEngine();
  ProbeEngine(const ProbeEngine&) = delete;
  ProbeEngine& operator=(const ProbeEngine&) = delete;

  void replace(std::vector<Check> checks, uint64_t epoch);
  void resume(const std::vector<uint32_t>& checks);
  std::vector<CheckDetails> describe(const std::vector<uint32_t>& checks);

  /// Starts what is due; the engine's own timer calls it, at least every 100 ms.
  void pump();
  /// For simulation: when it calls it next, if nothing else happens; and whether a turn of the loop will deliver.
  MonotonicTime wakes_at() const { return wakes_at_; }
  bool is_delivering() const { return delivery_posted_; }

  const Watch& watch() const { return watch_; }

 private:
  using Slot = HealthTable::Slot;
  struct Running {
    uint64_t id;
    MonotonicTime began;
    std::unique_ptr<Probe> probe;
  };
  struct Probed {
    std::unique_ptr<Target> target;
    std::vector<Running> running;
    MonotonicTime last_start{};
    bool is_behind = false;  // it was due while its last look went on
  };

  void start_probe(Slot slot, MonotonicTime now);
  void on_finding(Slot slot, uint64_t id, const Finding& finding);
  void plan_next(Slot slot, MonotonicTime now);
  void on_alarm(Slot slot);
  void share_descriptors();
  HealthTable::Now see_time();
  void arm(MonotonicTime now);
  void deliver_soon();

  loop::Loop& loop_;
  const Clock& clock_;
  Options options_;
  Hooks hooks_;
  Schedule schedule_;
  HealthTable table_;
  std::vector<Probed> probed_;
  Watch watch_;
  loop::Timer timer_;
  MonotonicTime wakes_at_{};
  uint64_t last_id_ = 0;
  MonotonicTime stood_still_until_{};
  std::vector<CheckUpdate> updates_;
  bool delivery_posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace swingover::health
