#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace swingover {

/// A thread for long work that must disturb nobody: reading a million names, freeing a million.
///
/// Priority  Nice 15: a thread that answers queries, and asks for short slices (base/slice.h), takes the CPU from it
///           the moment it wakes; where others always want the CPU too, it gets 3 % of it: see hurry(). Not
///           SCHED_IDLE, behind which a ready thread may wait for the next tick, 4 ms (Linux 6.18).
/// Shape     One piece of work after another, in the order given.
/// Threads   run() and hurry(): any.
class Background {
 public:
  Background();
  /// Hurries the work at hand and waits for its end; drops what has not begun.
  ~Background();
  Background(const Background&) = delete;
  Background& operator=(const Background&) = delete;

  void run(std::function<void()> work);

  /// The work at hand goes on at nice 0. Without the right to that, which a process has if its limit of
  /// nice values is 20 (systemd: LimitNICE=+0) or it is privileged, it goes on as before; false then.
  bool hurry();

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_, as what follows
  bool is_stopped_ = false;
  pid_t id_ = 0;          // the thread's
  bool is_nice_ = false;  // the thread is as nice as it should be
  std::thread thread_;
};

}  // namespace swingover
