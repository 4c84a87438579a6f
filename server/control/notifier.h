#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/ip.h"
#include "base/loop/loop.h"
#include "base/loop/poll.h"
#include "base/loop/timer.h"
#include "base/random.h"
#include "zones/snapshot.h"
#include "zones/tsig.h"

namespace swingover::control {

/// Tells secondaries by NOTIFY (RFC 1996) that a zone has a new serial: after the start and after each change, until
/// they answer or it has been tried often enough. A newer serial takes the place of an older one that is on its way.
///
/// Source   The address that the server listens at, if it listens at one that can reach the secondary, so that it
///          comes from the address that the secondary knows as its primary; else the kernel's choice.
/// Signed   With the secondary's key, if it has one; then an answer counts only if it is signed too.
/// Threads  The control thread.
class Notifier {
 public:
  struct Options {
    Milliseconds first_delay{50};  // changes that come together are told once
    Milliseconds retry_first{1'000};
    unsigned attempts = 6;  // each waits twice as long as the one before: about a minute in all
  };
  struct Counts {
    uint64_t sent = 0;
    uint64_t acknowledged = 0;
    uint64_t refused = 0;   // an answer, but not NOERROR
    uint64_t given_up = 0;  // no answer that counts
  };

  Notifier(loop::Loop& loop, const Clock& clock, std::vector<SocketAddress> listen, uint64_t seed);
  Notifier(loop::Loop& loop, const Clock& clock, std::vector<SocketAddress> listen, uint64_t seed,
           Options options);
  ~Notifier();
  Notifier(const Notifier&) = delete;
  Notifier& operator=(const Notifier&) = delete;

  /// What is in force from now on: everyone who does not know a serial of it yet is told.
  void announce(const zones::Snapshot& snapshot);

  const Counts& counts() const { return counts_; }

 private:
  using Key = std::pair<std::string, SocketAddress>;  // zone, secondary
  struct Job {
    zones::Name zone;
    std::optional<zones::TsigKey> key;
    uint32_t serial = 0;
    uint16_t id = 0;
    unsigned attempts = 0;
    MonotonicTime due{};
    zones::Tsig tsig;  // of the newest attempt
    std::string problem = "no answer";
  };
  struct Outlet;  // a UDP socket at one source address

  void on_tick();
  void send(const Key& key, Job& job);
  void receive(Outlet& outlet);
  void on_answer(const SocketAddress& from, Bytes packet);
  Outlet* outlet_to(const IpAddress& to);

  loop::Loop& loop_;
  const Clock& clock_;
  std::vector<SocketAddress> listen_;
  Options options_;
  Random random_;
  std::map<Key, uint32_t> told_;  // or being told
  std::map<Key, Job> jobs_;
  std::map<std::pair<bool, std::optional<IpAddress>>, std::unique_ptr<Outlet>> outlets_;
  Counts counts_;
  loop::Timer tick_;
};

}  // namespace swingover::control
