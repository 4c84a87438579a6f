#include "zones/transfer.h"

#include <algorithm>
#include <cstring>

#include "zones/edns.h"
#include "zones/protocol.h"

namespace swingover::zones {
namespace {

constexpr size_t message_size = size_t{32} * 1024;  // what one gathers: large, but not all that a
                                                    // client that stops reading must hold
constexpr size_t opt_size_bare = 11;
constexpr size_t record_fixed_size = 10;      // behind the owner
constexpr unsigned apex_place = header_size;  // the zone's own name stands in the question

void write_bare_opt(uint8_t* at) {
  std::memset(at, 0, opt_size_bare);
  write_u16(at + 1, type::opt);
  write_u16(at + 3, 1232);
}

}  // namespace

TransferRight find_transfer(const Query& query, const Client& client, const Snapshot& snapshot,
                            const TsigKey* key) {
  if (query.qtype == type::axfr && client.transport == Transport::udp)
    return {rcode::format_error, nullptr};  // RFC 5936 section 4.2: not defined
  if (query.qclass != dns_class::in) return {rcode::refused, nullptr};
  LookupName name;
  name.assign(query.name, snapshot.zones.key());
  const ZoneTree::Entry* entry = snapshot.zones.find(name);
  if (!entry || entry->apex.labels() != name.labels()) return {rcode::not_auth, nullptr};
  if (!entry->zone) return {rcode::server_failure, nullptr};
  if (!entry->transfer || !entry->transfer->admits(client.address, key))
    return {rcode::refused, nullptr};
  if (query.qtype == type::ixfr && query.ixfr_soa.empty()) return {rcode::format_error, nullptr};
  return {rcode::no_error, entry->transfer.get()};
}

Transfer::Transfer(Bytes packet, const Query& query, const TransferZone& zone, const Tsig& tsig)
    : zone_(zone),
      tsig_(tsig),
      id_(read_u16(&packet[0])),
      has_opt_(query.edns.present),
      question_(query.question.begin(), query.question.end()) {
  flags_ = static_cast<uint16_t>(flag::response | flag::authoritative |
                                 (query.flags & flag::recursion_desired));
  if (query.qtype != type::ixfr) return;
  const uint32_t theirs = read_u32(query.ixfr_soa.data());
  const uint32_t ours = zone.state().serial;
  differences_ = zone.differences_from(theirs);
  if (theirs == ours || is_newer_serial(theirs, ours)) {
    form_ = TransferForm::soa_alone;
  } else if (!differences_.empty()) {
    form_ = TransferForm::incremental;
  }
}

void Transfer::restart(TransferForm form) {
  form_ = form;
  stage_ = Stage::first_soa;
  place_ = 0;
  rest_ = {};
  is_first_ = true;
}

/// Makes `rest_` hold the next record; false: there is none.
bool Transfer::fetch() {
  while (rest_.empty()) {
    list_.clear();
    switch (stage_) {
      case Stage::first_soa:
        zone_.append_soa(list_);
        rest_ = list_;
        stage_ = form_ == TransferForm::soa_alone ? Stage::done : Stage::body;
        break;
      case Stage::body:
        if (form_ == TransferForm::incremental) {
          if (place_ == 2 * differences_.size()) {
            stage_ = Stage::last_soa;
            break;
          }
          const ZoneDifference& difference = *differences_[place_ / 2];
          rest_ = place_ % 2 == 0 ? difference.removed : difference.added;
          ++place_;
        } else if (place_ == zone_.zone().places()) {
          stage_ = Stage::last_soa;
        } else if (const ZoneNode* node = zone_.zone().node_at(place_++)) {
          zone_.append_records(*node, list_);
          rest_ = list_;
        }
        break;
      case Stage::last_soa:
        zone_.append_soa(list_);
        rest_ = list_;
        stage_ = Stage::done;
        break;
      case Stage::done:
        return false;
    }
  }
  return true;
}

size_t Transfer::next(std::span<uint8_t> out, uint64_t now_seconds) {
  if (is_broken_ || !fetch()) return 0;
  const size_t opt_room = has_opt_ && is_first_ ? opt_size_bare : 0;
  const size_t reserved = opt_room + tsig_.room();
  size_t at = header_size + question_.size();
  if (out.size() < at + reserved) return 0;
  std::ranges::copy(question_, out.begin() + header_size);

  const size_t room = out.size() - reserved;
  const size_t limit = std::min(room, message_size - reserved);
  Bytes last_owner;
  unsigned last_owner_at = 0;
  unsigned records = 0;
  while (fetch() && records < UINT16_MAX) {
    Bytes rest = rest_;
    const FlatRecord record = take_record(rest);
    const size_t record_at = at;
    // A record that is larger than a message is wont to be has one of its own.
    const size_t most = records == 0 ? room : limit;
    const bool repeats = records > 0 && std::ranges::equal(last_owner, record.own_name);
    const bool is_apex = record.own_name.empty();
    const size_t owner_size = is_apex || repeats ? 2 : record.own_name.size() + 2;
    if (owner_size + record_fixed_size + record.rdata.size() > most - std::min(most, at)) break;
    if (!is_apex && !repeats) {
      std::ranges::copy(record.own_name, out.begin() + static_cast<std::ptrdiff_t>(at));
      at += record.own_name.size();
    }
    write_u16(&out[at], 0xc000U | (repeats && !is_apex ? last_owner_at : apex_place));
    write_u16(&out[at + 2], record.type);
    write_u16(&out[at + 4], dns_class::in);
    write_u32(&out[at + 6], record.ttl);
    write_u16(&out[at + 10], static_cast<unsigned>(record.rdata.size()));
    at += 2 + record_fixed_size;
    std::ranges::copy(record.rdata, out.begin() + static_cast<std::ptrdiff_t>(at));
    at += record.rdata.size();
    if (!repeats) {
      // What no pointer reaches is written out again.
      last_owner = record_at <= pointer_max ? Bytes(out.data() + record_at, record.own_name.size())
                                            : Bytes();
      last_owner_at = static_cast<unsigned>(record_at);
    }
    ++records;
    rest_ = rest;
  }
  is_broken_ = records == 0;
  if (is_broken_) return 0;
  write_u16(&out[0], id_);
  write_u16(&out[2], flags_);
  write_u16(&out[4], 1);
  write_u16(&out[6], records);
  write_u16(&out[8], 0);
  write_u16(&out[10], opt_room > 0 ? 1 : 0);
  if (opt_room > 0) write_bare_opt(&out[at]);
  at += opt_room;
  is_first_ = false;
  return tsig_.sign(out.data(), at, now_seconds);
}

size_t Transfer::in_one_message(std::span<uint8_t> out, uint64_t now_seconds) {
  if (form_ == TransferForm::whole) restart(TransferForm::soa_alone);
  const Tsig before = tsig_;
  const size_t size = next(out, now_seconds);
  if (size > 0 && !fetch()) return size;
  tsig_ = before;
  is_broken_ = false;
  restart(TransferForm::soa_alone);
  return next(out, now_seconds);
}

std::unique_ptr<Transfer> start_transfer(Bytes packet, const Client& client,
                                         const Snapshot& snapshot) {
  Query query;
  if (parse_query(packet, query) != ParseOutcome::fine) return nullptr;
  Tsig tsig;
  if (tsig.verify_request(packet, query, snapshot.model->tsig_keys, client.now) != rcode::no_error)
    return nullptr;
  const TransferRight right = find_transfer(query, client, snapshot, tsig.key());
  if (!right.zone) return nullptr;
  return std::make_unique<Transfer>(packet, query, *right.zone, tsig);
}

}  // namespace swingover::zones
