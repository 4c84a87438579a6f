#pragma once

#include <memory>
#include <string>

#include "base/loop/loop.h"
#include "base/units.h"
#include "health/probe.h"
#include "health/resolver.h"

namespace swingover::health {

struct UdpTargetOptions {
  std::string address;  // or a name, resolved afresh by each probe
  uint16_t port = 0;
  std::string send;      // the datagram's octets
  std::string expect{};  // octets that must occur in the answer; empty: see below
  Milliseconds timeout{1000};
};

/// Sends one datagram from a port of its own and judges the first that comes back from there.
///
/// Passes   With `expect`: when the answer holds it. Without: when anything comes back, and also when nothing does
///          for the whole timeout, for most UDP services stay silent; only a refusal fails then.
/// Refusal  An ICMP unreachable message: a hard failure.
/// Cost     One descriptor a probe. `loop` and `resolver` outlive the target.
std::unique_ptr<Target> make_udp_target(loop::Loop& loop, Resolver& resolver,
                                        UdpTargetOptions options);

}  // namespace swingover::health
