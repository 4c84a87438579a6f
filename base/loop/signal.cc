#include "base/loop/signal.h"

#include <uv.h>

#include <string>
#include <utility>

#include "base/log.h"

namespace swingover::loop {

struct Signal::Core {
  uv_signal_t handle{};
  std::function<void()> on_signal;
};

Signal::Signal(Loop& loop, int number, std::function<void()> on_signal)
    : core_(new Core{{}, std::move(on_signal)}) {
  core_->handle.data = core_;
  int result = uv_signal_init(&loop.uv(), &core_->handle);
  if (result != 0) {
    core_->handle.data = nullptr;  // libuv knows nothing of it: nothing to close
  } else {
    result = uv_signal_start(
        &core_->handle,
        [](uv_signal_t* signal, int) { static_cast<Core*>(signal->data)->on_signal(); }, number);
  }
  if (result != 0) {
    log_error("cannot watch a signal",
              {{"signal", std::to_string(number)}, {"error", uv_strerror(result)}});
  }
}

Signal::~Signal() {
  if (!core_->handle.data) {
    delete core_;
    return;
  }
  uv_close(reinterpret_cast<uv_handle_t*>(&core_->handle),
           [](uv_handle_t* handle) { delete static_cast<Core*>(handle->data); });
}

}  // namespace swingover::loop
