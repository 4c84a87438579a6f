#include "zones/answer_writer.h"

#include <cstring>

namespace swingover::zones {
namespace {

constexpr size_t pointer_size = 2;
constexpr size_t short_record_size = 12;  // owner as a pointer, type, class, TTL, RDLENGTH
constexpr unsigned pointer_bits = 0xc000;

}  // namespace

bool AnswerWriter::put(Section section, const RrsetView& rrset, const LookupName& name,
                       unsigned owner_size, unsigned owner_place) {
  if (!fits(rrset.block.size())) return false;
  const size_t start = at_;
  std::memcpy(out_ + start, rrset.block.data(), rrset.block.size());
  at_ += rrset.block.size();
  count(section, rrset.records);
  const bool as_compiled = start == compiled_base(owner_size) && owner_place == header_size &&
                           owner_size == name.size() && name.in_question();
  if (!as_compiled) relocate(start, rrset, name, owner_size, owner_place);
  return true;
}

void AnswerWriter::relocate(size_t start, const RrsetView& rrset, const LookupName& name,
                            unsigned owner_size, unsigned owner_place) {
  size_t at = start;
  for (unsigned i = 0; i < rrset.records; ++i) {
    write_u16(out_ + at, pointer_bits | owner_place);
    at += short_record_size + read_u16(out_ + at + 10);
  }
  const size_t base = compiled_base(owner_size);
  for (const uint16_t fixup : rrset.fixups) {
    uint8_t* pointer = out_ + start + fixup;
    const unsigned target = read_u16(pointer) & pointer_max;
    const size_t moved =
        target >= base
            ? target - base + start
            : name.place_at(name.size() - owner_size + target - static_cast<unsigned>(header_size));
    write_u16(pointer, pointer_bits | static_cast<unsigned>(moved));
  }
}

/// Octets of an owner that stands at `place` already: of a pointer to it, or, where none reaches, of its
/// labels up to its end or to a pointer, which says the same wherever it stands.
size_t AnswerWriter::owner_size_at(unsigned place) const {
  if (place <= pointer_max) return pointer_size;
  size_t at = place;
  while (out_[at] != 0) {
    if (out_[at] > 63) return at + pointer_size - place;
    at += 1U + out_[at];
  }
  return at + 1 - place;
}

uint8_t* AnswerWriter::put_owner(uint8_t* to, unsigned place) const {
  const size_t size = owner_size_at(place);
  if (place <= pointer_max) {
    write_u16(to, pointer_bits | place);
  } else {
    std::memcpy(to, out_ + place, size);
  }
  return to + size;
}

bool AnswerWriter::put_addresses(Section section, const RrsetView& rrset, unsigned owner_place) {
  const size_t longer = rrset.records * (owner_size_at(owner_place) - pointer_size);
  if (!fits(rrset.block.size() + longer)) return false;
  if (longer != 0) {
    const uint8_t* from = rrset.block.data();
    uint8_t* to = out_ + at_;
    for (unsigned i = 0; i < rrset.records; ++i) {
      const size_t rest = record_fixed_size + read_u16(from + 10);
      to = put_owner(to, owner_place);
      std::memcpy(to, from + pointer_size, rest);
      to += rest;
      from += pointer_size + rest;
    }
    at_ += rrset.block.size() + longer;
    count(section, rrset.records);
    return true;
  }
  const size_t start = at_;
  std::memcpy(out_ + start, rrset.block.data(), rrset.block.size());
  at_ += rrset.block.size();
  count(section, rrset.records);
  for (size_t at = start; at < at_; at += short_record_size + read_u16(out_ + at + 10)) {
    write_u16(out_ + at, pointer_bits | owner_place);
  }
  return true;
}

size_t AnswerWriter::address_size(uint16_t rrtype, unsigned owner_place) const {
  return record_size(owner_place, rrtype == type::a ? 4 : 16);
}

void AnswerWriter::put_address(Section section, uint16_t rrtype, Ttl ttl, Bytes address,
                               unsigned owner_place) {
  const std::span<uint8_t> rdata = put_record(section, owner_place, rrtype, ttl, address.size());
  std::memcpy(rdata.data(), address.data(), address.size());
}

std::span<uint8_t> AnswerWriter::put_record(Section section, unsigned owner_place, uint16_t rrtype,
                                            Ttl ttl, size_t rdata_size) {
  uint8_t* to = put_owner(out_ + at_, owner_place);
  write_u16(to, rrtype);
  write_u16(to + 2, dns_class::in);
  write_u32(to + 4, ttl.value);
  write_u16(to + 8, static_cast<unsigned>(rdata_size));
  at_ = static_cast<size_t>(to + record_fixed_size - out_) + rdata_size;
  count(section, 1);
  return {to + record_fixed_size, rdata_size};
}

bool AnswerWriter::put_synthesised_cname(const LookupName& name, unsigned prefix_size,
                                         unsigned target_place, uint32_t ttl) {
  const size_t rdata_size = prefix_size + (target_place == 0 ? 1U : 2U);
  if (!fits(short_record_size + rdata_size)) return false;
  uint8_t* to = out_ + at_;
  write_u16(to, pointer_bits | name.place_at(0));
  write_u16(to + 2, type::cname);
  write_u16(to + 4, dns_class::in);
  write_u32(to + 6, ttl);
  write_u16(to + 10, static_cast<unsigned>(rdata_size));
  to += short_record_size;
  // Label by label from the message, where they stand in the case that was asked.
  for (unsigned offset = 0; offset < prefix_size;) {
    const unsigned label = 1U + name.wire()[offset];
    std::memcpy(to + offset, out_ + name.place_at(offset), label);
    offset += label;
  }
  if (target_place == 0) {
    to[prefix_size] = 0;
  } else {
    write_u16(to + prefix_size, pointer_bits | target_place);
  }
  at_ += short_record_size + rdata_size;
  count(Section::answer, 1);
  return true;
}

bool AnswerWriter::put_text(uint16_t record_class, std::string_view text) {
  constexpr size_t string_max = 255;  // RFC 1035 section 3.3
  const size_t strings = (text.size() + string_max - 1) / string_max;
  const size_t rdata_size = text.size() + strings;
  if (!fits(short_record_size + rdata_size)) return false;
  uint8_t* to = out_ + at_;
  write_u16(to, pointer_bits | header_size);
  write_u16(to + 2, type::txt);
  write_u16(to + 4, record_class);
  write_u32(to + 6, 0);
  write_u16(to + 10, static_cast<unsigned>(rdata_size));
  to += short_record_size;
  while (!text.empty()) {
    const std::string_view part = text.substr(0, string_max);
    *to++ = static_cast<uint8_t>(part.size());
    std::memcpy(to, part.data(), part.size());
    to += part.size();
    text.remove_prefix(part.size());
  }
  at_ += short_record_size + rdata_size;
  count(Section::answer, 1);
  return true;
}

size_t AnswerWriter::finish(uint16_t id, uint16_t flags, bool has_opt) {
  write_u16(out_, id);
  write_u16(out_ + 2, truncated_ ? flags | flag::truncated : flags);
  write_u16(out_ + 4, has_question_ ? 1 : 0);
  write_u16(out_ + 6, counts_[0]);
  write_u16(out_ + 8, counts_[1]);
  write_u16(out_ + 10, counts_[2] + (has_opt ? 1U : 0U));
  return at_;
}

}  // namespace swingover::zones
