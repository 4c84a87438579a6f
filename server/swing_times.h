#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/units.h"
#include "health/monitor_options.h"
#include "server/config.h"

namespace swingover::server {

/// What befalls an endpoint, or that it is well again.
enum class Fault : uint8_t {
  refused,  // its process is gone: connections are refused
  silent,   // it gives no answer, or its host is gone without a word
  error,    // it answers that it cannot: status 500, NOT_SERVING, SERVFAIL
  back,     // it is well again, after it was down
};

/// From the fault until something has happened.
struct Delay {
  Milliseconds median{0};
  Milliseconds worst{0};
  friend bool operator==(const Delay&, const Delay&) = default;
};

/// From the fault until one monitor's health has changed; nothing, if this monitor never sees it, or a person has to.
///
/// Model    The fault comes at any moment between two probes, which are an interval apart at most; then the probes
///          that confirm it, each at its pace (health/endpoint_health.h, health/health_table.h). The answer of the
///          endpoint itself takes no time. A watched connection (health/watch.h) tells at once, as a rule: it counts for
///          the median, and the worst is as if there were none.
struct Detection {
  Milliseconds first_seen{
      0};                // the first verdict that speaks of it, when the next probe is due at once
  Milliseconds then{0};  // from there until enough have
  Milliseconds interval{0};  // the wait for that probe is between 0 and this, each as likely
  /// The first verdict comes at once, and enough after this: where a watched connection tells. Nothing: none does.
  std::optional<Milliseconds> watched{};
};
std::optional<Detection> detection(const health::MonitorOptions& monitor, Fault fault);

/// Until the answers of a service have changed, and until a client that asks a cache has followed. The cache keeps
/// each answer for its TTL, asks again when it is asked, and had asked at any moment before the fault.
struct SwingTime {
  Delay answers;
  Delay clients;
  friend bool operator==(const SwingTime&, const SwingTime&) = default;
};
SwingTime swing_time(const Detection& detection, Ttl ttl, Ttl ttl_min);

/// Of each service: the faults that its monitors see, by the one that is quickest; the return by the slowest.
/// Services that come out the same stand in one row.
std::string swing_times_text(const Config& config);

}  // namespace swingover::server
