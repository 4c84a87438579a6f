#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "health/prober.h"
#include "health/watch_habit.h"

namespace swingover::health {

/// Where the watch of one target stands.
enum class WatchState : uint8_t {
  off,         // it is not up, its monitor does not watch, or it has a name and no address
  waiting,     // it gets a connection soon, or when a descriptor is free
  connecting,  // on its way
  connected,   // its death would be heard of
  habit,       // not watched: it closes idle connections by habit, too soon to renew them
};

constexpr std::string_view word(WatchState state) {
  switch (state) {
    case WatchState::off:
      return "off";
    case WatchState::waiting:
      return "waiting";
    case WatchState::connecting:
      return "connecting";
    case WatchState::connected:
      return "connected";
    case WatchState::habit:
      return "closes idle connections";
  }
  return "off";
}

/// A watched connection that is silent for so long is asked whether its host is still there.
constexpr Milliseconds keep_alive_after(Milliseconds interval) {
  return Milliseconds(std::clamp<int64_t>(interval.value / 4000, 1, 10) * 1000);
}
/// A host that has not answered that after so long is gone.
inline constexpr Milliseconds keep_alive_answer{2'000};

/// One idle TCP connection to each watched target that is up. A process that dies takes its connections along: their
/// end is heard at once, whatever the interval, and is reason enough to look now. What it means, the probes say.
///
/// Silence   A host that vanishes is found by keep-alives, sent by the kernel after a quarter of the interval (1 s to
///           10 s), and by the user timeout two seconds later.
/// Bytes     None are sent, and none are read: also over TLS the connection stays bare TCP. What a server greets
///           with waits in the socket.
/// Habit     A backend that closes idle connections after a while, though it lives, is learnt (WatchHabit), and said
///           in the log. Where that while is ten seconds or more, its connection is renewed before it is over; else
///           the target is no longer watched, until it has been down, or an hour has gone by.
/// Bound     At most `open_max` connections; what exceeds it waits. New ones come 1,000 a second at most.
/// Cost      One ready set for all connections, one timer. A connection: a descriptor, some 200 bytes here, and a
///           socket in the kernel; no CPU but the kernel's keep-alives.
/// Threads   The loop's.
class Watch {
 public:
  using Slot = uint32_t;
  struct Options {
    uint32_t open_max = 0;
  };
  using OnAlarm = std::function<void(Slot)>;
  Watch(loop::Loop& loop, const Clock& clock, Options options, OnAlarm on_alarm);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

  /// Of a check whose monitor has `watch`; connected to once it is up.
  void add(Slot slot, const Check& check);
  void remove(Slot slot);
  /// What probes say of it, while nothing is being confirmed.
  void settled(Slot slot, bool is_up);

  /// Opens and renews what is due; its own timer calls it.
  void tick();

  WatchState state(Slot slot) const;
  uint32_t open() const { return open_; }  // descriptors of connections
  struct Counters {
    uint32_t connected = 0;
    uint32_t habits = 0;  // targets that are not watched because of theirs
    uint64_t alarms = 0;  // connections that ended; since the start
  };
  const Counters& counters() const { return counters_; }

 private:
  static constexpr int64_t never = INT64_MAX;
  struct Entry {
    std::shared_ptr<const MonitorOptions> monitor;
    IpAddress address;
    uint16_t port = 0;
    WatchState state = WatchState::off;
    bool has_ended = false;  // and what that means is not known yet
    bool is_told = false;    // the log knows of its habit
    int socket = -1;
    uint32_t generation = 0;  // an event or a due time of another one is void
    int64_t due = never;
    MonotonicTime since{};  // of the connection
    Milliseconds age{0};    // of the one that has ended
    WatchHabit habit;
  };
  struct Due {
    int64_t at;
    Slot slot;
    uint32_t generation;
    bool operator<(const Due& other) const { return at > other.at; }  // the soonest on top
  };

  void on_ready();
  void open(Slot slot, Entry& entry);
  void became_connected(Slot slot, Entry& entry);
  void end(Slot slot, Entry& entry);
  void learn(Slot slot, Entry& entry);
  void plan(Slot slot, Entry& entry, WatchState state, Milliseconds wait);
  void expect(Slot slot, Entry& entry, Milliseconds wait);
  void enter(Entry& entry, WatchState state);
  void arm();

  const Clock& clock_;
  Options options_;
  OnAlarm on_alarm_;
  int ready_set_ = -1;
  std::unordered_map<Slot, Entry> entries_;
  std::priority_queue<Due> due_;
  uint32_t last_generation_ = 0;
  uint32_t open_ = 0;
  Counters counters_;
  std::optional<loop::Poll> poll_;
  loop::Timer timer_;
};

}  // namespace swingover::health
