#pragma once

#include <chrono>

namespace swingover {

/// Asks for the calling thread's turns on a CPU to be no longer than `slice` (0.1 to 100 ms); what it gets of the CPU in
/// all stays the same. Where several threads want one CPU, one that wakes goes before those whose slices are longer
/// (Linux from 6.12 on, EEVDF: sched_setattr(2), sched_runtime of SCHED_OTHER); otherwise it may wait for the rest
/// of theirs, 1 to 4 ms. Older kernels take it and do nothing.
/// True: taken. It needs no privilege, but sandboxes may refuse it.
bool ask_for_slice(std::chrono::microseconds slice);

}  // namespace swingover
