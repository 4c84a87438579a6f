#include "zones/resolve.h"

#include <algorithm>
#include <cstring>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t record_fixed_size = 12;
constexpr size_t endpoints_max = 4096;  // of one answer: more A records than 64 KiB hold

// A client network for sticky picks: what one resolver site or one household shares (RFC 7871 section 11.1).
constexpr unsigned network_bits_v4 = 24;
constexpr unsigned network_bits_v6 = 56;

unsigned network_bits(const IpAddress& address) {
  return address.is_v4() ? network_bits_v4 : network_bits_v6;
}

/// Of a subnet's address that a sticky pick holds for. Clients in a local range may be picked for by their resolver:
/// one such range is narrower than a network, and beside global addresses.
unsigned sticky_bits(const IpAddress& address, const IpAddress& resolver) {
  const bool may_be_near =
      !address.is_v4() && local_range(address) == 0 && local_range(resolver) == 0;
  return std::max(network_bits(address), may_be_near ? bits_apart_from_local(address) : 0);
}

/// Neighbours far apart (the finaliser of a common 32-bit hash).
uint32_t scattered(uint32_t value) {
  value = (value ^ value >> 16) * 0x7feb352dU;
  value = (value ^ value >> 15) * 0x846ca68bU;
  return value ^ value >> 16;
}

bool is_address(uint16_t rrtype) {
  return rrtype == type::a || rrtype == type::aaaa;
}

/// Of a service's endpoints the same for every order.
SipKey content_of(const ServicePlan& plan, std::span<const uint32_t> places, uint16_t rrtype) {
  const size_t address_size = rrtype == type::a ? 4 : 16;
  AddressesContent content;
  for (const uint32_t place : places) content.add(Bytes(plan.address(place)).first(address_size));
  return content.value();
}

}  // namespace

uint64_t client_key(const IpAddress& address, uint64_t pick_secret) {
  const IpAddress network = masked(address, network_bits(address));
  uint64_t key = pick_secret;
  for (const uint8_t octet : network.bytes()) key = (key ^ octet) * 0x9fb21c651e98df25U;
  key ^= key >> 32;
  key *= 0xd6e8feb86659fd93U;
  return key ^ key >> 32;
}

LocalityId locality_for(const ServicePlan& plan, const Located& located) {
  return plan.is_fenced() && !located.is_sure ? no_locality : located.locality;
}

uint16_t Resolver::resolve(uint16_t qtype) {
  qtype_ = qtype;
  while (answer_name() == Step::follow) {
    seen_[hop_++] = name_.hash(name_.labels());
    if (hop_ == chain_max) break;
    name_.assign_from_message(writer_.message(), next_, snapshot_.zones.key());
    if (was_seen()) break;
    entry_ = snapshot_.zones.find(name_);
  }
  return rcode_;
}

/// Nodes and zones stand still for a generation and longer, and no stranger knows where.
uint64_t Resolver::rate_key() const {
  const uint64_t key = reinterpret_cast<uintptr_t>(giver_) * 0x9e3779b97f4a7c15U;
  return (key ^ (static_cast<uint64_t>(kind_) + 1)) * 0xd6e8feb86659fd93U;
}

/// Hashes are 64 bits under a secret key: two names that share one do not happen.
bool Resolver::was_seen() const {
  return std::find(seen_.begin(), seen_.begin() + hop_, name_.hash(name_.labels())) !=
         seen_.begin() + hop_;
}

Resolver::Step Resolver::answer_name() {
  if (qtype_ == type::ds) entry_ = zone_of_ds();
  const bool first = hop_ == 0;
  if (!entry_ || !entry_->zone) {
    // The chain leaves what we know: the client goes on from here.
    if (first) {
      rcode_ = entry_ ? rcode::server_failure : rcode::refused;
      kind_ = AnswerKind::error;
      error_ = entry_ ? &extended_error::zone_not_loaded : &extended_error::not_authoritative;
      giver_ = entry_;
    }
    return Step::done;
  }
  zone_ = entry_->zone.get();
  if (first) {
    authoritative_ = true;
    giver_ = zone_;
  }

  const Zone::Match match = zone_->find(name_);
  const ZoneNode& node = *match.node;
  if (node.blocked_by != 0) {
    const ZoneNode& blocker = zone_->node(node.blocked_by);
    if (!(blocker.flags & ZoneNode::is_cut)) return answer_dname(blocker);
    const bool parent_side = match.exact && &node == &blocker && qtype_ == type::ds;
    if (!parent_side) return refer(blocker);
  }
  if (match.exact) return answer_node(node);
  if (node.flags & ZoneNode::has_dname) return answer_dname(node);
  if (node.wildcard != 0) return answer_node(zone_->node(node.wildcard));
  return negative(rcode::name_error);
}

/// DS lies above a cut: where we hold both zones, the parent answers; the child alone says that it has none
/// (RFC 4035 section 3.1.4.1).
const ZoneTree::Entry* Resolver::zone_of_ds() const {
  const ZoneTree::Entry* found = entry_;
  if (!found || name_.labels() == 0 || found->apex.labels() != name_.labels()) return found;
  const ZoneTree::Entry* parent = snapshot_.zones.find(name_, name_.labels() - 1);
  if (!parent) return found;
  if (!parent->zone) return parent;  // its data could not be loaded: a denial would be made up
  const Zone::Match match = parent->zone->find(name_);
  return match.exact && match.node->flags & ZoneNode::is_cut ? parent : found;
}

/// `node` may be a wildcard that stands in for the name (RFC 4592 section 3.3.3).
Resolver::Step Resolver::answer_node(const ZoneNode& node) {
  if (hop_ == 0) giver_ = &node;
  if (node.flags & (ZoneNode::is_service | ZoneNode::is_pool)) {
    bool answered = false;
    const Step step = node.flags & ZoneNode::is_service ? answer_service(node, answered)
                                                        : answer_pool(node, answered);
    if (answered) return step;
  }
  if (qtype_ == type::any) return answer_any(node);

  RrsetView rrset;
  if (zone_->find_rrset(node, qtype_, rrset)) {
    if (rrset.records == 0) return fail();
    if (qtype_ == type::dname && is_placed(node)) return Step::done;
    const size_t start = writer_.at();
    if (!put_answer(rrset, node)) return truncated();
    if (!rrset.additional.empty()) put_additional(rrset, start, false);
    return Step::done;
  }
  if (node.flags & ZoneNode::has_cname && zone_->find_rrset(node, type::cname, rrset)) {
    if (rrset.records == 0) return fail();
    next_ = writer_.at() + record_fixed_size;
    return put_answer(rrset, node) ? Step::follow : truncated();
  }
  return entry_->signing ? answer_keys(node) : negative(rcode::no_error, &node);
}

/// RFC 8482 section 4.1: one RRset, the first by type that fits; nobody gets a large answer for a small
/// question, and nobody is sent to TCP while there is something to say.
Resolver::Step Resolver::answer_any(const ZoneNode& node) {
  if (node.rrsets == 0) return negative(rcode::no_error, &node);
  bool can_be_sent = false;
  for (unsigned i = 0; i < node.rrsets; ++i) {
    const RrsetView rrset = zone_->rrset(node, i);
    if (rrset.records == 0) continue;
    can_be_sent = true;
    if (put_answer(rrset, node)) return Step::done;
  }
  return can_be_sent ? truncated() : fail();
}

Resolver::Step Resolver::answer_service(const ZoneNode& node, bool& answered) {
  const ServiceId id = entry_->services[node.service];
  const ServicePlan& plan = snapshot_.plans[id.value];
  if (!plan.has_targets() && !is_address(qtype_) && qtype_ != type::any) return Step::done;

  Asker asker;
  if (plan.is_by_client()) look_at_client(id, plan, asker);
  asker.key.sequence = plan.is_steered() ? tally_.next_pick(plan, asker.locality)
                                         : tally_.next_pick(id, plan.pool_id(0));
  std::array<uint32_t, endpoints_max> places;
  const AddressFamily family = qtype_ == type::a || qtype_ == type::any ? AddressFamily::v4
                               : qtype_ == type::aaaa                   ? AddressFamily::v6
                                                                        : AddressFamily::any;
  uint16_t rrtype = family == AddressFamily::v6 ? type::aaaa : type::a;
  Choice choice = choose_endpoints(plan, family, asker, places);
  if (qtype_ == type::any && choice.outcome == ChoiceOutcome::nodata) {
    rrtype = type::aaaa;
    choice = choose_endpoints(plan, AddressFamily::v6, asker, places);
  }
  if (choice.is_forbidden) {
    error_ = &extended_error::outside_regions;
  } else if (choice.all_down) {
    error_ = &extended_error::all_endpoints_down;
  } else if (choice.count > 0 && snapshot_.eligibility->is_stored(plan.endpoint_id(places[0]))) {
    error_ = &extended_error::stale_state;
  }
  const Ttl ttl = ttl_of(id, plan);
  answered = choice.outcome == ChoiceOutcome::servfail;
  if (answered) return fail(error_);
  const bool has_endpoints = choice.outcome == ChoiceOutcome::endpoints && choice.count > 0;
  if (has_endpoints && (choice.is_target || is_address(qtype_) || qtype_ == type::any)) {
    answered = true;
    tally_.count_answer(id, choice.pool);
    if (plan.is_by_client()) count_for_client(id, plan, asker, ttl, choice.pool);
    const bool is_known = !(node.flags & ZoneNode::is_wildcard);
    if (!choice.is_target)
      return answer_endpoints(plan, ttl, std::span(places).first(choice.count), rrtype, is_known);
    return answer_target(zone_->service(node.service).first_endpoint + places[0], ttl,
                         zone_->name_size(node), is_known);
  }
  // Another choice may have data, but for a family that no endpoint is of.
  if (qtype_ != type::aaaa || !plan.is_all_v4()) negative_max_ = ttl;
  return Step::done;  // other types are the zone file's
}

/// Sets all but the sequence. For plans that are by client.
void Resolver::look_at_client(ServiceId id, const ServicePlan& plan, Asker& asker) {
  unsigned scope = 0;
  if (plan.sticky() == Sticky::client) {
    const Steering steering = steer_by(subnet_, client_.address, snapshot_.sources);
    asker.key.client = client_key(steering.address, snapshot_.pick_secret);
    // Anybody may name any network in a subnet option, as often as they like: caches are counted where they ask from.
    asker.is_by_subnet = steering.is_subnet;
    asker.key.is_many_caches =
        !steering.is_subnet && tally_.many_caches().is_many(id, asker.key.client, client_.now);
    scope = steering.is_subnet
                ? sticky_bits(steering.address, client_.address) + steering.extra_bits
                : steering.scope;
  }
  if (plan.is_by_locality()) {
    const Located located = locate(subnet_, client_.address, snapshot_.sources);
    asker.locality = locality_for(plan, located);
    scope = std::max(scope, located.scope);
  }
  scope_ = static_cast<uint8_t>(std::max<unsigned>(scope_, scope));
  if (plan.is_steered() && snapshot_.shares->read(plan, asker.locality, shares_))
    asker.shares = std::span(shares_).first(plan.pools().size());
}

void Resolver::count_for_client(ServiceId id, const ServicePlan& plan, const Asker& asker, Ttl ttl,
                                PoolId pool) {
  if (plan.is_steered()) tally_.count_answer(plan, asker.locality, pool);
  if (plan.sticky() == Sticky::client && !asker.is_by_subnet)
    tally_.many_caches().note(id, asker.key.client, ttl, client_.now);
}

Resolver::Step Resolver::answer_endpoints(const ServicePlan& plan, Ttl ttl,
                                          std::span<const uint32_t> places, uint16_t rrtype,
                                          bool is_known) {
  const AnswerWriter::Mark before = writer_.mark();
  if (!put_endpoints(Section::answer, plan, ttl, places, rrtype, name_.place_at(0)))
    return truncated();
  const ZoneSigning* const signing = this->signing(*entry_);
  if (!signing || signer_.sign(*signing, {.section = Section::answer,
                                          .start = before.at,
                                          .owner_place = name_.place_at(0),
                                          .owner = suffix(name_.size()),
                                          .type = rrtype,
                                          .ttl_seconds = plan.ttl().value,
                                          .content = content_of(plan, places, rrtype),
                                          .is_known = is_known})) {
    return Step::done;
  }
  writer_.rewind(before);
  return truncated();
}

/// One TTL for the whole set (RFC 2181 section 5.2).
bool Resolver::put_endpoints(Section section, const ServicePlan& plan, Ttl ttl,
                             std::span<const uint32_t> places, uint16_t rrtype, unsigned owner) {
  if (!writer_.fits(places.size() * writer_.address_size(rrtype, owner))) return false;
  const size_t address_size = rrtype == type::a ? 4 : 16;
  for (const uint32_t place : places) {
    writer_.put_address(section, rrtype, ttl, Bytes(plan.address(place)).first(address_size),
                        owner);
  }
  return true;
}

/// `endpoint`: its place in the zone.
Resolver::Step Resolver::answer_target(uint32_t endpoint, Ttl ttl, unsigned owner_size,
                                       bool is_known) {
  const size_t start = writer_.at();
  next_ = start + record_fixed_size;
  const RrsetView rrset = zone_->target(endpoint);
  if (!put_signed(Section::answer, rrset, owner_size, name_.size(), ttl, is_known))
    return truncated();
  return qtype_ == type::cname || qtype_ == type::any ? Step::done : Step::follow;
}

/// Whether the pool whose endpoints begin there may serve the client.
bool Resolver::is_inside_fence(const ServicePlan& plan, uint32_t first_endpoint) {
  const Located located = locate(subnet_, client_.address, snapshot_.sources);
  scope_ = static_cast<uint8_t>(std::max<unsigned>(scope_, located.scope));
  const auto allowed = plan.row(locality_for(plan, located)).allowed();
  return std::ranges::any_of(allowed, [&](uint16_t place) {
    const ServicePlan::PlanPool& pool = plan.pools()[place];
    return pool.first_endpoint == first_endpoint && pool.endpoints > 0;
  });
}

/// CLUSTER.on.SERVICE: all that the pool has, whatever its health, for people who look for a fault.
Resolver::Step Resolver::answer_pool(const ZoneNode& node, bool& answered) {
  const ZoneService& pool = zone_->pool(node.service);
  const ZoneNode& owner = zone_->node(pool.owner);
  const ServicePlan& plan = snapshot_.plans[entry_->services[owner.service].value];
  const uint32_t first = pool.first_endpoint - zone_->service(owner.service).first_endpoint;
  if (plan.is_fenced() && !is_inside_fence(plan, first)) {
    error_ = &extended_error::outside_regions;
    return Step::done;
  }
  if (pool.endpoints > 0 && plan.kind(first) == ServicePlan::Kind::target) {
    answered = true;
    return answer_target(pool.first_endpoint, plan.ttl(), zone_->name_size(owner));
  }
  std::array<uint32_t, endpoints_max> places;
  size_t count = 0;
  const auto collect = [&](ServicePlan::Kind kind) {
    for (uint32_t i = 0; i < pool.endpoints && count < places.size(); ++i) {
      if (plan.kind(first + i) == kind) places[count++] = first + i;
    }
  };
  if (qtype_ == type::a || qtype_ == type::any) collect(ServicePlan::Kind::v4);
  const uint16_t rrtype = count > 0 ? type::a : type::aaaa;
  if (qtype_ == type::aaaa || (qtype_ == type::any && count == 0)) collect(ServicePlan::Kind::v6);
  answered = count > 0;
  if (!answered) return Step::done;  // other types are the zone file's
  return answer_endpoints(plan, plan.ttl(), std::span(places).first(count), rrtype);
}

const Resolver::PlacedDname* Resolver::find_placed(const ZoneNode& owner) const {
  const auto* const end = dnames_.data() + dname_count_;
  const auto* const placed = std::find_if(
      dnames_.data(), end, [&owner](const PlacedDname& dname) { return dname.node == &owner; });
  return placed != end ? placed : nullptr;
}

/// Whether the DNAME that is asked for has led here, and so stands in the answer. A wildcard's stands there under
/// its own name, not under one that it stands in for.
bool Resolver::is_placed(const ZoneNode& node) const {
  return find_placed(node) && zone_->name_size(node) == name_.size() &&
         (!(node.flags & ZoneNode::is_wildcard) || name_.wire()[1] == '*');
}

/// RFC 6672 section 3.2. `owner` is above the name, never the name itself.
Resolver::Step Resolver::answer_dname(const ZoneNode& owner) {
  if (hop_ == 0) giver_ = &owner;
  RrsetView rrset;
  if (!zone_->find_rrset(owner, type::dname, rrset) || rrset.records == 0) return fail();
  const unsigned target_size = read_u16(&rrset.block[10]);
  const unsigned prefix_size = name_.size() - zone_->name_size(owner);

  const PlacedDname* const placed = find_placed(owner);
  unsigned place = 0;
  if (placed) {
    place = placed->place;
  } else {
    place = static_cast<unsigned>(writer_.at());
    const unsigned owner_size = zone_->name_size(owner);
    if (!put_signed(Section::answer, rrset, owner_size, owner_size)) return truncated();
    dnames_[dname_count_++] = {&owner, place};
  }
  if (prefix_size + target_size > Name::size_max) {
    rcode_ = rcode::yx_domain;
    return Step::done;
  }
  next_ = writer_.at() + record_fixed_size;
  const unsigned target_place =
      target_size == 1 ? 0 : place + static_cast<unsigned>(record_fixed_size);
  if (!writer_.put_synthesised_cname(name_, prefix_size, target_place, read_u32(&rrset.block[6])))
    return truncated();
  const bool asked_for = qtype_ == type::cname || qtype_ == type::any;
  return asked_for ? Step::done : Step::follow;
}

/// A delegation: its NS in the authority section, and the addresses without which nobody gets on.
Resolver::Step Resolver::refer(const ZoneNode& cut) {
  if (hop_ == 0) {
    authoritative_ = false;
    kind_ = AnswerKind::referral;
    giver_ = &cut;
  }
  RrsetView rrset;
  if (!zone_->find_rrset(cut, type::ns, rrset) || rrset.records == 0) return fail();
  const size_t start = writer_.at();
  if (!writer_.put(Section::authority, rrset, name_, zone_->name_size(cut), place_above(cut)))
    return truncated();
  const ZoneSigning* const signing = this->signing(*entry_);
  if (signing && !put_ds(*signing, cut)) return truncated();
  put_additional(rrset, start, true);
  return Step::done;
}

/// `node`: what has the name, or none has.
Resolver::Step Resolver::negative(uint16_t rcode, const ZoneNode* node) {
  rcode_ = rcode;
  kind_ = rcode == rcode::name_error ? AnswerKind::name_error : AnswerKind::nodata;
  const RrsetView& soa = zone_->negative_soa();
  const unsigned owner_size = zone_->apex_size();
  if (soa.records == 0) return Step::done;
  // RFC 2308 section 5: a denial is kept for this TTL or MINIMUM, whichever is less.
  const ZoneSigning* const signing = this->signing(*entry_);
  if (!signing) {
    const size_t start = writer_.at();
    if (!writer_.put(Section::authority, soa, name_, owner_size,
                     name_.place_at(name_.size() - owner_size))) {
      return truncated();
    }
    if (negative_max_ != any_ttl) writer_.lower_ttl(start, negative_max_);
    return Step::done;
  }
  RrsetView whole;  // with its own TTL, which is what is signed
  if (!zone_->find_rrset(zone_->apex_node(), type::soa, whole)) return Step::done;
  if (!put_signed(Section::authority, whole, owner_size, owner_size, negative_ttl()) ||
      !put_denial(*signing, Section::authority, node)) {
    return truncated();
  }
  if (rcode == rcode::name_error && !edns_.compact_ok) rcode_ = rcode::no_error;
  return Step::done;
}

Resolver::Step Resolver::fail(const ExtendedError* error) {
  writer_.clear();
  error_ = error;
  kind_ = AnswerKind::error;
  rcode_ = rcode::server_failure;
  authoritative_ = false;
  return Step::done;
}

Resolver::Step Resolver::truncated() {
  if (signer_.has_failed()) return fail();
  writer_.set_truncated();
  return Step::done;
}

/// `node` is the name, or a wildcard that stands in for it: either way its records get the name asked.
bool Resolver::put_answer(const RrsetView& rrset, const ZoneNode& node) {
  if (!signing(*entry_))
    return writer_.put(Section::answer, rrset, name_, zone_->name_size(node), name_.place_at(0));
  return put_signed(Section::answer, rrset, zone_->name_size(node), name_.size(), any_ttl,
                    !(node.flags & ZoneNode::is_wildcard));
}

/// Where the node's own name stands in the message; the node is the name or above it.
unsigned Resolver::place_above(const ZoneNode& node) const {
  return name_.place_at(name_.size() - zone_->name_size(node));
}

void Resolver::put_additional(const RrsetView& rrset, size_t start, bool referral) {
  unsigned foreign = 0;
  // Required glue first, so that what is only of help never displaces it.
  for (const bool required : {true, false}) {
    if (required && !referral) continue;
    for (const RrsetView::Additional& additional : rrset.additional) {
      if ((additional.required != 0) != required) continue;
      const size_t place = additional.name == RrsetView::Additional::owner
                               ? name_.place_at(0)
                               : start + additional.name;
      if (additional.node == 0) {
        if (++foreign <= foreign_max) put_foreign_addresses(place, rrset.type);
      } else if (!put_addresses_of(*entry_, zone_->node(additional.node), place, rrset.type) &&
                 required) {
        writer_.set_truncated();  // RFC 9471 section 3.1
      }
    }
  }
}

bool Resolver::put_addresses_of(const ZoneTree::Entry& entry, const ZoneNode& node, size_t place,
                                uint16_t helped_type) {
  const auto owner = static_cast<unsigned>(place);
  bool all = true;
  RrsetView rrset;
  for (const uint16_t rrtype : {type::a, type::aaaa}) {
    if (!entry.zone->find_rrset(node, rrtype, rrset)) continue;
    all &= put_additional_set(entry, node, rrset, owner);
  }
  if (node.flags & ZoneNode::is_service) put_service_addresses(entry, node, place);
  // RFC 9460 section 4.1: what the target has to say of itself, unless it is the very set of the answer.
  const bool is_binding = helped_type == type::svcb || helped_type == type::https;
  if (is_binding && place != name_.place_at(0) && entry.zone->find_rrset(node, helped_type, rrset))
    all &= put_additional_set(entry, node, rrset, owner);
  return all;
}

/// What this client would be told of the service. Such picks have a sequence of their own, scattered, so
/// that they leave the shares of those who ask for the service as they are; they count as no answer of it.
void Resolver::put_service_addresses(const ZoneTree::Entry& entry, const ZoneNode& node,
                                     size_t place) {
  const ServiceId id = entry.services[node.service];
  const ServicePlan& plan = snapshot_.plans[id.value];
  Asker asker;
  if (plan.is_by_client()) look_at_client(id, plan, asker);
  asker.key.sequence = scattered(tally_.next_helper_pick());
  std::array<uint32_t, endpoints_max> places;
  for (const AddressFamily family : {AddressFamily::v4, AddressFamily::v6}) {
    const Choice choice = choose_endpoints(plan, family, asker, places);
    if (choice.outcome != ChoiceOutcome::endpoints || choice.is_target) continue;
    const size_t start = writer_.at();
    const auto owner_place = static_cast<unsigned>(place);
    const std::span<const uint32_t> chosen = std::span(places).first(choice.count);
    const uint16_t rrtype = family == AddressFamily::v4 ? type::a : type::aaaa;
    if (put_endpoints(Section::additional, plan, ttl_of(id, plan), chosen, rrtype, owner_place) &&
        !chosen.empty() && signing(entry)) {
      sign_additional(entry, node,
                      {.section = Section::additional,
                       .start = start,
                       .owner_place = owner_place,
                       .owner = {},
                       .type = rrtype,
                       .ttl_seconds = plan.ttl().value,
                       .content = content_of(plan, chosen, rrtype)});
    }
  }
}

/// A name in another zone of ours: its addresses spare the resolver a query.
void Resolver::put_foreign_addresses(size_t place, uint16_t helped_type) {
  if (snapshot_.zones.entries().size() < 2) return;
  LookupName name;
  name.assign_from_message(writer_.message(), place, snapshot_.zones.key());
  const ZoneTree::Entry* entry = snapshot_.zones.find(name);
  if (!entry || !entry->zone) return;
  const Zone::Match match = entry->zone->find(name);
  if (match.node->blocked_by != 0) return;
  if (match.exact) {
    put_addresses_of(*entry, *match.node, place, helped_type);
  } else if (match.node->wildcard != 0 && !(match.node->flags & ZoneNode::has_dname)) {
    put_addresses_of(*entry, entry->zone->node(match.node->wildcard), place, helped_type);
  }
}

}  // namespace swingover::zones
