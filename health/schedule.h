#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::health {

/// When each target is looked at next. Pure: the time is passed in, what is due comes out.
///
/// Beat      Each slot has a beat of its own: looks 0.91 to 0.98 of its interval apart, so never
///           more than the interval, whatever the jitter. (Detection within interval + the
///           confirming probes is a promise; jitter that lengthens the gap would break it.) Beats
///           and their jitter follow a low-discrepancy sequence over the slots of an interval: their
///           starts are spread more evenly than chance would (tests/health/schedule_test.cc counts
///           them), and two daemons with other seeds do not beat in step.
/// First     New slots are looked at as soon as may be, 5,000 a second.
/// Early     look_early() puts a look before the next beat; 1,000 a second are granted in all, so that where thousands
///           have died at once their early looks cost a twentieth of a core, and the rest keeps to its beats.
/// Bound     At most `running_max` looks run at once. What is due beyond that waits, is counted, and
///           starts when others end; those marked `patient` (known to be down, which may take the
///           whole timeout again) only after all others, so that the dead do not hide the living.
/// Gaps      After the process stood still (stopped, starved, a paused machine), advance() moves all
///           that is due by the gap, as if time had stood still too: no storm of overdue looks.
/// Cost      O(log n) a call; 56 bytes a slot.
class Schedule {
 public:
  using Slot = uint32_t;
  struct Options {
    uint32_t running_max = 1024;
    uint64_t seed = 0;
  };
  explicit Schedule(Options options);

  /// Those that run beyond it go on.
  void set_running_max(uint32_t running_max) { options_.running_max = running_max; }

  /// To be called at least every 100 ms while anything is scheduled; returns the gap if there was
  /// one, else 0.
  Milliseconds advance(MonotonicTime now);

  void add(Slot slot, Milliseconds interval, MonotonicTime now);
  void remove(Slot slot);

  /// The slot's next look is at `when` instead; nothing happens to one that waits for room.
  void look_at(Slot slot, MonotonicTime when);
  /// The same, unless it comes sooner anyway.
  void look_by(Slot slot, MonotonicTime when);
  /// The next look is on the slot's own beat, after `now`.
  void look_on_beat(Slot slot, MonotonicTime now);
  /// An early look at `when`, unless the slot is looked at before, or too many were granted of late.
  void look_early(Slot slot, MonotonicTime when, MonotonicTime now);
  /// When it will be looked at, as planned now; nothing: it waits for room, or is not known.
  std::optional<MonotonicTime> due(Slot slot) const;
  void set_patient(Slot slot, bool patient);

  /// A slot that is due and may start now: counted as running until finished(), and due again on its
  /// beat. Nothing: none is due, or no room.
  std::optional<Slot> take(MonotonicTime now);
  /// When the slot of the last take() was due.
  MonotonicTime taken_due() const { return {taken_due_ + stood_still_}; }
  void finished();

  /// When take() has something new to give; nothing: not before a change. (What waits for room
  /// is not due but overdue: call take() after finished().)
  std::optional<MonotonicTime> next_due() const;

  struct Counters {
    uint64_t started = 0;
    uint64_t delayed = 0;  // had to wait for room
    uint64_t gaps = 0;
  };
  const Counters& counters() const { return counters_; }
  uint32_t running() const { return running_; }
  size_t waiting() const { return waiting_; }
  bool is_waiting(Slot slot) const {  // due, and without room
    return items_[slot].place == Place::urgent_queue || items_[slot].place == Place::patient_queue;
  }
  bool has_room() const { return running_ < options_.running_max; }
  /// Whether half of all looks that may run at once could start now.
  bool has_much_room() const { return running_ < options_.running_max / 2; }

 private:
  static constexpr uint32_t nowhere = UINT32_MAX;
  enum class Place : uint8_t { none, heap, urgent_queue, patient_queue };
  struct Item {
    int64_t due = 0;        // schedule time, nanoseconds
    int64_t period = 0;     // nanoseconds from beat to beat, before jitter
    double phase = 0;       // of the period, in [0, 1)
    double jitter = 0;      // where this slot stands in the jitter sequence, in [0, 1)
    uint32_t at = nowhere;  // in heap_
    uint32_t ticket = 0;    // a queue's entry with another ticket is void
    Place place = Place::none;
    bool is_patient = false;
  };
  struct Waiting {
    Slot slot;
    uint32_t ticket;
  };

  int64_t local(MonotonicTime time) const { return time.nanoseconds - stood_still_; }
  int64_t next_beat(const Item& item, int64_t after) const;
  void set_due(Slot slot, int64_t due);
  void leave(Slot slot);
  void collect_due(int64_t now);
  std::optional<Slot> pop(std::deque<Waiting>& queue, Place place);
  bool before(Slot a, Slot b) const;
  void sift_up(size_t at);
  void sift_down(size_t at);

  Options options_;
  std::vector<Item> items_;
  std::vector<Slot> heap_;
  std::deque<Waiting> urgent_;
  std::deque<Waiting> patient_;
  size_t waiting_ = 0;
  uint32_t running_ = 0;
  std::map<int64_t, uint64_t> members_;  // per interval: how many slots ever had it
  int64_t next_first_look_ = INT64_MIN;
  int64_t early_looks_paid_ = INT64_MIN;  // until when, at their rate
  int64_t taken_due_ = 0;                 // schedule time
  int64_t stood_still_ = 0;
  std::optional<MonotonicTime> last_seen_;
  Counters counters_;
};

}  // namespace swingover::health
