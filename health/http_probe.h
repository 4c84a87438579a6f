#pragma once

#include <memory>

#include "base/loop/loop.h"
#include "health/probe.h"
#include "health/prober.h"

namespace swingover::health {

/// Probes of kind http and https, by libcurl on one loop. The only file of health/ that knows curl.
///
/// Asks      GET of the monitor's path over HTTP/1.1, on a new connection each time (a probe
///           proves that connecting works), closed after it. `Host` and SNI are the check's host,
///           the connection goes to its address, or to a name that the system's resolver is asked for,
///           off the loop. Proxies, cookies, redirects and .netrc: none.
/// Judges    The whole answer must come within the timeout, or its first 64 KiB; then it is cut. The
///           status must be one that the monitor expects, `expect_body` must occur in what was read.
/// TLS       The certificate's chain, dates and name are verified unless `tls_verify` is false. Sessions
///           are resumed for five minutes at most, then a full handshake looks at the certificate again.
/// Cost      About 100 us of CPU a probe over http, one descriptor; easy handles are used again.
/// Threads   The loop's. Targets and their probes are destroyed before this object.
class HttpProbes {
 public:
  static constexpr size_t body_max = size_t{64} * 1024;
  static constexpr size_t headers_max = size_t{64} * 1024;

  explicit HttpProbes(loop::Loop& loop);
  ~HttpProbes();
  HttpProbes(const HttpProbes&) = delete;
  HttpProbes& operator=(const HttpProbes&) = delete;

  std::unique_ptr<Target> make_target(const Check& check);

  class Core;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace swingover::health
