#pragma once

#include <cstdint>
#include <span>

#include "base/bytes.h"
#include "base/siphash.h"
#include "base/units.h"
#include "zones/answer_writer.h"
#include "zones/compiled_answer.h"
#include "zones/lookup_name.h"
#include "zones/signing_budget.h"
#include "zones/zone_signing.h"

namespace swingover::zones {

/// Puts RRSIGs behind the sets of an answer that is being written, and what denies a name or a type.
///
/// Names    A name that a wildcard stands in for is signed as if it stood in the zone, so nothing has to prove that there
///          is no closer one (RFC 9824 section 3.3).
/// TTL      What is signed is the zone's; the answer may have less, and then its RRSIG has no more (RFC 4034 section 3).
/// Threads  One. Hot path: nothing is allocated but for signatures that have to be made.
/// Source   RFC 4035 section 3.1; RFC 9824.
class AnswerSigner {
 public:
  /// `budget`: of who could be anybody; null: of who is where it says.
  AnswerSigner(AnswerWriter& writer, const HashKey& names, uint32_t now_seconds,
               SigningBudget* budget)
      : writer_(writer), names_(names), now_seconds_(now_seconds), budget_(budget) {}

  /// A set as it stands in the message, from `start` to the end.
  struct Set {
    Section section = Section::answer;
    size_t start = 0;
    unsigned owner_place = 0;  // where the owner stands
    Bytes owner;               // lower case
    uint16_t type = 0;
    uint32_t ttl_seconds = 0;  // the zone's
    SipKey content;            // a hash of the data under dnssec::set_secret()
    bool is_known = true;      // the owner stands in the zone, or is a service
  };
  /// False: there is no room for all signatures, and none was put; or they have to be made and the budget is spent; or the
  /// library failed (has_failed()).
  bool sign(const ZoneSigning& signing, const Set& set);
  bool has_failed() const { return has_failed_; }

  /// Likewise an NSEC by itself, signed: `owner` has `types`, ascending, and nothing else; without the `exists` it does
  /// not exist.
  struct Denial {
    Section section = Section::authority;
    unsigned owner_place = 0;
    Bytes owner;
    Bytes apex;
    std::span<const uint16_t> types;
    bool exists = true;
    bool is_known = true;      // as Set::is_known
    Ttl ttl;                   // of the answer
    uint32_t ttl_seconds = 0;  // RFC 9077
  };
  bool deny(const ZoneSigning& signing, const Denial& denial);

  /// Set::content of a compiled set, whose owner has `owner_size` octets.
  static SipKey content_of(const RrsetView& rrset, unsigned owner_size);

 private:
  void fill(dnssec::SignRequest& request, const Set& set, size_t end) const;
  size_t behind_name(size_t at) const;
  void add_rdata(dnssec::SignRequest& request, uint16_t type, size_t at, size_t size) const;

  AnswerWriter& writer_;
  const HashKey& names_;
  uint32_t now_seconds_;
  SigningBudget* budget_;
  bool has_failed_ = false;
};

/// Set::content of addresses that come in any order.
class AddressesContent {
 public:
  void add(Bytes address) {
    const SipKey one = siphash_128(dnssec::set_secret(), address);
    sum_.low += one.low;
    sum_.high += one.high;
  }
  const SipKey& value() const { return sum_; }

 private:
  SipKey sum_;
};

}  // namespace swingover::zones
