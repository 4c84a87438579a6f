#pragma once

#include <functional>
#include <memory>

struct uv_loop_s;

namespace swingover::loop {

/// A libuv loop and the one thread that runs it.
///
/// Threads   post() and stop(): any. All else, and every object made on the loop: the thread that runs it.
/// Lifetime  Objects on the loop are destroyed before it; the destructor closes what libuv still holds.
class Loop {
 public:
  Loop();
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  /// Until stop(), or until nothing is left to wait for.
  void run();
  /// Turns the loop until `done()` is true or about `milliseconds_max` have gone; for tests and shutdown.
  bool run_until(const std::function<bool()>& done, int milliseconds_max);
  void stop();

  /// Runs `task` on the loop's thread soon, after what is due; tasks of one thread keep their order.
  void post(std::function<void()> task);
  /// Runs `work` on a pool thread, then `done` on the loop's thread.
  void offload(std::function<void()> work, std::function<void()> done);

  uv_loop_s& uv() { return *uv_; }

 private:
  struct Core;
  std::unique_ptr<Core> core_;
  uv_loop_s* uv_ = nullptr;
};

}  // namespace swingover::loop
