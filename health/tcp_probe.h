#pragma once

#include <memory>
#include <string>

#include "base/loop/loop.h"
#include "base/units.h"
#include "health/probe.h"
#include "health/resolver.h"

namespace swingover::health {

struct TcpTargetOptions {
  std::string address;  // or a name, resolved afresh by each probe
  uint16_t port = 0;
  Milliseconds timeout{1000};
};

/// Passes when a TCP connection to the target can be made; closes it at once. A name passes when
/// one of its addresses does, tried in the resolver's order within the one timeout.
/// One descriptor a probe. `loop` and `resolver` outlive the target.
std::unique_ptr<Target> make_tcp_target(loop::Loop& loop, Resolver& resolver,
                                        TcpTargetOptions options);

}  // namespace swingover::health
