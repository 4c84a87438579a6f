#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/random.h"
#include "base/units.h"
#include "zones/dnssec/signer.h"

namespace swingover::dnssec {

/// How long signatures hold and when they are made anew. The time from refresh to expiration is what a failure of the
/// signer, or a copy of the zone at a secondary, may take: more than any TTL and the SOA's expire.
struct SignaturePlan {
  Milliseconds lifetime{14LL * 86'400'000};
  Milliseconds skew{
      3'600'000};  // inception lies so far back, for validators whose clocks are behind
  Milliseconds refresh{5LL *
                       86'400'000};  // at least so long before they expire they are made anew,
  Milliseconds jitter{86'400'000};   // by chance up to so much earlier, not all at once
};

/// When a signature made now holds, and when it is due again.
struct SignatureTimes {
  WallTime inception;
  WallTime expiration;
  WallTime refresh;

  Validity validity() const;
};

/// The plan must leave time between now and the earliest refresh: lifetime > refresh + jitter. Pure.
SignatureTimes signature_times(WallTime now, const SignaturePlan& plan, Random& random);

enum class SignatureState : uint8_t {
  good,
  due,      // still good; to be made anew
  expired,  // dead
  early,    // not yet good: the clock went back since
};
SignatureState state_at(const SignatureTimes& times, WallTime now);

/// Seconds as an RRSIG counts them.
uint32_t rrsig_seconds(WallTime time);

}  // namespace swingover::dnssec
