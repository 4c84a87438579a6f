#include "base/loop/timer.h"

#include <uv.h>

#include <algorithm>
#include <utility>

namespace swingover::loop {

struct Timer::Core {
  uv_timer_t handle{};
  std::function<void()> on_tick;
};

namespace {

/// libuv counts from the start of the turn, which a long turn leaves far behind, and runs a timer of zero
/// that starts itself again without ever looking at a socket: both are mended here.
uint64_t from_turn_start(const uv_timer_t& handle, Milliseconds delay) {
  const uint64_t now = uv_hrtime() / 1'000'000;
  const uint64_t turn = uv_now(handle.loop);
  return static_cast<uint64_t>(std::max<int64_t>(delay.value, 1)) + (now > turn ? now - turn : 0);
}

}  // namespace

Timer::Timer(Loop& loop, std::function<void()> on_tick) : core_(new Core{{}, std::move(on_tick)}) {
  uv_timer_init(&loop.uv(), &core_->handle);
  core_->handle.data = core_;
}

Timer::~Timer() {
  uv_close(reinterpret_cast<uv_handle_t*>(&core_->handle),
           [](uv_handle_t* handle) { delete static_cast<Core*>(handle->data); });
}

void Timer::start_once(Milliseconds delay) {
  uv_timer_start(
      &core_->handle, [](uv_timer_t* timer) { static_cast<Core*>(timer->data)->on_tick(); },
      from_turn_start(core_->handle, delay), 0);
}

void Timer::start_repeating(Milliseconds every) {
  uv_timer_start(
      &core_->handle, [](uv_timer_t* timer) { static_cast<Core*>(timer->data)->on_tick(); },
      from_turn_start(core_->handle, every),
      static_cast<uint64_t>(std::max<int64_t>(every.value, 1)));
}

void Timer::stop() {
  uv_timer_stop(&core_->handle);
}

bool Timer::is_active() const {
  return uv_is_active(reinterpret_cast<const uv_handle_t*>(&core_->handle)) != 0;
}

}  // namespace swingover::loop
