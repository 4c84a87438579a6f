#pragma once

#include <cstdint>
#include <memory>

#include "base/loop/loop.h"
#include "health/probe.h"
#include "health/prober.h"

namespace swingover::health {

/// Probes of kind exec: a command of the operator's own, run for each probe.
///
/// Passes   Its exit status is 0. The first line of what it writes stands in the reason of a failure (200 octets at most);
///          all of it, up to 64 KiB, goes to the log at level debug.
/// Runs     Without a shell, in a process group of its own, nicer than this process; see loop::Process for what it
///          inherits. Environment: PATH as this process has it, SWINGOVER_MONITOR, SWINGOVER_ADDRESS, SWINGOVER_HOST,
///          SWINGOVER_PORT (where the monitor has one) and SWINGOVER_TIMEOUT_MS.
/// Number   At most `running_max` commands at once, those that are being ended counted too; the rest wait in line.
///          One that waited for the whole timeout has not looked.
/// Time     The timeout counts from its start (so a probe takes up to twice the timeout). Then the probe fails at once, and
///          the group gets SIGTERM, and SIGKILL half a second later.
/// End      Destroying a probe ends its command so too; destroying this object kills all that run.
/// Threads  The loop's. Targets and their probes are destroyed before this object.
class ExecProbes {
 public:
  static constexpr uint32_t running_max_default = 16;

  explicit ExecProbes(loop::Loop& loop);
  ~ExecProbes();
  ExecProbes(const ExecProbes&) = delete;
  ExecProbes& operator=(const ExecProbes&) = delete;

  std::unique_ptr<Target> make_target(const Check& check);
  void set_running_max(uint32_t running_max);
  uint32_t running() const;
  size_t waiting() const;    // in line for room, or for the end of their last run
  uint64_t delayed() const;  // how many had to wait so, since the start

  class Core;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
