#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/units.h"
#include "health/monitor_options.h"

namespace swingover::server {

/// What befalls an endpoint, or that it is well again.
enum class Fault : uint8_t {
  refused,  // its process is gone: connections are refused
  silent,   // its process hangs: its host takes connections, and nothing is answered
  gone,     // its host is gone without a word
  error,    // it answers that it cannot: status 500, NOT_SERVING, SERVFAIL
  back,     // it is well again, after it was down for long
};

inline constexpr std::array faults{Fault::refused, Fault::silent, Fault::gone, Fault::error,
                                   Fault::back};

/// From the fault until one monitor's health has changed; nothing, if this monitor never sees it, or a person has to.
///
/// Model    The fault comes at any moment between two probes, which are an interval apart at most; then the probes
///          that confirm it, each at its pace (health/endpoint_health.h, health/health_table.h). The answer of the
///          endpoint itself takes no time. What a push monitor is told comes each `deadline`, at the latest; silence
///          is taken for a sign from half of the deadline on (server/control/push.h).
/// Watch    A watched connection (health/watch.h) tells at once, as a rule: it counts for the median, and the worst is
///          as if there were none.
struct Detection {
  Milliseconds first_seen{0};  // the first sign of it, when the next probe is due at once
  Milliseconds then{0};        // from there until enough verdicts have come
  Milliseconds interval{0};    // the wait for that probe is between 0 and this, each as likely
  /// The same where a watched connection tells: its word comes between `soonest` and `spread` later, each as likely.
  struct Watched {
    Milliseconds soonest{0};
    Milliseconds spread{0};
    Milliseconds then{0};
  };
  std::optional<Watched> watched{};
};
std::optional<Detection> detection(const health::MonitorOptions& monitor, Fault fault);

}  // namespace swingover::server
