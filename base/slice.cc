#include "base/slice.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

namespace swingover {
namespace {

/// As sched_setattr(2) takes it; the C library has no name for it, and the kernel's header collides with sched.h.
struct Attributes {
  uint32_t size = sizeof(Attributes);
  uint32_t policy = 0;  // SCHED_OTHER
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0;  // nanoseconds
  uint64_t deadline = 0;
  uint64_t period = 0;
};

}  // namespace

bool ask_for_slice(std::chrono::microseconds slice) {
  // All of it is set at once: what is not to change has to be said again.
  Attributes attributes;
  if (syscall(SYS_sched_getattr, 0, &attributes, sizeof attributes, 0) != 0) return false;
  if (attributes.policy != 0) return false;
  attributes.runtime = static_cast<uint64_t>(std::chrono::nanoseconds(slice).count());
  return syscall(SYS_sched_setattr, 0, &attributes, 0) == 0;
}

}  // namespace swingover
