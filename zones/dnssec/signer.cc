#include "zones/dnssec/signer.h"

#include <algorithm>
#include <array>
#include <cassert>

#include "zones/protocol.h"

namespace swingover::dnssec {
namespace {

using zones::folded_octet;
using zones::read_u16;
using zones::read_u32;
using zones::write_u16;
using zones::write_u32;
namespace type = zones::type;

constexpr size_t record_fixed_size = 10;  // type, class, TTL, RDLENGTH

/// RDATA whose names are told by octets in front of them and how many follow one another.
struct NamePlaces {
  size_t before = 0;
  unsigned names = 0;
};

NamePlaces name_places(uint16_t type) {
  switch (type) {
    case type::ns:
    case type::md:
    case type::mf:
    case type::cname:
    case type::mb:
    case type::mg:
    case type::mr:
    case type::ptr:
    case type::nxt:
    case type::dname:
      return {0, 1};
    case type::soa:
    case type::minfo:
    case type::rp:
      return {0, 2};
    case type::mx:
    case type::afsdb:
    case type::rt:
    case type::kx:
      return {2, 1};
    case type::px:
      return {2, 2};
    case type::srv:
      return {6, 1};
    case type::sig:
    case type::rrsig:
      return {rrsig_fixed_size, 1};
    default:
      return {};
  }
}

/// Behind the name at `at`, now in lower case; the end of the RDATA if there is no whole name.
size_t fold_name(std::span<uint8_t> rdata, size_t at) {
  while (at < rdata.size() && rdata[at] != 0) {
    const size_t length = rdata[at];
    if (length > 63 || rdata.size() - at <= length) return rdata.size();
    for (uint8_t& octet : rdata.subspan(at + 1, length)) octet = folded_octet(octet);
    at += 1 + length;
  }
  return std::min(at + 1, rdata.size());
}

/// Where the name of an NAPTR begins: behind two numbers and three texts (RFC 3403 section 4.1).
size_t naptr_name(Bytes rdata) {
  size_t at = 4;
  for (int texts = 0; texts < 3 && at < rdata.size(); ++texts) at += 1U + rdata[at];
  return at;
}

/// Where the name of an A6 begins: behind the prefix' length and the other bits of the address (RFC 2874 section 3.1).
size_t a6_name(Bytes rdata) {
  const size_t prefix_bits = rdata.empty() ? 0 : std::min<size_t>(rdata[0], 128);
  return 1 + (128 - prefix_bits + 7) / 8;
}

uint8_t label_count(Bytes name) {
  uint8_t labels = 0;
  for (size_t at = 0; name[at] != 0; at += 1U + name[at]) ++labels;
  return labels;
}

size_t name_size(Bytes wire) {
  size_t at = 0;
  while (at < wire.size() && wire[at] != 0) {
    if (wire[at] > 63) return 0;
    at += 1U + wire[at];
  }
  return at < std::min<size_t>(wire.size(), Name::size_max) ? at + 1 : 0;
}

void append_folded(Bytes octets, std::vector<uint8_t>& out) {
  for (const uint8_t octet : octets) out.push_back(folded_octet(octet));
}

/// At least 2^31 ahead counts as behind.
bool is_before(uint32_t a, uint32_t b) {
  return static_cast<int32_t>(a - b) < 0;
}

}  // namespace

uint8_t signed_labels(Bytes owner) {
  const bool is_wildcard = owner.size() > 2 && owner[0] == 1 && owner[1] == '*';
  return static_cast<uint8_t>(label_count(owner) - (is_wildcard ? 1 : 0));
}

bool holds_at(const Validity& validity, uint32_t now_seconds) {
  return !is_before(now_seconds, validity.inception) &&
         !is_before(validity.expiration, now_seconds);
}

void fold_rdata_names(uint16_t type, std::span<uint8_t> rdata) {
  NamePlaces places = name_places(type);
  if (type == type::naptr) places = {naptr_name(rdata), 1};
  if (type == type::a6) places = {a6_name(rdata), 1};
  size_t at = places.before;
  for (unsigned i = 0; i < places.names && at < rdata.size(); ++i) at = fold_name(rdata, at);
}

void SignRequest::begin(Bytes owner, uint16_t type, uint32_t ttl_seconds) {
  assert(name_size(owner) == owner.size());
  owner_.clear();
  append_folded(owner, owner_);
  type_ = type;
  ttl_seconds_ = ttl_seconds;
  rdatas_.clear();
  items_.clear();
  is_sorted_ = false;
}

void SignRequest::add(Bytes rdata) {
  assert(rdata.size() <= UINT16_MAX);
  const size_t at = rdatas_.size();
  rdatas_.insert(rdatas_.end(), rdata.begin(), rdata.end());
  items_.push_back({static_cast<uint32_t>(at), static_cast<uint32_t>(rdata.size())});
  fold_rdata_names(type_, std::span(rdatas_).subspan(at));
  is_sorted_ = false;
}

// Section 6.3: by octets, the shorter of two that agree so far first.
void SignRequest::sort() {
  if (is_sorted_) return;
  is_sorted_ = true;
  const auto precedes = [this](const Item& a, const Item& b) {
    return std::ranges::lexicographical_compare(rdata_of(a), rdata_of(b));
  };
  const auto same = [this](const Item& a, const Item& b) {
    return std::ranges::equal(rdata_of(a), rdata_of(b));
  };
  std::ranges::sort(items_, precedes);
  items_.erase(std::unique(items_.begin(), items_.end(), same), items_.end());
}

void SignRequest::write_signed(Bytes rrsig_head, Bytes owner, uint32_t ttl_seconds) {
  assert(!items_.empty());
  sort();
  signed_.assign(rrsig_head.begin(), rrsig_head.end());
  for (const Item& item : items_) {
    signed_.insert(signed_.end(), owner.begin(), owner.end());
    std::array<uint8_t, record_fixed_size> fixed;
    write_u16(&fixed[0], type_);
    write_u16(&fixed[2], zones::dns_class::in);
    write_u32(&fixed[4], ttl_seconds);
    write_u16(&fixed[8], item.size);
    signed_.insert(signed_.end(), fixed.begin(), fixed.end());
    const Bytes rdata = rdata_of(item);
    signed_.insert(signed_.end(), rdata.begin(), rdata.end());
  }
}

Bytes SignRequest::sign(KeyUse& key, Bytes signer, const Validity& validity) {
  rrsig_.resize(rrsig_fixed_size);
  write_u16(&rrsig_[0], type_);
  rrsig_[2] = static_cast<uint8_t>(key.key().algorithm());
  rrsig_[3] = signed_labels(owner_);
  write_u32(&rrsig_[4], ttl_seconds_);
  write_u32(&rrsig_[8], validity.expiration);
  write_u32(&rrsig_[12], validity.inception);
  write_u16(&rrsig_[16], key.key().tag());
  append_folded(signer, rrsig_);
  write_signed(rrsig_, owner_, ttl_seconds_);
  const size_t head = rrsig_.size();
  rrsig_.resize(head + key.key().signature_size());
  const size_t size = key.sign(signed_, std::span(rrsig_).subspan(head));
  return size == 0 ? Bytes() : Bytes(rrsig_).first(head + size);
}

SignatureCheck SignRequest::check(Bytes dnskey_rdata, Bytes rrsig_rdata, uint32_t now_seconds) {
  if (rrsig_rdata.size() <= rrsig_fixed_size || dnskey_rdata.size() < dnskey_fixed_size)
    return SignatureCheck::malformed;
  const size_t signer_size = name_size(rrsig_rdata.subspan(rrsig_fixed_size));
  if (signer_size == 0) return SignatureCheck::malformed;
  const uint8_t labels = signed_labels(owner_);
  if (read_u16(&rrsig_rdata[0]) != type_ || rrsig_rdata[3] > labels)
    return SignatureCheck::other_set;
  if (rrsig_rdata[2] != dnskey_rdata[3] || read_u16(&rrsig_rdata[16]) != key_tag(dnskey_rdata))
    return SignatureCheck::other_key;
  const Validity validity{.inception = read_u32(&rrsig_rdata[12]),
                          .expiration = read_u32(&rrsig_rdata[8])};
  if (!holds_at(validity, now_seconds)) return SignatureCheck::out_of_time;

  const size_t head = rrsig_fixed_size + signer_size;
  rrsig_.assign(rrsig_rdata.begin(), rrsig_rdata.begin() + static_cast<std::ptrdiff_t>(head));
  for (uint8_t& octet : std::span(rrsig_).subspan(rrsig_fixed_size)) octet = folded_octet(octet);
  // A label that the RRSIG does not count was a "*" in the zone, together with all left of it.
  std::array<uint8_t, Name::size_max> wildcard{1, '*'};
  Bytes owner = owner_;
  if (rrsig_rdata[3] < labels) {
    size_t at = 0;
    for (int left = label_count(owner_) - rrsig_rdata[3]; left > 0; --left) at += 1U + owner_[at];
    const Bytes rest = owner.subspan(at);
    std::ranges::copy(rest, wildcard.begin() + 2);
    owner = Bytes(wildcard).first(2 + rest.size());
  }
  write_signed(rrsig_, owner, read_u32(&rrsig_rdata[4]));
  return is_signed_by(dnskey_rdata, signed_, rrsig_rdata.subspan(head)) ? SignatureCheck::valid
                                                                        : SignatureCheck::wrong;
}

}  // namespace swingover::dnssec
