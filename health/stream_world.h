#pragma once

#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/loop/loop.h"
#include "base/loop/ready_set.h"
#include "health/monitor_options.h"
#include "health/probe.h"
#include "health/resolver.h"
#include "health/tls_client.h"

namespace swingover::health {

/// What all probes over TCP on one loop share.
struct StreamWorld {
  explicit StreamWorld(loop::Loop& l) : loop(l), ready(l), resolver(l) {}
  loop::Loop& loop;
  loop::ReadySet ready;
  Resolver resolver;
  TlsContexts tls;
};

/// What a certificate does to the finding of a probe that is through its handshake: one that has less than
/// `expiry_min` left fails it, one with less than `expiry_warning` warns.
void judge_certificate(const TlsClient& tls, const MonitorOptions& monitor, Finding& finding);

/// The finding of a probe that could not look because of this host.
Finding not_looked(std::string reason);

}  // namespace swingover::health
