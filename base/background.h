#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace swingover {

/// A thread for long work that must disturb nobody: reading a million names, freeing a million.
///
/// Priority  SCHED_IDLE: a thread that answers queries takes the CPU from it the moment it wakes. On a machine that
///           is busy all the time that may take very long: see hurry().
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

  /// The work at hand goes on at normal priority. Without the right to that, which a process has if its limit of
  /// nice values is 20 (systemd: LimitNICE=+0) or it is privileged, it goes on as before; false then.
  bool hurry();

 private:
  void serve();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> waiting_;  // guarded by mutex_, as what follows
  bool is_stopped_ = false;
  bool is_idle_ = false;  // the thread has SCHED_IDLE
  std::thread thread_;
};

}  // namespace swingover
