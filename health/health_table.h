#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "health/endpoint_health.h"
#include "health/probe.h"
#include "health/prober.h"

namespace swingover::health {

/// Everything that is probed, by slot: its machine, what was last found, and how soon and how often
/// to look again. Pure: findings and times in, updates out.
///
/// Pace      A target looked at with no answer is not necessarily dead, but waiting for each timeout
///           in turn before believing it would make a silent host cost fall x timeout. So a probe of
///           an `up` target that is late (longer under way than the confirm interval and three times
///           what a pass usually takes) gets company: the next confirming probe starts beside it,
///           and so on each confirm interval, up to as many as are still needed to decide. A silent
///           host is then down after its beat + timeout + (fall - 1) confirm intervals: with interval
///           1 s, timeout 1 s and fall 3 within 2.2 s, not 4.2 s.
/// Order     A failure of a probe that began before the last passed probe began is old news and does not
///           count: probes of a hiccup that time out after the target has recovered harm nobody.
/// Memory    About 400 bytes a slot and its strings; monitors are shared.
class HealthTable {
 public:
  using Slot = uint32_t;

  /// Slots of `gone` first, then `fresh`: a slot in both has a changed monitor.
  struct Replaced {
    std::vector<Slot> gone;
    std::vector<Slot> fresh;
    std::vector<CheckUpdate> updates;  // what is known of those that stay, under their new places
  };
  Replaced replace(std::vector<Check> checks, uint64_t epoch);

  const Check& check(Slot slot) const { return entries_[slot].check; }
  const EndpointHealth& machine(Slot slot) const { return entries_[slot].machine; }

  struct When {
    MonotonicTime began;
    MonotonicTime now;
    WallTime wall;
  };
  /// What one probe found; appends an update for each place of the slot if its health, its verdict or its reason
  /// is another than before.
  void apply(Slot slot, const Finding& finding, When when, std::vector<CheckUpdate>& out);

  /// How many probes of it may run at once, now.
  uint32_t probes_max(Slot slot) const;
  /// How long after a probe's start its company starts; at least the confirm interval.
  Milliseconds patience(Slot slot) const;
  Milliseconds confirm_interval(Slot slot) const { return check(slot).monitor->confirm(); }

 private:
  struct Entry {
    Check check;
    std::vector<uint32_t> places;  // in the replace() of the epoch; empty: the slot is free
    EndpointHealth machine{{}};
    bool is_heard = false;  // a probe has ended since the monitor was set
    Verdict verdict = Verdict::pass;
    std::string reason;
    WallTime heard_at{};
    MonotonicTime last_pass_began{INT64_MIN};
    int64_t usual_pass = 0;  // nanoseconds, smoothed
  };

  Slot free_slot();
  void tell(const Entry& entry, bool changed, std::vector<CheckUpdate>& out) const;

  uint64_t epoch_ = 0;
  std::vector<Entry> entries_;
  std::vector<Slot> free_;
  std::unordered_map<std::string, Slot> by_key_;
};

}  // namespace swingover::health
