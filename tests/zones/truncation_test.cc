#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/protocol.h"
#include "zones/respond.h"

namespace swingover::tests {
namespace {

using namespace zones;

std::string zone() {
  std::string text = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n.example.\n";
  for (int i = 0; i < 50; ++i) text += "many 60 IN A 192.0.2." + std::to_string(i) + "\n";
  for (int i = 0; i < 12; ++i)
    text += "mail 60 IN MX " + std::to_string(i) + " host" + std::to_string(i) + "\n";
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < 4; ++j)
      text += "host" + std::to_string(i) + " 60 IN AAAA 2001:db8::" + std::to_string(i) + ":" +
              std::to_string(j) + "\n";
  }
  for (int i = 0; i < 13; ++i) {
    text += "sub 60 IN NS ns" + std::to_string(i) + ".sub\n";
    text += "ns" + std::to_string(i) + ".sub 60 IN AAAA 2001:db8::1:" + std::to_string(i) + "\n";
  }
  text += "to-many 60 IN CNAME many\n";
  for (int i = 0; i < 250; ++i) {
    text += "huge 60 IN TXT \"" + std::string(200, 'x') + std::to_string(i) + "\"\n";
    text += "toohuge 60 IN TXT \"" + std::string(250, 'x') + std::to_string(i) + "\"\n";
  }
  // Names in RDATA far behind where a pointer reaches.
  for (int i = 0; i < 1200; ++i)
    text += "far 60 IN NS some-rather-long-name-" + std::to_string(i) + ".example.net.\n";
  text += "to-far 60 IN CNAME x.far\n";
  return text;
}

Served& served() {
  static Served instance([] {
    Model model;
    model.topology = two_clusters();
    model.zones = {zone_source("big.example.", zone())};
    std::vector<std::string> texts;
    for (int i = 0; i < 100; ++i) texts.push_back("198.51.100." + std::to_string(i));
    model.services = {
        service_of("svc.big.example.", {pool_of("fra", {texts.begin(), texts.end()})})};
    model.services[0].answers = 0;
    return model;
  }());
  return instance;
}

}  // namespace

TEST_CASE("an RRset that does not fit is left out as a whole, with TC, and is complete over TCP",
          "[truncation]") {
  for (const std::string_view name : {"many.big.example.", "svc.big.example."}) {
    const auto wire = served().raw(query_packet({.name = name, .edns_size = {}}));
    CHECK(wire.size() <= 512);
    const PacketText cut = packet_text(wire);
    CHECK(cut.flags == "qr aa tc rd");
    CHECK(cut.rcode == 0);
    CHECK(cut.answer.empty());
    const PacketText whole = served().ask({.name = name, .edns_size = {}}, Transport::tcp);
    CHECK(whole.flags == "qr aa rd");
    CHECK(whole.answer.size() == (name[0] == 'm' ? 50 : 100));
  }
  CHECK(served().ask("many.big.example.").flags == "qr aa rd");  // within 1232
}

TEST_CASE("what came before a set that does not fit stays", "[truncation]") {
  const PacketText cut = served().ask({.name = "to-many.big.example.", .edns_size = {}});
  CHECK(cut.flags == "qr aa tc rd");
  CHECK(cut.answer == Lines{"to-many.big.example. 60 IN CNAME many.big.example."});
}

TEST_CASE("additional data that is only of help does not set TC", "[truncation]") {
  const PacketText cut =
      served().ask({.name = "mail.big.example.", .type = type::mx, .edns_size = 512});
  CHECK(cut.flags == "qr aa rd");
  CHECK(cut.answer.size() == 12);
  CHECK(cut.additional.size() % 4 == 0);
  CHECK(cut.additional.size() < 48);
  CHECK(cut.has_opt);
  CHECK(served()
            .ask({.name = "mail.big.example.", .type = type::mx}, Transport::tcp)
            .additional.size() == 48);
}

TEST_CASE("glue without which nobody gets on sets TC when it does not fit (RFC 9471)",
          "[truncation]") {
  const PacketText cut = served().ask({.name = "x.sub.big.example.", .edns_size = 512});
  CHECK(cut.flags == "qr tc rd");
  CHECK(cut.authority.size() == 13);
  CHECK(cut.has_opt);
  const PacketText whole = served().ask({.name = "x.sub.big.example."}, Transport::udp);
  CHECK(whole.flags == "qr rd");
  CHECK(whole.additional.size() == 13);
}

TEST_CASE("no answer is larger than the client or the server allows", "[truncation]") {
  for (const unsigned size :
       {0U, 100U, 511U, 512U, 513U, 600U, 900U, 1232U, 1500U, 4096U, 65535U}) {
    for (const std::string_view name :
         {"many.big.example.", "mail.big.example.", "x.sub.big.example.", "huge.big.example.",
          "svc.big.example."}) {
      for (const uint16_t rrtype : {type::a, type::mx, uint16_t{16}, type::any}) {
        const auto wire = served().raw(
            query_packet({.name = name, .type = rrtype, .edns_size = static_cast<uint16_t>(size)}));
        CHECK(wire.size() <= std::clamp<size_t>(size, 512, 1232));
        CHECK(packet_text(wire).has_opt);
      }
    }
  }
}

TEST_CASE("an RRset of nearly 64 KiB goes out over TCP, and a larger one is SERVFAIL",
          "[truncation]") {
  const PacketText huge = served().ask({.name = "huge.big.example.", .type = 16}, Transport::tcp);
  CHECK(huge.answer.size() == 250);
  CHECK(served().ask("huge.big.example.", 16).flags == "qr aa tc rd");
  const PacketText too_huge =
      served().ask({.name = "toohuge.big.example.", .type = 16}, Transport::tcp);
  CHECK(too_huge.rcode == rcode::server_failure);
}

TEST_CASE("names behind the reach of pointers are written out", "[truncation]") {
  const PacketText referral = served().ask({.name = "to-far.big.example."}, Transport::tcp);
  REQUIRE(referral.parsed);
  CHECK(referral.authority.size() == 1200);
  CHECK(referral.authority.back().ends_with(".example.net."));
  CHECK(referral.authority.at(1199) ==
        "far.big.example. 60 IN NS some-rather-long-name-1199.example.net.");
}

}  // namespace swingover::tests
