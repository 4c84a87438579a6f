#pragma once

#include <array>
#include <cstdint>

#include "zones/answer_signer.h"
#include "zones/answer_writer.h"
#include "zones/client_subnet.h"
#include "zones/edns.h"
#include "zones/extended_error.h"
#include "zones/lookup_name.h"
#include "zones/policy.h"
#include "zones/respond.h"
#include "zones/snapshot.h"

namespace swingover::zones {

/// PickKey::client of whoever asks from this address.
uint64_t client_key(const IpAddress& address, uint64_t pick_secret);

/// Whose row of the plan counts for a client that was found so: to a service with fences, who is not surely inside of a
/// region is of no known locality.
LocalityId locality_for(const ServicePlan& plan, const Located& located);

/// RFC 1034 section 4.3.2 over a snapshot: fills the sections of one answer.
///
/// Chains    CNAMEs (static, of services, synthesised from DNAMEs) are followed inside the server's zones, at
///           most chain_max of them and no name twice; what was found until then is the answer, NOERROR.
/// Signed    To who sets DO, what comes from a signed zone comes with its RRSIGs, and what is not there is denied
///           compactly: NOERROR instead of NXDOMAIN, unless CO is set too (RFC 9824 section 5.1). Once a thread's
///           SigningBudget is spent, who asks for unknown names by UDP is sent to TCP.
/// Threads   The worker that owns `tally`. No allocation. Hot path.
/// Source    RFC 1034 4.3.2; 2308 (negative answers), 4592 (wildcards), 6672 (DNAME), 4035 3.1.4.1 (DS at a
///           cut), 8482 (ANY: one RRset, over any transport), 9460 (SVCB and HTTPS bring addresses), 9471
///           (glue).
class Resolver {
 public:
  static constexpr unsigned chain_max = 16;
  /// Names of an answer that are looked up in the server's other zones for their addresses.
  static constexpr unsigned foreign_max = 32;

  /// `name`: the message's question, and `entry` its closest zone; later names of a chain take its place.
  Resolver(const Snapshot& snapshot, const Client& client, const Edns& edns, WorkerTally& tally,
           AnswerWriter& writer, LookupName& name, const ZoneTree::Entry* entry)
      : snapshot_(snapshot),
        client_(client),
        edns_(edns),
        subnet_(edns.subnet),
        tally_(tally),
        writer_(writer),
        signer_(writer, snapshot.zones.key(), client.now,
                client.transport == Transport::udp ? &tally.signing_budget() : nullptr),
        name_(name),
        entry_(entry) {}

  /// Returns the RCODE.
  uint16_t resolve(uint16_t qtype);

  bool authoritative() const { return authoritative_; }
  AnswerKind kind() const { return kind_; }
  /// What else to say of the answer; null: nothing.
  const ExtendedError* error() const { return error_; }
  /// Bits of the client subnet's address that the answer depended on (RFC 7871 section 7.2.1).
  unsigned scope() const { return scope_; }
  /// Outcome::rate_key.
  uint64_t rate_key() const;

 private:
  struct PlacedDname {
    const ZoneNode* node;
    unsigned place;
  };
  static constexpr Ttl any_ttl{UINT32_MAX};
  enum class Step : uint8_t { done, follow };  // follow: the name at next_ of the message

  Step answer_name();
  const ZoneTree::Entry* zone_of_ds() const;
  Step answer_node(const ZoneNode& node);
  Step answer_any(const ZoneNode& node);
  Step answer_service(const ZoneNode& node, bool& answered);
  Step answer_pool(const ZoneNode& node, bool& answered);
  Step answer_target(uint32_t endpoint, Ttl ttl, unsigned owner_size, bool is_known = true);
  Step answer_endpoints(const ServicePlan& plan, Ttl ttl, std::span<const uint32_t> places,
                        uint16_t rrtype, bool is_known = true);
  bool put_endpoints(Section section, const ServicePlan& plan, Ttl ttl,
                     std::span<const uint32_t> places, uint16_t rrtype, unsigned owner_place);
  Step answer_dname(const ZoneNode& owner);
  const PlacedDname* find_placed(const ZoneNode& owner) const;
  bool is_placed(const ZoneNode& node) const;
  Step refer(const ZoneNode& cut);
  Step answer_keys(const ZoneNode& node);
  Step negative(uint16_t rcode, const ZoneNode* node = nullptr);
  bool put_denial(const ZoneSigning& signing, Section section, const ZoneNode* node);
  bool put_ds(const ZoneSigning& signing, const ZoneNode& cut);
  Step fail(const ExtendedError* error = nullptr);
  Step truncated();

  bool put_answer(const RrsetView& rrset, const ZoneNode& node);
  bool put_signed(Section section, const RrsetView& rrset, unsigned compiled_size,
                  unsigned owner_size, Ttl most = any_ttl, bool is_known = true);
  bool put_additional_set(const ZoneTree::Entry& entry, const ZoneNode& node,
                          const RrsetView& rrset, unsigned owner_place);
  void sign_additional(const ZoneTree::Entry& entry, const ZoneNode& node, AnswerSigner::Set set);
  Ttl negative_ttl() const;
  /// Null: the zone is not signed, or nobody asks for signatures.
  const ZoneSigning* signing(const ZoneTree::Entry& entry) const {
    return edns_.dnssec_ok ? entry.signing.get() : nullptr;
  }
  /// The last octets of the name, so many, in lower case.
  Bytes suffix(unsigned size) const { return {name_.wire() + name_.size() - size, size}; }
  void put_additional(const RrsetView& rrset, size_t start, bool referral);
  bool put_addresses_of(const ZoneTree::Entry& entry, const ZoneNode& node, size_t owner_place,
                        uint16_t helped_type);
  void put_service_addresses(const ZoneTree::Entry& entry, const ZoneNode& node,
                             size_t owner_place);
  void put_foreign_addresses(size_t name_place, uint16_t helped_type);
  unsigned place_above(const ZoneNode& node) const;
  /// Who asks, as far as the service cares.
  struct Asker {
    PickKey key;
    bool is_by_subnet = false;  // the key is of a network that a resolver asks for
    LocalityId locality = no_locality;
    std::span<const uint16_t> shares;  // in shares_
  };
  void look_at_client(ServiceId id, const ServicePlan& plan, Asker& asker);
  bool is_inside_fence(const ServicePlan& plan, uint32_t first_endpoint);
  void count_for_client(ServiceId id, const ServicePlan& plan, const Asker& asker, Ttl ttl,
                        PoolId pool);
  Choice choose_endpoints(const ServicePlan& plan, AddressFamily family, const Asker& asker,
                          std::span<uint32_t> places) const {
    return choose(plan, asker.locality, *snapshot_.eligibility, family, asker.key, places,
                  asker.shares);
  }
  Ttl ttl_of(ServiceId id, const ServicePlan& plan) const {
    return plan.ttl(snapshot_.changes->get(id), client_.now);
  }
  bool was_seen() const;

  const Snapshot& snapshot_;
  const Client& client_;
  const Edns& edns_;
  const ClientSubnet& subnet_;
  WorkerTally& tally_;
  AnswerWriter& writer_;
  AnswerSigner signer_;

  LookupName& name_;  // that is looked up now: the question's, then each target of the chain
  const ZoneTree::Entry* entry_;  // its zone
  uint16_t qtype_ = 0;
  uint16_t rcode_ = 0;
  bool authoritative_ = false;
  AnswerKind kind_ = AnswerKind::data;
  uint8_t scope_ = 0;
  const ExtendedError* error_ = nullptr;
  const void* giver_ = nullptr;  // what gave the first name's answer: a node, or its zone
  unsigned hop_ = 0;
  size_t next_ = 0;
  const Zone* zone_ = nullptr;
  Ttl negative_max_ = any_ttl;            // of a denial: a service may have data again
  std::array<uint64_t, chain_max> seen_;  // hashes of the names before this one; `hop_` of them
  std::array<PlacedDname, chain_max> dnames_;  // in the answer already
  unsigned dname_count_ = 0;
  std::array<uint16_t, service_parts_max> shares_;  // the row of the client
};

}  // namespace swingover::zones
