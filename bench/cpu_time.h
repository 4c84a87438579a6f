#pragma once

#include <ctime>

namespace swingover::bench {

/// CPU time that this thread has had so far, in milliseconds: what a wall clock says on a busy machine is of no use.
inline double cpu_milliseconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) * 1e3 + static_cast<double>(time.tv_nsec) / 1e6;
}

}  // namespace swingover::bench
