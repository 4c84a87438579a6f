#pragma once

#include <functional>

#include "base/loop/loop.h"

namespace swingover::loop {

/// A signal as an event of the loop.
class Signal {
 public:
  Signal(Loop& loop, int number, std::function<void()> on_signal);
  ~Signal();
  Signal(const Signal&) = delete;
  Signal& operator=(const Signal&) = delete;

 private:
  struct Core;
  Core* core_;
};

}  // namespace swingover::loop
