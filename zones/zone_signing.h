#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/units.h"
#include "zones/compiled_answer.h"
#include "zones/dnssec/set_signer.h"
#include "zones/name.h"

namespace swingover::zones {

/// The keys of a zone by what they do now (RFC 6781 section 3.1); a key may stand in each list.
struct ZoneKeys {
  std::vector<dnssec::SigningKey> published;  // the DNSKEY set
  std::vector<dnssec::SigningKey> sign_keys;  // sign what is about keys; all are published
  std::vector<dnssec::SigningKey> sign_zone;  // sign everything else
  std::vector<dnssec::SigningKey> wanted_ds;  // what the parent shall point at: CDS and CDNSKEY
  bool deletes_ds = false;  // instead of wanted_ds: the parent shall forget us (RFC 8078 section 4)
};

struct SigningOptions {
  dnssec::SignaturePlan plan{};
  Ttl key_ttl{3600};                // of DNSKEY, CDS and CDNSKEY
  size_t signatures_max = 100'000;  // made for answers and kept, beside those of
  size_t static_sets = 0;           // the zone's file
  Percent unknown_names{10};        // of a thread's time, for signing what SigningBudget bounds
};

/// What a zone is signed with, and the sets about keys that stand at its apex beside what its file has.
///
/// Threads  Any; immutable but for the cache of signatures, which is made for that.
struct ZoneSigning {
  /// `previous`, of the same zone, has a cache that can be used again. Control path.
  static std::shared_ptr<const ZoneSigning> make(const Name& apex, const ZoneKeys& keys,
                                                 const SigningOptions& options,
                                                 const ZoneSigning* previous = nullptr);

  ZoneSigning(const Name& apex, const ZoneKeys& keys, const SigningOptions& options,
              std::shared_ptr<dnssec::SignatureCache> cache);

  /// Of the types DNSKEY, CDS and CDNSKEY; without records: the zone has none.
  RrsetView key_set(uint16_t type) const;
  const dnssec::SetSigner& signer_of(uint16_t type) const;

  /// What SigningBudget::take() wants to know; the cost as measured.
  uint32_t cost_nanoseconds = 0;
  uint32_t unknown_names_nanoseconds = 0;

  dnssec::SetSigner zone;
  dnssec::SetSigner keys;  // of the key sets
  CompiledRrset dnskey, cds, cdnskey;
};

}  // namespace swingover::zones
