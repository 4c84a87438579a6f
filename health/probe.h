#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "health/health.h"

namespace swingover::health {

/// What one probe found.
struct Finding {
  Verdict verdict = Verdict::pass;
  /// In words, stable from probe to probe: "connect: connection refused"; empty on a pass.
  std::string reason;
  int64_t duration_nanoseconds = 0;
  Failure failure = Failure::soft;  // of a failed one
  /// Of a passed one: what will make it fail one day ("certificate expires in 12 days"); mostly empty.
  std::string warning{};
  /// False: this host could not look (no descriptor, no memory, no local port, an unreadable CA
  /// file). That says nothing of the target and must never bring it down; `reason` still says why.
  bool looked = true;
};

/// One probe under way: one look at one target.
///
/// Verdict   `done` is called once, on a later turn of the loop than the start, within the timeout
///           (and a turn of the loop).
/// Cancel    Destroying it before that; `done` is then never called.
/// Lifetime  `done` may destroy the probe that calls it.
/// Threads   All of this on the loop's thread.
class Probe {
 public:
  using Done = std::function<void(Finding)>;
  virtual ~Probe() = default;
};

/// One address as one monitor looks at it, with all that its probes share (header lines, TLS
/// sessions). Any number of its probes may run at once; they end before it does.
class Target {
 public:
  virtual ~Target() = default;
  virtual std::unique_ptr<Probe> start(Probe::Done done) = 0;
};

}  // namespace swingover::health
