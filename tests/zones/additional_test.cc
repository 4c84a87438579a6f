#include <catch2/catch.hpp>
#include <map>
#include <set>

#include "tests/support/served.h"
#include "zones/protocol.h"
#include "zones/respond.h"

namespace swingover::tests {
namespace {

using namespace zones;

const std::string_view svc_zone = R"(
  @ 60 IN SOA n h 1 2 3 4 5
  @ 60 IN NS n
  @ 60 IN NS dns
  @ 60 IN MX 1 shop
  @ 60 IN MX 2 shop
  @ 60 IN MX 3 cdn
  @ 60 IN MX 4 a.wild
  n 60 IN A 192.0.2.53
  host 60 IN A 192.0.2.80
  host 60 IN AAAA 2001:db8::80
  *.wild 60 IN A 192.0.2.99
  far 60 IN MX 1 mail.other.example.
  far 60 IN MX 2 mail.other.example.
  far 60 IN MX 3 shop.other.example.
  far 60 IN MX 4 x.wild.other.example.
  far 60 IN MX 5 nothing.other.example.
  far 60 IN MX 6 x.sub.other.example.
  _sip._tcp 60 IN SRV 1 2 3 shop
  alias 60 IN HTTPS 0 self
  alias-loop 60 IN HTTPS 0 alias-loop
  nowhere 60 IN HTTPS 0 .
  self 60 IN HTTPS 1 . alpn="h2"
  self 60 IN HTTPS 2 host alpn="h3"
  self 60 IN SVCB 1 host
  self 60 IN A 192.0.2.7
  *.self 60 IN HTTPS 1 . alpn="h2"
  *.self 60 IN A 192.0.2.8
  shop 60 IN HTTPS 1 . alpn="h2"
  bind 60 IN SVCB 1 self
  sub 60 IN NS dns
  sub 60 IN NS ns.sub
  sub 60 IN NS ns.sister
  ns.sub 60 IN A 192.0.2.60
  sister 60 IN NS ns.sister
  ns.sister 60 IN A 192.0.2.61
  kin 60 IN MX 1 ns.sister
)";

Model model() {
  Model out;
  out.topology = two_clusters();
  out.zones = {zone_source("svc.example.", svc_zone),
               zone_source("other.example.",
                           "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nn 60 IN A 192.0.2.1\n"
                           "mail 60 IN A 192.0.2.2\n*.wild 60 IN A 192.0.2.3\nsub 60 IN NS ns.sub\n"
                           "ns.sub 60 IN A 192.0.2.4\nx.sub 60 IN A 192.0.2.5\n")};
  out.services = {service_of("shop.svc.example.", {pool_of("fra", {"192.0.2.10", "2001:db8::10"}),
                                                   pool_of("ams", {"192.0.2.20"}, 2)}),
                  service_of("dns.svc.example.",
                             {pool_of("fra", {"192.0.2.11"}), pool_of("ams", {"192.0.2.21"})}),
                  service_of("cdn.svc.example.", {pool_of("fra", {"host.svc.example."})}),
                  service_of("shop.other.example.", {pool_of("fra", {"192.0.2.12"})})};
  out.services[1].policy = Policy::active_active;
  return out;
}

Served served() {
  Served out(model());
  out.set_all(Eligibility::eligible);
  return out;
}

}  // namespace

TEST_CASE("a service that MX, NS, SRV or HTTPS points at brings its addresses as they are now",
          "[additional]") {
  Served server = served();
  // Once for two records; a service that answers a target brings none; a wildcard's is the name's.
  CHECK(server.ask("svc.example.", type::mx).additional ==
        Lines{"shop.svc.example. 30 IN A 192.0.2.10", "shop.svc.example. 30 IN AAAA 2001:db8::10",
              "a.wild.svc.example. 60 IN A 192.0.2.99"});
  const Lines shop{"shop.svc.example. 30 IN A 192.0.2.10",
                   "shop.svc.example. 30 IN AAAA 2001:db8::10"};
  CHECK(server.ask("_sip._tcp.svc.example.", type::srv).additional == shop);
  CHECK(server.ask("shop.svc.example.", type::https).additional == shop);
  SECTION("after a swing those of the other pool") {
    server.set(0, Eligibility::down);
    server.set(1, Eligibility::down);
    CHECK(server.ask("_sip._tcp.svc.example.", type::srv).additional ==
          Lines{"shop.svc.example. 30 IN A 192.0.2.20"});
  }
  SECTION("in a referral too") {
    const Lines glue = server.ask("x.sub.svc.example.").additional;
    REQUIRE(glue.size() == 3);
    CHECK(glue[0] == "ns.sub.svc.example. 60 IN A 192.0.2.60");
    CHECK(glue[1].starts_with("dns.svc.example. 30 IN A 192.0.2."));
    CHECK(glue[2] == "ns.sister.svc.example. 60 IN A 192.0.2.61");
  }
}

TEST_CASE("help with other answers leaves a service's shares as they are, and is spread itself",
          "[additional]") {
  Served server = served();
  std::map<std::string, int> asked;
  std::map<std::string, int> helped;
  for (int i = 0; i < 1000; ++i) {
    // In a fixed rhythm, which would favour one pool if both took from one sequence.
    ++helped[server.ask("svc.example.", type::ns).additional.at(1)];
    ++asked[server.ask("dns.svc.example.").answer.at(0)];
  }
  REQUIRE(asked.size() == 2);
  CHECK(asked.begin()->second == Approx(500).margin(1));
  REQUIRE(helped.size() == 2);
  CHECK(helped.begin()->second == Approx(500).margin(80));
  uint64_t counted = 0;
  for (const uint64_t pool : server.answers()) counted += pool;
  CHECK(counted == 1000);  // answers to those who asked for it
}

TEST_CASE("a target in another zone of ours brings its addresses, each name once", "[additional]") {
  Served server = served();
  CHECK(server.ask("far.svc.example.", type::mx).additional ==
        Lines{"mail.other.example. 60 IN A 192.0.2.2", "shop.other.example. 30 IN A 192.0.2.12",
              "x.wild.other.example. 60 IN A 192.0.2.3"});
}

TEST_CASE("addresses below a delegation are glue: they go with referrals alone", "[additional]") {
  Served server = served();
  CHECK(server.ask("kin.svc.example.", type::mx).additional.empty());
  CHECK(server.ask("x.sister.svc.example.").additional ==
        Lines{"ns.sister.svc.example. 60 IN A 192.0.2.61"});
}

TEST_CASE("SVCB and HTTPS bring what their targets are (RFC 9460 section 4.1)", "[additional]") {
  Served server = served();
  SECTION("in AliasMode the target's own set and its addresses") {
    CHECK(server.ask("alias.svc.example.", type::https).additional ==
          Lines{"self.svc.example. 60 IN A 192.0.2.7", "self.svc.example. 60 IN HTTPS 1 . alpn=h2",
                "self.svc.example. 60 IN HTTPS 2 host.svc.example. alpn=h3"});
  }
  SECTION("of the type that was asked for") {
    CHECK(server.ask("bind.svc.example.", type::svcb).additional ==
          Lines{"self.svc.example. 60 IN A 192.0.2.7",
                "self.svc.example. 60 IN SVCB 1 host.svc.example."});
  }
  SECTION("in ServiceMode the root stands for the owner") {
    CHECK(server.ask("self.svc.example.", type::https).additional ==
          Lines{"self.svc.example. 60 IN A 192.0.2.7", "host.svc.example. 60 IN A 192.0.2.80",
                "host.svc.example. 60 IN AAAA 2001:db8::80"});
    CHECK(server.ask("x.self.svc.example.", type::https).additional ==
          Lines{"x.self.svc.example. 60 IN A 192.0.2.8"});
  }
  SECTION("in AliasMode the root stands for nothing") {
    CHECK(server.ask("nowhere.svc.example.", type::https).answer.size() == 1);
    CHECK(server.ask("nowhere.svc.example.", type::https).additional.empty());
  }
  SECTION("and an alias of itself does not come twice") {
    const PacketText loop = server.ask("alias-loop.svc.example.", type::https);
    CHECK(loop.answer.size() == 1);
    CHECK(loop.additional.empty());
  }
}

TEST_CASE("glue behind the reach of pointers is written out", "[additional]") {
  std::string text = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n.example.\n";
  for (int i = 0; i < 700; ++i) {
    const std::string name = "a-name-server-with-a-long-name-" + std::to_string(i);
    text += "sub 60 IN NS " + name + ".sub\n" + name + ".sub 60 IN A 192.0.2.1\n";
  }
  Model large;
  large.zones = {zone_source("big.example.", text)};
  Served server(std::move(large));
  const auto wire = server.raw(query_packet({.name = "x.sub.big.example."}), Transport::tcp);
  CHECK(wire.size() > pointer_max + 20'000U);
  const PacketText referral = packet_text(wire);
  REQUIRE(referral.parsed);
  CHECK(referral.flags == "qr rd");  // whole: no TC
  REQUIRE(referral.additional.size() == 700);
  std::set<std::string> owners;
  for (const std::string& line : referral.additional) owners.insert(line.substr(0, line.find(' ')));
  CHECK(owners.size() == 700);
  CHECK(owners.count("a-name-server-with-a-long-name-699.sub.big.example.") == 1);
}

}  // namespace swingover::tests
