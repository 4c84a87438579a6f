#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "zones/dnssec/key_use.h"

namespace swingover::dnssec {

/// From when to when a signature counts, both included: seconds since 1970 modulo 2^32, compared by RFC 1982
/// (RFC 4034 section 3.1.5).
struct Validity {
  uint32_t inception = 0;
  uint32_t expiration = 0;
  friend bool operator==(const Validity&, const Validity&) = default;
};
bool holds_at(const Validity& validity, uint32_t now_seconds);

/// RDATA of an RRSIG without its signature and the signer's name.
inline constexpr size_t rrsig_fixed_size = 18;

enum class SignatureCheck : uint8_t {
  valid,
  malformed,    // the RRSIG is cut short, or holds a name that is none
  other_set,    // it signs another type, or more labels than the owner has
  other_key,    // its algorithm or key tag is not that of the key
  out_of_time,  // before its inception, or behind its expiration
  wrong,        // the octets are not what the key signed
};

/// One RRset in canonical form (RFC 4034 section 6), and its signatures.
///
/// Shape    begin(), then add() for each record, then sign() with as many keys as there are, or check(). What is given
///          may be in any case and order, with duplicates; names uncompressed. RDATA that is not of its type's form is
///          signed as it is.
/// Memory   Keeps what it needed for the largest set, so that one object signs without allocating, but for the library.
/// Cost     Linear in the octets, a sort of the records, and the key's (KeyUse).
/// Threads  One.
class SignRequest {
 public:
  /// `owner` in wire form: as the record's owner stands in the zone, thus "*.example." for what a wildcard gives
  /// (section 3.1.3). The TTL is that of the zone, the most a cache may see.
  void begin(Bytes owner, uint16_t type, uint32_t ttl_seconds);
  void add(Bytes rdata);

  /// RDATA of the RRSIG by this key, of the zone `signer`. A view of this object's memory, good until the next call;
  /// empty if the library failed.
  Bytes sign(KeyUse& key, Bytes signer, const Validity& validity);

  /// Whether `rrsig_rdata`, which may be anything, is a signature of this set by the key of this DNSKEY. The set's owner
  /// is then the one asked for: fewer labels in the RRSIG mean that a wildcard gave it (RFC 4035 section 5.3.2).
  ///
  /// Left to the caller: that the signer is the set's zone and the key one that this zone publishes and a DS or another
  /// key vouches for (section 5.3.1), that its flags make it a zone key, that the TTL is no more than the original one,
  /// and that no nearer name exists where a wildcard gave the set.
  SignatureCheck check(Bytes dnskey_rdata, Bytes rrsig_rdata, uint32_t now_seconds);

 private:
  struct Item {
    uint32_t at = 0;  // in rdatas_
    uint32_t size = 0;
  };

  Bytes rdata_of(const Item& item) const { return {rdatas_.data() + item.at, item.size}; }
  void sort();
  /// What is signed (section 3.1.8.1): the RRSIG's RDATA up to the signature, then the records.
  void write_signed(Bytes rrsig_head, Bytes owner, uint32_t ttl_seconds);

  std::vector<uint8_t> owner_;  // lower case
  uint16_t type_ = 0;
  uint32_t ttl_seconds_ = 0;
  bool is_sorted_ = false;
  std::vector<uint8_t> rdatas_;  // canonical, one behind the other
  std::vector<Item> items_;
  std::vector<uint8_t> signed_;
  std::vector<uint8_t> rrsig_;
};

/// The Labels field of the RRSIG of a set with this owner: without the root and a leading "*" (RFC 4034 section 3.1.3).
uint8_t signed_labels(Bytes owner);

/// Turns the names in RDATA of a type to lower case where the canonical form has it (RFC 4034 section 6.2 with
/// RFC 6840 section 5.1: not in NSEC). Stops at what is not of the type's form.
void fold_rdata_names(uint16_t type, std::span<uint8_t> rdata);

}  // namespace swingover::dnssec
