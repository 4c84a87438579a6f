#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "server/config.h"
#include "server/control/control_loop.h"

namespace swingover::server {

/// How a Setup is made anew at every reload: from the same file, for the same process.
struct SetupSource {
  std::string config_file;
  ServerOptions server;  // as the process runs: what of it changes takes a restart
  AdminOptions admin;
  uint64_t pick_secret = 0;
  SipKey cookie_secret{};  // used where no file has one
};

/// The setup of a checked config. A zone file with errors leaves its zone answering SERVFAIL.
control::Setup build_setup(const Config& config, const SetupSource& source, uint64_t generation,
                           std::string config_text);

/// For a reload: reads config and zone files anew; any error in any of them is a refusal. Any thread.
control::Loaded load_setup(const SetupSource& source, uint64_t generation,
                           const zones::Snapshot* previous);

/// Keys that differ between what runs and what a reload found, and that only a restart can change.
std::vector<std::string> needs_restart(const SetupSource& running, const Config& config);

}  // namespace swingover::server
