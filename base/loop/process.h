#pragma once

#include <sys/types.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/loop/loop.h"
#include "base/result.h"

namespace swingover::loop {

/// A child process in a session and process group of its own, and what it writes, as events of the loop.
///
/// Inherits   Nothing but `environment`: every descriptor but its three is closed, whatever flags it had; standard
///            input is empty; no signal is blocked or ignored; the working folder is `folder`.
/// Start      By a child that shares this process's memory until it runs the program (posix_spawn): as cheap in a
///            daemon of many gigabytes as in a small one. The loop waits for that: well below a millisecond.
/// End        Told once, on a later turn than the start. What the child itself left running in its group is killed then.
/// Destroyed  Before the end: the whole group is killed, and reaped by somebody else; `on_end` is never called.
/// Threads    The loop's.
class Process {
 public:
  struct Options {
    std::vector<std::string> command;        // the program first: a path, or a name that PATH has
    std::vector<std::string> environment{};  // "NAME=value"
    std::string folder = "/";
    int nice = 0;                           // added to this process's own; as far as it may
    size_t output_max = size_t{64} << 10U;  // what comes beyond is read and dropped
  };
  struct End {
    int exit_status = 0;  // if `signal` is 0
    int signal = 0;       // that ended it
    std::string output;   // standard output and error, in the order of writing
  };
  using OnEnd = std::function<void(const End&)>;

  /// Errors: the program is not there or not a program, no process or descriptor is left.
  static Result<std::unique_ptr<Process>> start(Loop& loop, const Options& options, OnEnd on_end);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  pid_t pid() const;
  /// To the whole group: SIGTERM, SIGKILL.
  void signal(int number);
  /// What it has written by now.
  const std::string& output() const;

 private:
  struct Core;
  explicit Process(std::unique_ptr<Core> core);
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::loop
