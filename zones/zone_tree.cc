#include "zones/zone_tree.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace swingover::zones {

const ZoneTree::Entry* ZoneTree::find(const LookupName& name, unsigned labels_max) const {
  for (unsigned word = 2; word-- > 0;) {
    if (labels_max < 64 * word) continue;
    const unsigned reached = std::min(labels_max - 64 * word, 63U);
    uint64_t lengths = lengths_[word] & (~uint64_t{0} >> (63 - reached));
    while (lengths != 0) {
      const unsigned bit = 63U - static_cast<unsigned>(std::countl_zero(lengths));
      if (const Entry* found = find_exact(name, 64 * word + bit)) return found;
      lengths &= ~(uint64_t{1} << bit);
    }
  }
  return nullptr;
}

const ZoneTree::Entry* ZoneTree::find_exact(const LookupName& name, unsigned labels) const {
  const uint64_t hash = name.hash(labels);
  const size_t mask = slots_.size() - 1;
  const unsigned start = name.start(labels);
  for (size_t at = hash & mask; slots_[at].entry != 0; at = (at + 1) & mask) {
    if (slots_[at].hash != hash) continue;
    const Entry& entry = entries_[slots_[at].entry - 1];
    const Bytes apex = entry.apex.wire();
    if (apex.size() == name.size() - start &&
        std::memcmp(apex.data(), name.wire() + start, apex.size()) == 0) {
      return &entry;
    }
  }
  return nullptr;
}

const ZoneTree::Entry* ZoneTree::entry_of(const Name& apex) const {
  if (entries_.empty()) return nullptr;
  LookupName name;
  name.assign(apex.wire(), key_);
  return find_exact(name, name.labels());
}

void ZoneTree::add(Entry entry) {
  entry.apex = entry.apex.folded();
  LookupName name;
  name.assign(entry.apex.wire(), key_);
  lengths_[name.labels() / 64] |= uint64_t{1} << name.labels() % 64;
  entries_.push_back(std::move(entry));
  if (slots_.size() >= 2 * entries_.size()) {
    insert(name.hash(name.labels()), static_cast<uint32_t>(entries_.size()));
    return;
  }
  slots_.assign(std::bit_ceil(4 * entries_.size()), Slot{});
  for (uint32_t i = 0; i < entries_.size(); ++i) {
    name.assign(entries_[i].apex.wire(), key_);
    insert(name.hash(name.labels()), i + 1);
  }
}

void ZoneTree::insert(uint64_t hash, uint32_t entry) {
  const size_t mask = slots_.size() - 1;
  size_t at = hash & mask;
  while (slots_[at].entry != 0) at = (at + 1) & mask;
  slots_[at] = {hash, entry};
}

}  // namespace swingover::zones
