#pragma once

#include <memory>

#include "health/probe.h"
#include "health/prober.h"
#include "health/stream_world.h"

namespace swingover::health {

/// Probes of kind http, https and grpc on one loop.
///
/// Asks      `method` and `path` over HTTP/1.1 or 2 (by ALPN over TLS, with prior knowledge without), grpc for its
///           health service. On a new connection each time (a probe proves that connecting works), or with
///           `keep_alive` on the one before, for five minutes; if that has gone stale meanwhile, on a new one. `Host` and the name in
///           the certificate are the check's host, the connection goes to its address. No proxy, no cookie.
/// Redirects Not followed unless `redirects` says how often; to the host itself at the check's address, to another
///           one at its own. To another one, and from https to http, go none of the monitor's headers; and no
///           redirect leads from elsewhere to this host's loopback or its link.
/// Judges    The whole answer must come within the timeout, or its first 64 KiB; then it is cut. The status must be
///           one that the monitor expects; `expect_body` and `expect_body_regex` must occur in what was read.
/// Cost      Over http about 50 us of CPU a probe, of which the kernel has most; one descriptor, and one for each
///           connection that is kept: at most a quarter of those that this process may have, then none are kept.
/// Threads   The loop's. Targets and their probes are destroyed before this object, and it before `world`.
class HttpProbes {
 public:
  explicit HttpProbes(StreamWorld& world);
  ~HttpProbes();
  HttpProbes(const HttpProbes&) = delete;
  HttpProbes& operator=(const HttpProbes&) = delete;

  std::unique_ptr<Target> make_target(const Check& check);

  struct Core;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
