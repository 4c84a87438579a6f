#include "base/loop/loop.h"

#include <uv.h>

#include <atomic>
#include <cstdlib>
#include <mutex>
#include <utility>
#include <vector>

#include "base/log.h"

namespace swingover::loop {

struct Loop::Core {
  uv_loop_t loop{};
  uv_async_t wake{};
  std::atomic<bool> stopped{false};
  bool closing = false;  // loop thread: from here on nobody is left to hear of finished work

  std::mutex mutex;
  std::vector<std::function<void()>> posted;  // guarded by mutex

  void run_posted() {
    std::vector<std::function<void()>> tasks;
    {
      std::lock_guard lock(mutex);
      tasks.swap(posted);
    }
    // What these post in turn waits for the next turn, so that two tasks cannot starve the sockets.
    for (const auto& task : tasks) task();
  }
};

namespace {

struct Work {
  uv_work_t request{};
  const bool& closing;
  std::function<void()> work;
  std::function<void()> done;
};

/// There is no daemon without a loop, and this happens at start: say why and end.
void require(int result, const char* what) {
  if (result == 0) return;
  log_error("cannot make an event loop", {{"step", what}, {"error", uv_strerror(result)}});
  std::_Exit(1);  // perhaps in a thread: no destructors
}

}  // namespace

Loop::Loop() : core_(std::make_unique<Core>()), uv_(&core_->loop) {
  require(uv_loop_init(uv_), "loop");
  require(uv_async_init(uv_, &core_->wake,
                        [](uv_async_t* wake) {
                          auto* core = static_cast<Core*>(wake->data);
                          core->run_posted();
                          if (core->stopped) uv_stop(wake->loop);
                        }),
          "wake");
  core_->wake.data = core_.get();
  // The way in alone is nothing to wait for: run() ends when all else has.
  uv_unref(reinterpret_cast<uv_handle_t*>(&core_->wake));
}

Loop::~Loop() {
  core_->closing = true;
  // A dropped task may own objects of the loop, whose destructors need it: first the tasks, then the
  // handles, again until none is left.
  {
    std::lock_guard lock(core_->mutex);
    core_->posted.clear();
  }
  do {
    uv_walk(
        uv_,
        [](uv_handle_t* handle, void*) {
          if (!uv_is_closing(handle)) uv_close(handle, nullptr);
        },
        nullptr);
    uv_run(uv_, UV_RUN_DEFAULT);
  } while (uv_loop_close(uv_) == UV_EBUSY);
}

void Loop::run() {
  core_->run_posted();
  if (!core_->stopped) uv_run(uv_, UV_RUN_DEFAULT);
  core_->stopped = false;
}

bool Loop::run_until(const std::function<bool()>& done, int milliseconds_max) {
  // What `done` looks at may be another thread's: the pulse lets it be asked without any event.
  uv_timer_t pulse;
  uv_timer_init(uv_, &pulse);
  uv_timer_start(
      &pulse, [](uv_timer_t*) {}, 1, 2);
  const uint64_t deadline = uv_hrtime() + static_cast<uint64_t>(milliseconds_max) * 1'000'000;
  core_->run_posted();
  bool is_done = done();
  while (!is_done && uv_hrtime() < deadline) {
    uv_run(uv_, UV_RUN_ONCE);
    is_done = done();
  }

  bool closed = false;
  pulse.data = &closed;
  uv_close(reinterpret_cast<uv_handle_t*>(&pulse),
           [](uv_handle_t* handle) { *static_cast<bool*>(handle->data) = true; });
  while (!closed) uv_run(uv_, UV_RUN_NOWAIT);
  return is_done;
}

void Loop::stop() {
  core_->stopped = true;
  uv_async_send(&core_->wake);
}

void Loop::post(std::function<void()> task) {
  {
    std::lock_guard lock(core_->mutex);
    core_->posted.push_back(std::move(task));
  }
  uv_async_send(&core_->wake);
}

void Loop::offload(std::function<void()> work, std::function<void()> done) {
  auto* request = new Work{{}, core_->closing, std::move(work), std::move(done)};
  request->request.data = request;
  uv_queue_work(
      uv_, &request->request, [](uv_work_t* r) { static_cast<Work*>(r->data)->work(); },
      [](uv_work_t* r, int) {
        const std::unique_ptr<Work> finished(static_cast<Work*>(r->data));
        if (!finished->closing) finished->done();
      });
}

}  // namespace swingover::loop
