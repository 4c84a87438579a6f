#include "zones/record_table.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <string>

#include "zones/protocol.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {
namespace {

// Octets whose memcmp order is the canonical order of names (RFC 4034 section 6.1): labels from the right,
// folded, each ended by 0; the octets 0 and 1 become pairs so that nothing in a label equals that end.
void append_sort_key(Bytes labels, std::vector<uint8_t>& out) {
  std::array<uint8_t, 128> starts;
  size_t count = 0;
  for (size_t at = 0; at < labels.size(); at += 1U + labels[at])
    starts[count++] = static_cast<uint8_t>(at);
  while (count > 0) {
    const size_t at = starts[--count];
    for (const uint8_t octet : labels.subspan(at + 1, labels[at])) {
      if (octet <= 1) out.push_back(1);
      out.push_back(octet <= 1 ? static_cast<uint8_t>(octet + 1) : folded_octet(octet));
    }
    out.push_back(0);
  }
}

// Where the one name begins that the rest of such data is; two spellings of it are the same data.
std::optional<size_t> name_offset(uint16_t type) {
  switch (type) {
    case type::ns:
    case type::cname:
    case type::ptr:
    case type::dname:
      return 0;
    case type::mx:
    case type::afsdb:
    case type::rt:
    case type::kx:
      return 2;
    case type::srv:
      return 6;
    default:
      return std::nullopt;
  }
}

// The first eight octets of a key, or of what is left of it, as a number that orders as they do; behind the end
// stand zeros, which are in front of every octet that a label could go on with.
uint64_t first_octets(const uint8_t* key, size_t left) {
  std::array<uint8_t, 8> octets{};
  std::memcpy(octets.data(), key, std::min(octets.size(), left));
  return uint64_t{read_u32(octets.data())} << 32 | read_u32(octets.data() + 4);
}

void prefetch(const void* address) {
  __builtin_prefetch(address);
}

// How many steps ahead memory is asked for that is read in no order: the sorted one's neighbours lie anywhere.
constexpr size_t ahead = 8;

constexpr size_t one_name_max = 2 + 2 * Name::size_max;  // in keys_, which takes most

}  // namespace

RecordTable::RecordTable(size_t text_octets, size_t text_lines) {
  records_.reserve(text_lines);
  runs_.reserve(text_lines);
  names_.reserve(text_octets);
  keys_.reserve(text_octets);
  rdatas_.reserve(text_octets / 2);
}

bool RecordTable::has_room() const {
  const size_t names = std::max(names_.size(), keys_.size());
  return names <= UINT32_MAX - one_name_max && rdatas_.size() <= UINT32_MAX - 2 * 65536 &&
         records_.size() < UINT32_MAX;
}

void RecordTable::set_owner(Bytes labels) {
  runs_.push_back({static_cast<uint32_t>(names_.size()), static_cast<uint32_t>(records_.size())});
  names_.push_back(static_cast<uint8_t>(labels.size()));
  names_.insert(names_.end(), labels.begin(), labels.end());
  const size_t size_at = keys_.size();
  keys_.resize(size_at + 2);
  append_sort_key(labels, keys_);
  write_u16(&keys_[size_at], static_cast<unsigned>(keys_.size() - size_at - 2));
}

void RecordTable::add(uint16_t type, uint32_t ttl, size_t rdata, Position at) {
  records_.push_back(
      {static_cast<uint32_t>(rdata), ttl, at, type, static_cast<uint16_t>(rdatas_.size() - rdata)});
}

Bytes RecordTable::labels_of(uint32_t run) const {
  const uint8_t* at = &names_[runs_[run].name];
  return {at + 1, *at};
}

std::span<const RecordTable::Record> RecordTable::records_of(uint32_t run) const {
  const size_t end = run + 1 < runs_.size() ? runs_[run + 1].first_record : records_.size();
  return std::span(records_).subspan(runs_[run].first_record, end - runs_[run].first_record);
}

std::vector<RecordTable::Sorted> RecordTable::sort_runs() {
  std::vector<SortItem> items(runs_.size());
  uint32_t at = 0;
  for (uint32_t run = 0; run < items.size(); ++run) {
    items[run].run = run;
    items[run].key_at = at + 2;
    items[run].key_size = read_u16(&keys_[at]);
    at = items[run].key_at + items[run].key_size;
  }
  sort_from(items, 0);
  keys_ = {};
  std::vector<Sorted> sorted;
  sorted.reserve(items.size());
  for (const SortItem& item : items) sorted.push_back({item.run & INT32_MAX, item.is_new});
  return sorted;
}

/// Eight octets at a time, and only where those in front are equal: a comparison touches no key, and what names
/// have in common is compared once. Runs of one owner stay in the order of the file.
void RecordTable::sort_from(std::span<SortItem> items, size_t depth) const {
  constexpr size_t step = sizeof(SortItem::octets);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i + ahead < items.size()) prefetch(&keys_[items[i + ahead].key_at] + depth);
    SortItem& item = items[i];
    const size_t left = item.key_size > depth ? item.key_size - depth : 0;
    item.octets = left == 0 ? 0 : first_octets(&keys_[item.key_at + depth], left);
  }
  const auto precedes = [](const SortItem& a, const SortItem& b) {
    return a.octets != b.octets ? a.octets < b.octets : a.run < b.run;
  };
  if (!std::ranges::is_sorted(items, precedes)) std::ranges::sort(items, precedes);
  for (size_t from = 0; from < items.size();) {
    bool goes_on = items[from].key_size > depth + step;
    size_t to = from + 1;
    for (; to < items.size() && items[to].octets == items[from].octets; ++to)
      goes_on = goes_on || items[to].key_size > depth + step;
    const auto equal = items.subspan(from, to - from);
    if (equal.size() > 1 && goes_on) {
      sort_from(equal, depth + step);
    } else {
      for (SortItem& item : equal.subspan(1)) item.is_new = false;
    }
    from = to;
  }
}

/// What lies behind an owner is found in three steps, so each is asked for before the next one needs it.
void RecordTable::prefetch_behind(std::span<const Sorted> runs, size_t at) const {
  if (at + 3 * ahead < runs.size()) prefetch(&runs_[runs[at + 3 * ahead].run]);
  if (at + 2 * ahead < runs.size()) {
    const OwnerRun& run = runs_[runs[at + 2 * ahead].run];
    prefetch(&names_[run.name]);
    prefetch(records_.data() + run.first_record);
  }
  if (at + ahead < runs.size()) {
    const size_t first = runs_[runs[at + ahead].run].first_record;
    if (first < records_.size()) prefetch(rdatas_.data() + records_[first].rdata);
  }
}

int RecordTable::compare_rdatas(const Record& a, const Record& b) const {
  const Bytes mine = rdata_of(a);
  const Bytes theirs = rdata_of(b);
  const size_t common = std::min(mine.size(), theirs.size());
  const size_t exact = std::min(common, name_offset(a.type).value_or(common));
  // An RDATA may be empty (APL), and memcmp() takes no null pointer even for no octets.
  const int order = exact == 0 ? 0 : std::memcmp(mine.data(), theirs.data(), exact);
  if (order != 0) return order;
  for (size_t i = exact; i < common; ++i) {
    const int folded = folded_octet(mine[i]) - folded_octet(theirs[i]);
    if (folded != 0) return folded;
  }
  return static_cast<int>(mine.size()) - static_cast<int>(theirs.size());
}

/// Owner after owner, what its runs hold.
class RecordTable::ContentsBuilder {
 public:
  ContentsBuilder(const RecordTable& table, const Name& apex, Diagnostics& diagnostics,
                  std::vector<Position>& places)
      : table_(table), writer_(apex), diagnostics_(diagnostics), places_(places) {
    // Numbers take as much again as short data; what is reserved too much costs nothing, being untouched.
    writer_.reserve(table.runs_.size(),
                    table.names_.size() + table.rdatas_.size() + 16 * table.records_.size());
    places_.reserve(table.records_.size());
  }

  void add_owner(std::span<const Sorted> runs) {
    records_.clear();
    for (const Sorted& sorted : runs) {
      const auto more = table_.records_of(sorted.run);
      records_.insert(records_.end(), more.begin(), more.end());
    }
    if (records_.empty()) return;
    if (records_.size() > 1) {
      std::ranges::sort(records_, [this](const Record& a, const Record& b) {
        if (a.type != b.type) return a.type < b.type;
        const int order = table_.compare_rdatas(a, b);
        return order != 0 ? order < 0 : a.at < b.at;
      });
    }
    writer_.begin_owner(table_.labels_of(runs[0].run));
    const std::span<const Record> all(records_);
    for (size_t from = 0; from < all.size();) {
      size_t to = from + 1;
      while (to < all.size() && all[to].type == all[from].type) ++to;
      add_set(all.subspan(from, to - from));
      from = to;
    }
  }

  std::shared_ptr<const ZoneContents> finish() {
    if (!writer_.fits()) diagnostics_.error({}, "the zone has more than 4 GiB of names and data");
    return writer_.finish();
  }

 private:
  void add_set(std::span<const Record> records);

  const RecordTable& table_;
  ZoneContentsWriter writer_;
  Diagnostics& diagnostics_;
  std::vector<Position>& places_;
  std::vector<Record> records_;  // of the owner at hand
  std::vector<uint8_t> octets_;
};

// `records`: the same owner and type, sorted by data.
void RecordTable::ContentsBuilder::add_set(std::span<const Record> records) {
  const Record& first = *std::ranges::min_element(records, {}, &Record::at);
  Rrset set{.type = first.type, .ttl = Ttl(first.ttl), .rdatas = {}, .line = first.at.line};
  size_t count = 0;
  octets_.clear();
  const Record* previous = nullptr;
  for (const Record& record : records) {
    if (previous && table_.compare_rdatas(*previous, record) == 0) {
      diagnostics_.error(
          record.at, "this record is already there, on line " + std::to_string(previous->at.line));
      continue;
    }
    previous = &record;
    // Signatures take the TTL of what they sign (RFC 4034 section 3): theirs may differ.
    if (record.type == type::rrsig) {
      set.ttl = std::min(set.ttl, Ttl(record.ttl));
    } else if (record.ttl != first.ttl) {
      diagnostics_.error(record.at, "the TTL " + std::to_string(record.ttl) +
                                        " differs from that of the " + type_text(first.type) +
                                        " record on line " + std::to_string(first.at.line) + ", " +
                                        std::to_string(first.ttl) +
                                        ": a set has one TTL (RFC 2181 section 5.2)");
    }
    RdataList::append(table_.rdata_of(record), octets_);
    places_.push_back(record.at);
    ++count;
  }
  set.rdatas = RdataList(count, octets_);
  writer_.add_set(set);
}

std::shared_ptr<const ZoneContents> RecordTable::build(const Name& apex, Diagnostics& diagnostics,
                                                       std::vector<Position>& places) {
  const std::vector<Sorted> runs = sort_runs();
  ContentsBuilder builder(*this, apex, diagnostics, places);
  for (size_t from = 0; from < runs.size();) {
    prefetch_behind(runs, from);
    size_t to = from + 1;
    while (to < runs.size() && !runs[to].is_new) ++to;
    builder.add_owner(std::span(runs).subspan(from, to - from));
    from = to;
  }
  auto contents = builder.finish();
  records_ = {};
  runs_ = {};
  names_ = {};
  rdatas_ = {};
  return contents;
}

}  // namespace swingover::zones
