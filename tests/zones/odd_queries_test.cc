// Queries that are unusual, and what RFC 8906 section 8 and its kin want to see.

#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

using namespace zones;

Served& served() {
  static Served instance(
      [] {
        Model model;
        std::string text = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nn 60 IN A 192.0.2.1\n";
        for (int i = 0; i < 60; ++i) text += "@ 60 IN TXT \"number " + std::to_string(i) + "\"\n";
        model.zones = {zone_source("example.", text),
                       {.apex = *parse_name("broken."), .contents = nullptr}};
        return model;
      }(),
      [] {
        Answering answering;
        answering.amplification_max = 0;
        answering.identity = "edge-1";
        answering.chaos_identity = "edge-1";
        answering.chaos_version = "1.2.3";
        answering.cookie_secrets = {{1, 2}};
        return answering;
      }());
  return instance;
}

constexpr uint16_t ad = 0x0020;
constexpr uint16_t cd = 0x0010;
constexpr uint16_t z = 0x0040;
constexpr uint16_t rd = 0x0100;
constexpr uint16_t tc = 0x0200;
constexpr uint16_t aa = 0x0400;

/// One line of RFC 8906 section 8, as dig is told to ask, and what must come.
struct Line {
  const char* what;
  QueryText query;
  uint16_t rcode = 0;
  bool has_soa = true;  // in the answer section
  std::string_view flags = "qr aa";
  Transport transport = Transport::udp;
  bool dnssec_ok = false;
};

QueryText soa(uint16_t flags = 0, std::optional<uint16_t> edns_size = {}) {
  return {.name = "example.", .type = type::soa, .edns_size = edns_size, .flags = flags};
}

QueryText with_options(std::vector<uint8_t> options, uint8_t version = 0) {
  QueryText query = soa(0, 1232);
  query.options = std::move(options);
  query.edns_version = version;
  return query;
}

QueryText with_do(uint8_t version) {
  QueryText query = soa(0, 1232);
  query.dnssec_ok = true;
  query.edns_version = version;
  return query;
}

QueryText of_type(uint16_t type) {
  QueryText query = soa();
  query.type = type;
  return query;
}

std::vector<uint8_t> joined(std::initializer_list<std::vector<uint8_t>> parts) {
  std::vector<uint8_t> out;
  for (const auto& part : parts) out.insert(out.end(), part.begin(), part.end());
  return out;
}

const std::vector<uint8_t> unknown_option{0, 100, 0, 2, 1, 2};
const std::vector<uint8_t> nsid{0, 3, 0, 0};
const std::vector<uint8_t> cookie{0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8};
const std::vector<uint8_t> expire{0, 9, 0, 0};
const std::vector<uint8_t> subnet{0, 8, 0, 4, 0, 1, 0, 0};

/// The codes of the options, as they come.
std::vector<unsigned> codes(const std::vector<uint8_t>& options) {
  std::vector<unsigned> out;
  for (size_t at = 0; at + 4 <= options.size(); at += 4U + read_u16(&options[at + 2]))
    out.push_back(read_u16(&options[at]));
  return out;
}

/// What RFC 8914 says of the answer, as "code text"; empty: nothing.
std::string extended_error_of(const std::vector<uint8_t>& options) {
  for (size_t at = 0; at + 4 <= options.size(); at += 4U + read_u16(&options[at + 2])) {
    if (read_u16(&options[at]) != 15) continue;
    const size_t size = read_u16(&options[at + 2]);
    return std::to_string(read_u16(&options[at + 4])) + " " +
           std::string(options.begin() + static_cast<long>(at) + 6,
                       options.begin() + static_cast<long>(at + 4 + size));
  }
  return {};
}

}  // namespace

TEST_CASE("RFC 8906 section 8 finds nothing to complain about", "[odd_queries]") {
  const Line line = GENERATE(values<Line>({
      {"8.1.1 SOA", soa()},
      {"8.1.2 unknown type", of_type(1000), 0, false},
      {"8.1.3.1 CD", soa(cd)},
      {"8.1.3.2 AD", soa(ad)},
      {"8.1.3.3 reserved bit", soa(z)},
      {"8.1.3.4 RD", soa(rd), 0, true, "qr aa rd"},
      {"8.1.5 TCP", soa(), 0, true, "qr aa", Transport::tcp},
      {"8.2.1 minimal EDNS", soa(0, 1232)},
      {"8.2.2 EDNS version", with_options({}, 1), rcode::bad_version, false, "qr"},
      {"8.2.3 unknown option", with_options(unknown_option)},
      {"8.2.5 version with option", with_options(unknown_option, 1), rcode::bad_version, false,
       "qr"},
      {"8.2.7 DO", with_do(0), 0, true, "qr aa", Transport::udp, true},
      {"8.2.8 version with DO", with_do(1), rcode::bad_version, false, "qr", Transport::udp, true},
  }));
  INFO(line.what);
  const PacketText answer = served().ask(line.query, line.transport);
  CHECK(answer.id == line.query.id);
  CHECK(answer.rcode == line.rcode);
  CHECK(answer.flags == line.flags);
  CHECK((answer.answer.size() == 1) == line.has_soa);
  CHECK(answer.question.size() == 1);
  CHECK(answer.has_opt == line.query.edns_size.has_value());
  CHECK(answer.edns_version == 0);
  CHECK(answer.dnssec_ok == line.dnssec_ok);
  CHECK(answer.options.empty());
}

TEST_CASE("RFC 8906 8.1.4: an unknown opcode is NOTIMP, with a header alone", "[odd_queries]") {
  const std::vector<uint8_t> packet{0xbe, 0xef, 0x78, 0, 0, 0, 0, 0, 0, 0, 0, 0};
  const std::vector<uint8_t> answer = served().raw(packet);
  CHECK(answer == std::vector<uint8_t>{0xbe, 0xef, 0xf8, 4, 0, 0, 0, 0, 0, 0, 0, 0});
}

TEST_CASE("RFC 8906 8.2.4: unknown EDNS flags are ignored and cleared", "[odd_queries]") {
  for (const uint8_t version : {uint8_t{0}, uint8_t{1}}) {
    QueryText query = soa(0, 1232);
    query.edns_version = version;
    auto packet = query_packet(query);
    packet[packet.size() - 4] = 0x40;  // Z, the second highest of 16 flags
    packet[packet.size() - 3] = 0x41;
    const std::vector<uint8_t> answer = served().raw(packet);
    CHECK(answer[answer.size() - 4] == 0);
    CHECK(answer[answer.size() - 3] == 0);
    CHECK(packet_text(answer).rcode == (version == 0 ? 0 : rcode::bad_version));
  }
}

TEST_CASE("RFC 8906 8.2.6: a truncated answer has its OPT", "[odd_queries]") {
  QueryText query = soa(0, 512);
  query.type = type::txt;
  const PacketText answer = served().ask(query);
  CHECK(answer.flags == "qr aa tc");
  CHECK(answer.has_opt);
  query.edns_size = {};
  CHECK(served().ask(query).flags == "qr aa tc");
}

TEST_CASE("RFC 8906 8.2.9: several options at once are each answered or left out",
          "[odd_queries]") {
  const PacketText answer =
      served().ask(with_options(joined({cookie, nsid, expire, subnet, unknown_option})));
  CHECK(answer.rcode == 0);
  CHECK(answer.answer.size() == 1);
  CHECK(codes(answer.options) == std::vector<unsigned>{10, 8, 3});
}

TEST_CASE("flags of an answer, in a query, mean nothing", "[odd_queries]") {
  CHECK(served().ask(soa(aa | tc | 0x0f)).flags == "qr aa");
  CHECK(served().ask(soa(aa | tc | 0x0f)).rcode == 0);
}

TEST_CASE("CHAOS names tell what is configured, and are refused else", "[odd_queries]") {
  const auto chaos = [](std::string_view name, uint16_t type = type::txt) {
    return QueryText{.name = name, .type = type, .dns_class = 3, .flags = 0};
  };
  for (const std::string_view name : {"id.server.", "HostName.BIND."}) {
    const PacketText answer = served().ask(chaos(name));
    CHECK(answer.rcode == 0);
    CHECK(answer.answer == Lines{std::string(name) + " 0 CH TXT \"edge-1\""});
  }
  for (const std::string_view name : {"version.server.", "version.bind."})
    CHECK(served().ask(chaos(name)).answer == Lines{std::string(name) + " 0 CH TXT \"1.2.3\""});
  CHECK(served().ask(chaos("id.server.", type::any)).answer.size() == 1);
  CHECK(served().ask(chaos("id.server.", type::a)).rcode == rcode::refused);
  CHECK(served().ask(chaos("authors.bind.")).rcode == rcode::refused);
  CHECK(served().ask(chaos("example.")).rcode == rcode::refused);
  CHECK(served().ask({.name = "version.bind.", .type = type::txt}).rcode == rcode::refused);
  Served silent(Model{});
  const PacketText hidden = silent.ask(chaos("version.bind."));
  CHECK(hidden.rcode == rcode::refused);
  CHECK(extended_error_of(hidden.options) == "18 not told");
  CHECK(silent.ask(chaos("id.server.")).rcode == rcode::refused);
}

TEST_CASE("a long CHAOS text is cut into strings, and truncated where it does not fit",
          "[odd_queries]") {
  Answering answering;
  answering.amplification_max = 0;
  answering.chaos_version = std::string(300, 'v');
  Served told(Model{}, answering);
  const QueryText query{.name = "version.bind.", .type = type::txt, .dns_class = 3, .flags = 0};
  CHECK(told.ask(query).answer == Lines{"version.bind. 0 CH TXT \"" + std::string(255, 'v') +
                                        "\" \"" + std::string(45, 'v') + "\""});
  answering.chaos_version = std::string(600, 'v');
  Served verbose(Model{}, answering);
  QueryText plain = query;
  plain.edns_size = {};
  CHECK(verbose.ask(plain).flags == "qr tc");
}

TEST_CASE("an error says more to who speaks EDNS", "[odd_queries]") {
  const auto said = [](QueryText query, Transport transport = Transport::udp) {
    return extended_error_of(served().ask(query, transport).options);
  };
  CHECK(said({.name = "example.org."}) == "20 no zone of this server");
  CHECK(said({.name = "a.broken."}) == "14 zone not loaded");
  CHECK(said({.name = "example.", .type = type::axfr}, Transport::tcp) ==
        "18 transfer not allowed");
  CHECK(said({.name = "example.", .type = type::maila}) == "21 ");
  CHECK(said({.name = "example.", .flags = 0x1000}) == "21 ");  // STATUS
  CHECK(said({.name = "example.", .type = type::soa, .flags = 0x2800}) ==
        "18 this server takes no changes by DNS");
  CHECK(said({.name = "example.", .dns_class = 4}) == "20 no zone of this server");
  CHECK(said({.name = "example."}).empty());
  CHECK_FALSE(served().ask({.name = "example.org.", .edns_size = {}}).has_opt);
}

}  // namespace swingover::tests
