#pragma once

#include <compare>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

#include "base/units.h"
#include "zones/name.h"

namespace swingover::zones {

/// A number as it lies in the octets of zone contents: 7 bits an octet, least first, the last one below 128.
void append_packed(uint64_t number, std::vector<uint8_t>& out);
inline uint64_t read_packed(const uint8_t*& at) {
  uint64_t number = *at & 0x7f;
  for (unsigned shift = 7; *at++ & 0x80; shift += 7) number |= uint64_t{*at & 0x7fU} << shift;
  return number;
}

/// The RDATAs of one set: each with its size in front. A view of somebody's octets.
class RdataList {
 public:
  RdataList() = default;
  RdataList(size_t count, Bytes octets) : count_(count), octets_(octets) {}

  /// One more RDATA behind those that `octets` holds.
  static void append(Bytes rdata, std::vector<uint8_t>& octets);

  class Iterator {
   public:
    using value_type = Bytes;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    explicit Iterator(const uint8_t* at) : at_(at) {}
    Bytes operator*() const {
      const uint8_t* at = at_;
      const size_t size = read_packed(at);
      return {at, size};
    }
    Iterator& operator++() {
      const size_t size = read_packed(at_);
      at_ += size;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const uint8_t* at_ = nullptr;
  };

  Iterator begin() const { return Iterator(octets_.data()); }
  Iterator end() const { return Iterator(octets_.data() + octets_.size()); }
  size_t size() const { return count_; }
  bool empty() const { return count_ == 0; }
  Bytes octets() const { return octets_; }
  /// Walks over those in front.
  Bytes operator[](size_t place) const {
    return *std::next(begin(), static_cast<ptrdiff_t>(place));
  }

 private:
  size_t count_ = 0;
  Bytes octets_;
};

/// All records of one owner, class IN and one type (RFC 2181 section 5): one TTL. A view.
struct Rrset {
  uint16_t type = 0;
  Ttl ttl;
  RdataList rdatas;   // uncompressed wire form (RFC 3597); from a file sorted, no duplicates
  unsigned line = 0;  // of its first record in the file
};

/// A record by itself, for those that make contents from other things than a file.
struct ZoneRecord {
  Name owner;
  uint16_t type = 0;
  Ttl ttl;
  std::vector<uint8_t> rdata;
  unsigned line = 0;
};

/// The static records of one zone as its master file gives them: checked, in canonical order,
/// immutable. Parsed once, compiled into each generation that uses it.
///
/// Shape    Owners, their sets and those sets' data follow each other in one run of octets; what is read are
///          views of it, cheap to make and to copy, good as long as the contents live:
///            for (const ZoneContents::Owner owner : contents.owners())
///              for (const Rrset& set : owner.rrsets())
///                for (const Bytes rdata : set.rdatas) …
/// Memory   Some 30 octets for a name with an address, its own octets among them.
/// Threads  Any, read only. Control path.
class ZoneContents {
 public:
  class Owner;
  class Owners;

  /// For tests and benchmarks, and records that come from elsewhere than a file: brings owners into canonical
  /// order and their sets into that of types, and checks nothing. A set's TTL and line, and its owner's spelling,
  /// are those of its first record; its RDATAs stay in the order given. `records` are at or below the apex.
  static std::shared_ptr<const ZoneContents> make(const Name& apex,
                                                  std::vector<ZoneRecord> records);

  const Name& apex() const { return apex_; }
  size_t records() const { return records_; }
  /// Canonical order; the apex first; none without records.
  Owners owners() const;
  /// Cost: a binary search.
  std::optional<Owner> find(const Name& name) const;
  /// Whether a name that is `name` or below it has records.
  bool has_at_or_below(const Name& name) const;
  size_t memory_octets() const;

 private:
  friend class ZoneContentsWriter;

  size_t lower_bound(const Name& name) const;

  Name apex_;
  std::vector<uint32_t> places_;  // of each owner in octets_, and behind the last where it ends
  std::vector<uint8_t> octets_;
  size_t records_ = 0;
};

/// One name and its records. A view.
class ZoneContents::Owner {
 public:
  /// The sets, by type, ascending; at least one.
  class Rrsets {
   public:
    class Iterator {
     public:
      using value_type = Rrset;
      using difference_type = std::ptrdiff_t;
      Iterator() = default;
      explicit Iterator(const uint8_t* at) : at_(at) {}
      Rrset operator*() const;
      Iterator& operator++();
      Iterator operator++(int) {
        const Iterator before = *this;
        ++*this;
        return before;
      }
      friend bool operator==(const Iterator&, const Iterator&) = default;

     private:
      const uint8_t* at_ = nullptr;
    };
    explicit Rrsets(Bytes octets) : octets_(octets) {}
    Iterator begin() const { return Iterator(octets_.data()); }
    Iterator end() const { return Iterator(octets_.data() + octets_.size()); }
    /// Counts them.
    size_t size() const { return static_cast<size_t>(std::distance(begin(), end())); }

   private:
    Bytes octets_;
  };

  Name name() const;
  /// The name's octets left of the apex, as spelled in the file: none for the apex itself.
  Bytes labels() const { return octets_.subspan(1, octets_[0]); }
  bool is_apex() const { return octets_[0] == 0; }
  Rrsets rrsets() const { return Rrsets(octets_.subspan(1U + octets_[0])); }
  std::optional<Rrset> find(uint16_t type) const;
  unsigned line() const;  // of its first record in the file

 private:
  friend class ZoneContents;
  Owner(const ZoneContents& zone, size_t place)
      : zone_(&zone),
        octets_(zone.octets_.data() + zone.places_[place],
                zone.places_[place + 1] - zone.places_[place]) {}

  const ZoneContents* zone_;
  Bytes octets_;
};

/// By number, 0 to size() - 1.
class ZoneContents::Owners {
 public:
  class Iterator {
   public:
    using value_type = Owner;
    using difference_type = std::ptrdiff_t;
    Iterator() = default;
    Iterator(const ZoneContents* zone, size_t place) : zone_(zone), place_(place) {}
    Owner operator*() const { return Owner(*zone_, place_); }
    Iterator& operator++() {
      ++place_;
      return *this;
    }
    Iterator operator++(int) { return {zone_, place_++}; }
    friend bool operator==(const Iterator&, const Iterator&) = default;

   private:
    const ZoneContents* zone_ = nullptr;
    size_t place_ = 0;
  };

  explicit Owners(const ZoneContents& zone) : zone_(&zone) {}
  size_t size() const { return zone_->places_.empty() ? 0 : zone_->places_.size() - 1; }
  bool empty() const { return size() == 0; }
  Owner operator[](size_t place) const { return Owner(*zone_, place); }
  Iterator begin() const { return {zone_, 0}; }
  Iterator end() const { return {zone_, size()}; }

 private:
  const ZoneContents* zone_;
};

inline ZoneContents::Owners ZoneContents::owners() const {
  return Owners(*this);
}

/// Fills contents, owner after owner in canonical order. Without a size known before, its memory grows as a
/// vector's does.
class ZoneContentsWriter {
 public:
  explicit ZoneContentsWriter(const Name& apex);

  /// What follows will hold so many owners, and at most so many octets of names and data.
  void reserve(size_t owners, size_t octets);
  /// `labels`: as Owner::labels().
  void begin_owner(Bytes labels);
  void add_set(const Rrset& set);
  /// False once the octets are more than contents can hold, 4 GiB; what was added since is not there.
  bool fits() const { return fits_; }
  std::shared_ptr<const ZoneContents> finish();

 private:
  std::shared_ptr<ZoneContents> zone_;
  bool fits_ = true;
};

/// Canonical order (RFC 4034 section 6.1) of two names by their labels left of one apex.
std::strong_ordering compare_labels(Bytes a, Bytes b);

}  // namespace swingover::zones
