#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/bytes.h"
#include "base/units.h"
#include "zones/compiled_answer.h"
#include "zones/lookup_name.h"
#include "zones/protocol.h"

namespace swingover::zones {

enum class Section : uint8_t { answer, authority, additional };

/// Writes one message into the caller's buffer: header, question, then whole RRsets section by section.
///
/// Limit     An RRset that does not fit is left out as a whole, and put() says so; whether that makes the
///           message truncated is the caller's to decide (RFC 2181 section 9). Room for the OPT is kept from
///           the start.
/// Order     Sections in their order of the message; finish() last.
/// Threads   One. No allocation. Hot path.
class AnswerWriter {
 public:
  /// `room` holds at least a header, `question` and `reserved` octets; no more than `limit` octets are used.
  AnswerWriter(std::span<uint8_t> room, size_t limit, Bytes question, size_t reserved)
      : out_(room.data()),
        limit_(limit - reserved),
        reserved_(reserved),
        at_(header_size + question.size()) {
    if (!question.empty()) std::memcpy(out_ + header_size, question.data(), question.size());
    has_question_ = !question.empty();
    start_ = at_;
  }

  const uint8_t* message() const { return out_; }
  size_t at() const { return at_; }
  bool truncated() const { return truncated_; }
  bool has_answers() const { return counts_[0] != 0; }
  void set_truncated() { truncated_ = true; }

  /// Forgets every record.
  void clear() {
    at_ = start_;
    counts_ = {};
    truncated_ = false;
  }

  /// A set whose owner is `owner_size` octets long and, but for a wildcard's first label, a suffix of
  /// `name`; its records get the owner that stands at `owner_place` of the message.
  bool put(Section section, const RrsetView& rrset, const LookupName& name, unsigned owner_size,
           unsigned owner_place);

  /// A set without compressed names in its RDATA (A, AAAA, SVCB); its owner stands at `owner_place`, which
  /// may lie behind the reach of pointers.
  bool put_addresses(Section section, const RrsetView& rrset, unsigned owner_place);

  /// The record that put() wrote at `start`, a set of one, gets no more than this TTL.
  void lower_ttl(size_t start, Ttl most) {
    uint8_t* ttl = out_ + start + 6;  // behind the owner, a pointer, type and class
    if (read_u32(ttl) > most.value) write_u32(ttl, most.value);
  }

  /// One A or AAAA record. Call fits() for the whole set first, with address_size() for each.
  void put_address(Section section, uint16_t rrtype, Ttl ttl, Bytes address, unsigned owner_place);
  size_t address_size(uint16_t rrtype, unsigned owner_place) const;
  bool fits(size_t octets) const { return octets <= limit_ - at_; }

  /// A CNAME whose target is `prefix` labels of `name` before the name that stands at `target_place`.
  /// `prefix_size` octets; a target that is the root has none to point at: 0.
  bool put_synthesised_cname(const LookupName& name, unsigned prefix_size, unsigned target_place,
                             uint32_t ttl);

  /// One TXT record of `text`, TTL 0, whose owner is the question's name.
  bool put_text(uint16_t record_class, std::string_view text);

  /// Octets of one record whose owner stands at `owner_place` already.
  size_t record_size(unsigned owner_place, size_t rdata_size) const {
    return owner_size_at(owner_place) + record_fixed_size + rdata_size;
  }
  /// Such a record; its RDATA, which the caller has to write. Call fits() first.
  std::span<uint8_t> put_record(Section section, unsigned owner_place, uint16_t rrtype, Ttl ttl,
                                size_t rdata_size);

  /// A place to come back to: what was written behind it is forgotten.
  struct Mark {
    size_t at = 0;
    std::array<uint16_t, 3> counts{};
  };
  Mark mark() const { return {at_, counts_}; }
  void rewind(const Mark& mark) {
    at_ = mark.at;
    counts_ = mark.counts;
  }

  /// Header and counts; returns the message's size. What opt_room() has behind the records is the caller's.
  size_t finish(uint16_t id, uint16_t flags, bool has_opt);
  /// At least `reserved` octets; all that the limit leaves.
  std::span<uint8_t> opt_room() { return {out_ + at_, limit_ + reserved_ - at_}; }

 private:
  static constexpr size_t record_fixed_size = 10;  // type, class, TTL, RDLENGTH

  size_t owner_size_at(unsigned place) const;
  uint8_t* put_owner(uint8_t* to, unsigned place) const;
  void relocate(size_t start, const RrsetView& rrset, const LookupName& name, unsigned owner_size,
                unsigned owner_place);
  void count(Section section, unsigned records) {
    counts_[static_cast<size_t>(section)] =
        static_cast<uint16_t>(counts_[static_cast<size_t>(section)] + records);
  }

  uint8_t* out_;
  size_t limit_;  // of the records
  size_t reserved_;
  size_t at_;
  size_t start_;
  std::array<uint16_t, 3> counts_{};
  bool has_question_;
  bool truncated_ = false;
};

}  // namespace swingover::zones
