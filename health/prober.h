#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/units.h"
#include "health/check_details.h"
#include "health/health.h"
#include "health/monitor_options.h"
#include "health/pulls.h"
#include "health/stored_state.h"

namespace swingover::health {

/// One thing to look at: a monitor at an address. Equal keys are one probe, whoever asks for it.
struct Check {
  std::shared_ptr<const MonitorOptions> monitor;
  std::string address;  // 192.0.2.10, 2001:db8::10, or a name that the system resolver is asked for
  std::string host;     // what kinds that name a host in what they ask call it; see make_check()
  StoredState initial{};  // the stored state; a first verdict that agrees changes nothing

  std::string key() const;  // monitor, address and host: the same from start to start
};

/// How `monitor` looks at an endpoint. A monitor with an `address` of its own looks there, whatever the endpoint, and
/// one that asks for no host has none: endpoints and services that share the look share the check.
/// `host_default` is what the endpoint is called where the monitor names no host; "": by its address.
Check make_check(std::shared_ptr<const MonitorOptions> monitor, std::string endpoint,
                 std::string host_default);

/// What the control thread learns of a check: a change of health, or of what the last probe found.
struct CheckUpdate {
  uint64_t epoch = 0;  // of the replace() that named `check`
  uint32_t check = 0;  // its place in that replace()'s vector
  Health health = Health::unknown;
  Hold hold = Hold::none;
  WallTime held_until{};  // when the hold ends if all goes well; 0: nobody can say, or no hold
  /// How soon health or hold may next be another, by the probes under way and planned: `interval` or `confirm_interval`
  /// times the verdicts still needed, or what is left of a hold. 0: settled, nothing speaks of a change.
  Milliseconds until_change{0};
  double penalty = 0;    // for StoredState; as of `at`
  bool changed = false;  // health or hold is another than before
  Verdict verdict = Verdict::pass;
  Failure failure = Failure::soft;  // of the newest failed one
  /// In words: "connect: connection refused", "status 503, wanted 200-299"; empty on a pass.
  std::string reason;
  std::string warning{};  // of a pass; see Finding
  MonotonicTime
      first_failure{};  // when the first failing probe of this streak was seen; for swing_duration
  WallTime at{};
};

/// What a scrape reads of one monitor; sums since the start.
struct MonitorCounters {
  std::string monitor;
  uint64_t passes = 0;
  uint64_t failures = 0;
  uint64_t blind = 0;                      // this host could not look: they count for nothing
  std::vector<uint64_t> duration_buckets;  // as many as probe_duration_bounds() + 1, not cumulative
  double duration_sum_seconds = 0;
};
const std::vector<double>& probe_duration_bounds();  // seconds, ascending

/// How the probe thread keeps up; at most 100 ms old.
struct ProberLoad {
  uint32_t running = 0;       // probes under way; bounded by half of the descriptors, 4,096 at most
  size_t waiting = 0;         // due, but beyond that bound
  uint64_t delayed = 0;       // how many had to wait so, since the start
  uint64_t gaps = 0;          // how often this process stood still for 400 ms or more
  uint32_t watched = 0;       // connections that are watched now
  uint32_t watch_habits = 0;  // targets that close idle connections by habit, and so are not
  uint64_t watch_alarms = 0;  // watched connections that ended, since the start
  uint32_t exec_running = 0;  // commands of exec monitors that run, those that are being ended too
  size_t exec_waiting = 0;    // due, but beyond exec_max, or their last run has not ended
  uint64_t exec_delayed = 0;  // how many had to wait so, since the start
  /// How late probes started, from due to sent: as many as probe_lag_bounds() + 1, not cumulative.
  std::vector<uint64_t> lag_buckets{};
  double lag_sum_seconds = 0;
};
const std::vector<double>& probe_lag_bounds();  // seconds, ascending

/// Probes every check over and over on a thread of its own: spread over the interval, confirmed by
/// quick re-probes (a first failure, or while nothing is known), the machines applied there.
///
/// Threads  All calls from the control thread. `deliver` is called on the probe thread, with all updates
///          of one turn of its loop, in order; hand them over and return.
/// Stop     The destructor cancels what runs and joins; at most 100 ms.
class Prober {
 public:
  using Deliver = std::function<void(std::vector<CheckUpdate>)>;
  explicit Prober(Deliver deliver, uint64_t seed);
  ~Prober();
  Prober(const Prober&) = delete;
  Prober& operator=(const Prober&) = delete;

  /// From now on exactly these checks; those with a key that was there keep their machine and schedule
  /// (a changed monitor of the same name keeps its health, and is probed anew). Returns their epoch, in
  /// which what is already known of them is delivered once more: updates of older epochs may be
  /// dropped. `changed` then says that the health is another than `initial`.
  uint64_t replace(std::vector<Check> checks);

  /// People let these checks (places of the newest replace()) come back: every hold of theirs ends, whatever
  /// their health, and their past flaps are forgotten. What that changes is delivered as ever.
  void resume(std::vector<uint32_t> checks);

  /// How many commands of exec monitors may run at once; ExecProbes::running_max_default at first.
  void set_exec_max(uint32_t most);

  /// What is known of these checks (places of the newest replace()), for people; `done` is called once, on the probe
  /// thread. Places that there are not are left out.
  void describe(std::vector<uint32_t> checks, std::function<void(std::vector<CheckDetails>)> done);

  /// From now on these pages are read, and `deliver` is called on the probe thread with each. Not a probe: no check
  /// depends on them.
  void pull(std::vector<Pull> pulls, Pulls::Deliver deliver);

  std::vector<MonitorCounters> counters() const;
  ProberLoad load() const;

 private:
  class Core;
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
