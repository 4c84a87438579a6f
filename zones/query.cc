#include "zones/query.h"

namespace swingover::zones {
namespace {

constexpr uint8_t label_max = 63;
constexpr size_t name_max = 255;
constexpr size_t record_fixed_size = 10;  // type, class, TTL, RDLENGTH
constexpr size_t soa_numbers_size = 20;   // serial, refresh, retry, expire, minimum
constexpr size_t soa_size_min = soa_numbers_size + 2;

/// Octets of the uncompressed name at `at`; 0 if it is none.
size_t question_name_size(Bytes packet, size_t at) {
  const size_t begin = at;
  while (at < packet.size() && packet[at] != 0) {
    if (packet[at] > label_max) return 0;  // a question comes first: nothing to point at
    at += 1U + packet[at];
  }
  const size_t size = at + 1 - begin;
  return at < packet.size() && size <= name_max ? size : 0;
}

/// Where a record's owner ends; 0 if it does not. A pointer ends it, and is not followed: no record of a
/// query is read but the OPT, whose owner is the root.
size_t owner_end(Bytes packet, size_t at) {
  while (at < packet.size()) {
    const uint8_t length = packet[at];
    if (length == 0) return at + 1;
    if (length >= 0xc0) return at + 2;
    if (length > label_max) return 0;
    at += 1U + length;
  }
  return 0;
}

struct Record {
  bool at_root = false;
  uint16_t type = 0;
  uint16_t record_class = 0;
  uint32_t ttl = 0;
  Bytes rdata;
};

/// Steps over the record at `at`; false if it is cut off.
bool read_record(Bytes packet, size_t& at, Record& record) {
  const size_t end = owner_end(packet, at);
  if (end == 0 || end > packet.size() || packet.size() - end < record_fixed_size) return false;
  record.at_root = packet[at] == 0;
  const uint8_t* fixed = packet.data() + end;
  record.type = read_u16(fixed);
  record.record_class = read_u16(fixed + 2);
  record.ttl = read_u32(fixed + 4);
  const size_t size = read_u16(fixed + 8);
  at = end + record_fixed_size;
  if (size > packet.size() - at) return false;
  record.rdata = packet.subspan(at, size);
  at += size;
  return true;
}

/// Whether all that a query brings behind its question is an OPT record without options, as it mostly is.
bool has_bare_opt_alone(Bytes packet, size_t at) {
  const bool is_alone = read_u32(&packet[6]) == 0 && read_u16(&packet[10]) == 1 &&
                        packet.size() - at == 1 + record_fixed_size;
  if (!is_alone || packet[at] != 0) return false;
  const uint8_t* fixed = &packet[at + 1];
  return read_u16(fixed) == type::opt && read_u16(fixed + 8) == 0;
}

ParseOutcome outcome_of(OptOutcome opt) {
  return opt == OptOutcome::bad_version ? ParseOutcome::bad_version : ParseOutcome::fine;
}

ParseOutcome parse_records(Bytes packet, size_t at, Query& query) {
  if (has_bare_opt_alone(packet, at)) {
    const uint8_t* fixed = &packet[at + 1];
    return outcome_of(parse_opt(read_u16(fixed + 2), read_u32(fixed + 4), {}, query.edns));
  }
  const unsigned before_additional = read_u16(&packet[6]) + read_u16(&packet[8]);
  const unsigned records = before_additional + read_u16(&packet[10]);
  OptOutcome opt = OptOutcome::fine;
  for (unsigned i = 0; i < records; ++i) {
    Record record;
    const size_t start = at;
    if (!read_record(packet, at, record)) return ParseOutcome::format_error;
    if (record.type == type::tsig) {
      if (i < before_additional || i + 1 != records || record.record_class != dns_class::any)
        return ParseOutcome::format_error;
      query.tsig_at = start;
    }
    const bool in_authority = i >= read_u16(&packet[6]) && i < before_additional;
    if (in_authority && record.type == type::soa && query.qtype == type::ixfr &&
        record.rdata.size() >= soa_size_min) {
      query.ixfr_soa = record.rdata.last(soa_numbers_size);
    }
    if (record.type != type::opt) continue;
    if (query.edns.present || !record.at_root || i < before_additional)
      return ParseOutcome::format_error;
    opt = parse_opt(record.record_class, record.ttl, record.rdata, query.edns);
  }
  if (at != packet.size() || opt == OptOutcome::malformed) return ParseOutcome::format_error;
  return outcome_of(opt);
}

/// Only who asks for a cookie has no question.
ParseOutcome parse_without_question(Bytes packet, Query& query) {
  if (query.opcode() != opcode::query || read_u16(&packet[6]) != 0 || read_u16(&packet[8]) != 0)
    return ParseOutcome::format_error;
  const ParseOutcome outcome = parse_records(packet, header_size, query);
  if (outcome != ParseOutcome::fine) return outcome;
  return query.edns.cookie.empty() ? ParseOutcome::format_error : ParseOutcome::cookie_only;
}

}  // namespace

ParseOutcome parse_query(Bytes packet, Query& query) {
  if (packet.size() < header_size) return ParseOutcome::too_short;
  query.id = read_u16(&packet[0]);
  query.flags = read_u16(&packet[2]);
  if (query.flags & flag::response) return ParseOutcome::is_response;
  const unsigned questions = read_u16(&packet[4]);
  if (questions == 0) return parse_without_question(packet, query);
  if (questions != 1) return ParseOutcome::format_error;

  const size_t name_size = question_name_size(packet, header_size);
  if (name_size == 0 || packet.size() - header_size < name_size + 4)
    return ParseOutcome::format_error;
  query.name = packet.subspan(header_size, name_size);
  query.question = packet.subspan(header_size, name_size + 4);
  query.qtype = read_u16(&packet[header_size + name_size]);
  query.qclass = read_u16(&packet[header_size + name_size + 2]);

  const ParseOutcome outcome = parse_records(packet, header_size + name_size + 4, query);
  if (outcome == ParseOutcome::format_error || query.opcode() != opcode::query) return outcome;
  const bool has_answers = read_u16(&packet[6]) != 0;
  const bool has_authority = read_u16(&packet[8]) != 0 && query.qtype != type::ixfr;
  return has_answers || has_authority ? ParseOutcome::format_error : outcome;
}

size_t tsig_place(Bytes message) {
  if (message.size() < header_size || read_u16(&message[10]) == 0) return 0;
  size_t at = header_size;
  for (unsigned i = 0; i < read_u16(&message[4]); ++i) {
    const size_t end = owner_end(message, at);
    if (end == 0 || end > message.size() || message.size() - end < 4) return 0;
    at = end + 4;
  }
  const unsigned before = read_u16(&message[6]) + read_u16(&message[8]);
  const unsigned records = before + read_u16(&message[10]);
  Record record;
  size_t start = 0;
  for (unsigned i = 0; i < records; ++i) {
    start = at;
    if (!read_record(message, at, record)) return 0;
  }
  const bool is_last = at == message.size();
  return is_last && record.type == type::tsig && record.record_class == dns_class::any ? start : 0;
}

}  // namespace swingover::zones
