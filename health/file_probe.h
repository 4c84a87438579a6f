#pragma once

#include <memory>

#include "base/loop/loop.h"
#include "health/probe.h"
#include "health/prober.h"

namespace swingover::health {

/// Probes of kind file: a file whose content is the verdict, written by a program of the operator's own.
///
/// Content  The first word of the first line is "up" or "down", blind to case; what follows a down on that line is the
///          reason. Write it to another name and rename it: a file that is found half written is a failure.
/// Fails    down; no such file; other content; written longer ago than `max_age`.
/// Unknown  A file that cannot be read (no right to, an I/O error, a disk that hangs for the whole timeout): this
///          host has not looked.
/// Reads    On one thread of its own, one file after another, so that a disk that hangs holds up nobody else; the
///          destructor lets it go.
/// Threads  The loop's. Targets and their probes are destroyed before this object.
class FileProbes {
 public:
  explicit FileProbes(loop::Loop& loop);
  ~FileProbes();
  FileProbes(const FileProbes&) = delete;
  FileProbes& operator=(const FileProbes&) = delete;

  std::unique_ptr<Target> make_target(const Check& check);

  class Core;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
