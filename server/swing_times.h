#pragma once

#include <string>

#include "base/units.h"
#include "server/config.h"
#include "server/detection.h"

namespace swingover::server {

/// From the fault until something has happened.
struct Delay {
  Milliseconds median{0};
  Milliseconds worst{0};
  friend bool operator==(const Delay&, const Delay&) = default;
};

/// Until the answers of a service have changed, and until a client that asks a cache has followed. The cache keeps
/// each answer for its TTL, asks again when it is asked, and had asked at any moment before the fault.
struct SwingTime {
  Delay answers;
  Delay clients;
  friend bool operator==(const SwingTime&, const SwingTime&) = default;
};
SwingTime swing_time(const Detection& detection, Ttl ttl, Ttl ttl_min);
/// "0.35 s", "31 s", "5 min": two digits that count.
std::string seconds_text(Milliseconds time);

/// How long each service takes to leave an endpoint that any fault befalls, and to come back to it.
///
/// Groups   As the Join adds them up (control/join.h): the first critical monitor that fails, the voting one that
///          completes the majority, of a calculated one the child that leaves fewer than it needs; and back once
///          enough of each are. Every monitor has a beat of its own: the worst is when each waits as long as it may,
///          the median is over 64 ways to stand to one another.
/// Inverted Goes down for no fault, since for that something has to come up; comes back when that fails again.
/// Clusters Where the endpoints of a pool are at the cluster's addresses its monitors see their faults too, and where
///          nothing else looks the fault is the cluster's. The way back waits for the cluster in any case.
/// Nested   An endpoint that is a service of ours goes down with the last pool of that, and comes back with its first one.
/// Back     Of a service within capacity until the first part of its share is back: failback_hold counts, and a person
///          is waited for where `failback` says so; how long the rest takes stands behind it.
/// Pools    The slowest of those that see it; those that never do are named.
/// Rows     Services that come out the same stand in one.
std::string swing_times_text(const Config& config);

}  // namespace swingover::server
