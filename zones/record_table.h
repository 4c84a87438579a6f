#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/diagnostics.h"
#include "zones/name.h"
#include "zones/zone_contents.h"

namespace swingover::zones {

/// All records of a master file as they were read, then sorted into contents.
///
/// Shape   An owner, then its records; the same owner may come again later. The data of a record is written to
///         the end of rdata_arena() before add().
/// Memory  20 octets a record and 8 an owner beside their octets, 24 an owner and a key of some more octets than its
///         name until they are sorted, 4 from then on.
/// Limits  4 GiB of names and as much of data: has_room() says whether one more record fits.
class RecordTable {
 public:
  /// `text_octets` of a file: what it can hold at most is reserved, and costs memory only as it is filled.
  RecordTable(size_t text_octets, size_t text_lines);

  /// The owner's labels left of the apex, as spelled.
  void set_owner(Bytes labels);
  std::vector<uint8_t>& rdata_arena() { return rdatas_; }
  /// The data is what rdata_arena() holds from `rdata` on.
  void add(uint16_t type, uint32_t ttl, size_t rdata, Position at);
  bool has_room() const;

  /// Sorts; reports duplicates and sets of several TTLs; `places` as for check_zone(). The table is empty then.
  std::shared_ptr<const ZoneContents> build(const Name& apex, Diagnostics& diagnostics,
                                            std::vector<Position>& places);

 private:
  struct Record {
    uint32_t rdata = 0;  // in rdatas_
    uint32_t ttl = 0;
    Position at;
    uint16_t type = 0;
    uint16_t rdata_size = 0;
  };
  // One time that an owner was set; its records reach to the first of the next.
  struct OwnerRun {
    uint32_t name = 0;  // in names_: size of the labels, labels
    uint32_t first_record = 0;
  };
  /// A run's place in the order of owners. Each has two octets of keys_ at least, so that 31 bits number them.
  struct Sorted {
    uint32_t run : 31 = 0;
    uint32_t is_new : 1 = 1;  // its owner is not that of the one in front
  };
  struct SortItem {
    uint64_t octets = 0;  // of the key, those at the depth being sorted
    uint32_t run = 0;
    uint32_t key_at = 0;  // in keys_
    uint16_t key_size = 0;
    bool is_new = true;  // its owner is not that of the item in front
  };
  class ContentsBuilder;

  Bytes labels_of(uint32_t run) const;
  Bytes rdata_of(const Record& record) const {
    return {rdatas_.data() + record.rdata, record.rdata_size};
  }
  std::span<const Record> records_of(uint32_t run) const;
  /// And lets the keys go.
  std::vector<Sorted> sort_runs();
  void sort_from(std::span<SortItem> items, size_t depth) const;
  void prefetch_behind(std::span<const Sorted> runs, size_t at) const;
  int compare_rdatas(const Record& a, const Record& b) const;

  std::vector<Record> records_;
  std::vector<OwnerRun> runs_;
  std::vector<uint8_t> names_;
  std::vector<uint8_t> keys_;  // by run: its size, the octets it is sorted by
  std::vector<uint8_t> rdatas_;
};

}  // namespace swingover::zones
