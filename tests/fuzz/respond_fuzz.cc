// A stranger's packet in, an answer out, and what must hold of every answer. The first octet of an input is the world:
// transport and which endpoints are up; the second the manner: whose limits apply, who asks, who serves whom.

#include <algorithm>
#include <array>
#include <vector>

#include "tests/fuzz/read_answer.h"
#include "tests/fuzz/respond_world.h"
#include "zones/protocol.h"
#include "zones/transfer.h"

namespace swingover::tests {
namespace {

using namespace zones;

constexpr unsigned ldns_reads_one_in = 16;  // it is slow

/// The two servers of one model, the open one with signed zones, and buffers as large as a worker's.
struct World {
  Validator validator;
  Served open{signed_respond_model(validator), open_answering()};
  Served strict{respond_model(), strict_answering()};
  std::vector<uint8_t> datagram = std::vector<uint8_t>(1232);
  std::vector<uint8_t> stream = std::vector<uint8_t>(65'535);
  ReadAnswer answer;
};

struct Asked {
  Bytes packet;
  Client client;
  bool is_strict = false;
};

bool is_error(uint16_t code) {
  return code == rcode::format_error || code == rcode::not_implemented || code == rcode::refused ||
         code == rcode::bad_version || code == rcode::server_failure || code == rcode::not_auth ||
         code == rcode::bad_cookie;
}

void check_header(const Asked& asked, const ReadAnswer& answer, Bytes wire,
                  const Outcome& outcome) {
  const Bytes packet = asked.packet;
  require(std::equal(packet.begin(), packet.begin() + 2, wire.begin()), "the id is the query's");
  require((wire[2] & 0x80) != 0, "QR is set");
  require((wire[2] & 0x79) == (packet[2] & 0x79), "opcode and RD are the query's");
  require((wire[3] & 0xf0) == 0, "RA, Z, AD and CD are clear");
  require((wire[3] & 0xf) == (outcome.rcode & 0xf), "the header has the RCODE that was counted");
  require(answer.opts <= 1 && answer.edns_version == 0, "one OPT at most, of version 0");
  require(answer.opts == 0 || answer.extended_rcode == (outcome.rcode & 0xff0),
          "the OPT has the upper bits of the RCODE");
  require(((answer.flags & flag::truncated) != 0) == outcome.truncated, "TC is what was counted");
  if (!answer.has_question) return;
  const size_t size = answer.question.size + 4;
  require(packet.size() >= header_size + size &&
              std::equal(packet.begin() + header_size,
                         packet.begin() + static_cast<long>(header_size + size),
                         wire.begin() + header_size),
          "the question is the query's, octet by octet");
}

void check_size(const Asked& asked, const ReadAnswer& answer, Bytes wire, const Outcome& outcome) {
  if (asked.client.transport != Transport::udp) return;
  require(wire.size() <= (answer.opts > 0 ? 1232 : 512),
          "a datagram is as small as the client needs it");
  const bool is_proven = outcome.cookie == CookieState::valid || answer.tsigs > 0;
  if (!asked.is_strict || is_proven) return;
  require(wire.size() <= 10 * asked.packet.size(), "no answer amplifies more than tenfold");
  if (!is_error(outcome.rcode))
    require(answer.records.empty(), "who must prove itself gets no data");
}

/// RFC 2181 section 5: no record twice in a section, one TTL a set.
void check_sets(const std::vector<ReadRecord>& records) {
  static std::vector<const ReadRecord*> sorted;
  sorted.clear();
  for (const ReadRecord& record : records) sorted.push_back(&record);
  std::ranges::sort(sorted, [](const ReadRecord* a, const ReadRecord* b) {
    return std::tie(a->section, a->set_hash, a->data_hash) <
           std::tie(b->section, b->set_hash, b->data_hash);
  });
  for (size_t i = 1; i < sorted.size(); ++i) {
    const ReadRecord &a = *sorted[i - 1], &b = *sorted[i];
    if (a.section != b.section || a.set_hash != b.set_hash) continue;
    require(a.data_hash != b.data_hash, "no record stands twice in a section");
    require(a.ttl == b.ttl, "a set has one TTL");
  }
}

/// Every record of the answer section is about the name that was asked, or that a CNAME or DNAME made of it;
/// the set at its end has one type.
void check_chain(const ReadAnswer& answer) {
  WireName name = answer.question;
  const ReadRecord* final = nullptr;
  unsigned hops = 0;
  for (const ReadRecord& record : answer.records) {
    if (record.section != 0) break;
    if (final) {
      require(record.set_hash == final->set_hash, "a chain ends with one set");
      continue;
    }
    const bool is_asked_for =
        answer.qtype == record.type || answer.qtype == type::any || answer.qtype == type::rrsig;
    if (record.type == type::dname && !(record.owner == name)) {
      require(name.is_at_or_below(record.owner), "a DNAME stands above the name");
      continue;
    }
    require(record.owner == name, "a record is about the name");
    if (record.type == type::cname) {
      name = record.target;
      require(++hops <= 16, "a chain has 16 links at most");
      continue;
    }
    require(is_asked_for, "data is of the type that was asked for");
    final = &record;
  }
}

void check_meaning(const ReadAnswer& answer, const Outcome& outcome) {
  const bool is_authoritative = (answer.flags & flag::authoritative) != 0;
  if (is_error(outcome.rcode)) {
    require(answer.records.empty(), "an error brings no records");
    require(!is_authoritative, "an error is not authoritative");
    return;
  }
  require(outcome.rcode == rcode::no_error || outcome.rcode == rcode::name_error ||
              outcome.rcode == rcode::yx_domain,
          "every other RCODE is known");
  if (!answer.has_question || answer.qclass != dns_class::in) return;
  unsigned counts[3] = {0, 0, 0};
  bool has_soa = false, has_ns = false, has_dname = false;
  for (const ReadRecord& record : answer.records) {
    ++counts[record.section];
    has_soa |= record.section == 1 && record.type == type::soa;
    has_ns |= record.section == 1 && record.type == type::ns;
    has_dname |= record.section == 0 && record.type == type::dname;
    require(record.section != 1 || record.type == type::soa || record.type == type::ns,
            "the authority section has an SOA or a delegation");
    require(record.section != 1 || answer.question.is_at_or_below(record.owner) || counts[0] > 0,
            "authority stands at or above the name");
  }
  require(!(has_soa && has_ns), "an answer is negative or a referral, not both");
  check_chain(answer);
  if (outcome.truncated) return;
  if (outcome.rcode == rcode::name_error) require(has_soa, "NXDOMAIN has an SOA");
  if (outcome.rcode == rcode::yx_domain) require(has_dname, "YXDOMAIN has its DNAME");
  if (outcome.rcode == rcode::no_error && counts[0] == 0)
    require(is_authoritative ? has_soa : has_ns, "an answer without data is NODATA or a referral");
  if (counts[0] > 0) require(is_authoritative, "data is authoritative");
}

/// What belongs to other records, and has rules of its own.
void drop_signatures(std::vector<ReadRecord>& records) {
  std::erase_if(records, [](const ReadRecord& record) {
    return record.type == type::rrsig ||
           (record.section == 1 && (record.type == type::nsec || record.type == type::ds));
  });
}

void check_by_ldns(Bytes wire, const ReadAnswer& answer, const Validator& validator) {
  for (const std::string& problem : validator.problems(wire, respond_now))
    require(problem.starts_with("unsigned: "), "every signature is right");
  const PacketText text = packet_text(wire);
  require(text.parsed, "ldns reads it");
  require(
      text.answer.size() + text.authority.size() + text.additional.size() >= answer.records.size(),
      "ldns finds as many records");
}

/// A transfer that is granted comes to its end, and each of its messages is whole, and signed like its request.
void check_transfer(const Asked& asked, const Snapshot& snapshot, World& world) {
  const auto transfer = start_transfer(asked.packet, asked.client, snapshot);
  require(transfer != nullptr, "what is granted can be begun");
  const bool is_signed = tsig_place(asked.packet) != 0;
  unsigned messages = 0;
  while (const size_t size = transfer->next(world.stream, respond_now)) {
    require(++messages < 100, "a transfer ends");
    world.answer.read(Bytes(world.stream).first(size));
    require(world.answer.tsigs == (is_signed ? 1U : 0U), "a message is signed like its request");
    require(!world.answer.records.empty(), "a message has records");
  }
  require(messages > 0 && transfer->is_complete(), "a transfer comes to its end");
}

/// Answers of services within capacity, by service, by row, by pool.
using ByShares = std::vector<std::array<uint32_t, 2>>;

ByShares answers_by_shares(Served& server) {
  const Snapshot& snapshot = server.snapshot();
  ByShares all;
  for (const uint32_t service : respond_steered()) {
    for (size_t row = 0; row < snapshot.shares->rows(); ++row)
      server.tally().add_answers(snapshot.plans[service], row, all.emplace_back());
  }
  return all;
}

/// Nobody is sent to a pool without a share in the client's row while one with a share could serve him.
void check_shares(Served& server, const ByShares& before) {
  const Snapshot& snapshot = server.snapshot();
  const ByShares after = answers_by_shares(server);
  size_t place = 0;
  for (const uint32_t service : respond_steered()) {
    const std::vector<Pool>& pools = snapshot.model->services[service].pools;
    for (size_t row = 0; row < snapshot.shares->rows(); ++row, ++place) {
      std::array<uint16_t, 2> shares{};
      const bool has_row = snapshot.shares->read(ServiceId(service), row, shares);
      for (size_t i = 0; has_row && i < pools.size(); ++i) {
        const bool is_sent_there = before[place][i] != after[place][i];
        const auto is_up = [&](const Endpoint& endpoint) {
          return snapshot.eligibility->get(endpoint.id) == Eligibility::eligible;
        };
        const bool can_other_serve =
            shares[1 - i] > 0 && std::ranges::all_of(pools[1 - i].endpoints, is_up);
        require(!is_sent_there || shares[i] > 0 || !can_other_serve, "answers follow the shares");
      }
    }
  }
}

void check(const Asked& asked, World& world) {
  Served& server = asked.is_strict ? world.strict : world.open;
  const auto ask = [&](Bytes packet) {
    std::vector<uint8_t>& room =
        asked.client.transport == Transport::udp ? world.datagram : world.stream;
    return std::pair(respond(packet, asked.client, server.snapshot(), server.tally(), room),
                     Bytes(room));
  };
  const ByShares by_shares = answers_by_shares(server);
  const auto [outcome, room] = ask(asked.packet);
  const bool must_be_silent = asked.packet.size() < header_size || (asked.packet[2] & 0x80) != 0;
  require((outcome.size == 0) == (must_be_silent || outcome.is_transfer),
          "silence is for responses and for what has no whole header, alone");
  if (outcome.is_transfer) check_transfer(asked, server.snapshot(), world);
  if (outcome.size == 0) return;

  const Bytes wire = room.first(outcome.size);
  ReadAnswer& answer = world.answer;
  answer.read(wire);
  if (answer.qtype == type::a) check_shares(server, by_shares);
  check_header(asked, answer, wire, outcome);
  check_size(asked, answer, wire, outcome);
  const bool is_difference = answer.qtype == type::ixfr && outcome.rcode == rcode::no_error;
  drop_signatures(answer.records);
  if (!is_difference) check_sets(answer.records);
  if (!is_difference) check_meaning(answer, outcome);
  if ((wire[0] ^ wire[1]) % ldns_reads_one_in == 0) check_by_ldns(wire, answer, world.validator);
  const std::vector<uint8_t> echo(wire.begin(), wire.begin() + header_size);
  require(ask(echo).first.size == 0, "an answer is never answered");
}

}  // namespace
}  // namespace swingover::tests

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace swingover::tests;
  using namespace swingover::zones;
  static World world;
  if (size < 2) return 0;
  for (Served* server : {&world.open, &world.strict}) {
    set_share_rows(server->snapshot(), data[1] >> 6U);
    for (uint32_t i = 0; i < server->snapshot().eligibility->size(); ++i)
      server->set(i, (data[0] >> (2 + i % 6) & 1) != 0 ? Eligibility::eligible : Eligibility::down);
  }
  static constexpr Transport transports[] = {Transport::udp, Transport::udp, Transport::tcp,
                                             Transport::tls};
  // A heap copy of its own, so that a read behind the packet is seen.
  const std::vector<uint8_t> packet(data + 2, data + size);
  const Client client{.address = respond_clients()[data[1] >> 4 & 3U],
                      .transport = transports[data[0] & 3U],
                      .now = respond_now,
                      .must_prove = (data[1] & 4) != 0,
                      .keepalive = 100};
  check({.packet = packet, .client = client, .is_strict = (data[1] & 3) == 3}, world);
  return 0;
}
