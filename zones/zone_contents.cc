#include "zones/zone_contents.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "base/shrink.h"

namespace swingover::zones {
namespace {

// Where each label starts, from the left; `labels` is a name without its root or its apex.
size_t label_starts(Bytes labels, std::array<uint8_t, 128>& starts) {
  size_t count = 0;
  for (size_t at = 0; at < labels.size(); at += 1U + labels[at])
    starts[count++] = static_cast<uint8_t>(at);
  return count;
}

Bytes labels_of(const Name& name, const Name& apex) {
  return name.wire().first(name.wire().size() - apex.wire().size());
}

}  // namespace

void append_packed(uint64_t number, std::vector<uint8_t>& out) {
  for (; number >= 0x80; number >>= 7) out.push_back(static_cast<uint8_t>(number | 0x80));
  out.push_back(static_cast<uint8_t>(number));
}

void RdataList::append(Bytes rdata, std::vector<uint8_t>& octets) {
  append_packed(rdata.size(), octets);
  octets.insert(octets.end(), rdata.begin(), rdata.end());
}

std::strong_ordering compare_labels(Bytes a, Bytes b) {
  std::array<uint8_t, 128> a_starts;
  std::array<uint8_t, 128> b_starts;
  size_t a_left = label_starts(a, a_starts);
  size_t b_left = label_starts(b, b_starts);
  while (a_left > 0 && b_left > 0) {
    const uint8_t* mine = &a[a_starts[--a_left]];
    const uint8_t* theirs = &b[b_starts[--b_left]];
    const size_t common = std::min(mine[0], theirs[0]);
    if (std::memcmp(mine + 1, theirs + 1, common) != 0) {
      for (size_t i = 1; i <= common; ++i) {
        const auto order = folded_octet(mine[i]) <=> folded_octet(theirs[i]);
        if (order != 0) return order;
      }
    }
    if (mine[0] != theirs[0]) return mine[0] <=> theirs[0];
  }
  return a_left <=> b_left;
}

// A set lies as its type, TTL, line, number of RDATAs and their octets, packed numbers all, then the RDATAs.
Rrset ZoneContents::Owner::Rrsets::Iterator::operator*() const {
  const uint8_t* at = at_;
  Rrset set;
  set.type = static_cast<uint16_t>(read_packed(at));
  set.ttl = Ttl(static_cast<uint32_t>(read_packed(at)));
  set.line = static_cast<unsigned>(read_packed(at));
  const size_t count = read_packed(at);
  const size_t octets = read_packed(at);
  set.rdatas = RdataList(count, {at, octets});
  return set;
}

ZoneContents::Owner::Rrsets::Iterator& ZoneContents::Owner::Rrsets::Iterator::operator++() {
  const Bytes octets = (**this).rdatas.octets();
  at_ = octets.data() + octets.size();
  return *this;
}

std::optional<Rrset> ZoneContents::Owner::find(uint16_t type) const {
  for (const Rrset set : rrsets()) {
    if (set.type == type) return set;
  }
  return std::nullopt;
}

unsigned ZoneContents::Owner::line() const {
  unsigned line = UINT32_MAX;
  for (const Rrset set : rrsets()) line = std::min(line, set.line);
  return line;
}

Name ZoneContents::Owner::name() const {
  std::array<uint8_t, Name::size_max> wire;
  const Bytes apex = zone_->apex_.wire();
  std::ranges::copy(labels(), wire.begin());
  std::ranges::copy(apex, wire.begin() + octets_[0]);
  return *Name::from_wire({wire.data(), octets_[0] + apex.size()});
}

size_t ZoneContents::lower_bound(const Name& name) const {
  const Bytes labels = labels_of(name, apex_);
  size_t low = 0;
  size_t high = owners().size();
  while (low < high) {
    const size_t middle = low + (high - low) / 2;
    if (compare_labels(owners()[middle].labels(), labels) < 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

std::optional<ZoneContents::Owner> ZoneContents::find(const Name& name) const {
  if (!name.is_at_or_below(apex_)) return std::nullopt;
  const size_t place = lower_bound(name);
  if (place == owners().size()) return std::nullopt;
  const Owner owner = owners()[place];
  if (compare_labels(owner.labels(), labels_of(name, apex_)) != 0) return std::nullopt;
  return owner;
}

bool ZoneContents::has_at_or_below(const Name& name) const {
  if (!name.is_at_or_below(apex_)) return false;
  const size_t place = lower_bound(name);
  return place < owners().size() && owners()[place].name().is_at_or_below(name);
}

size_t ZoneContents::memory_octets() const {
  return sizeof *this + places_.size() * sizeof places_[0] + octets_.size();
}

std::shared_ptr<const ZoneContents> ZoneContents::make(const Name& apex,
                                                       std::vector<ZoneRecord> records) {
  std::ranges::stable_sort(records, [](const ZoneRecord& a, const ZoneRecord& b) {
    const auto order = a.owner <=> b.owner;
    return order != 0 ? order < 0 : a.type < b.type;
  });
  ZoneContentsWriter writer(apex);
  for (auto from = records.begin(); from != records.end();) {
    const ZoneRecord& first = *from;
    const auto to = std::find_if(from, records.end(), [&](const ZoneRecord& record) {
      return record.type != first.type || !(record.owner == first.owner);
    });
    if (from == records.begin() || !(std::prev(from)->owner == first.owner))
      writer.begin_owner(labels_of(first.owner, apex));
    std::vector<uint8_t> octets;
    for (auto at = from; at != to; ++at) RdataList::append(at->rdata, octets);
    const auto count = static_cast<size_t>(to - from);
    writer.add_set({first.type, first.ttl, RdataList(count, octets), first.line});
    from = to;
  }
  return writer.finish();
}

ZoneContentsWriter::ZoneContentsWriter(const Name& apex) : zone_(std::make_shared<ZoneContents>()) {
  zone_->apex_ = apex;
}

void ZoneContentsWriter::reserve(size_t owners, size_t octets) {
  zone_->places_.reserve(owners + 1);
  zone_->octets_.reserve(octets);
}

void ZoneContentsWriter::begin_owner(Bytes labels) {
  fits_ = fits_ && zone_->octets_.size() <= UINT32_MAX - Name::size_max;
  if (!fits_) return;
  zone_->places_.push_back(static_cast<uint32_t>(zone_->octets_.size()));
  zone_->octets_.push_back(static_cast<uint8_t>(labels.size()));
  zone_->octets_.insert(zone_->octets_.end(), labels.begin(), labels.end());
}

void ZoneContentsWriter::add_set(const Rrset& set) {
  constexpr size_t fixed_max = 64;  // five packed numbers
  const Bytes rdatas = set.rdatas.octets();
  fits_ = fits_ && zone_->octets_.size() + rdatas.size() + fixed_max <= UINT32_MAX;
  if (!fits_) return;
  for (const uint64_t number : {uint64_t{set.type}, uint64_t{set.ttl.value}, uint64_t{set.line},
                                uint64_t{set.rdatas.size()}, uint64_t{rdatas.size()}})
    append_packed(number, zone_->octets_);
  zone_->octets_.insert(zone_->octets_.end(), rdatas.begin(), rdatas.end());
  zone_->records_ += set.rdatas.size();
}

std::shared_ptr<const ZoneContents> ZoneContentsWriter::finish() {
  if (!zone_->places_.empty())
    zone_->places_.push_back(static_cast<uint32_t>(zone_->octets_.size()));
  shrink_if_small(zone_->places_);
  shrink_if_small(zone_->octets_);
  return std::exchange(zone_, nullptr);
}

}  // namespace swingover::zones
