#include <algorithm>
#include <bit>
#include <cassert>
#include <cstring>
#include <optional>
#include <unordered_map>
#include <utility>

#include "base/shrink.h"
#include "zones/protocol.h"
#include "zones/zone.h"

namespace swingover::zones {

/// Turns contents and services into a Zone: first a draft of every name, then the nodes in that order, then
/// the links between them, whose places are known only then. Control path.
///
/// Memory  Beside the zone and the contents, 24 octets a name: the zone's own table finds drafts until it finds nodes,
///         and a draft's name is that of its owner in the contents.
class ZoneBuilder {
 public:
  ZoneBuilder(Zone& zone, const ZoneContents& contents) : zone_(zone), contents_(contents) {}

  void build(std::span<const Service* const> services) {
    zone_.apex_ = contents_.apex().folded();
    zone_.apex_size_ = static_cast<unsigned>(zone_.apex_.wire().size());
    zone_.apex_labels_ = static_cast<unsigned>(zone_.apex_.labels());
    const size_t names_likely = contents_.owners().size() + 4 * services.size() + 1;
    drafts_.reserve(names_likely);
    make_table(table_size(names_likely));
    draft_of(zone_.apex_);
    for (uint32_t i = 0; i < contents_.owners().size(); ++i)
      draft_of(contents_.owners()[i].name(), i);
    for (const Service* service : services) add_service(*service);
    if (table_size(drafts_.size()) < zone_.slots_.size()) make_table(table_size(drafts_.size()));
    find_blockers();
    // Enough for nearly all zones. What stays unused is not touched, and then takes no memory.
    zone_.memory_.reserve(64 + 24 * drafts_.size() + names_.size() + contents_.memory_octets() +
                          48 * contents_.records());
    // Place 0 says "none" in every link, so the first node stands behind it.
    zone_.memory_.resize(Zone::alignment);
    for (Draft& draft : drafts_) emit(draft);
    emit_targets(services);
    const uint32_t soa = emit_negative_soa();
    shrink_if_small(zone_.memory_);
    link();
    finish_table();
    zone_.apex_node_ = drafts_[0].place;
    zone_.names_ = drafts_.size();
    if (soa != 0) zone_.negative_soa_ = zone_.rrset(zone_.node(soa), 0);
  }

 private:
  static constexpr uint32_t none = UINT32_MAX;

  struct Draft {
    uint32_t hash = 0;     // its lower half; the upper one is the slot's tag
    uint32_t name_at = 0;  // of an owner: its number in the contents; else in names_
    uint32_t parent = none;
    uint32_t blocked_by = none;
    uint32_t place = 0;
    uint8_t name_size = 0;
    uint8_t flags = 0;
    bool has_owner = false;  // there are records
  };
  struct PendingLink {
    size_t at;       // in memory, of a place to be set
    uint32_t draft;  // to that of this draft
  };

  ZoneContents::Owner owner_of(const Draft& draft) const {
    return contents_.owners()[draft.name_at];
  }
  /// In lower case, or as the file spells it.
  Bytes name_of(const Draft& draft) const {
    return draft.has_owner ? owner_of(draft).labels()
                           : Bytes(names_).subspan(draft.name_at, draft.name_size);
  }

  /// `owner`: its number in the contents, if it is there.
  uint32_t draft_of(const Name& name, uint32_t owner = none) {
    lookup_.assign(name.wire(), key_);
    zone_.labels_max_ = std::max(zone_.labels_max_, lookup_.labels());
    return draft_of(lookup_.labels(), owner);
  }

  /// Of the ancestor of `lookup_` with so many labels; makes it, and those above it, when it is new.
  uint32_t draft_of(unsigned labels, uint32_t owner = none) {
    uint32_t id = find(labels);
    if (id == none) id = add_draft(labels, owner);
    if (owner != none) {
      drafts_[id].name_at = owner;
      drafts_[id].has_owner = true;
    }
    return id;
  }

  uint32_t add_draft(unsigned labels, uint32_t owner) {
    const uint32_t parent = labels == zone_.apex_labels_ ? none : draft_of(labels - 1);
    const Bytes name = own_name(labels);
    const auto id = static_cast<uint32_t>(drafts_.size());
    Draft draft;
    draft.hash = static_cast<uint32_t>(lookup_.hash(labels));
    draft.parent = parent;
    draft.name_size = static_cast<uint8_t>(name.size());
    if (owner == none) {
      draft.name_at = static_cast<uint32_t>(names_.size());
      names_.insert(names_.end(), name.begin(), name.end());
    }
    if (parent != none && name[0] == 1 && name[1] == '*') {
      wildcards_[parent] = id;
      draft.flags |= ZoneNode::is_wildcard;
    }
    drafts_.push_back(draft);
    if (table_size(drafts_.size()) > zone_.slots_.size()) make_table(2 * zone_.slots_.size());
    put_in_table(draft.hash, {tag_of(labels), id + 1});
    return id;
  }

  /// Left of the apex, in lower case.
  Bytes own_name(unsigned labels) const {
    const unsigned start = lookup_.start(labels);
    return {lookup_.wire() + start, lookup_.size() - start - zone_.apex_size_};
  }
  uint32_t tag_of(unsigned labels) const {
    return static_cast<uint32_t>(lookup_.hash(labels) >> 32);
  }

  uint32_t find(unsigned labels) const {
    const Bytes name = own_name(labels);
    const uint32_t tag = tag_of(labels);
    for (uint64_t at = lookup_.hash(labels);; ++at) {
      const Zone::Slot& slot = zone_.slots_[at & zone_.mask_];
      if (slot.place == 0) return none;
      if (slot.tag != tag) continue;
      const uint32_t id = slot.place - 1;
      if (drafts_[id].name_size == name.size() &&
          std::ranges::equal(name, name_of(drafts_[id]), {}, {}, folded_octet))
        return id;
    }
  }

  /// At most two thirds full: short probes, 8 octets a slot.
  static size_t table_size(size_t names) { return std::bit_ceil(names + names / 2 + 1); }

  void make_table(size_t size) {
    const auto old = std::exchange(zone_.slots_, decltype(zone_.slots_)(size));
    zone_.mask_ = size - 1;
    for (const Zone::Slot& slot : old) {
      if (slot.place != 0) put_in_table(drafts_[slot.place - 1].hash, slot);
    }
  }

  /// A slot's place is its draft's number and one, until finish_table().
  void put_in_table(uint32_t hash, Zone::Slot slot) {
    uint64_t at = hash & zone_.mask_;
    while (zone_.slots_[at].place != 0) at = (at + 1) & zone_.mask_;
    zone_.slots_[at] = slot;
  }

  void add_service(const Service& service) {
    ZoneService whole{.first_endpoint = static_cast<uint32_t>(zone_.targets_.size()),
                      .owner = draft_of(service.name)};
    drafts_[whole.owner].flags |= ZoneNode::is_service;
    service_places_[whole.owner] = static_cast<uint32_t>(zone_.services_.size());
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
    const uint32_t id = draft_of(*name);
    if (drafts_[id].flags & ZoneNode::is_pool) return;
    drafts_[id].flags |= ZoneNode::is_pool;
    service_places_[id] = static_cast<uint32_t>(zone_.pools_.size());
    zone_.pools_.push_back(part);
  }

  /// Parents have lower numbers than their children, so that one pass hands every block down.
  void find_blockers() {
    for (uint32_t i = 0; i < drafts_.size(); ++i) {
      Draft& draft = drafts_[i];
      if (draft.has_owner) {
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
    if (!draft.has_owner) {
      draft.place = emit_node(draft, 0);
      return;
    }
    const ZoneContents::Owner owner = owner_of(draft);
    draft.place = emit_node(draft, owner.rrsets().size());
    size_t index = 0;
    for (const Rrset rrset : owner.rrsets())
      emit_rrset(draft, owner.name(), rrset, draft.place, index++);
  }

  /// The node, room for its entries, its name.
  uint32_t emit_node(const Draft& draft, size_t rrsets) {
    align(Zone::alignment);
    const size_t place = zone_.memory_.size() / Zone::alignment;
    assert(place < none);
    put(ZoneNode{.rrsets = static_cast<uint16_t>(rrsets),
                 .name_size = draft.name_size,
                 .flags = draft.flags});
    zone_.memory_.resize(zone_.memory_.size() + rrsets * sizeof(Zone::Entry));
    for (const uint8_t octet : name_of(draft)) zone_.memory_.push_back(folded_octet(octet));
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
    const uint32_t closest = closest_encloser();
    const Draft& encloser = drafts_[closest];
    const bool is_open = encloser.blocked_by == none && !(encloser.flags & ZoneNode::has_dname);
    const auto wildcard = wildcards_.find(closest);
    return is_open && wildcard != wildcards_.end() ? wildcard->second : none;
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
    if (!draft.has_owner) return false;
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
    if (!drafts_[0].has_owner) return 0;
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
    const uint32_t place = emit_node(nameless, 1);
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
    const auto field = [this](uint32_t draft, size_t offset) {
      return size_t{drafts_[draft].place} * Zone::alignment + offset;
    };
    for (uint32_t i = 0; i < drafts_.size(); ++i) {
      if (drafts_[i].blocked_by != none)
        set(field(i, offsetof(ZoneNode, blocked_by)), drafts_[i].blocked_by);
    }
    for (const auto& [parent, wildcard] : wildcards_)
      set(field(parent, offsetof(ZoneNode, wildcard)), wildcard);
    for (const auto& [draft, place] : service_places_)
      std::memcpy(&zone_.memory_[field(draft, offsetof(ZoneNode, service))], &place, sizeof place);
  }

  void finish_table() {
    for (Zone::Slot& slot : zone_.slots_) {
      if (slot.place != 0) slot.place = drafts_[slot.place - 1].place;
    }
  }

  Zone& zone_;
  const ZoneContents& contents_;
  HashKey key_ = HashKey::of_process();
  LookupName lookup_;
  std::vector<Draft> drafts_;
  std::vector<uint8_t> names_;                             // of those that have no records
  std::unordered_map<uint32_t, uint32_t> wildcards_;       // by their parents
  std::unordered_map<uint32_t, uint32_t> service_places_;  // of services and pools, by drafts
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
