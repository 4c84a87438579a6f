#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "zones/name.h"

// Last, and cleaned up after: ldns makes macros of true and false, which C++ headers do not survive.
#include <ldns/ldns.h>
#undef false
#undef true

namespace swingover::tests {

/// A query as a test writes it.
struct QueryText {
  std::string_view name;
  uint16_t type = 1;
  uint16_t dns_class = 1;
  std::optional<uint16_t> edns_size = 1232;  // no value: no OPT
  bool dnssec_ok = false;
  uint8_t edns_version = 0;
  std::vector<uint8_t> options{};
  uint16_t flags = 0x0100;  // RD
  uint16_t id = 0xbeef;
};

inline void put_u16(std::vector<uint8_t>& out, unsigned value) {
  out.push_back(static_cast<uint8_t>(value >> 8));
  out.push_back(static_cast<uint8_t>(value));
}

inline void put_opt(std::vector<uint8_t>& out, const QueryText& query) {
  out.push_back(0);
  put_u16(out, 41);
  put_u16(out, *query.edns_size);
  put_u16(out, query.edns_version);
  put_u16(out, query.dnssec_ok ? 0x8000 : 0);
  put_u16(out, static_cast<unsigned>(query.options.size()));
  out.insert(out.end(), query.options.begin(), query.options.end());
}

inline std::vector<uint8_t> query_packet(const QueryText& query) {
  std::vector<uint8_t> out;
  put_u16(out, query.id);
  put_u16(out, query.flags);
  put_u16(out, 1);
  put_u16(out, 0);
  put_u16(out, 0);
  put_u16(out, query.edns_size ? 1 : 0);
  const auto name = zones::parse_name(query.name);
  out.insert(out.end(), name->wire().begin(), name->wire().end());
  put_u16(out, query.type);
  put_u16(out, query.dns_class);
  if (query.edns_size) put_opt(out, query);
  return out;
}

/// An answer as ldns, which knows nothing of us, reads it; records as lines of a master file with single
/// blanks: "shop.example. 30 IN A 192.0.2.1".
struct PacketText {
  bool parsed = false;
  uint16_t id = 0;
  uint8_t opcode = 0;
  uint16_t rcode = 0;  // with the extended bits
  std::string flags;   // of qr aa tc rd ra ad cd, as set: "qr aa rd"
  std::vector<std::string> question, answer, authority, additional;
  bool has_opt = false;
  uint16_t edns_size = 0;
  uint8_t edns_version = 0;
  bool dnssec_ok = false;
  std::vector<uint8_t> options;
};

inline std::vector<std::string> record_lines(const ldns_rr_list* records) {
  std::vector<std::string> out;
  for (size_t i = 0; i < ldns_rr_list_rr_count(records); ++i) {
    char* text = ldns_rr2str(ldns_rr_list_rr(records, i));
    std::string line;
    for (const char* at = text; *at != '\0' && *at != '\n'; ++at) {
      const char c = *at == '\t' ? ' ' : *at;
      if (c != ' ' || line.empty() || line.back() != ' ') line += c;
    }
    while (!line.empty() && line.back() == ' ') line.pop_back();
    LDNS_FREE(text);
    out.push_back(line);
  }
  return out;
}

inline PacketText packet_text(Bytes wire) {
  PacketText out;
  ldns_pkt* packet = nullptr;
  if (ldns_wire2pkt(&packet, wire.data(), wire.size()) != LDNS_STATUS_OK) return out;
  out.parsed = true;
  out.id = ldns_pkt_id(packet);
  out.opcode = static_cast<uint8_t>(wire[2] >> 3 & 0xf);
  const std::array<std::pair<bool, const char*>, 7> flags{{{ldns_pkt_qr(packet), "qr"},
                                                           {ldns_pkt_aa(packet), "aa"},
                                                           {ldns_pkt_tc(packet), "tc"},
                                                           {ldns_pkt_rd(packet), "rd"},
                                                           {ldns_pkt_ra(packet), "ra"},
                                                           {ldns_pkt_ad(packet), "ad"},
                                                           {ldns_pkt_cd(packet), "cd"}}};
  for (const auto& [is_set, word] : flags) {
    if (is_set) out.flags += (out.flags.empty() ? "" : " ") + std::string(word);
  }
  out.question = record_lines(ldns_pkt_question(packet));
  out.answer = record_lines(ldns_pkt_answer(packet));
  out.authority = record_lines(ldns_pkt_authority(packet));
  out.additional = record_lines(ldns_pkt_additional(packet));
  out.has_opt = ldns_pkt_edns(packet);
  out.rcode = static_cast<uint16_t>(ldns_pkt_get_rcode(packet));
  if (out.has_opt) {
    out.rcode = static_cast<uint16_t>(out.rcode | ldns_pkt_edns_extended_rcode(packet) << 4);
    out.edns_size = ldns_pkt_edns_udp_size(packet);
    out.edns_version = ldns_pkt_edns_version(packet);
    out.dnssec_ok = ldns_pkt_edns_do(packet);
    if (const ldns_rdf* data = ldns_pkt_edns_data(packet)) {
      out.options.assign(ldns_rdf_data(data), ldns_rdf_data(data) + ldns_rdf_size(data));
    }
  }
  ldns_pkt_free(packet);
  return out;
}

}  // namespace swingover::tests
