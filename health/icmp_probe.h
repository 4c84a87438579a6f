#pragma once

#include <memory>

#include "base/loop/loop.h"
#include "health/probe.h"
#include "health/prober.h"
#include "health/resolver.h"

namespace swingover::health {

/// Probes of kind icmp: an echo request, and its reply (RFC 792, RFC 4443).
///
/// Sockets  One a family for all targets, opened by the first probe that needs it: an unprivileged ping socket
///          (net.ipv4.ping_group_range), or a raw one (CAP_NET_RAW). Without the right to either a probe has not
///          looked; it is tried anew each time, so that a right given later needs no restart.
/// Replies  Count if they come from the target's address with the random token of that very request.
/// Refusal  An ICMP error about the request (unreachable, prohibited): a hard failure.
/// Threads  The loop's. Targets and their probes are destroyed before this object.
class IcmpProbes {
 public:
  IcmpProbes(loop::Loop& loop, Resolver& resolver);
  ~IcmpProbes();
  IcmpProbes(const IcmpProbes&) = delete;
  IcmpProbes& operator=(const IcmpProbes&) = delete;

  std::unique_ptr<Target> make_target(const Check& check);

  class Core;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
