#include "zones/zone.h"

#include <algorithm>
#include <cstring>

#include "zones/protocol.h"

namespace swingover::zones {

Zone::Match Zone::find(const LookupName& name) const {
  unsigned labels = name.labels();
  if (labels <= labels_max_) {
    if (const ZoneNode* node = find_exact(name, labels)) return {node, true};
    --labels;  // the apex is always found, so there is one label more than the apex has
  } else {
    labels = labels_max_;
  }
  // Existence is monotonic along the ancestors. Most often the parent exists: try it before bisecting.
  unsigned known = apex_labels_;
  const ZoneNode* encloser = &node(apex_node_);
  unsigned probe = labels;
  while (known < labels) {
    if (const ZoneNode* node = find_exact(name, probe)) {
      known = probe;
      encloser = node;
    } else {
      labels = probe - 1;
    }
    probe = known + (labels - known + 1) / 2;
  }
  return {encloser, false};
}

const ZoneNode* Zone::likely_node(const LookupName& name) const {
  const uint64_t hash = name.hash(name.labels());
  const auto tag = static_cast<uint32_t>(hash >> 32);
  uint64_t at = hash & mask_;
  while (slots_[at].place != 0 && slots_[at].tag != tag) at = (at + 1) & mask_;
  return slots_[at].place != 0 ? &node(slots_[at].place) : nullptr;
}

const ZoneNode* Zone::find_exact(const LookupName& name, unsigned labels) const {
  const uint64_t hash = name.hash(labels);
  const uint32_t tag = static_cast<uint32_t>(hash >> 32);
  const unsigned start = name.start(labels);
  const unsigned own_size = name.size() - start - apex_size_;
  for (uint64_t at = hash & mask_; slots_[at].place != 0; at = (at + 1) & mask_) {
    if (slots_[at].tag != tag) continue;
    const ZoneNode& found = node(slots_[at].place);
    const auto* own = reinterpret_cast<const uint8_t*>(&found + 1) + found.rrsets * sizeof(Entry);
    if (found.name_size == own_size && std::memcmp(own, name.wire() + start, own_size) == 0)
      return &found;
  }
  return nullptr;
}

RrsetView Zone::rrset(const ZoneNode& node, unsigned index) const {
  const auto* base = reinterpret_cast<const uint8_t*>(&node);
  const Entry& entry = reinterpret_cast<const Entry*>(base + sizeof(ZoneNode))[index];
  const auto* additional = reinterpret_cast<const RrsetView::Additional*>(base + entry.at);
  const auto* fixups = reinterpret_cast<const uint16_t*>(additional + entry.additional);
  const auto* block = reinterpret_cast<const uint8_t*>(fixups + entry.fixups);
  return {.type = entry.type,
          .records = entry.records,
          .block = {block, entry.size},
          .fixups = {fixups, entry.fixups},
          .additional = {additional, entry.additional}};
}

bool Zone::find_rrset(const ZoneNode& node, uint16_t type, RrsetView& out) const {
  const auto* entries =
      reinterpret_cast<const Entry*>(reinterpret_cast<const uint8_t*>(&node) + sizeof(ZoneNode));
  for (unsigned i = 0; i < node.rrsets; ++i) {
    if (entries[i].type == type) {
      out = rrset(node, i);
      return true;
    }
  }
  return false;
}

namespace {

constexpr size_t behind_serial = 20;  // octets of an SOA from its serial on

}  // namespace

uint32_t Zone::serial() const {
  RrsetView soa;
  if (!find_rrset(apex_node(), type::soa, soa) || soa.block.size() < behind_serial) return 0;
  return read_u32(&*(soa.block.end() - behind_serial));
}

void Zone::set_serial(uint32_t serial) {
  const auto set = [this, serial](const RrsetView& soa) {
    if (soa.block.size() < behind_serial) return;
    const auto at = static_cast<size_t>(soa.block.data() - memory_.data());
    write_u32(&memory_[at + soa.block.size() - behind_serial], serial);
  };
  RrsetView soa;
  if (find_rrset(apex_node(), type::soa, soa)) set(soa);
  set(negative_soa_);
}

size_t Zone::memory_octets() const {
  return sizeof *this + slots_.capacity() * sizeof(Slot) + memory_.size() +
         (services_.capacity() + pools_.capacity()) * sizeof(ZoneService) +
         targets_.capacity() * sizeof(uint32_t);
}

}  // namespace swingover::zones
