#pragma once

#include <array>
#include <deque>
#include <optional>
#include <string>
#include <utility>

#include "base/clock.h"
#include "base/portion.h"

namespace swingover::control {

/// How much may go down by itself within how long, before automatic eviction stops: then it is more likely us, or what
/// lies between, than them.
///
/// Count    Endpoints and clusters apart: those that were up, as far as was agreed, and would be down. What goes
///          down in one tick goes together, or stays together.
/// Engaged  From the first eviction beyond a bound. Then nothing goes down by itself, whatever the window, until it is
///          disengaged: by a person, or since the probes agree again with all that was kept.
/// Threads  One owner. Pure.
class Brake {
 public:
  struct Rules {
    std::optional<Portion> endpoints;  // none: no bound
    std::optional<Portion> clusters;
    Milliseconds window{30'000};
    friend bool operator==(const Rules&, const Rules&) = default;
  };
  enum class Of : uint8_t { endpoints, clusters };

  void configure(const Rules& rules);
  bool has_bounds() const { return rules_.endpoints || rules_.clusters; }

  /// Whether `count` more, of `all` that there are, may go down now. Counts them if so, and engages if not.
  bool let_go(Of what, size_t count, size_t all, MonotonicTime now, WallTime wall);

  bool is_engaged() const { return is_engaged_; }
  /// What would have gone down, in words; empty while it is not engaged.
  const std::string& reason() const { return reason_; }
  WallTime since() const { return since_; }
  /// As the last run left it.
  void engage(WallTime since, std::string reason);
  /// What went down until now counts no more.
  void disengage();

 private:
  std::optional<Portion> bound(Of what) const {
    return what == Of::endpoints ? rules_.endpoints : rules_.clusters;
  }

  Rules rules_;
  bool is_engaged_ = false;
  std::string reason_;
  WallTime since_{};
  std::array<std::deque<std::pair<MonotonicTime, size_t>>, 2> gone_;  // by Of
};

/// Whether this edge is what is wrong: its own targets fail, and so does most of everything.
///
/// Begins   More than half of the self_check targets are down, and more than half of all endpoints fail.
/// Ends     When one of the two has not been so for `window`: until then probes of slower pace have seen what the
///          self_check saw first.
class SelfDoubt {
 public:
  struct Seen {
    size_t targets = 0;
    size_t targets_down = 0;
    size_t endpoints = 0;
    size_t endpoints_down = 0;
  };
  void configure(Milliseconds window) { window_ = window; }
  /// True if is_in_doubt() is another than before.
  bool look(const Seen& seen, MonotonicTime now);
  bool is_in_doubt() const { return is_in_doubt_; }
  Milliseconds window() const { return window_; }
  /// As the last run left it: until look() has not confirmed it for a window.
  void begin(MonotonicTime now);

 private:
  Milliseconds window_{30'000};
  bool is_in_doubt_ = false;
  MonotonicTime ends_{};
};

}  // namespace swingover::control
