#include "base/loop/poll.h"

#include <uv.h>

#include <optional>
#include <utility>

#include "base/loop/timer.h"

namespace swingover::loop {

struct Poll::Core {
  uv_poll_t handle{};
  std::function<void(Ready)> on_ready;
  Interest interest{};
  // Set when the kernel cannot watch the descriptor (a plain file, or no memory for one more watch): the
  // owner then hears `failed` from it, a turn later like any other event.
  std::optional<Timer> refusal;

  void start() {
    const int events =
        (interest.readable ? UV_READABLE : 0) | (interest.writable ? UV_WRITABLE : 0);
    uv_poll_start(&handle, events, [](uv_poll_t* poll, int error, int ready) {
      static_cast<Core*>(poll->data)->tell(error < 0, ready);
    });
  }

  void tell(bool failed, int ready) {
    if (!failed) {
      on_ready({.readable = (ready & UV_READABLE) != 0, .writable = (ready & UV_WRITABLE) != 0});
      return;
    }
    // libuv stops watching after an error, and one ICMP message would leave a UDP socket deaf for good.
    start();
    on_ready({.readable = interest.readable, .writable = interest.writable, .failed = true});
  }
};

Poll::Poll(Loop& loop, int descriptor, std::function<void(Ready)> on_ready)
    : core_(new Core{{}, std::move(on_ready), {}, std::nullopt}) {
  core_->handle.data = core_;
  if (uv_poll_init(&loop.uv(), &core_->handle, descriptor) != 0) {
    core_->refusal.emplace(loop, [tell = core_->on_ready] { tell({.failed = true}); });
  }
}

Poll::~Poll() {
  if (core_->refusal) {
    delete core_;
    return;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&core_->handle),
           [](uv_handle_t* handle) { delete static_cast<Core*>(handle->data); });
}

void Poll::watch(Interest interest) {
  core_->interest = interest;
  if (!interest.readable && !interest.writable) return stop();
  if (core_->refusal) return core_->refusal->start_once(Milliseconds(0));
  core_->start();
}

void Poll::stop() {
  if (core_->refusal) return core_->refusal->stop();
  uv_poll_stop(&core_->handle);
}

}  // namespace swingover::loop
