#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/loop/loop.h"
#include "base/units.h"
#include "health/probe.h"

namespace swingover::health {

/// What all kinds of probes say alike.

/// "connection refused": the system's words for an errno, in lower case. Any thread.
std::string errno_words(int error);
/// "timed out after 1s while connecting".
std::string timeout_words(Milliseconds timeout, std::string_view doing);
/// The finding of a probe for which nothing came in time.
Finding timed_out(Milliseconds timeout, std::string_view doing);
/// Whether this error of socket() or connect() is of this host, and says nothing of the target.
bool is_own_trouble(int error);

/// Hard for what only an answer of the network gives: refused, reset, unreachable.
Failure failure_of(int error);
/// `octets` in quotes, as people write them in the config file; at most 40 of them.
std::string quoted_words(std::string_view octets);

/// For a probe that could not even start: tells `finding` on the next turn.
std::unique_ptr<Probe> ended_probe(loop::Loop& loop, Finding finding, Probe::Done done);

}  // namespace swingover::health
