#include "zones/respond.h"

#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

using namespace zones;

constexpr std::string_view soa =
    "svc.example.com. 300 IN SOA ns1.svc.example.com. hostmaster.example.com. 7 3600 600 86400 300";

const std::string_view svc_zone = R"(
  @ 3600 IN SOA ns1 hostmaster.example.com. 7 3600 600 86400 300
  @ 3600 IN NS ns1
  @ 3600 IN NS ns2.example.net.
  @ 3600 IN MX 10 mail
  @ 3600 IN MX 20 mail.example.net.
  ns1 3600 IN A 192.0.2.53
  ns1 3600 IN AAAA 2001:db8::53
  mail 600 IN A 192.0.2.25
  www 60 IN A 192.0.2.80
  www 60 IN A 192.0.2.81
  WwW 60 IN TXT "hello"
  alias 60 IN CNAME www
  twice 60 IN CNAME alias
  nowhere 60 IN CNAME missing
  outside 60 IN CNAME www.example.org.
  loop1 60 IN CNAME loop2
  loop2 60 IN CNAME loop1
  self 60 IN CNAME self
  b.c.ent 60 IN TXT "deep"
  *.wild 60 IN A 192.0.2.99
  *.wild 60 IN MX 5 mail.wild
  real.wild 60 IN TXT "real"
  x.ent.wild 60 IN TXT "deep"
  *.cwild 60 IN CNAME www
  *.lwild 60 IN CNAME a.lwild
  sub 3600 IN NS ns.sub
  sub 3600 IN NS ns1
  sub 3600 IN NS ns9.example.net.
  sub 3600 IN DS 12345 13 2 0123456789012345678901234567890123456789012345678901234567890123
  ns.sub 3600 IN A 192.0.2.60
  deep.ns.sub 3600 IN TXT "occluded"
  d 120 IN DNAME target
  d 120 IN TXT "own"
  hidden.d 120 IN TXT "occluded"
  x.target 120 IN A 192.0.2.70
  to-d 60 IN CNAME y.d
  y.target 60 IN CNAME x.d
  rootd 60 IN DNAME .
  grow 60 IN DNAME l.grow
  _sip._tcp 60 IN SRV 1 2 5060 www
  web 60 IN HTTPS 1 www alpn="h2"
  any 60 IN TXT "a"
  any 60 IN TYPE65534 \# 4 01020304
  opaque 60 IN TYPE731 \# 3 c00c00
)";

Served& served() {
  static Served instance([] {
    Model model;
    model.zones = {
        zone_source("svc.example.com.", svc_zone),
        zone_source("child.svc.example.com.",
                    "@ 60 IN SOA ns1 h 1 2 3 4 5\n@ 60 IN NS ns1\nns1 60 IN A 192.0.2.1\n"
                    "back 60 IN CNAME alias.svc.example.com.\n"),
        {.apex = *parse_name("broken.example."), .contents = nullptr}};
    return model;
  }());
  return instance;
}

}  // namespace

TEST_CASE("a static name answers its records with AA, the question's case and the id",
          "[respond]") {
  const PacketText answer =
      served().ask({.name = "wWw.SVC.example.com.", .type = type::a, .id = 0x1234});
  CHECK(answer.id == 0x1234);
  CHECK(answer.rcode == 0);
  CHECK(answer.flags == "qr aa rd");
  CHECK(answer.question == Lines{"wWw.SVC.example.com. IN A"});
  CHECK(answer.answer == Lines{"wWw.SVC.example.com. 60 IN A 192.0.2.80",
                               "wWw.SVC.example.com. 60 IN A 192.0.2.81"});
  CHECK(answer.authority.empty());
  CHECK(answer.additional.empty());
  CHECK(answer.has_opt);
}

TEST_CASE("RDATA names are compressed against the question", "[respond]") {
  const std::vector<uint8_t> wire =
      served().raw(query_packet({.name = "svc.example.com.", .type = type::soa, .edns_size = {}}));
  // header 12, question 17 + 4, record 12, "ns1" 4 + pointer 2, "hostmaster" 11 + pointer 2 (to example.com), 20
  CHECK(wire.size() == 12 + 21 + 12 + 6 + 13 + 20);
  CHECK(packet_text(wire).answer == Lines{"svc.example.com. 3600 IN SOA ns1.svc.example.com. "
                                          "hostmaster.example.com. 7 3600 600 86400 300"});
}

TEST_CASE("addresses of name servers and mail hosts come along", "[respond]") {
  const PacketText mx = served().ask("svc.example.com.", type::mx);
  CHECK(mx.answer == Lines{"svc.example.com. 3600 IN MX 10 mail.svc.example.com.",
                           "svc.example.com. 3600 IN MX 20 mail.example.net."});
  CHECK(mx.additional == Lines{"mail.svc.example.com. 600 IN A 192.0.2.25"});
  const PacketText ns = served().ask("svc.example.com.", type::ns);
  CHECK(ns.additional == Lines{"ns1.svc.example.com. 3600 IN A 192.0.2.53",
                               "ns1.svc.example.com. 3600 IN AAAA 2001:db8::53"});
  const PacketText srv = served().ask("_sip._tcp.svc.example.com.", type::srv);
  CHECK(srv.answer == Lines{"_sip._tcp.svc.example.com. 60 IN SRV 1 2 5060 www.svc.example.com."});
  CHECK(srv.additional.size() == 2);
  const PacketText https =
      served().ask("web.svc.example.com.", type::https);  // RFC 9460 section 4.1
  CHECK(https.additional == Lines{"www.svc.example.com. 60 IN A 192.0.2.80",
                                  "www.svc.example.com. 60 IN A 192.0.2.81"});
}

TEST_CASE("a type that a name lacks gives NODATA with the SOA at its negative TTL", "[respond]") {
  const PacketText answer = served().ask("www.svc.example.com.", type::aaaa);
  CHECK(answer.rcode == 0);
  CHECK(answer.flags == "qr aa rd");
  CHECK(answer.answer.empty());
  CHECK(answer.authority == Lines{std::string(soa)});
}

TEST_CASE("a name that does not exist gives NXDOMAIN, however deep it is", "[respond]") {
  std::string name = "svc.example.com.";
  for (int i = 0; i < 100; ++i) {
    name.insert(0, "n.");
    const PacketText answer = served().ask(name);
    CHECK(answer.rcode == rcode::name_error);
    CHECK(answer.authority == Lines{std::string(soa)});
  }
}

TEST_CASE("an empty non-terminal exists", "[respond]") {
  CHECK(served().ask("c.ent.svc.example.com.").rcode == 0);
  CHECK(served().ask("ent.svc.example.com.").rcode == 0);
  CHECK(served().ask("d.ent.svc.example.com.").rcode == rcode::name_error);
}

TEST_CASE("a wildcard answers under the name that was asked", "[respond]") {
  const PacketText answer = served().ask("Foo.wild.svc.example.com.");
  CHECK(answer.answer == Lines{"Foo.wild.svc.example.com. 60 IN A 192.0.2.99"});
  CHECK(served().ask("a.b.wild.svc.example.com.").answer.size() == 1);
  SECTION("with RDATA names that still read as they are") {
    const PacketText mx = served().ask("longer-name.wild.svc.example.com.", type::mx);
    CHECK(mx.answer ==
          Lines{"longer-name.wild.svc.example.com. 60 IN MX 5 mail.wild.svc.example.com."});
  }
  SECTION("not for a name that exists, nor below one") {
    CHECK(served().ask("real.wild.svc.example.com.").answer.empty());
    CHECK(served().ask("real.wild.svc.example.com.").rcode == 0);
    CHECK(served().ask("below.real.wild.svc.example.com.").rcode == rcode::name_error);
  }
  SECTION("and an empty non-terminal stops it") {
    CHECK(served().ask("ent.wild.svc.example.com.").rcode == 0);
    CHECK(served().ask("ent.wild.svc.example.com.").answer.empty());
    CHECK(served().ask("y.ent.wild.svc.example.com.").rcode == rcode::name_error);
  }
  SECTION("a type it lacks gives NODATA") {
    const PacketText nodata = served().ask("foo.wild.svc.example.com.", 16);
    CHECK(nodata.rcode == 0);
    CHECK(nodata.authority == Lines{std::string(soa)});
  }
  SECTION("itself it is a name like any other") {
    CHECK(served().ask("*.wild.svc.example.com.").answer ==
          Lines{"*.wild.svc.example.com. 60 IN A 192.0.2.99"});
  }
  SECTION("a wildcard CNAME is followed, and ends when it meets itself") {
    CHECK(served().ask("q.cwild.svc.example.com.").answer ==
          Lines{"q.cwild.svc.example.com. 60 IN CNAME www.svc.example.com.",
                "www.svc.example.com. 60 IN A 192.0.2.80",
                "www.svc.example.com. 60 IN A 192.0.2.81"});
    CHECK(served().ask("q.lwild.svc.example.com.").answer ==
          Lines{"q.lwild.svc.example.com. 60 IN CNAME a.lwild.svc.example.com.",
                "a.lwild.svc.example.com. 60 IN CNAME a.lwild.svc.example.com."});
  }
}

TEST_CASE("CNAME chains are followed inside our zones", "[respond]") {
  CHECK(served().ask("twice.svc.example.com.").answer ==
        Lines{"twice.svc.example.com. 60 IN CNAME alias.svc.example.com.",
              "alias.svc.example.com. 60 IN CNAME www.svc.example.com.",
              "www.svc.example.com. 60 IN A 192.0.2.80",
              "www.svc.example.com. 60 IN A 192.0.2.81"});
  CHECK(served().ask("back.child.svc.example.com.").answer.size() == 4);
  SECTION("a target that does not exist makes it NXDOMAIN") {
    const PacketText answer = served().ask("nowhere.svc.example.com.");
    CHECK(answer.rcode == rcode::name_error);
    CHECK(answer.answer == Lines{"nowhere.svc.example.com. 60 IN CNAME missing.svc.example.com."});
    CHECK(answer.authority == Lines{std::string(soa)});
    CHECK(served().ask("nowhere.svc.example.com.", type::cname).rcode == 0);
  }
  SECTION("a target that lacks the type makes it NODATA") {
    const PacketText answer = served().ask("alias.svc.example.com.", type::aaaa);
    CHECK(answer.rcode == 0);
    CHECK(answer.answer.size() == 1);
    CHECK(answer.authority == Lines{std::string(soa)});
  }
  SECTION("a target outside ends it") {
    const PacketText answer = served().ask("outside.svc.example.com.");
    CHECK(answer.rcode == 0);
    CHECK(answer.flags == "qr aa rd");
    CHECK(answer.answer == Lines{"outside.svc.example.com. 60 IN CNAME www.example.org."});
    CHECK(answer.authority.empty());
  }
  SECTION("a loop gives each record once") {
    CHECK(served().ask("loop1.svc.example.com.").answer.size() == 2);
    CHECK(served().ask("loop1.svc.example.com.").rcode == 0);
    CHECK(served().ask("self.svc.example.com.").answer.size() == 1);
  }
}

TEST_CASE("a name at or below a delegation is referred, AA clear, with glue", "[respond]") {
  for (const std::string_view name :
       {"sub.svc.example.com.", "a.b.sub.svc.example.com.", "ns.sub.svc.example.com.",
        "x.deep.ns.sub.svc.example.com."}) {
    const PacketText answer = served().ask(name);
    CHECK(answer.rcode == 0);
    CHECK(answer.flags == "qr rd");
    CHECK(answer.answer.empty());
    CHECK(answer.authority == Lines{"sub.svc.example.com. 3600 IN NS ns.sub.svc.example.com.",
                                    "sub.svc.example.com. 3600 IN NS ns1.svc.example.com.",
                                    "sub.svc.example.com. 3600 IN NS ns9.example.net."});
    CHECK(answer.additional == Lines{"ns.sub.svc.example.com. 3600 IN A 192.0.2.60",
                                     "ns1.svc.example.com. 3600 IN A 192.0.2.53",
                                     "ns1.svc.example.com. 3600 IN AAAA 2001:db8::53"});
  }
  SECTION("but the parent side answers DS itself") {
    const PacketText answer = served().ask("sub.svc.example.com.", type::ds);
    CHECK(answer.flags == "qr aa rd");
    CHECK(answer.answer.size() == 1);
    CHECK(served().ask("ns.sub.svc.example.com.", type::ds).flags == "qr rd");
  }
}

TEST_CASE("a DNAME redirects what is below it, with a synthesised CNAME", "[respond]") {
  const PacketText answer = served().ask("X.d.svc.example.com.");
  CHECK(answer.rcode == 0);
  CHECK(answer.flags == "qr aa rd");
  CHECK(answer.answer == Lines{"d.svc.example.com. 120 IN DNAME target.svc.example.com.",
                               "X.d.svc.example.com. 120 IN CNAME X.target.svc.example.com.",
                               "X.target.svc.example.com. 120 IN A 192.0.2.70"});
  SECTION("not the name itself") {
    CHECK(served().ask("d.svc.example.com.", 16).answer ==
          Lines{"d.svc.example.com. 120 IN TXT \"own\""});
    CHECK(served().ask("d.svc.example.com.").rcode == 0);
    CHECK(served().ask("d.svc.example.com.").answer.empty());
  }
  SECTION("and hides what is below it") {
    CHECK(served().ask("hidden.d.svc.example.com.", 16).rcode == rcode::name_error);
  }
  SECTION("the same DNAME stands in a chain once") {
    CHECK(served().ask("to-d.svc.example.com.").answer ==
          Lines{"to-d.svc.example.com. 60 IN CNAME y.d.svc.example.com.",
                "d.svc.example.com. 120 IN DNAME target.svc.example.com.",
                "y.d.svc.example.com. 120 IN CNAME y.target.svc.example.com.",
                "y.target.svc.example.com. 60 IN CNAME x.d.svc.example.com.",
                "x.d.svc.example.com. 120 IN CNAME x.target.svc.example.com.",
                "x.target.svc.example.com. 120 IN A 192.0.2.70"});
  }
  SECTION("to the root it strips") {
    CHECK(served().ask("example.org.rootd.svc.example.com.").answer ==
          Lines{"rootd.svc.example.com. 60 IN DNAME .",
                "example.org.rootd.svc.example.com. 60 IN CNAME example.org."});
  }
  SECTION("a result over 255 octets gives YXDOMAIN") {
    std::string name = "grow.svc.example.com.";
    for (int i = 0; i < 3; ++i) name.insert(0, std::string(63, 'a') + ".");
    name.insert(0, std::string(35, 'b') + ".");
    const PacketText too_long = served().ask(name);
    CHECK(too_long.rcode == rcode::yx_domain);
    CHECK(too_long.answer.at(0) == "grow.svc.example.com. 60 IN DNAME l.grow.svc.example.com.");
    CHECK(too_long.answer.size() >= 1);
    CHECK(served().ask("a.grow.svc.example.com.").answer.size() ==
          1 + 16);  // bounded, each record once
  }
}

TEST_CASE("below a name that is literally `*`, a DNAME and a delegation keep their own owner",
          "[respond]") {
  Model model;
  model.zones = {zone_source("example.",
                             "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nn 60 IN A 192.0.2.1\n"
                             "*.d 60 IN DNAME t\nx.t 60 IN A 192.0.2.2\n*.c 60 IN NS n\n")};
  Served zones(std::move(model));
  CHECK(zones.ask("x.*.d.example.").answer == Lines{"*.d.example. 60 IN DNAME t.example.",
                                                    "x.*.d.example. 60 IN CNAME x.t.example.",
                                                    "x.t.example. 60 IN A 192.0.2.2"});
  CHECK(zones.ask("x.*.c.example.").authority == Lines{"*.c.example. 60 IN NS n.example."});
}

TEST_CASE("the child zone of ours answers, and for DS its parent where it delegates", "[respond]") {
  CHECK(served().ask("ns1.child.svc.example.com.").answer ==
        Lines{"ns1.child.svc.example.com. 60 IN A 192.0.2.1"});
  // The parent has no delegation here, so the child is all there is to ask.
  const PacketText ds = served().ask("child.svc.example.com.", type::ds);
  CHECK(ds.rcode == 0);
  CHECK(ds.authority.at(0).starts_with("child.svc.example.com. 5 IN SOA"));
}

TEST_CASE("a DS query between two zones of ours goes to the parent", "[respond]") {
  Model model;
  model.zones = {
      zone_source(
          "example.",
          "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nsub 60 IN NS ns.sub\n"
          "sub 60 IN DS 1 13 2 0123456789012345678901234567890123456789012345678901234567890123\n"),
      zone_source("sub.example.",
                  "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS ns\nns 60 IN A 192.0.2.9\n"),
      zone_source("other.",
                  "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\nsub 60 IN NS ns.sub.example.\n")};
  Served zones(std::move(model));
  CHECK(zones.ask("sub.example.", type::ds).answer.size() == 1);
  CHECK(zones.ask("sub.example.", type::ns).flags == "qr aa rd");
  // Addresses of a name server in another zone of ours go along with a referral.
  CHECK(zones.ask("x.sub.other.").additional == Lines{"ns.sub.example. 60 IN A 192.0.2.9"});
}

TEST_CASE("outside our zones REFUSED, below a zone that could not be loaded SERVFAIL",
          "[respond]") {
  const PacketText outside = served().ask("example.org.");
  CHECK(outside.rcode == rcode::refused);
  CHECK(outside.flags == "qr rd");
  CHECK(outside.question.size() == 1);
  CHECK(served().ask("com.").rcode == rcode::refused);
  CHECK(served().ask(".").rcode == rcode::refused);
  CHECK(served().ask("a.broken.example.").rcode == rcode::server_failure);
  CHECK(served().ask("broken.example.", type::soa).rcode == rcode::server_failure);
}

TEST_CASE("ANY gets one RRset (RFC 8482)", "[respond]") {
  const PacketText answer = served().ask("any.svc.example.com.", type::any);
  CHECK(answer.answer == Lines{"any.svc.example.com. 60 IN TXT \"a\""});
  CHECK(served().ask("alias.svc.example.com.", type::any).answer ==
        Lines{"alias.svc.example.com. 60 IN CNAME www.svc.example.com."});
  CHECK(served().ask("ent.svc.example.com.", type::any).rcode == 0);
  CHECK(served().ask("missing.svc.example.com.", type::any).rcode == rcode::name_error);
}

TEST_CASE("unknown types travel as they are", "[respond]") {
  CHECK(served().ask("opaque.svc.example.com.", 731).answer ==
        Lines{"opaque.svc.example.com. 60 IN TYPE731 \\# 3 c00c00"});
  CHECK(served().ask("any.svc.example.com.", 65534).answer.size() == 1);
  CHECK(served().ask("www.svc.example.com.", 65280).rcode == 0);
}

TEST_CASE("classes and types that no zone holds", "[respond]") {
  CHECK(served().ask({.name = "www.svc.example.com.", .dns_class = 3}).rcode == rcode::refused);
  const PacketText any_class = served().ask({.name = "www.svc.example.com.", .dns_class = 255});
  CHECK(any_class.answer.size() == 2);
  CHECK(any_class.flags == "qr rd");  // of all classes nobody is the authority
  CHECK(served().ask("svc.example.com.", type::axfr).rcode == rcode::format_error);
  CHECK(served().ask({.name = "svc.example.com.", .type = type::axfr}, Transport::tcp).rcode ==
        rcode::refused);
  CHECK(served().ask("svc.example.com.", type::ixfr).rcode == rcode::refused);
  CHECK(served().ask("svc.example.com.", type::maila).rcode == rcode::not_implemented);
  CHECK(served().ask("svc.example.com.", type::opt).rcode == rcode::format_error);
}

TEST_CASE("flags that are the client's business are cleared, RD is copied", "[respond]") {
  CHECK(served().ask({.name = "www.svc.example.com.", .flags = 0x07f0}).flags ==
        "qr aa rd");  // AA TC RD RA Z AD CD
  CHECK(served().ask({.name = "www.svc.example.com.", .flags = 0}).flags == "qr aa");
}

TEST_CASE("EDNS is answered when it was spoken", "[respond]") {
  const PacketText plain = served().ask({.name = "www.svc.example.com.", .edns_size = {}});
  CHECK_FALSE(plain.has_opt);
  const PacketText with_do =
      served().ask({.name = "www.svc.example.com.", .edns_size = 4096, .dnssec_ok = true});
  CHECK(with_do.has_opt);
  CHECK(with_do.dnssec_ok);
  CHECK(with_do.edns_size == 1232);
  CHECK(with_do.edns_version == 0);

  SECTION(
      "a version that we do not know gives BADVERS and nothing else, whatever its options are") {
    const PacketText answer =
        served().ask({.name = "www.svc.example.com.", .edns_version = 1, .options = {1, 2, 3}});
    CHECK(answer.rcode == rcode::bad_version);
    CHECK(answer.answer.empty());
    CHECK(answer.edns_version == 0);
    CHECK(answer.options.empty());
    CHECK(answer.flags == "qr rd");
  }
  SECTION("unknown options are ignored and not echoed") {
    const PacketText answer =
        served().ask({.name = "www.svc.example.com.", .options = {0xff, 0, 0, 2, 1, 2}});
    CHECK(answer.answer.size() == 2);
    CHECK(answer.options.empty());
  }
  SECTION("an option that is cut off gives FORMERR with an OPT") {
    const PacketText answer =
        served().ask({.name = "www.svc.example.com.", .options = {0xff, 0, 0, 3, 1, 2}});
    CHECK(answer.rcode == rcode::format_error);
    CHECK(answer.has_opt);
  }
  SECTION("NSID is told only by who has an identity") {
    CHECK(served().ask({.name = "www.svc.example.com.", .options = {0, 3, 0, 0}}).options.empty());
    auto named = build_snapshot(served().snapshot().model, {.answering = {.identity = "edge-1"}});
    WorkerTally tally(*named, 0);
    std::vector<uint8_t> out(1232);
    const auto packet = query_packet({.name = "www.svc.example.com.", .options = {0, 3, 0, 0}});
    out.resize(respond(packet, {}, *named, tally, out).size);
    CHECK(packet_text(out).options ==
          std::vector<uint8_t>{0, 3, 0, 6, 'e', 'd', 'g', 'e', '-', '1'});
  }
}

TEST_CASE("every existing name is found, and no other, in a zone of many", "[respond]") {
  std::string text = "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n.example.\n";
  for (int i = 0; i < 3000; ++i) {
    text += "n" + std::to_string(i) +
            (i % 3 == 0   ? ".a.b"
             : i % 3 == 1 ? ".c"
                          : "") +
            " 60 IN TXT \"" + std::to_string(i) + "\"\n";
  }
  Model model;
  model.zones = {zone_source("big.example.", text)};
  Served big(std::move(model));
  int found = 0;
  for (int i = 0; i < 3000; ++i) {
    const std::string tail = i % 3 == 0 ? ".a.b" : i % 3 == 1 ? ".c" : "";
    const PacketText answer = big.ask("N" + std::to_string(i) + tail + ".big.example.", 16);
    found += answer.answer == Lines{"N" + std::to_string(i) + tail + ".big.example. 60 IN TXT \"" +
                                    std::to_string(i) + "\""};
    found +=
        big.ask("m" + std::to_string(i) + tail + ".big.example.", 16).rcode == rcode::name_error;
  }
  CHECK(found == 6000);
}

}  // namespace swingover::tests
