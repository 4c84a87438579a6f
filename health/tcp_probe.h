#pragma once

#include <memory>

#include "health/probe.h"
#include "health/prober.h"
#include "health/stream_world.h"

namespace swingover::health {

/// Probes of kind tcp and tls.
///
/// Asks    A new connection, over tls a handshake; then `send`, if there is something to send. Closed after it.
/// Judges  It must come about; over tls with a certificate that is good (see TlsClient), for as long as
///         `expiry_min`. `expect` must occur in the first 64 KiB of what comes back.
/// Names   One passes when one of its addresses can be connected to, tried in the resolver's order.
/// `world` outlives the target.
std::unique_ptr<Target> make_tcp_target(StreamWorld& world, const Check& check);

}  // namespace swingover::health
