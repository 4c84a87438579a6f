#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"
#include "server/control/join.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// The next instant at which the answers of a service could be others, and what says so.
struct NextChange {
  enum class Input : uint8_t {
    none,      // nothing speaks of a change
    unheard,   // a check that this run has no verdict of yet: at any moment
    verdicts,  // a check's health is being confirmed, or a hold on it ends
    intent,    // a person's intent ends
    plan,      // a planned swing moves its shares
  };
  Input input = Input::none;
  WallTime at{};        // of no meaning with none; may lie in the past: what was due is late
  EndpointId endpoint;  // whose eligibility it is
  uint32_t check = 0;   // its place in Join::checks(), but for an intent
};

/// Finds it: the soonest of all that the answers depend on now. That is, for each endpoint of the pools that answer
/// or come before them, the intent that decides it, or else its checks and those of its cluster.
///
/// Nested   An endpoint that is another service of ours changes when the last of what is eligible there does, and, where
///          nothing is, when the first of it comes back.
/// Cost     O(endpoints × checks) of the service and of those in it; no allocation after the first few calls.
/// Threads  The control thread.
class ChangeFinder {
 public:
  NextChange find(const Join& join, const zones::Snapshot& snapshot, ServiceId service,
                  WallTime now);

 private:
  struct Known {
    const Join& join;
    const zones::Snapshot& snapshot;
    WallTime now;
  };
  static NextChange of_endpoint(const Known& known, EndpointId id);
  static NextChange of_nested(const Known& known, ServiceId service);

  std::vector<bool> in_play_;
};

/// As ChangeTimes keeps it.
uint32_t change_time(const NextChange& next, WallTime now);

/// "endpoint 192.0.2.10: monitor web may go down in 0.4 s"; empty with none.
std::string change_words(const NextChange& next, const Join& join, WallTime now);

}  // namespace swingover::control
