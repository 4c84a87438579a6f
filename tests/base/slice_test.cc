#include "base/slice.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <catch2/catch.hpp>
#include <cstdint>
#include <cstring>
#include <thread>

namespace swingover {
namespace {

/// sched_runtime of this thread; 0: the kernel knows none for SCHED_OTHER.
uint64_t slice_of_this_thread() {
  std::array<unsigned char, 48> attributes{};
  if (syscall(SYS_sched_getattr, 0, attributes.data(), attributes.size(), 0) != 0) return 0;
  uint64_t runtime = 0;
  std::memcpy(&runtime, &attributes[24], sizeof runtime);
  return runtime;
}

}  // namespace

TEST_CASE("a thread gets the slice that it asks for, and keeps its nice value", "[slice]") {
  bool is_taken = false;
  bool is_taken_at_idle = true;
  uint64_t before = 0;
  uint64_t after = 0;
  bool is_nicer = false;
  bool keeps_nice = false;
  std::thread thread([&] {
    const int nicer = std::min(getpriority(PRIO_PROCESS, 0) + 5, 19);
    is_nicer = setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), nicer) == 0;
    before = slice_of_this_thread();
    is_taken = ask_for_slice(std::chrono::microseconds(100));
    after = slice_of_this_thread();
    keeps_nice = getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())) == nicer;
    const sched_param none{};
    sched_setscheduler(0, SCHED_IDLE, &none);
    is_taken_at_idle = ask_for_slice(std::chrono::microseconds(100));
  });
  thread.join();
  CHECK(is_taken);
  if (before != 0) CHECK(after == 100'000);  // Linux 6.12
  CHECK(is_nicer);
  CHECK(keeps_nice);
  CHECK_FALSE(is_taken_at_idle);  // another policy is somebody's wish
}

}  // namespace swingover
