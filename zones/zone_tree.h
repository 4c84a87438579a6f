#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/units.h"
#include "zones/lookup_name.h"
#include "zones/name.h"
#include "zones/zone.h"

namespace swingover::zones {

class TransferZone;
struct ZoneSigning;

/// All zones of a generation: name to closest zone, and from a zone's services to those of the generation.
///
/// Cost     find(): one probe for each length (in labels) that some apex has and the name reaches; one, mostly.
/// Threads  Any, read only. Hot path but for add().
class ZoneTree {
 public:
  struct Entry {
    Name apex;                                       // lower case
    std::shared_ptr<const Zone> zone;                // null: its file could not be loaded
    std::vector<ServiceId> services;                 // by place in the zone
    std::shared_ptr<const TransferZone> transfer{};  // null: no secondary has it
    std::shared_ptr<const ZoneSigning> signing{};    // null: it is not signed
  };

  /// Each apex once.
  void add(Entry entry);

  /// The zone with the longest apex that is `name` or above it, among those with at most `labels_max` labels.
  const Entry* find(const LookupName& name, unsigned labels_max) const;
  const Entry* find(const LookupName& name) const { return find(name, name.labels()); }

  const Entry* entry_of(const Name& apex) const;
  std::span<const Entry> entries() const { return entries_; }
  const HashKey& key() const { return key_; }

 private:
  struct Slot {
    uint64_t hash = 0;
    uint32_t entry = 0;  // place + 1; 0: empty
  };

  const Entry* find_exact(const LookupName& name, unsigned labels) const;
  void insert(uint64_t hash, uint32_t entry);

  HashKey key_ = HashKey::of_process();
  std::array<uint64_t, 2> lengths_{};  // bit n: some apex has n labels
  std::vector<Slot> slots_;
  std::vector<Entry> entries_;
};

}  // namespace swingover::zones
