#pragma once

#include <functional>

#include "base/loop/loop.h"

namespace swingover::loop {

/// Readiness of a descriptor that somebody else owns; it must stay open until this object is gone.
/// Level-triggered: called again while it stays ready. A peer that has ended its half is `readable`, and
/// reading gives the end.
class Poll {
 public:
  struct Ready {
    bool readable = false;
    bool writable = false;
    bool failed = false;  // an error waits there: reading or writing tells which
  };
  Poll(Loop& loop, int descriptor, std::function<void(Ready)> on_ready);
  ~Poll();
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;

  struct Interest {
    bool readable = false;
    bool writable = false;
  };
  void watch(Interest interest);  // none of both: stop
  void stop();

 private:
  struct Core;
  Core* core_;
};

}  // namespace swingover::loop
