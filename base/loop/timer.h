#pragma once

#include <functional>

#include "base/loop/loop.h"
#include "base/units.h"

namespace swingover::loop {

/// Calls back once or again and again. Its destructor cancels. Milliseconds, from the loop's clock.
class Timer {
 public:
  Timer(Loop& loop, std::function<void()> on_tick);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  void start_once(Milliseconds delay);
  void start_repeating(Milliseconds every);  // the first after one `every`
  void stop();
  bool is_active() const;

 private:
  struct Core;
  Core*
      core_;  // libuv reads the handle until its close callback, so it outlives this object by one turn
};

}  // namespace swingover::loop
