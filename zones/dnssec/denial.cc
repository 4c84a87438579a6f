#include "zones/dnssec/denial.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "zones/protocol.h"

namespace swingover::dnssec {
namespace {

using zones::folded_octet;
using zones::Name;

constexpr size_t label_max = 63;
constexpr std::array<uint16_t, 2> own_types{zones::type::rrsig, zones::type::nsec};
constexpr std::array<uint16_t, 3> absent_types{zones::type::rrsig, zones::type::nsec,
                                               zones::type::nxname};

/// Types in ascending order become windows, written when the next one begins.
class BitmapWriter {
 public:
  explicit BitmapWriter(ByteWriter& out) : out_(out) {}

  void add(uint16_t type) {
    const auto window = static_cast<uint8_t>(type >> 8);
    assert(used_ == 0 || window >= window_);
    if (window != window_) finish();
    window_ = window;
    const unsigned low = type & 0xff;
    bits_[low / 8] = static_cast<uint8_t>(bits_[low / 8] | 0x80U >> low % 8);
    used_ = std::max<size_t>(used_, low / 8 + 1);
  }
  void finish() {
    if (used_ == 0) return;
    out_.u8(window_);
    out_.u8(static_cast<uint8_t>(used_));
    out_.put(Bytes(bits_).first(used_));
    bits_ = {};
    used_ = 0;
  }

 private:
  ByteWriter& out_;
  uint8_t window_ = 0;
  size_t used_ = 0;
  std::array<uint8_t, 32> bits_{};
};

/// A name in lower case that grows and shrinks at its first label.
class Successor {
 public:
  explicit Successor(Bytes name) : size_(name.size()) {
    assert(size_ > 0 && size_ <= Name::size_max);
    at_ = wire_.size() - size_;
    for (size_t i = 0; i < size_; ++i) wire_[at_ + i] = folded_octet(name[i]);
  }

  Bytes wire() const { return {&wire_[at_], size_}; }

  /// The first name below this one, if one fits.
  bool add_label() {
    if (size_ + 2 > Name::size_max) return false;
    put_front(0);
    put_front(1);
    return true;
  }
  /// The first name behind all names below this one that differs from it in the first label; false: there is none.
  bool next_label() {
    const uint8_t length = wire_[at_];
    if (length < label_max && size_ < Name::size_max) {
      // "shop" is followed by "shop\000": one octet more in front of what stands behind the label.
      std::move(&wire_[at_], &wire_[at_] + 1 + length, &wire_[at_] - 1);
      --at_;
      ++size_;
      wire_[at_] = static_cast<uint8_t>(length + 1);
      wire_[at_ + 1 + length] = 0;
      return true;
    }
    size_t kept = length;
    while (kept > 0 && wire_[at_ + kept] == 0xff) --kept;
    if (kept == 0) return false;
    uint8_t& last = wire_[at_ + kept];
    last =
        last + 1 == 'A' ? '[' : static_cast<uint8_t>(last + 1);  // capitals order as small letters
    const size_t dropped = length - kept;
    std::move_backward(&wire_[at_], &wire_[at_] + 1 + kept, &wire_[at_] + 1 + kept + dropped);
    at_ += dropped;
    size_ -= dropped;
    wire_[at_] = static_cast<uint8_t>(kept);
    return true;
  }
  void drop_label() {
    const size_t octets = 1U + wire_[at_];
    at_ += octets;
    size_ -= octets;
  }

 private:
  void put_front(uint8_t octet) {
    wire_[--at_] = octet;
    ++size_;
  }

  std::array<uint8_t, Name::size_max> wire_;  // the name stands at its end
  size_t at_ = 0;
  size_t size_ = 0;
};

}  // namespace

void write_type_bitmap(std::span<const uint16_t> types, ByteWriter& out) {
  BitmapWriter bitmap(out);
  for (const uint16_t type : types) bitmap.add(type);
  bitmap.finish();
}

void write_nsec_of_absent(Bytes name, Bytes apex, ByteWriter& out) {
  write_next_name(name, apex, out);
  write_type_bitmap(absent_types, out);
}

void write_nsec_of_present(Bytes name, Bytes apex, std::span<const uint16_t> types,
                           ByteWriter& out) {
  write_next_name(name, apex, out);
  BitmapWriter bitmap(out);
  auto own = own_types.begin();
  for (const uint16_t type : types) {
    while (own != own_types.end() && *own <= type) bitmap.add(*own++);
    bitmap.add(type);
  }
  while (own != own_types.end()) bitmap.add(*own++);
  bitmap.finish();
}

void write_next_name(Bytes name, Bytes apex, ByteWriter& out) {
  assert(name.size() >= apex.size());
  Successor next(name);
  if (!next.add_label()) {
    while (next.wire().size() > apex.size() && !next.next_label()) next.drop_label();
  }
  out.put(next.wire());
}

}  // namespace swingover::dnssec
