#include "zones/respond.h"

#include <algorithm>

#include "zones/answer_writer.h"
#include "zones/protocol.h"
#include "zones/query.h"
#include "zones/resolve.h"
#include "zones/tsig.h"

namespace swingover::zones {
namespace {

constexpr size_t udp_size_least =
    512;  // RFC 1035 section 4.2.1; also for OPT that says less (RFC 6891 6.2.3)

/// How many octets this client can take by this transport.
size_t size_limit(const Query& query, const Client& client, const Snapshot& snapshot, size_t room) {
  if (client.transport != Transport::udp) return room;
  const size_t asked =
      query.edns.present ? std::max<size_t>(query.edns.udp_size, udp_size_least) : udp_size_least;
  return std::min({asked, std::max<size_t>(snapshot.answering.udp_size_max, udp_size_least), room});
}

/// What a question gets before any zone is looked at; no_error: look.
uint16_t policy_rcode(const Query& query, const Client& client) {
  if (query.qclass != dns_class::in && query.qclass != dns_class::any) return rcode::refused;
  switch (query.qtype) {
    case type::axfr:  // RFC 5936 section 4.2: not defined over UDP
      return client.transport == Transport::udp ? rcode::format_error : rcode::refused;
    case type::ixfr:
      return rcode::refused;
    case type::tkey:
    case type::mailb:
    case type::maila:
      return rcode::not_implemented;
    case type::opt:  // pseudo-types: they are never asked for
    case type::tsig:
    case type::nxname:
      return rcode::format_error;
    default:
      return rcode::no_error;
  }
}

/// RFC 8906 section 3.1.2: an opcode that we do not know says so, whatever the rest of the message is.
uint16_t early_rcode(ParseOutcome parsed, const Query& query, const Client& client) {
  if (query.opcode() != opcode::query) return rcode::not_implemented;
  if (parsed == ParseOutcome::format_error) return rcode::format_error;
  if (parsed == ParseOutcome::bad_version) return rcode::bad_version;
  return policy_rcode(query, client);
}

}  // namespace

WorkerTally::WorkerTally(const Snapshot& snapshot, uint32_t worker)
    // Workers start at different places of the picks' sequence, so that together they follow it too.
    : sequence(snapshot.plans.size(), worker * 0x9e3779b9U), answers(snapshot.counts.pools) {}

Outcome respond(Bytes packet, const Client& client, const Snapshot& snapshot, WorkerTally& tally,
                std::span<uint8_t> out) {
  Query query;
  const ParseOutcome parsed = parse_query(packet, query);
  if (parsed == ParseOutcome::too_short) return {.drop = Drop::too_short};
  if (parsed == ParseOutcome::is_response) return {.drop = Drop::is_response};

  const Bytes identity(reinterpret_cast<const uint8_t*>(snapshot.answering.identity.data()),
                       snapshot.answering.identity.size());
  const size_t opt_room = opt_size(query.edns, identity);
  const size_t limit = size_limit(query, client, snapshot, out.size());
  if (limit < header_size + query.question.size() + opt_room) return {.drop = Drop::no_room};
  Tsig tsig;
  uint16_t tsig_rcode = rcode::no_error;
  if (parsed != ParseOutcome::format_error)
    tsig_rcode = tsig.verify_request(packet, query, snapshot.model->tsig_keys, client.now);
  if (limit < header_size + query.question.size() + opt_room + tsig.room()) {
    // Names that fill the whole datagram, of a key that is none of ours.
    tsig.forget();
    tsig_rcode = rcode::refused;
  }
  const size_t reserved = opt_room + tsig.room();
  AnswerWriter writer(out, limit, query.question, reserved);

  // RD is copied (RFC 1035 section 4.1.1); RA, Z, AD and CD are clear (RFC 4035 section 3.1.6).
  uint16_t flags = flag::response | (query.flags & (flag::opcode_mask | flag::recursion_desired));
  uint16_t rcode = tsig_rcode != rcode::no_error ? tsig_rcode : early_rcode(parsed, query, client);
  if (rcode == rcode::no_error) {
    Resolver resolver(snapshot, client, tally, writer);
    rcode = resolver.resolve(query.name, query.qtype);
    // Of all classes at once nobody can be the authority (RFC 1034 section 3.7.1).
    if (resolver.authoritative() && query.qclass == dns_class::in) flags |= flag::authoritative;
  }
  size_t size =
      writer.finish(query.id, static_cast<uint16_t>(flags | (rcode & 0xf)), query.edns.present);
  if (query.edns.present) {
    write_opt(writer.opt_room(), query.edns, snapshot.answering.udp_size_max, rcode, identity);
    size += opt_room;
  }
  if (tsig.room() > 0) size = tsig.sign(out.data(), size, client.now);
  return {.size = size, .rcode = rcode, .qtype = query.qtype, .truncated = writer.truncated()};
}

}  // namespace swingover::zones
