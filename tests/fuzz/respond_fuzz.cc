// A stranger's packet in, an answer out, and what must hold of every answer.

#include <cstdio>
#include <cstdlib>

#include "tests/support/served.h"
#include "zones/protocol.h"
#include "zones/respond.h"

namespace swingover::tests {
namespace {

using namespace zones;

// Short names, so that a mutation meets them.
const std::string_view zone = R"(
  @ 60 IN SOA n h 1 2 3 4 5
  @ 60 IN NS n
  @ 60 IN MX 1 n
  n 60 IN A 192.0.2.53
  a 60 IN CNAME s
  b 60 IN CNAME t
  c 60 IN CNAME c
  *.w 60 IN CNAME n
  *.m 60 IN MX 5 m.w
  d 60 IN DNAME e
  f 60 IN DNAME l.f
  r 60 IN DNAME .
  x.e 60 IN TXT "x"
  z 60 IN NS n.z
  z 60 IN NS n.y
  n.z 60 IN A 192.0.2.1
  x.v 60 IN TYPE731 \# 2 c00c
)";

Model model() {
  Model out;
  out.topology = two_clusters();
  std::string text(zone);
  for (int i = 0; i < 120; ++i) text += "l 60 IN A 192.0.2." + std::to_string(i) + "\n";
  for (int i = 0; i < 40; ++i)
    text +=
        "g 60 IN NS n" + std::to_string(i) + ".g\nn" + std::to_string(i) + ".g 60 IN A 192.0.2.1\n";
  out.zones = {
      zone_source("k.", text),
      zone_source(
          "y.",
          "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nn 60 IN A 192.0.2.3\n*.w 1 IN CNAME x.d.k.\n"),
      {.apex = *parse_name("q."), .contents = nullptr}};
  out.services = {service_of("s.k.", {pool_of("fra", {"192.0.2.10", "2001:db8::10"}),
                                      pool_of("ams", {"192.0.2.20"})}),
                  service_of("t.k.", {pool_of("fra", {"s.k."}), pool_of("ams", {"a.w.y."})}),
                  service_of("u.k.", {pool_of("fra", {"192.0.2.4"})})};
  out.services[1].policy = Policy::active_active;
  out.services[2].when_all_down = WhenAllDown::servfail;
  return out;
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Every counted record is whole, every pointer leads backwards, and nothing follows the last record.
void require_well_formed(Bytes answer) {
  size_t at = header_size;
  const auto skip_name = [&] {
    for (;;) {
      require(at < answer.size(), "a name ends inside the message");
      const uint8_t length = answer[at];
      if (length >= 0xc0) {
        require(at + 2 <= answer.size(), "a pointer is whole");
        require((read_u16(&answer[at]) & pointer_max) < at, "a pointer leads backwards");
        at += 2;
        return;
      }
      require(length <= 63, "a label has at most 63 octets");
      at += 1U + length;
      if (length == 0) return;
    }
  };
  for (unsigned i = 0; i < read_u16(&answer[4]); ++i) {
    skip_name();
    at += 4;
  }
  const unsigned records = read_u16(&answer[6]) + read_u16(&answer[8]) + read_u16(&answer[10]);
  for (unsigned i = 0; i < records; ++i) {
    skip_name();
    require(at + 10 <= answer.size(), "a record is whole");
    at += 10U + read_u16(&answer[at + 8]);
  }
  require(at == answer.size(), "the message ends with its last record");
}

void check(Bytes packet, Transport transport, Served& server) {
  const std::vector<uint8_t> answer = server.raw(packet, transport);
  const Outcome& outcome = server.outcome();
  const bool must_be_silent = packet.size() < header_size || (packet[2] & 0x80) != 0;
  require(answer.empty() == must_be_silent,
          "silence is for responses and for what has no whole header, alone");
  if (answer.empty()) return;

  require(answer.size() >= header_size, "an answer has a header");
  require(std::equal(packet.begin(), packet.begin() + 2, answer.begin()), "the id is the query's");
  require((answer[2] & 0x80) != 0, "QR is set");
  require((answer[2] & 0x79) == (packet[2] & 0x79), "opcode and RD are the query's");
  require((answer[3] & 0xf0) == 0, "RA, Z, AD and CD are clear");
  require((answer[3] & 0xf) == (outcome.rcode & 0xf), "the header has the RCODE that was counted");
  require_well_formed(answer);
  const PacketText text = packet_text(answer);
  require(text.parsed, "ldns reads it");
  if (read_u16(&answer[4]) != 0) {
    const size_t size = answer.size() < packet.size() ? answer.size() : packet.size();
    size_t end = header_size;
    while (packet[end] != 0) end += 1U + packet[end];
    require(end + 5 <= size && std::equal(packet.begin() + header_size,
                                          packet.begin() + static_cast<long>(end) + 5,
                                          answer.begin() + header_size),
            "the question is the query's, octet by octet");
  }
  if (transport == Transport::udp) {
    const size_t asked = text.has_opt ? 1232 : 512;
    require(answer.size() <= asked, "a datagram is as small as the client needs it");
  }
  if (outcome.rcode == rcode::format_error || outcome.rcode == rcode::not_implemented ||
      outcome.rcode == rcode::refused || outcome.rcode == rcode::bad_version ||
      outcome.rcode == rcode::server_failure) {
    require(text.answer.empty() && text.authority.empty() && text.additional.empty(),
            "an error brings no records");
    require((answer[2] & 0x04) == 0, "an error is not authoritative");
  }
  require(text.edns_version == 0, "our EDNS version is 0");
  require(server.raw(answer, transport).empty(), "an answer is never answered");
}

}  // namespace
}  // namespace swingover::tests

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace swingover::tests;
  static Served server(model());
  if (size < 1) return 0;
  // The first octet is the world: transport, and which endpoints are up.
  const uint8_t world = data[0];
  for (uint32_t i = 0; i < server.snapshot().eligibility->size(); ++i) {
    server.set(i, (world >> (1 + i % 7) & 1) != 0 ? swingover::zones::Eligibility::eligible
                                                  : swingover::zones::Eligibility::down);
  }
  const auto transport =
      (world & 1) != 0 ? swingover::zones::Transport::tcp : swingover::zones::Transport::udp;
  // A heap copy of its own, so that a read behind the packet is seen.
  const std::vector<uint8_t> packet(data + 1, data + size);
  check(packet, transport, server);
  return 0;
}
