#include "zones/dnssec/signatures.h"

#include <cassert>

namespace swingover::dnssec {

Validity SignatureTimes::validity() const {
  return {.inception = rrsig_seconds(inception), .expiration = rrsig_seconds(expiration)};
}

SignatureTimes signature_times(WallTime now, const SignaturePlan& plan, Random& random) {
  assert(plan.lifetime > plan.refresh + plan.jitter);
  const auto jitter =
      static_cast<int64_t>(random.below(static_cast<uint64_t>(plan.jitter.value) + 1));
  const WallTime expiration = now + plan.lifetime;
  return {.inception = now + plan.skew * -1,
          .expiration = expiration,
          .refresh = expiration + (plan.refresh + Milliseconds(jitter)) * -1};
}

SignatureState state_at(const SignatureTimes& times, WallTime now) {
  if (now < times.inception) return SignatureState::early;
  if (now >= times.expiration) return SignatureState::expired;
  return now < times.refresh ? SignatureState::good : SignatureState::due;
}

uint32_t rrsig_seconds(WallTime time) {
  return static_cast<uint32_t>(time.unix_milliseconds / 1000);
}

}  // namespace swingover::dnssec
