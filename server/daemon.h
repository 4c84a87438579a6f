#pragma once

#include <string>

#include "base/result.h"

namespace swingover::server {

/// Runs the daemon in the foreground until SIGTERM or SIGINT; SIGHUP reloads.
///
/// Start  Config, store and what it remembers, zones, sockets, probes; the `ready` line is logged when
///        the sockets answer. The error is one line that says why it could not start.
/// Stop   Queries that arrived are answered, TCP answers under way go out, what waits for the disk is stored; at
///        most 5 s.
Status run_daemon(const std::string& config_file);

/// Reads everything that a start would and touches nothing. All problems, and whether any is an error.
struct Checked {
  bool is_fine = false;
  std::string problems;
  std::string swing_times;  // of a config without errors: see swing_times.h
};
Checked check_config(const std::string& config_file);

}  // namespace swingover::server
