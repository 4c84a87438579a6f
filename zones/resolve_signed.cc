#include <algorithm>
#include <array>

#include "zones/protocol.h"
#include "zones/resolve.h"

// What a Resolver does for who asks for signatures.
namespace swingover::zones {
namespace {

constexpr size_t ttl_in_block = 6;  // of the first record

/// The types of one name, each once and in order, for NSEC.
class NameTypes {
 public:
  void add(uint16_t rrtype) {
    if (count_ < types_.size()) types_[count_++] = rrtype;
  }
  void add_of(const ServicePlan& plan, uint32_t first, uint32_t count) {
    for (uint32_t place = first; place < first + count; ++place) {
      if (plan.kind(place) == ServicePlan::Kind::v4) has_v4_ = true;
      if (plan.kind(place) == ServicePlan::Kind::v6) has_v6_ = true;
    }
  }
  /// Without the one that is denied.
  std::span<const uint16_t> without(uint16_t denied) {
    if (has_v4_) add(type::a);
    if (has_v6_) add(type::aaaa);
    std::sort(types_.begin(), types_.begin() + count_);
    const auto end = std::remove(types_.begin(), types_.begin() + count_, denied);
    return {types_.begin(), end};
  }

 private:
  std::array<uint16_t, 1024> types_;  // more than there are types that anybody uses
  unsigned count_ = 0;
  bool has_v4_ = false;
  bool has_v6_ = false;
};

}  // namespace

/// The set, compiled for an owner of `compiled_size` octets, as that of the name's last `owner_size`, with its RRSIGs if
/// somebody wants them; or nothing, for want of room.
bool Resolver::put_signed(Section section, const RrsetView& rrset, unsigned compiled_size,
                          unsigned owner_size, Ttl most, bool is_known) {
  const AnswerWriter::Mark before = writer_.mark();
  const unsigned owner_place = name_.place_at(name_.size() - owner_size);
  if (!writer_.put(section, rrset, name_, compiled_size, owner_place)) return false;
  if (most != any_ttl) writer_.lower_ttl(before.at, most);
  const ZoneSigning* const signing = this->signing(*entry_);
  if (!signing || signer_.sign(*signing, {.section = section,
                                          .start = before.at,
                                          .owner_place = owner_place,
                                          .owner = suffix(owner_size),
                                          .type = rrset.type,
                                          .ttl_seconds = read_u32(&rrset.block[ttl_in_block]),
                                          .content = AnswerSigner::content_of(rrset, compiled_size),
                                          .is_known = is_known})) {
    return true;
  }
  writer_.rewind(before);
  return false;
}

/// What a signed zone has beside its file. Of RRSIG there is one set of each other, and who asks for it gets what ANY
/// gets (RFC 8482 section 4.1).
Resolver::Step Resolver::answer_keys(const ZoneNode& node) {
  const ZoneSigning& signing = *entry_->signing;
  if (&node == &zone_->apex_node()) {
    const RrsetView keys = signing.key_set(qtype_);
    if (keys.records != 0) return put_answer(keys, node) ? Step::done : truncated();
  }
  if (qtype_ == type::nsec)
    return put_denial(signing, Section::answer, &node) ? Step::done : truncated();
  if (qtype_ == type::rrsig && node.rrsets > 0) return answer_any(node);
  return negative(rcode::no_error, &node);
}

Ttl Resolver::negative_ttl() const {
  return std::min(Ttl(read_u32(&zone_->negative_soa().block[ttl_in_block])), negative_max_);
}

/// What says whether the child is signed (RFC 4035 section 3.1.4).
bool Resolver::put_ds(const ZoneSigning& signing, const ZoneNode& cut) {
  RrsetView ds;
  const unsigned owner_size = zone_->name_size(cut);
  if (zone_->find_rrset(cut, type::ds, ds) && ds.records > 0)
    return put_signed(Section::authority, ds, owner_size, owner_size);
  return put_denial(signing, Section::authority, &cut);
}

/// An NSEC at the name that says what the node has; null: that there is no such name.
bool Resolver::put_denial(const ZoneSigning& signing, Section section, const ZoneNode* node) {
  NameTypes types;
  unsigned owner_size = name_.size();
  if (node) {
    const bool is_cut = node->flags & ZoneNode::is_cut && node->blocked_by != 0 &&
                        &zone_->node(node->blocked_by) == node;
    if (is_cut) owner_size = zone_->name_size(*node);
    for (unsigned i = 0; i < node->rrsets; ++i) {
      const uint16_t rrtype = zone_->rrset(*node, i).type;
      // The child's own records beside a cut are not the zone's (RFC 4035 section 2.3).
      if (!is_cut || rrtype == type::ns || rrtype == type::ds) types.add(rrtype);
    }
    if (node == &zone_->apex_node()) {
      for (const uint16_t rrtype : {type::dnskey, type::cds, type::cdnskey}) {
        if (signing.key_set(rrtype).records > 0) types.add(rrtype);
      }
    }
    if (node->flags & ZoneNode::is_service) {
      const ServicePlan& plan = snapshot_.plans[entry_->services[node->service].value];
      types.add_of(plan, 0, plan.endpoints());
    } else if (node->flags & ZoneNode::is_pool) {
      const ZoneService& pool = zone_->pool(node->service);
      const ZoneNode& owner = zone_->node(pool.owner);
      const ServicePlan& plan = snapshot_.plans[entry_->services[owner.service].value];
      types.add_of(plan, pool.first_endpoint - zone_->service(owner.service).first_endpoint,
                   pool.endpoints);
    }
  }
  const uint32_t ttl = read_u32(&zone_->negative_soa().block[ttl_in_block]);
  return signer_.deny(signing, {.section = section,
                                .owner_place = name_.place_at(name_.size() - owner_size),
                                .owner = suffix(owner_size),
                                .apex = suffix(zone_->apex_size()),
                                .types = types.without(qtype_),
                                .exists = node != nullptr,
                                .is_known = node && !(node->flags & ZoneNode::is_wildcard),
                                .ttl = negative_ttl(),
                                .ttl_seconds = ttl});
}

bool Resolver::put_additional_set(const ZoneTree::Entry& entry, const ZoneNode& node,
                                  const RrsetView& rrset, unsigned owner_place) {
  const size_t start = writer_.at();
  if (!writer_.put_addresses(Section::additional, rrset, owner_place)) return false;
  if (rrset.records > 0 && signing(entry)) {
    sign_additional(entry, node,
                    {.section = Section::additional,
                     .start = start,
                     .owner_place = owner_place,
                     .owner = {},
                     .type = rrset.type,
                     .ttl_seconds = read_u32(&rrset.block[ttl_in_block]),
                     .content = AnswerSigner::content_of(rrset, entry.zone->name_size(node))});
  }
  return true;
}

/// The owner is that which stands at its place. Glue is not signed (RFC 4035 section 2.2), and without room the set goes
/// alone (section 3.1.1).
void Resolver::sign_additional(const ZoneTree::Entry& entry, const ZoneNode& node,
                               AnswerSigner::Set set) {
  if (node.blocked_by != 0) return;
  LookupName owner;
  owner.assign_from_message(writer_.message(), set.owner_place, snapshot_.zones.key());
  set.owner = {owner.wire(), owner.size()};
  signer_.sign(*entry.signing, set);
}

}  // namespace swingover::zones
