#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "health/check_details.h"
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
/// Alarm     Something else than a probe says that a target may have died (its watched connection ended):
///           the next looks come `alarm_pace` apart, and three of them at least, since what dies may still take
///           the first one.
/// Early     What has just gone down is looked at again after a twentieth of the time that it has been failing, half a
///           second at least (or the confirm interval, if that is less), until that is as long as its interval: the
///           end of a short restart is found soon, at any interval. A command of somebody's own keeps to its interval.
/// Order     A failure of a probe that began before the last passed probe began is old news and does not
///           count: probes of a hiccup that time out after the target has recovered harm nobody.
/// Silence   No verdict for the monitor's `stale_after`, counted from the start where none came since: health is
///           unknown, and the reason says so. While this process stood still nobody was silent.
/// News      An update comes with each change of health, hold, verdict, reason or warning; and when the next change
///           is due at another time than was told, by more than a confirm interval. At rest there are none.
/// Memory    About 540 bytes a slot, and what does not fit into the short strings; monitors are shared.
class HealthTable {
 public:
  using Slot = uint32_t;
  /// Between the next looks behind an alarm.
  static constexpr Milliseconds alarm_pace{20};
  struct Now {
    MonotonicTime now;
    WallTime wall;
  };

  /// Slots of `gone` first, then `fresh`: a slot in both has a changed monitor.
  struct Replaced {
    std::vector<Slot> gone;
    std::vector<Slot> fresh;
    std::vector<CheckUpdate> updates;  // what is known of those that stay, under their new places
  };
  Replaced replace(std::vector<Check> checks, uint64_t epoch, Now now);

  const Check& check(Slot slot) const { return entries_[slot].check; }
  const EndpointHealth& machine(Slot slot) const { return entries_[slot].machine; }

  struct When {
    MonotonicTime began;
    MonotonicTime now;
    WallTime wall;
  };
  /// What one probe found; appends the updates that are news, one for each place of the slot.
  void apply(Slot slot, const Finding& finding, When when, std::vector<CheckUpdate>& out);
  /// Ends holds, and finds who has been silent for too long. Due at next_deadline(); sooner or later harms nothing.
  /// What is down and `waits` for its probe is not silent: where thousands are dead, their turn comes late by design.
  void tick(
      Now now, std::vector<CheckUpdate>& out,
      const std::function<bool(Slot)>& waits = [](Slot) { return false; });
  std::optional<MonotonicTime> next_deadline() const;
  /// This process stood still for so long, up to now.
  void stood_still(Milliseconds gap) { stood_still_ += gap.value * 1'000'000; }
  /// People let these checks (places of the newest replace()) come back: no hold is left.
  void resume(std::span<const uint32_t> places, Now now, std::vector<CheckUpdate>& out);
  void alarm(Slot slot);

  /// What it knows of the check at this place of the newest replace(), for people; nothing: there is none.
  struct Described {
    Slot slot = 0;
    CheckDetails details;
  };
  std::optional<Described> describe(uint32_t place, Now now) const;

  /// How many probes of it may run at once, now.
  uint32_t probes_max(Slot slot) const;
  /// How long after a probe's start its company starts; at least the confirm interval.
  Milliseconds patience(Slot slot) const;
  /// From one probe's start to the next while a change is being confirmed, or under an alarm.
  Milliseconds pace(Slot slot) const;
  /// Whether its next look comes after pace() rather than on its beat.
  bool is_urgent(Slot slot) const;
  /// When to look whether what is down is back, if that is before its beat; nothing: it is not down.
  std::optional<MonotonicTime> early_look(Slot slot, MonotonicTime now) const;
  /// Whether a beat that finds it still being looked at is made up for when that look ends: it is down, and no command.
  bool makes_up(Slot slot) const;

 private:
  static constexpr uint32_t nowhere = UINT32_MAX;
  struct Entry {
    Check check;
    uint32_t first_place = nowhere;  // in the replace() of the epoch; nowhere: the slot is free
    EndpointHealth machine{HealthRules{}};
    bool is_heard = false;    // a probe has ended since the monitor was set
    bool is_blind = false;    // the last probe could not look
    bool is_lost = false;     // none did for so long that it is unknown
    uint8_t alarm_looks = 0;  // that are still to come
    Verdict verdict = Verdict::pass;
    Failure failure = Failure::soft;  // of the newest that looked and failed
    std::string reason;
    std::string warning;
    VerdictRing past;
    MonotonicTime last_pass_began{INT64_MIN};
    int64_t usual_pass = 0;     // nanoseconds, smoothed
    int64_t last_verdict = 0;   // nanoseconds, without the time that this process stood still
    int64_t change_told = 0;    // when a change was said to be possible; 0: not soon
    int64_t armed = INT64_MAX;  // its valid entry in deadlines_
  };
  struct Deadline {
    int64_t at;
    Slot slot;
    bool operator<(const Deadline& other) const { return at > other.at; }  // the soonest on top
  };

  Slot free_slot();
  void start_machine(Entry& entry, const StoredState& stored, Now now);
  void tell_again(const std::vector<Slot>& kept, Now now, std::vector<CheckUpdate>& out);
  Milliseconds silence(const Entry& entry, MonotonicTime now) const;
  bool is_silent(const Entry& entry, MonotonicTime now) const;
  void arm(Slot slot, MonotonicTime now);
  void tell_if_news(Slot slot, bool is_news, bool changed, Now now, std::vector<CheckUpdate>& out);
  void tell(Entry& entry, bool changed, Now now, std::vector<CheckUpdate>& out);

  uint64_t epoch_ = 0;
  int64_t stood_still_ = 0;  // nanoseconds, in all
  std::deque<Entry> entries_;
  std::vector<Slot> free_;
  std::vector<Slot> slots_;           // by place
  std::vector<uint32_t> next_place_;  // by place: the next one of the same slot
  std::priority_queue<Deadline> deadlines_;
};

}  // namespace swingover::health
