#include "zones/respond.h"

#include <algorithm>

#include "zones/answer_writer.h"
#include "zones/chaos.h"
#include "zones/edns.h"
#include "zones/protocol.h"
#include "zones/query.h"
#include "zones/resolve.h"
#include "zones/transfer.h"
#include "zones/tsig.h"

namespace swingover::zones {
namespace {

constexpr size_t udp_size_least =
    512;  // RFC 1035 section 4.2.1; also for OPT that says less (RFC 6891 6.2.3)

/// What is decided of an answer, and then written as header and OPT.
struct Verdict {
  uint16_t rcode = rcode::no_error;
  const ExtendedError* error = nullptr;  // for clients that speak EDNS
};

}  // namespace

/// One query on its way to its answer.
class Exchange {
 public:
  Exchange(Prepared& prepared, const Client& client, const Snapshot& snapshot, WorkerTally& tally,
           std::span<uint8_t> out)
      : packet_(prepared.packet_),
        query_(prepared.query_),
        name_(prepared.name_),
        entry_(prepared.entry_),
        parsed_(prepared.parsed_),
        client_(client),
        snapshot_(snapshot),
        answering_(snapshot.answering),
        tally_(tally),
        out_(out) {}

  Outcome run();

 private:
  void read_options();
  void read_signature(size_t limit);
  size_t size_limit() const;
  size_t amplified_size() const;
  size_t least_size() const { return header_size + query_.question.size() + opt_least_; }
  bool is_proven() const { return cookie_.state == CookieState::valid || tsig_.key() != nullptr; }
  Verdict decide(AnswerWriter& writer);
  Verdict decide_query(AnswerWriter& writer);
  Verdict decide_transfer();
  bool refuses_unproven(AnswerWriter& writer, Verdict& verdict) const;
  Verdict refuse_change() const;
  void finish(AnswerWriter& writer, const Verdict& verdict);

  Bytes packet_;
  Query& query_;
  LookupName& name_;
  const ZoneTree::Entry* entry_;
  ParseOutcome parsed_;
  const Client& client_;
  const Snapshot& snapshot_;
  const Answering& answering_;
  WorkerTally& tally_;
  std::span<uint8_t> out_;

  Tsig tsig_;
  uint16_t tsig_rcode_ = rcode::no_error;
  CheckedCookie cookie_;
  OptAnswer opt_;
  size_t opt_least_ = 0;
  size_t limit_ = 0;  // octets of the answer
  bool authoritative_ = false;
  Outcome outcome_;
};

Outcome Exchange::run() {
  if (parsed_ == ParseOutcome::too_short) return {.drop = Drop::too_short};
  if (parsed_ == ParseOutcome::is_response) return {.drop = Drop::is_response};

  read_options();
  const size_t limit = size_limit();
  if (limit < least_size()) return {.drop = Drop::no_room};
  read_signature(limit);
  limit_ = std::min(limit, amplified_size());
  AnswerWriter writer(out_, limit_, query_.question, opt_least_ + tsig_.room());
  outcome_.qtype = query_.qtype;
  outcome_.cookie = tsig_.key() ? CookieState::valid : cookie_.state;
  const Verdict verdict = decide(writer);
  // A transfer is sent by others, or stands in `out` already.
  if (!outcome_.is_transfer && outcome_.size == 0) finish(writer, verdict);
  return outcome_;
}

/// What the options ask of the answer's OPT, so that room for it is kept from the start.
void Exchange::read_options() {
  Edns& edns = query_.edns;
  if (!edns.present) return;
  opt_.udp_size = answering_.udp_size_max;
  opt_.dnssec_ok = edns.dnssec_ok;
  opt_.compact_ok = edns.dnssec_ok && edns.compact_ok;
  const bool is_stream = client_.transport != Transport::udp;  // RFC 7828 section 3.2: else ignored
  if (is_stream && edns.keepalive == Edns::Keepalive::malformed)
    parsed_ = ParseOutcome::format_error;
  if (is_stream && edns.keepalive == Edns::Keepalive::asked) opt_.keepalive = client_.keepalive;
  if (edns.subnet.present() && !answering_.believes(client_.address)) edns.subnet = {};
  if (edns.subnet.present()) opt_.subnet = &edns.subnet;
  if (!edns.cookie.empty()) {
    cookie_ = check_cookie(edns.cookie, client_.address, client_.now, answering_.cookie_secrets);
    if (cookie_.state != CookieState::none) opt_.cookie = cookie_.answer;
  }
  if (edns.nsid_asked) {
    const std::string& identity = answering_.identity;
    opt_.identity = {reinterpret_cast<const uint8_t*>(identity.data()), identity.size()};
  }
  opt_.pad = edns.padding_asked && client_.transport == Transport::tls;
  opt_least_ = opt_size_least(opt_);
}

void Exchange::read_signature(size_t limit) {
  if (parsed_ == ParseOutcome::format_error) return;
  tsig_rcode_ = tsig_.verify_request(packet_, query_, snapshot_.model->tsig_keys, client_.now);
  if (limit >= least_size() + tsig_.room()) return;
  // Names that fill the whole datagram, of a key that is none of ours.
  tsig_.forget();
  tsig_rcode_ = rcode::refused;
}

/// How many octets this client can take by this transport.
size_t Exchange::size_limit() const {
  if (client_.transport != Transport::udp) return out_.size();
  // Without an OPT `udp_size` is the least.
  const size_t asked = std::min(query_.edns.udp_size, answering_.udp_size_max);
  return std::min(std::max(asked, udp_size_least), out_.size());
}

/// How many it may have by a datagram that anybody could have sent in its name.
size_t Exchange::amplified_size() const {
  if (client_.transport != Transport::udp || answering_.amplification_max == 0 || is_proven())
    return out_.size();
  const size_t amplified = packet_.size() * answering_.amplification_max;
  return std::max(amplified, least_size() + tsig_.room());
}

Verdict Exchange::decide(AnswerWriter& writer) {
  if (tsig_rcode_ != rcode::no_error) return {tsig_rcode_};
  // RFC 8906 section 3.1.2: an opcode that we do not know says so, whatever the rest of the message is.
  const uint8_t opcode = query_.opcode();
  const bool is_change = opcode == opcode::notify || opcode == opcode::update;
  if (opcode != opcode::query && !is_change)
    return {rcode::not_implemented, &extended_error::not_supported};
  if (parsed_ == ParseOutcome::format_error) return {rcode::format_error};
  if (parsed_ == ParseOutcome::bad_version) return {rcode::bad_version};
  if (is_change) return refuse_change();
  Verdict verdict;
  if (refuses_unproven(writer, verdict)) return verdict;
  return parsed_ == ParseOutcome::cookie_only ? Verdict{} : decide_query(writer);
}

/// RFC 7873 section 5.2.3, and 5.4 for who asks for nothing but a cookie.
bool Exchange::refuses_unproven(AnswerWriter& writer, Verdict& verdict) const {
  if (is_proven()) return false;
  const bool is_refreshing =
      parsed_ == ParseOutcome::cookie_only && query_.edns.cookie.size() > client_cookie_size;
  const bool is_required =
      client_.transport == Transport::udp &&
      (client_.must_prove || answering_.cookie_require == CookieRequire::always) &&
      parsed_ != ParseOutcome::cookie_only;
  if (!is_required && !is_refreshing) return false;
  if (cookie_.state == CookieState::client_only) {
    verdict = {rcode::bad_cookie};
  } else {
    writer.set_truncated();  // a stream proves as much
  }
  return true;
}

/// NOTIFY (RFC 1996) and UPDATE (RFC 2136): we are the primary of our zones, and take neither.
Verdict Exchange::refuse_change() const {
  const bool is_our_zone =
      entry_ && entry_->apex.labels() == name_.labels() && query_.qclass == dns_class::in;
  if (is_our_zone) return {rcode::refused, &extended_error::changes_prohibited};
  return {rcode::not_auth, &extended_error::not_authoritative};
}

namespace {

/// What a question gets before any zone is looked at; no_error: look.
Verdict policy(const Query& query) {
  if (query.qclass != dns_class::in && query.qclass != dns_class::any)
    return {rcode::refused, &extended_error::not_authoritative};
  switch (query.qtype) {
    case type::tkey:
    case type::mailb:
    case type::maila:
      return {rcode::not_implemented, &extended_error::not_supported};
    case type::opt:  // pseudo-types: they are never asked for
    case type::tsig:
    case type::nxname:
      return {rcode::format_error};
    default:
      return {};
  }
}

}  // namespace

Verdict Exchange::decide_query(AnswerWriter& writer) {
  if (query_.qclass == dns_class::chaos) {
    const uint16_t rcode = answer_chaos(query_, answering_, writer);
    if (rcode != rcode::no_error) return {rcode, &extended_error::hidden};
    outcome_.kind = AnswerKind::data;
    return {};
  }
  const Verdict verdict = policy(query_);
  if (verdict.rcode != rcode::no_error) return verdict;
  if (query_.qtype == type::axfr || query_.qtype == type::ixfr) return decide_transfer();

  Resolver resolver(snapshot_, client_, query_.edns, tally_, writer, name_, entry_);
  const uint16_t rcode = resolver.resolve(query_.qtype);
  // Of all classes at once nobody can be the authority (RFC 1034 section 3.7.1).
  authoritative_ = resolver.authoritative() && query_.qclass == dns_class::in;
  outcome_.kind = resolver.kind();
  outcome_.rate_key = resolver.rate_key();
  // RFC 7871 section 7.2.1: who gave no bits of its address gets an answer for everybody.
  if (query_.edns.subnet.source != 0) opt_.subnet_scope = static_cast<uint8_t>(resolver.scope());
  return {rcode, resolver.error()};
}

/// What is granted is a stream's to send, but for an IXFR that fits in a datagram.
Verdict Exchange::decide_transfer() {
  const TransferRight right = find_transfer(query_, client_, snapshot_, tsig_.key());
  if (right.zone && client_.transport != Transport::udp) {
    if (!client_.may_transfer) return {rcode::server_failure, &extended_error::transfers_full};
    outcome_.is_transfer = true;
    return {};
  }
  if (right.zone) {
    Transfer transfer(packet_, query_, *right.zone, tsig_);
    outcome_.size = transfer.in_one_message(out_.first(limit_), client_.now);
    outcome_.kind = AnswerKind::data;
    return {outcome_.size > 0 ? rcode::no_error : rcode::server_failure};
  }
  switch (right.rcode) {
    case rcode::refused:
      return {right.rcode, &extended_error::transfer_prohibited};
    case rcode::not_auth:
      return {right.rcode, &extended_error::not_authoritative};
    default:
      return {right.rcode};
  }
}

void Exchange::finish(AnswerWriter& writer, const Verdict& verdict) {
  // RD is copied (RFC 1035 section 4.1.1); RA, Z, AD and CD are clear (RFC 4035 section 3.1.6).
  unsigned flags = flag::response | (query_.flags & (flag::opcode_mask | flag::recursion_desired));
  if (authoritative_) flags |= flag::authoritative;
  outcome_.rcode = verdict.rcode;
  outcome_.truncated = writer.truncated();
  outcome_.size = writer.finish(query_.id, static_cast<uint16_t>(flags | (verdict.rcode & 0xfU)),
                                query_.edns.present);
  if (query_.edns.present) {
    opt_.rcode = verdict.rcode;
    opt_.error = verdict.error;
    const std::span<uint8_t> room = writer.opt_room();
    outcome_.size +=
        write_opt(room.first(room.size() - tsig_.room()), outcome_.size + tsig_.room(), opt_);
  }
  if (tsig_.room() > 0) outcome_.size = tsig_.sign(out_.data(), outcome_.size, client_.now);
}

Outcome respond(Bytes packet, const Client& client, const Snapshot& snapshot, WorkerTally& tally,
                std::span<uint8_t> out) {
  Prepared query;
  query.read(packet, snapshot);
  return answer(query, client, snapshot, tally, out);
}

Outcome answer(Prepared& query, const Client& client, const Snapshot& snapshot, WorkerTally& tally,
               std::span<uint8_t> out) {
  return Exchange(query, client, snapshot, tally, out).run();
}

}  // namespace swingover::zones
