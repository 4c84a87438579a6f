#pragma once

#include <array>
#include <optional>
#include <tuple>

#include "base/diagnostics.h"
#include "base/options.h"
#include "base/toml_source.h"
#include "base/units.h"
#include "zones/zone_signing.h"

namespace swingover::zones {

/// Which keys are made for a zone that has none.
enum class KeyKinds : uint8_t { csk, ksk_zsk };

}  // namespace swingover::zones

namespace swingover {

template <>
struct OptionWords<dnssec::Algorithm> {
  using Algorithm = dnssec::Algorithm;
  static constexpr std::array words{
      Word<Algorithm>{Algorithm::ecdsa_p256_sha256, "ECDSAP256SHA256",
                      "number 13, which every validator has to know (RFC 8624)"},
      Word<Algorithm>{Algorithm::ed25519, "ED25519",
                      "number 15; who does not know it takes the zone for unsigned"},
  };
  static constexpr std::array refused{
      RefusedWord{"RSASHA256",
                  R"(cannot be "RSASHA256": such keys are used where they were imported, but none )"
                  R"(are made; leave the key out, or take "ECDSAP256SHA256" or "ED25519")"},
  };
};

template <>
struct OptionWords<zones::KeyKinds> {
  using Kinds = zones::KeyKinds;
  static constexpr std::array words{
      Word<Kinds>{Kinds::csk, "csk", "one key that signs everything"},
      Word<Kinds>{Kinds::ksk_zsk, "ksk-zsk",
                  "one that signs the keys, and that the parent points at, and one that signs the "
                  "rest"},
  };
};

}  // namespace swingover

namespace swingover::zones {

/// A [zone.dnssec] as written.
struct DnssecOptions {
  dnssec::Algorithm algorithm = dnssec::Algorithm::ecdsa_p256_sha256;
  KeyKinds keys = KeyKinds::csk;
  Milliseconds signature_lifetime = dnssec::SignaturePlan{}.lifetime;
  Milliseconds signature_refresh = dnssec::SignaturePlan{}.refresh;
  Milliseconds signature_jitter = dnssec::SignaturePlan{}.jitter;
  Milliseconds signature_skew = dnssec::SignaturePlan{}.skew;
  Ttl key_ttl = SigningOptions{}.key_ttl;
  uint32_t signatures_max = SigningOptions{}.signatures_max;

  SigningOptions signing() const;
};

inline constexpr Milliseconds signature_time_max{365LL * 86'400'000};

inline constexpr std::tuple dnssec_options{
    option("algorithm", &DnssecOptions::algorithm,
           "of the keys that are made; keys of another one that are there are used as they are"),
    option("keys", &DnssecOptions::keys, "which keys are made"),
    option("signature_lifetime", &DnssecOptions::signature_lifetime, Milliseconds(10'000),
           signature_time_max, "how long a signature holds from when it is made"),
    option("signature_refresh", &DnssecOptions::signature_refresh, Milliseconds(1'000),
           signature_time_max,
           "so long before it expires, at least, it is made anew: what a failure may take"),
    option("signature_jitter", &DnssecOptions::signature_jitter, Milliseconds(0),
           signature_time_max,
           "by chance up to so much earlier still, so that not all are made anew at once"),
    option("signature_skew", &DnssecOptions::signature_skew, Milliseconds(0),
           Milliseconds(7LL * 86'400'000),
           "so far back it begins to hold, for validators whose clocks are behind"),
    option("key_ttl", &DnssecOptions::key_ttl, Ttl(1), Ttl(86'400),
           "TTL of the DNSKEY, CDS and CDNSKEY records"),
    option("signatures_max", &DnssecOptions::signatures_max, 100U, 10'000'000U,
           "how many signatures made for answers are kept, some 120 octets each"),
};

/// The `[zone.dnssec]` of one `[[zone]]`; nothing: there is none. A signature is never due when it is made: the lifetime is
/// longer than refresh and jitter together.
std::optional<DnssecOptions> parse_dnssec(const TomlDocument& document, const TomlValue& zone,
                                          Diagnostics& diagnostics);

}  // namespace swingover::zones
