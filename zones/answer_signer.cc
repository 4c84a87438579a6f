#include "zones/answer_signer.h"

#include <array>
#include <cstring>
#include <optional>

#include "zones/dnssec/denial.h"
#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t record_fixed_size = 10;  // type, class, TTL, RDLENGTH
constexpr size_t ttl_at = 4;              // in these

/// Which set it is among all that anybody signed: the data, the owner, the type and the TTL.
SipKey set_hash(const AnswerSigner::Set& set) {
  std::array<uint8_t, Name::size_max + 6> text;
  std::memcpy(text.data(), set.owner.data(), set.owner.size());
  write_u16(&text[set.owner.size()], set.type);
  write_u32(&text[set.owner.size() + 2], set.ttl_seconds);
  return siphash_128(set.content, Bytes(text).first(set.owner.size() + 6));
}

}  // namespace

/// The pointers in a block mean something by the size of the owner that it was compiled for.
SipKey AnswerSigner::content_of(const RrsetView& rrset, unsigned owner_size) {
  SipKey key = dnssec::set_secret();
  key.low ^= owner_size;
  return siphash_128(key, rrset.block);
}

bool AnswerSigner::sign(const ZoneSigning& signing, const Set& set) {
  const dnssec::SetSigner& signer = signing.signer_of(set.type);
  const AnswerWriter::Mark unsigned_set = writer_.mark();
  size_t octets = 0;
  for (size_t key = 0; key < signer.keys(); ++key)
    octets += writer_.record_size(set.owner_place, signer.rdata_size(key));
  if (!writer_.fits(octets)) return false;

  const Ttl ttl{read_u32(writer_.message() + behind_name(set.start) + ttl_at)};
  const SipKey hash = set_hash(set);
  const dnssec::SetFields fields{
      .type = set.type, .labels = dnssec::signed_labels(set.owner), .ttl_seconds = set.ttl_seconds};
  std::optional<dnssec::SetSigner::Lane> lane;
  for (size_t key = 0; key < signer.keys(); ++key) {
    const std::span<uint8_t> rdata =
        writer_.put_record(set.section, set.owner_place, type::rrsig, ttl, signer.rdata_size(key));
    if (signer.find(key, hash, fields, now_seconds_, rdata)) continue;
    if (!lane) {
      if (!set.is_known && budget_ &&
          !budget_->take(now_seconds_, signing.cost_nanoseconds,
                         signing.unknown_names_nanoseconds)) {
        writer_.rewind(unsigned_set);
        return false;
      }
      lane.emplace(signer.take_lane());
      fill(lane->request(), set, unsigned_set.at);
    }
    if (!signer.sign(key, hash, *lane, now_seconds_, rdata)) {
      has_failed_ = true;
      writer_.rewind(unsigned_set);
      return false;
    }
  }
  return true;
}

bool AnswerSigner::deny(const ZoneSigning& signing, const Denial& denial) {
  std::array<uint8_t, dnssec::nsec_size_max> room;
  ByteWriter nsec(room);
  if (denial.exists) {
    dnssec::write_nsec_of_present(denial.owner, denial.apex, denial.types, nsec);
  } else {
    dnssec::write_nsec_of_absent(denial.owner, denial.apex, nsec);
  }
  const Bytes rdata = nsec.written();
  if (!writer_.fits(writer_.record_size(denial.owner_place, rdata.size()))) return false;
  const AnswerWriter::Mark before = writer_.mark();
  const std::span<uint8_t> to =
      writer_.put_record(denial.section, denial.owner_place, type::nsec, denial.ttl, rdata.size());
  std::memcpy(to.data(), rdata.data(), rdata.size());
  if (sign(signing, {.section = denial.section,
                     .start = before.at,
                     .owner_place = denial.owner_place,
                     .owner = denial.owner,
                     .type = type::nsec,
                     .ttl_seconds = denial.ttl_seconds,
                     .content = siphash_128(dnssec::set_secret(), rdata),
                     .is_known = denial.is_known})) {
    return true;
  }
  writer_.rewind(before);
  return false;
}

/// Where the name ends that begins at `at`.
size_t AnswerSigner::behind_name(size_t at) const {
  const uint8_t* const message = writer_.message();
  while (message[at] != 0) {
    if (message[at] > 63) return at + 2;  // a pointer
    at += 1U + message[at];
  }
  return at + 1;
}

void AnswerSigner::fill(dnssec::SignRequest& request, const Set& set, size_t end) const {
  request.begin(set.owner, set.type, set.ttl_seconds);
  for (size_t at = set.start; at < end;) {
    at = behind_name(at) + record_fixed_size;
    const size_t size = read_u16(writer_.message() + at - 2);
    add_rdata(request, set.type, at, size);
    at += size;
  }
}

/// As it was before names in it were compressed.
void AnswerSigner::add_rdata(dnssec::SignRequest& request, uint16_t type, size_t at,
                             size_t size) const {
  const Bytes rdata(writer_.message() + at, size);
  const CompressedLayout layout = compressed_layout(type);
  if (layout.names == 0) {
    request.add(rdata);
    return;
  }
  constexpr size_t names_max = 2;
  constexpr size_t fixed_max = 20;  // of an SOA
  std::array<uint8_t, names_max * Name::size_max + fixed_max> room;
  ByteWriter whole(room);
  whole.put(rdata.first(layout.before));
  size_t from = at + layout.before;
  LookupName name;
  for (unsigned i = 0; i < layout.names; ++i) {
    name.assign_from_message(writer_.message(), from, names_);
    whole.put({name.wire(), name.size()});
    from = behind_name(from);
  }
  whole.put(rdata.subspan(from - at));
  request.add(whole.written());
}

}  // namespace swingover::zones
