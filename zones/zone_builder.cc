#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <optional>

#include "zones/protocol.h"
#include "zones/zone.h"

namespace swingover::zones {

/// Turns contents and services into a Zone: first a draft of every name, then the nodes in that order, then
/// the links between them, whose places are known only then. Control path.
class ZoneBuilder {
 public:
  ZoneBuilder(Zone& zone, const ZoneContents& contents) : zone_(zone), contents_(contents) {}

  void build(std::span<const Service* const> services) {
    zone_.apex_ = contents_.apex().folded();
    zone_.apex_size_ = static_cast<unsigned>(zone_.apex_.wire().size());
    zone_.apex_labels_ = static_cast<unsigned>(zone_.apex_.labels());
    index_.assign(std::bit_ceil(2 * (contents_.owners().size() + 4 * services.size()) + 16), 0);
    drafts_.reserve(contents_.owners().size() + 4 * services.size() + 1);
    draft_of(zone_.apex_);
    for (uint32_t i = 0; i < contents_.owners().size(); ++i)
      drafts_[draft_of(contents_.owners()[i].name())].owner = i;
    for (const Service* service : services) add_service(*service);
    find_blockers();
    // Place 0 says "none" in every link, so the first node stands behind it.
    zone_.memory_.reserve(64 + 48 * drafts_.size() + 32 * contents_.records());
    zone_.memory_.resize(Zone::alignment);
    for (Draft& draft : drafts_) emit(draft);
    emit_targets(services);
    const uint32_t soa = emit_negative_soa();
    zone_.memory_.shrink_to_fit();
    link();
    fill_table();
    zone_.apex_node_ = drafts_[0].place;
    zone_.names_ = drafts_.size();
    if (soa != 0) zone_.negative_soa_ = zone_.rrset(zone_.node(soa), 0);
  }

 private:
  static constexpr uint32_t none = UINT32_MAX;

  struct Draft {
    uint64_t hash = 0;
    uint32_t owner = none;  // in the contents
    uint32_t name_at = 0;   // in names_
    uint32_t parent = none;
    uint32_t wildcard = none;
    uint32_t blocked_by = none;
    uint32_t service = 0;
    uint32_t place = 0;
    uint8_t name_size = 0;
    uint8_t flags = 0;
  };
  struct PendingLink {
    size_t at;       // in memory, of a place to be set
    uint32_t draft;  // to that of this draft
  };

  ZoneContents::Owner owner_of(const Draft& draft) const { return contents_.owners()[draft.owner]; }

  uint32_t draft_of(const Name& name) {
    lookup_.assign(name.wire(), key_);
    zone_.labels_max_ = std::max(zone_.labels_max_, lookup_.labels());
    return draft_of(lookup_.labels());
  }

  /// Of the ancestor of `lookup_` with so many labels; makes it, and those above it, when it is new.
  uint32_t draft_of(unsigned labels) {
    if (const uint32_t found = find(labels); found != none) return found;
    const uint32_t parent = labels == zone_.apex_labels_ ? none : draft_of(labels - 1);
    const unsigned start = lookup_.start(labels);
    const unsigned size = lookup_.size() - start - zone_.apex_size_;
    const uint8_t* octets = lookup_.wire() + start;
    const auto id = static_cast<uint32_t>(drafts_.size());
    Draft draft;
    draft.hash = lookup_.hash(labels);
    draft.parent = parent;
    draft.name_at = static_cast<uint32_t>(names_.size());
    draft.name_size = static_cast<uint8_t>(size);
    names_.insert(names_.end(), octets, octets + size);
    if (parent != none && octets[0] == 1 && octets[1] == '*') {
      drafts_[parent].wildcard = id;
      draft.flags |= ZoneNode::is_wildcard;
    }
    drafts_.push_back(draft);
    if (2 * drafts_.size() > index_.size()) {
      index_.assign(2 * index_.size(), 0);
      for (uint32_t i = 0; i < id; ++i) put_in_index(i);
    }
    put_in_index(id);
    return id;
  }

  uint32_t find(unsigned labels) const {
    const uint64_t hash = lookup_.hash(labels);
    const unsigned start = lookup_.start(labels);
    const unsigned size = lookup_.size() - start - zone_.apex_size_;
    const size_t mask = index_.size() - 1;
    for (size_t at = hash & mask; index_[at] != 0; at = (at + 1) & mask) {
      const Draft& draft = drafts_[index_[at] - 1];
      if (draft.hash == hash && draft.name_size == size &&
          std::equal(lookup_.wire() + start, lookup_.wire() + start + size,
                     names_.begin() + draft.name_at)) {
        return index_[at] - 1;
      }
    }
    return none;
  }

  void put_in_index(uint32_t draft) {
    const size_t mask = index_.size() - 1;
    size_t at = drafts_[draft].hash & mask;
    while (index_[at] != 0) at = (at + 1) & mask;
    index_[at] = draft + 1;
  }

  void add_service(const Service& service) {
    ZoneService whole{.first_endpoint = static_cast<uint32_t>(zone_.targets_.size()),
                      .owner = draft_of(service.name)};
    Draft& draft = drafts_[whole.owner];
    draft.flags |= ZoneNode::is_service;
    draft.service = static_cast<uint32_t>(zone_.services_.size());
    for (const Pool& pool : service.pools) {
      const ZoneService part{.first_endpoint = static_cast<uint32_t>(zone_.targets_.size()),
                             .endpoints = static_cast<uint32_t>(pool.endpoints.size()),
                             .owner = whole.owner};
      whole.endpoints += part.endpoints;
      zone_.targets_.resize(zone_.targets_.size() + part.endpoints);  // set by emit_targets()
      add_pool_name(service, pool, part);
    }
    zone_.services_.push_back(whole);
  }

  /// CLUSTER.on.SERVICE, unless that is longer than a name can be: it serves debugging alone.
  void add_pool_name(const Service& service, const Pool& pool, const ZoneService& part) {
    const Result<Name> on = Name::child("on", service.name);
    if (!on) return;
    const Result<Name> name = Name::child(pool.cluster_name, *on);
    if (!name) return;
    Draft& draft = drafts_[draft_of(*name)];
    if (draft.flags & ZoneNode::is_pool) return;
    draft.flags |= ZoneNode::is_pool;
    draft.service = static_cast<uint32_t>(zone_.pools_.size());
    zone_.pools_.push_back(part);
  }

  /// Parents have lower numbers than their children, so that one pass hands every block down.
  void find_blockers() {
    for (uint32_t i = 0; i < drafts_.size(); ++i) {
      Draft& draft = drafts_[i];
      if (draft.owner != none) {
        for (const Rrset rrset : owner_of(draft).rrsets()) {
          if (rrset.type == type::ns && draft.parent != none) draft.flags |= ZoneNode::is_cut;
          if (rrset.type == type::dname) draft.flags |= ZoneNode::has_dname;
          if (rrset.type == type::cname) draft.flags |= ZoneNode::has_cname;
        }
      }
      if (draft.parent != none) {
        const Draft& parent = drafts_[draft.parent];
        draft.blocked_by = parent.blocked_by;
        if (draft.blocked_by == none && parent.flags & ZoneNode::has_dname)
          draft.blocked_by = draft.parent;
      }
      if (draft.blocked_by == none && draft.flags & ZoneNode::is_cut) draft.blocked_by = i;
    }
  }

  template <class T>
  void put(const T& value) {
    const auto* octets = reinterpret_cast<const uint8_t*>(&value);
    zone_.memory_.insert(zone_.memory_.end(), octets, octets + sizeof value);
  }
  void align(size_t to) { zone_.memory_.resize((zone_.memory_.size() + to - 1) / to * to); }

  void emit(Draft& draft) {
    const Bytes name = Bytes(names_).subspan(draft.name_at, draft.name_size);
    if (draft.owner == none) {
      draft.place = emit_node(draft, name, 0);
      return;
    }
    const ZoneContents::Owner owner = owner_of(draft);
    draft.place = emit_node(draft, name, owner.rrsets().size());
    size_t index = 0;
    for (const Rrset rrset : owner.rrsets())
      emit_rrset(draft, owner.name(), rrset, draft.place, index++);
  }

  /// The node, room for its entries, its name.
  uint32_t emit_node(const Draft& draft, Bytes name, size_t rrsets) {
    align(Zone::alignment);
    const size_t place = zone_.memory_.size() / Zone::alignment;
    assert(place < none);
    put(ZoneNode{.service = draft.service,
                 .rrsets = static_cast<uint16_t>(rrsets),
                 .name_size = static_cast<uint8_t>(name.size()),
                 .flags = draft.flags});
    zone_.memory_.resize(zone_.memory_.size() + rrsets * sizeof(Zone::Entry));
    zone_.memory_.insert(zone_.memory_.end(), name.begin(), name.end());
    return static_cast<uint32_t>(place);
  }

  void emit_rrset(const Draft& draft, const Name& owner, const Rrset& rrset, uint32_t place,
                  size_t index) {
    const size_t node_at = size_t{place} * Zone::alignment;
    // A set that fits no message keeps its type, without records: the answer is SERVFAIL, not NODATA.
    if (!compile_rrset(owner, rrset, compiled_)) compiled_.clear();
    align(compiled_.names.empty() ? alignof(uint16_t) : alignof(uint32_t));
    Zone::Entry entry{.type = rrset.type,
                      .records = compiled_.records,
                      .at = static_cast<uint32_t>(zone_.memory_.size() - node_at),
                      .size = static_cast<uint16_t>(compiled_.block.size()),
                      .fixups = static_cast<uint16_t>(compiled_.fixups.size())};
    entry.additional = emit_additional(draft, owner, rrset);
    for (const uint16_t fixup : compiled_.fixups) put(fixup);
    zone_.memory_.insert(zone_.memory_.end(), compiled_.block.begin(), compiled_.block.end());
    std::memcpy(&zone_.memory_[node_at + sizeof(ZoneNode) + index * sizeof entry], &entry,
                sizeof entry);
  }

  /// Whose addresses go with this set: each target once. How many there are.
  uint32_t emit_additional(const Draft& draft, const Name& owner, const Rrset& rrset) {
    helped_.clear();
    const bool referral = (draft.flags & ZoneNode::is_cut) != 0;
    for (const CompiledRrset::HelpedName& helped : compiled_.names) {
      const Bytes rdata = rrset.rdatas[helped.record];
      Result<Name> target = Name::from_wire(rdata.subspan(helped.in_rdata, helped.size));
      if (!target) continue;  // data of the right type in no form of it (RFC 3597)
      RrsetView::Additional additional{.name = helped.at};
      if (is_binding(rrset.type)) {
        // RFC 9460 section 2.5: in ServiceMode the root stands for the owner, in AliasMode for nothing.
        if (target->is_root()) {
          if (read_u16(rdata.data()) == 0) continue;
          target = owner;
        }
        if (*target == owner) additional.name = RrsetView::Additional::owner;
      }
      if (std::ranges::count(helped_, *target) > 0) continue;
      const uint32_t found = holder_of(*target, referral);
      if (found != none && is_helpful(drafts_[found], rrset.type)) {
        additional.required = referral && is_below(found, draft);
        links_.push_back({zone_.memory_.size(), found});
      } else if (target->is_at_or_below(contents_.apex()) && !is_hidden(*target)) {
        continue;  // nothing there, or no such name
      }
      put(additional);  // without a link: to be looked for in the server's other zones
      helped_.push_back(*target);
    }
    return static_cast<uint32_t>(helped_.size());
  }

  /// The draft that gives the records of `name`: its own, or that of the wildcard that stands for it. What lies
  /// below a delegation is glue, for referrals alone.
  uint32_t holder_of(const Name& name, bool with_glue) {
    if (!name.is_at_or_below(contents_.apex())) return none;
    lookup_.assign(name.wire(), key_);
    if (const uint32_t found = find(lookup_.labels()); found != none)
      return with_glue || drafts_[found].blocked_by == none ? found : none;
    const Draft& encloser = drafts_[closest_encloser()];
    const bool is_open = encloser.blocked_by == none && !(encloser.flags & ZoneNode::has_dname);
    return is_open ? encloser.wildcard : none;
  }

  /// Whether a delegation or a DNAME answers for `name`, a name of this zone.
  bool is_hidden(const Name& name) {
    lookup_.assign(name.wire(), key_);
    const uint32_t found = find(lookup_.labels());
    return drafts_[found != none ? found : closest_encloser()].blocked_by != none;
  }

  /// Of the name in `lookup_`, which is below the apex and does not exist.
  uint32_t closest_encloser() const {
    unsigned labels = lookup_.labels() - 1;
    while (find(labels) == none) --labels;
    return find(labels);
  }

  bool is_helpful(const Draft& draft, uint16_t helped_type) const {
    if (draft.flags & ZoneNode::is_service) return true;
    if (draft.owner == none) return false;
    const ZoneContents::Owner::Rrsets rrsets = owner_of(draft).rrsets();
    return std::any_of(rrsets.begin(), rrsets.end(), [=](const Rrset& rrset) {
      return rrset.type == type::a || rrset.type == type::aaaa ||
             (rrset.type == helped_type && is_binding(helped_type));
    });
  }

  static bool is_binding(uint16_t rrtype) { return rrtype == type::svcb || rrtype == type::https; }

  bool is_below(uint32_t child, const Draft& ancestor) const {
    for (; child != none; child = drafts_[child].parent) {
      if (&drafts_[child] == &ancestor) return true;
    }
    return false;
  }

  /// Names that endpoints stand for, as CNAMEs of their service.
  void emit_targets(std::span<const Service* const> services) {
    size_t place = 0;
    for (const Service* service : services) {
      for (const Pool& pool : service->pools) {
        for (const Endpoint& endpoint : pool.endpoints) {
          uint32_t& out = zone_.targets_[place++];
          const auto* target = std::get_if<Name>(&endpoint.address);
          if (!target) continue;
          std::vector<uint8_t> rdata;
          RdataList::append(target->wire(), rdata);
          out = emit_hidden(
              service->name,
              {.type = type::cname, .ttl = service->ttl, .rdatas = RdataList(1, rdata)});
        }
      }
    }
  }

  uint32_t emit_negative_soa() {
    if (drafts_[0].owner == none) return 0;
    const ZoneContents::Owner apex = owner_of(drafts_[0]);
    std::optional<Rrset> soa = apex.find(type::soa);
    if (!soa || (*soa->rdatas.begin()).size() < 4) return 0;
    const Bytes rdata = *soa->rdatas.begin();
    soa->ttl = Ttl(std::min(soa->ttl.value, read_u32(&*(rdata.end() - 4))));
    return emit_hidden(apex.name(), *soa);
  }

  /// A set that no lookup finds, behind a node of its own.
  uint32_t emit_hidden(const Name& owner, const Rrset& rrset) {
    const Draft nameless;
    const uint32_t place = emit_node(nameless, {}, 1);
    emit_rrset(nameless, owner, rrset, place, 0);
    return place;
  }

  void link() {
    const auto set = [this](size_t at, uint32_t draft) {
      std::memcpy(&zone_.memory_[at], &drafts_[draft].place, sizeof(uint32_t));
    };
    for (const PendingLink& pending : links_) set(pending.at, pending.draft);
    for (auto* parts : {&zone_.services_, &zone_.pools_}) {
      for (ZoneService& part : *parts) part.owner = drafts_[part.owner].place;
    }
    for (const Draft& draft : drafts_) {
      const size_t node = size_t{draft.place} * Zone::alignment;
      if (draft.blocked_by != none) set(node + offsetof(ZoneNode, blocked_by), draft.blocked_by);
      if (draft.wildcard != none) set(node + offsetof(ZoneNode, wildcard), draft.wildcard);
    }
  }

  /// At most two thirds full: short probes, 8 octets a slot.
  void fill_table() {
    zone_.slots_.resize(std::bit_ceil(drafts_.size() + drafts_.size() / 2 + 1));
    zone_.mask_ = zone_.slots_.size() - 1;
    for (const Draft& draft : drafts_) {
      uint64_t at = draft.hash & zone_.mask_;
      while (zone_.slots_[at].place != 0) at = (at + 1) & zone_.mask_;
      zone_.slots_[at] = {static_cast<uint32_t>(draft.hash >> 32), draft.place};
    }
  }

  Zone& zone_;
  const ZoneContents& contents_;
  HashKey key_ = HashKey::of_process();
  LookupName lookup_;
  std::vector<Draft> drafts_;
  std::vector<uint32_t> index_;  // by hash: draft + 1
  std::vector<uint8_t> names_;
  std::vector<PendingLink> links_;
  std::vector<Name> helped_;
  CompiledRrset compiled_;
};

std::shared_ptr<Zone> Zone::build(std::shared_ptr<const ZoneContents> contents,
                                  std::span<const Service* const> services) {
  auto zone = std::make_shared<Zone>();
  ZoneBuilder(*zone, *contents).build(services);
  zone->contents_ = contents;
  return zone;
}

}  // namespace swingover::zones
