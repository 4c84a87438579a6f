#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/loop/timer.h"
#include "base/units.h"
#include "health/probe.h"
#include "health/resolver.h"

namespace swingover::health {

/// What probes of an address have in common: a name is resolved, the time is limited, one finding is told, on a
/// later turn than the start. A name passes when one of its addresses does, tried in the resolver's order, each
/// for its share of the one timeout.
///
/// Heirs  implement try_address(), call begin() once, right after their construction, and pass() or fail() once for each
///        try_address(), at any time. Those may destroy the object: return at once.
class AddressProbe : public Probe {
 public:
  ~AddressProbe() override;

  /// `address`: an IP address, or a name. Returns this.
  void begin(const std::string& address);

 protected:
  AddressProbe(loop::Loop& loop, Resolver& resolver, Milliseconds timeout, Done done);

  /// A new address to look at; whatever belonged to the one before has been closed by close().
  virtual void try_address(const IpAddress& address) = 0;
  /// Descriptors and the like; called before the finding is told and before the next address.
  virtual void close() = 0;
  /// "waiting for an answer": for the words of a timeout.
  virtual std::string_view doing() const = 0;
  /// Whether it waits for nothing to happen.
  virtual bool passes_in_silence() const { return false; }

  void pass();
  /// `reason` may depend on the address; that of the last one is told.
  void fail(std::string reason, Failure failure = Failure::soft, bool looked = true);
  /// The same for an errno: "send: connection refused", hard if the target's host said so.
  void fail_errno(std::string_view what, int error);

  loop::Loop& loop() { return loop_; }

 private:
  void on_found(Resolver::Found found);
  void try_next();
  void on_time();
  void finish(Finding finding);

  loop::Loop& loop_;
  Resolver& resolver_;
  Milliseconds timeout_;
  Done done_;
  MonotonicTime began_;
  loop::Timer timer_;
  bool is_beginning_ = false;
  std::optional<Finding> soon_;  // found while it began
  std::optional<Resolver::Lookup> lookup_;
  std::vector<IpAddress> addresses_;
  size_t next_ = 0;
};

}  // namespace swingover::health
