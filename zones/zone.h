#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/block.h"
#include "zones/compiled_answer.h"
#include "zones/lookup_name.h"
#include "zones/name.h"
#include "zones/service.h"
#include "zones/zone_contents.h"

namespace swingover::zones {

/// What is at a name. Lies in the zone's memory, followed by the entries of its RRsets, its octets left of
/// the apex in lower case, and the compiled RRsets themselves, so that an answer touches two or three
/// cache lines: the table's slot and these.
struct ZoneNode {
  static constexpr uint8_t is_cut = 1;  // NS below the apex: a delegation
  static constexpr uint8_t has_dname = 2;
  static constexpr uint8_t has_cname = 4;
  static constexpr uint8_t is_service = 8;  // `service` is its place in Zone::service()
  static constexpr uint8_t is_pool =
      16;  // CLUSTER.on.SERVICE: `service` is its place in Zone::pool()
  static constexpr uint8_t is_wildcard = 32;

  uint32_t blocked_by =
      0;                  // node of the highest delegation at or above, or DNAME above it; 0: none
  uint32_t wildcard = 0;  // node of its child `*`; 0: none
  uint32_t service = 0;
  uint16_t rrsets = 0;
  uint8_t name_size = 0;  // without the apex
  uint8_t flags = 0;
};

/// The endpoints of a service, or of one pool of it. What they are stands in the service's plan; a zone holds
/// the CNAMEs of those that are targets.
struct ZoneService {
  uint32_t first_endpoint =
      0;  // in the order of Service::pools and Pool::endpoints: as ServicePlan's
  uint32_t endpoints = 0;
  uint32_t owner = 0;  // node of the service, also for a pool
};

/// One zone's names, compiled from its contents and the services inside it. Immutable; shared by all
/// generations in which neither changed.
///
/// Lookup   One open-addressing table of (tag, place) pairs, keyed by HashKey: an exact hit reads one slot and
///          one node. Names that exist only because longer ones do have nodes too, so an existing name's
///          ancestors all exist and the closest encloser is found by bisection: at most 7 more probes,
///          however many labels a hostile name has.
/// Memory   12 to 24 octets of table a name, 16 of node, 16 an RRset, and the octets themselves; in huge pages when
///          the zone is large.
/// Threads  Any, read only. Hot path but for build().
class Zone {
 public:
  /// `services`: those whose longest matching apex is this one. Control path; O(names + records).
  static std::shared_ptr<Zone> build(std::shared_ptr<const ZoneContents> contents,
                                     std::span<const Service* const> services);

  struct Match {
    const ZoneNode* node = nullptr;  // of the name, or of its closest encloser
    bool exact = false;
  };
  /// `name` is at or below the apex.
  Match find(const LookupName& name) const;

  /// find() in two steps, for who does something else while memory answers: the table's line is asked for; then
  /// the node that an exact match has, most likely (its tag fits, its name was not compared), or null.
  void prefetch_slot(const LookupName& name) const {
    prefetch(&slots_[name.hash(name.labels()) & mask_]);
  }
  const ZoneNode* likely_node(const LookupName& name) const;

  const ZoneNode& node(uint32_t place) const {
    return *reinterpret_cast<const ZoneNode*>(memory_.data() + size_t{place} * alignment);
  }
  /// Octets of the node's whole name.
  unsigned name_size(const ZoneNode& node) const { return node.name_size + apex_size_; }

  /// The RRset of `type`; false if there is none.
  bool find_rrset(const ZoneNode& node, uint16_t type, RrsetView& out) const;
  RrsetView rrset(const ZoneNode& node, unsigned index) const;

  /// The SOA as negative answers carry it: TTL min(SOA TTL, MINIMUM) (RFC 2308 section 3).
  const RrsetView& negative_soa() const { return negative_soa_; }

  const ZoneService& service(uint32_t place) const { return services_[place]; }
  const ZoneService& pool(uint32_t place) const { return pools_[place]; }
  /// The CNAME of the service's owner to the target that is this endpoint.
  RrsetView target(uint32_t endpoint) const { return rrset(node(targets_[endpoint]), 0); }

  /// The SOA's; 0 in a zone without one. set_serial(): before the zone is shared with anyone.
  uint32_t serial() const;
  void set_serial(uint32_t serial);

  /// Where all names can be met, each once and in no order: node_at() of the places below places(), null where
  /// there is none.
  size_t places() const { return slots_.size(); }
  const ZoneNode* node_at(size_t place) const {
    return slots_[place].place == 0 ? nullptr : &node(slots_[place].place);
  }
  const ZoneNode& apex_node() const { return node(apex_node_); }
  /// The octets of the node's name left of the apex, in lower case.
  Bytes own_name(const ZoneNode& node) const {
    return {reinterpret_cast<const uint8_t*>(&node + 1) + node.rrsets * sizeof(Entry),
            node.name_size};
  }

  const Name& apex() const { return apex_; }
  unsigned apex_size() const { return apex_size_; }
  size_t names() const { return names_; }
  size_t memory_octets() const;
  /// What it was compiled from, if that is still there: the zone does not keep it.
  std::shared_ptr<const ZoneContents> contents() const { return contents_.lock(); }

 private:
  friend class ZoneBuilder;
  static constexpr size_t alignment = 8;

  struct Slot {
    uint32_t tag = 0;
    uint32_t place = 0;  // of the node, in units of `alignment`; 0: empty
  };
  struct Entry {  // of one RRset, behind its node
    uint16_t type = 0;
    uint16_t records = 0;
    uint32_t at = 0;  // from the node: additional, fix-ups, block
    uint16_t size = 0;
    uint16_t fixups = 0;
    uint32_t additional = 0;
  };

  const ZoneNode* find_exact(const LookupName& name, unsigned labels) const;

  std::vector<Slot, LargeMemory<Slot>> slots_;
  uint64_t mask_ = 0;
  std::vector<uint8_t, LargeMemory<uint8_t>> memory_;  // place 0 is never a node
  uint32_t apex_node_ = 0;
  unsigned apex_size_ = 0;
  unsigned apex_labels_ = 0;
  unsigned labels_max_ = 0;  // of the deepest name
  RrsetView negative_soa_;
  std::vector<ZoneService> services_;
  std::vector<ZoneService> pools_;
  std::vector<uint32_t> targets_;  // by endpoint: the node-like place of its CNAME; 0: an address
  Name apex_;
  size_t names_ = 0;
  std::weak_ptr<const ZoneContents> contents_;
};

}  // namespace swingover::zones
