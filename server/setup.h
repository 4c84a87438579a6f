#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "server/config.h"
#include "server/control/control_loop.h"
#include "server/control/past.h"
#include "server/query/workers.h"

namespace swingover::server {

/// How a Setup is made anew at every reload: from the same file, for the same process.
struct SetupSource {
  std::string config_file;
  std::vector<SocketAddress> tls_listen;
  ServerOptions server;  // as the process runs: what of it changes takes a restart
  AdminOptions admin;
  uint64_t pick_secret = 0;
  SipKey cookie_secret{};  // used where no file has one
  /// The control thread, when a reload is in force.
  std::function<void(const query::TransportOptions&)> configure_transport;
  std::function<void(uint32_t exec_max)> configure_exec;
  std::function<void(std::vector<FileWatch::File>)> watch_files;
};

/// The setup of a checked config, whose services it takes over. A zone file with errors leaves its zone answering
/// SERVFAIL. `serials`: under which zones were served last.
control::Setup build_setup(Config& config, const SetupSource& source, uint64_t generation,
                           std::string config_text, zones::Serials serials = {});

/// For a reload: reads config and zone files anew; any error in any of them is a refusal. Any thread.
control::Loaded load_setup(const SetupSource& source, uint64_t generation,
                           const zones::Snapshot* previous);

/// Compiles a generation that is past, from the texts that are kept of it. Any thread.
Result<control::PastGeneration> build_past(const control::PastTexts& texts,
                                           const control::StateCycle& cycle);

/// What the query threads do with connections and front ends.
query::TransportOptions transport_of(const Config& config);

/// Where DNS over TLS is spoken; nowhere without [tls].
std::vector<SocketAddress> tls_listen_of(const Config& config);

/// Keys that differ between what runs and what a reload found, and that only a restart can change.
std::vector<std::string> needs_restart(const SetupSource& running, const Config& config);

}  // namespace swingover::server
