#include "zones/resolve.h"

#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/protocol.h"

// What the RFCs leave in corners: respond_test.cc has the broad way.
namespace swingover::tests {
namespace {

using namespace zones;

constexpr uint16_t txt = 16;

Served zone_of(std::string_view apex, std::string_view records) {
  Model model;
  model.zones = {
      zone_source(apex, "@ 60 IN SOA n.example. h.example. 1 2 3 4 5\n@ 60 IN NS n.example.net.\n" +
                            std::string(records))};
  return Served(std::move(model));
}

/// `first` as long as a label can be, in front of `tail`, up to `size` octets of wire form in all.
std::string name_of_size(size_t size, const std::string& tail) {
  std::string name = tail;
  size_t left = size - parse_name(tail)->wire().size();
  while (left > 0) {
    const size_t label = left == 65 ? 63 : std::min<size_t>(left, 64);
    name.insert(0, std::string(label - 1, 'a') + ".");
    left -= label;
  }
  return name;
}

const std::string ds = "DS 1 13 2 " + std::string(64, '0');

}  // namespace

TEST_CASE("a name may have any octet in its labels (RFC 2181 section 11)", "[resolve]") {
  Served server = zone_of("example.",
                          "a\\000b 60 IN TXT \"nul\"\n"
                          "a\\.b 60 IN TXT \"dot\"\n"
                          "a\\ b\\255 60 IN TXT \"blank\"\n"
                          "\\001\\002 60 IN TXT \"control\"\n"
                          "\\\\\\\"\\;\\@ 60 IN TXT \"special\"\n"
                          "\\192\\222 60 IN TXT \"high\"\n"
                          "b.a 60 IN TXT \"labels\"\n");
  CHECK(server.ask("a\\000b.example.", txt).answer == Lines{"a\\000b.example. 60 IN TXT \"nul\""});
  CHECK(server.ask("A\\000B.example.", txt).answer.size() == 1);
  CHECK(server.ask("a\\.b.example.", txt).answer == Lines{"a\\.b.example. 60 IN TXT \"dot\""});
  CHECK(server.ask("a.b.example.", txt).rcode == rcode::name_error);
  CHECK(server.ask("b.a.example.", txt).answer.size() == 1);
  CHECK(server.ask("a\\ b\\255.example.", txt).answer.size() == 1);
  CHECK(server.ask("\\001\\002.example.", txt).answer.size() == 1);
  CHECK(server.ask("\\\\\\\"\\;\\@.example.", txt).answer.size() == 1);
  SECTION("only ASCII letters are the same in both cases (RFC 4343 section 3)") {
    CHECK(server.ask("\\192\\222.example.", txt).answer.size() == 1);
    CHECK(server.ask("\\224\\254.example.", txt).rcode == rcode::name_error);
    CHECK(server.ask("a@b.example.", txt).rcode == rcode::name_error);
    CHECK(server.ask("a\\032b\\255.example.", txt).answer.size() == 1);  // a blank by its number
  }
}

TEST_CASE("names of 255 octets and labels of 63 are found, and so are their wildcards",
          "[resolve]") {
  const std::string longest = name_of_size(255, "example.");
  const std::string label(63, 'l');
  std::string deepest = "example.";
  while (parse_name(deepest)->wire().size() + 2 <= 255) deepest.insert(0, "d.");
  Served server =
      zone_of("example.", longest + " 60 IN TXT \"longest\"\n" + label + " 60 IN TXT \"label\"\n" +
                              deepest + " 60 IN TXT \"deepest\"\n*.w 60 IN TXT \"wild\"\n");
  REQUIRE(parse_name(longest)->wire().size() == 255);
  CHECK(server.ask(longest, txt).answer.size() == 1);
  CHECK(server.ask(longest.substr(longest.find('.') + 1), txt).rcode ==
        0);  // an empty non-terminal
  CHECK(server.ask(label + ".example.", txt).answer.size() == 1);
  CHECK(server.ask(label.substr(1) + ".example.", txt).rcode == rcode::name_error);
  CHECK(parse_name(deepest)->labels() >= 123);
  CHECK(server.ask(deepest, txt).answer.size() == 1);
  CHECK(server.ask(name_of_size(255, "w.example."), txt).answer.size() == 1);
}

TEST_CASE("the case of the question comes back, that of data is kept (RFC 4343 section 4)",
          "[resolve]") {
  Served server = zone_of("Example.",
                          "HOST 60 IN A 192.0.2.1\nmail 60 IN MX 1 MiXeD\nmixed 60 IN A 192.0.2.2\n"
                          "alias 60 IN CNAME Other.Example.NET.\nd 60 IN DNAME To.Example.ORG.\n"
                          "to-host 60 IN CNAME HoSt\n");
  CHECK(server.ask("hOsT.exAmple.").answer == Lines{"hOsT.exAmple. 60 IN A 192.0.2.1"});
  CHECK(server.ask("hOsT.exAmple.").question == Lines{"hOsT.exAmple. IN A"});
  CHECK(server.ask("mail.example.", type::mx).additional ==
        Lines{"MiXeD.example. 60 IN A 192.0.2.2"});
  CHECK(server.ask("ALIAS.example.").answer ==
        Lines{"ALIAS.example. 60 IN CNAME Other.Example.NET."});
  CHECK(server.ask("X.D.example.").answer == Lines{"D.example. 60 IN DNAME To.Example.ORG.",
                                                   "X.D.example. 60 IN CNAME X.To.Example.ORG."});
  CHECK(server.ask("to-host.example.").answer.at(1) == "HoSt.example. 60 IN A 192.0.2.1");
}

TEST_CASE("wildcards stand for names that do not exist, at the closest name that does",
          "[resolve]") {
  Served server = zone_of("example.",
                          "* 60 IN TXT \"top\"\n"
                          "*.a 60 IN TXT \"a\"\n"
                          "*.b.a 60 IN TXT \"b\"\n"
                          "c.*.a 60 IN TXT \"below\"\n"
                          "*.*.e 60 IN TXT \"two\"\n"
                          "sub 60 IN NS ns.example.net.\n"
                          "*.ent.f 60 IN TXT \"deep\"\n"
                          "e1.ent.g 60 IN TXT \"deep\"\n"
                          "*.cn 60 IN CNAME t.example.net.\n"
                          "*.dn 60 IN DNAME t.example.net.\n");
  CHECK(server.ask("x.example.", txt).answer == Lines{"x.example. 60 IN TXT \"top\""});
  CHECK(server.ask("x.y.z.example.", txt).answer.size() == 1);
  CHECK(server.ask("x.a.example.", txt).answer == Lines{"x.a.example. 60 IN TXT \"a\""});
  // RFC 4592 section 2.2.1: the asterisk is a label of the question like any other.
  CHECK(server.ask("*.example.", txt).answer == Lines{"*.example. 60 IN TXT \"top\""});
  CHECK(server.ask("y.*.example.", txt).rcode == rcode::name_error);
  CHECK(server.ask("*.x.example.", txt).answer == Lines{"*.x.example. 60 IN TXT \"top\""});
  SECTION("a wildcard below stops the one above, data or not") {
    CHECK(server.ask("x.b.a.example.", txt).answer == Lines{"x.b.a.example. 60 IN TXT \"b\""});
    CHECK(server.ask("b.a.example.", txt).rcode == 0);
    CHECK(server.ask("b.a.example.", txt).answer.empty());
    CHECK(server.ask("x.f.example.", txt).rcode == rcode::name_error);
    CHECK(server.ask("x.ent.g.example.", txt).rcode == rcode::name_error);
    CHECK(server.ask("f.example.", txt).rcode == 0);
  }
  SECTION("a name below the asterisk is found by its own name alone") {
    CHECK(server.ask("c.*.a.example.", txt).answer.size() == 1);
    CHECK(server.ask("d.*.a.example.", txt).rcode == rcode::name_error);
    CHECK(server.ask("c.x.a.example.", txt).answer ==
          Lines{"c.x.a.example. 60 IN TXT \"a\""});  // by `*.a`, not by `c.*.a`
    CHECK(server.ask("x.*.e.example.", txt).answer == Lines{"x.*.e.example. 60 IN TXT \"two\""});
    CHECK(server.ask("x.y.e.example.", txt).rcode == 0);  // `*.e` is there, without data
    CHECK(server.ask("x.y.e.example.", txt).answer.empty());
  }
  SECTION("a delegation is not covered (RFC 4592 section 4.2)") {
    CHECK(server.ask("sub.example.", txt).flags == "qr rd");
    CHECK(server.ask("x.sub.example.", txt).authority.size() == 1);
  }
  SECTION("a wildcard CNAME answers for every type, and for itself") {
    CHECK(server.ask("x.cn.example.", type::mx).answer ==
          Lines{"x.cn.example. 60 IN CNAME t.example.net."});
    CHECK(server.ask("*.cn.example.").answer == Lines{"*.cn.example. 60 IN CNAME t.example.net."});
    CHECK(server.ask("cn.example.").rcode == 0);
  }
  SECTION("a wildcard DNAME redirects nobody: it is data (RFC 6672 section 3.3)") {
    CHECK(server.ask("x.dn.example.").rcode == 0);
    CHECK(server.ask("x.dn.example.").answer.empty());
    CHECK(server.ask("x.dn.example.", type::dname).answer ==
          Lines{"x.dn.example. 60 IN DNAME t.example.net."});
    CHECK(server.ask("x.*.dn.example.").answer.size() == 2);
  }
}

TEST_CASE("a DNAME may stand at the apex (RFC 6672 section 2.3)", "[resolve]") {
  Served server = zone_of("example.", "@ 60 IN DNAME example.net.\n@ 60 IN TXT \"own\"\n");
  CHECK(server.ask("example.", type::soa).answer.size() == 1);
  CHECK(server.ask("example.", txt).answer.size() == 1);
  CHECK(server.ask("example.", type::dname).answer.size() == 1);
  CHECK(server.ask("a.b.example.").answer ==
        Lines{"example. 60 IN DNAME example.net.", "a.b.example. 60 IN CNAME a.b.example.net."});
  CHECK(server.ask("a.example.", type::cname).answer.size() == 2);
  CHECK(server.ask("a.example.", type::ds).answer.size() == 2);
}

TEST_CASE("a DNAME that leads to itself stands once in the answer (RFC 2181 section 5)",
          "[resolve]") {
  Served server = zone_of("example.", "d 60 IN DNAME example.\n*.w 60 IN DNAME w\n");
  CHECK(server.ask("d.d.example.", type::dname).answer ==
        Lines{"d.example. 60 IN DNAME example.", "d.d.example. 60 IN CNAME d.example."});
  CHECK(server.ask("*.*.w.example.", type::dname).answer ==
        Lines{"*.w.example. 60 IN DNAME w.example.", "*.*.w.example. 60 IN CNAME *.w.example."});
  CHECK(server.ask("x.*.w.example.", type::dname).answer ==
        Lines{"*.w.example. 60 IN DNAME w.example.", "x.*.w.example. 60 IN CNAME x.w.example.",
              "x.w.example. 60 IN DNAME w.example."});
}

TEST_CASE("a DNAME gives names of up to 255 octets, and YXDOMAIN beyond (RFC 6672 section 2.2)",
          "[resolve]") {
  // d.example. is 11 octets, longer.example.: 16
  Served server =
      zone_of("example.", "d 60 IN DNAME longer.example.\n*.longer 60 IN A 192.0.2.1\n");
  const std::string fits = name_of_size(250, "d.example.");
  const PacketText answer = server.ask(fits);
  CHECK(answer.rcode == 0);
  CHECK(answer.answer.size() == 3);
  const PacketText too_long = server.ask(name_of_size(251, "d.example."));
  CHECK(too_long.rcode == rcode::yx_domain);
  CHECK(too_long.flags == "qr aa rd");
  CHECK(too_long.answer == Lines{"d.example. 60 IN DNAME longer.example."});
  CHECK(too_long.authority.empty());
}

TEST_CASE("chains run through services, static names, wildcards, DNAMEs and other zones of ours",
          "[resolve]") {
  Model model;
  model.topology = two_clusters();
  model.zones = {
      zone_source("svc.example.",
                  "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n.example.net.\nstart 60 IN CNAME svc\n"
                  "static 60 IN CNAME x.wild\n*.wild 60 IN CNAME y.other.example.\n"
                  "end 60 IN A 192.0.2.9\nround 60 IN CNAME ring\nback 60 IN CNAME ring\n"),
      zone_source("other.example.",
                  "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n.example.net.\n"
                  "y 60 IN CNAME z.d\nd 60 IN DNAME e\nz.e 60 IN CNAME end.svc.example.\n")};
  model.services = {service_of("svc.svc.example.", {pool_of("fra", {"static.svc.example."})}),
                    service_of("ring.svc.example.", {pool_of("fra", {"back.svc.example."})})};
  Served server(std::move(model));
  server.set_all(Eligibility::eligible);
  CHECK(server.ask("start.svc.example.").answer ==
        Lines{"start.svc.example. 60 IN CNAME svc.svc.example.",
              "svc.svc.example. 30 IN CNAME static.svc.example.",
              "static.svc.example. 60 IN CNAME x.wild.svc.example.",
              "x.wild.svc.example. 60 IN CNAME y.other.example.",
              "y.other.example. 60 IN CNAME z.d.other.example.",
              "d.other.example. 60 IN DNAME e.other.example.",
              "z.d.other.example. 60 IN CNAME z.e.other.example.",
              "z.e.other.example. 60 IN CNAME end.svc.example.",
              "end.svc.example. 60 IN A 192.0.2.9"});
  SECTION("a loop through a service gives each record once") {
    const PacketText loop = server.ask("round.svc.example.");
    CHECK(loop.rcode == 0);
    CHECK(loop.answer == Lines{"round.svc.example. 60 IN CNAME ring.svc.example.",
                               "ring.svc.example. 30 IN CNAME back.svc.example.",
                               "back.svc.example. 60 IN CNAME ring.svc.example."});
  }
}

TEST_CASE("a service that answers a CNAME leaves the names below it alone", "[resolve]") {
  Model model;
  model.topology = two_clusters();
  model.zones = {
      zone_source("svc.example.",
                  "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n.example.net.\n"
                  "_acme-challenge.cdn 60 IN TXT \"token\"\n*.sub.cdn 60 IN A 192.0.2.1\n")};
  model.services = {service_of("cdn.svc.example.", {pool_of("fra", {"lb.example.net."})})};
  Served server(std::move(model));
  server.set_all(Eligibility::eligible);
  CHECK(server.ask("cdn.svc.example.", type::mx).answer ==
        Lines{"cdn.svc.example. 30 IN CNAME lb.example.net."});
  CHECK(server.ask("_acme-challenge.cdn.svc.example.", txt).answer.size() == 1);
  CHECK(server.ask("x.sub.cdn.svc.example.").answer ==
        Lines{"x.sub.cdn.svc.example. 60 IN A 192.0.2.1"});
  CHECK(server.ask("other.cdn.svc.example.").rcode == rcode::name_error);
  CHECK(server.ask("sub.cdn.svc.example.").rcode == 0);
}

TEST_CASE("a chain is followed 16 times, then it is the client's", "[resolve]") {
  std::string records;
  for (int i = 0; i < 30; ++i)
    records += "c" + std::to_string(i) + " 60 IN CNAME c" + std::to_string(i + 1) + "\n";
  Served server = zone_of("example.", records + "c30 60 IN A 192.0.2.1\n");
  const PacketText cut = server.ask("c0.example.");
  CHECK(cut.rcode == 0);
  CHECK(cut.flags == "qr aa rd");
  CHECK(cut.answer.size() == 16);
  CHECK(server.ask("c14.example.").answer.size() == 16);
  const PacketText whole = server.ask("c15.example.");
  CHECK(whole.answer.size() == 16);
  CHECK(whole.answer.back() == "c30.example. 60 IN A 192.0.2.1");
}

TEST_CASE("a chain into a delegation ends with the referral, still authoritative", "[resolve]") {
  Served server = zone_of(
      "example.", "to-sub 60 IN CNAME x.sub\nsub 60 IN NS ns.sub\nns.sub 60 IN A 192.0.2.1\n");
  const PacketText answer = server.ask("to-sub.example.");
  CHECK(answer.flags == "qr aa rd");  // RFC 1035 section 4.1.1: of the first name
  CHECK(answer.answer == Lines{"to-sub.example. 60 IN CNAME x.sub.example."});
  CHECK(answer.authority == Lines{"sub.example. 60 IN NS ns.sub.example."});
  CHECK(answer.additional == Lines{"ns.sub.example. 60 IN A 192.0.2.1"});
}

TEST_CASE("what a delegation hides is not there: CNAME, DNAME and wildcards below it",
          "[resolve]") {
  Served server = zone_of("example.",
                          "sub 60 IN NS ns.example.net.\nc.sub 60 IN CNAME x.example.\n"
                          "d.sub 60 IN DNAME x.example.\n*.sub 60 IN A 192.0.2.1\n"
                          "deep.sub 60 IN NS ns2.example.net.\n");
  for (const std::string_view name :
       {"c.sub.example.", "x.d.sub.example.", "any.sub.example.", "x.deep.sub.example."}) {
    const PacketText answer = server.ask(name);
    CHECK(answer.flags == "qr rd");
    CHECK(answer.answer.empty());
    CHECK(answer.authority == Lines{"sub.example. 60 IN NS ns.example.net."});
  }
}

TEST_CASE("at a delegation every type but DS is referred (RFC 4035 section 3.1.4.1)", "[resolve]") {
  Served server = zone_of("example.", "sub 60 IN NS ns.sub\nsub 60 IN " + ds +
                                          "\nns.sub 60 IN A 192.0.2.1\nplain 60 IN NS ns.sub\n");
  for (const uint16_t rrtype :
       {type::ns, type::soa, type::any, type::cname, type::rrsig, type::dname}) {
    const PacketText answer = server.ask("sub.example.", rrtype);
    CHECK(answer.flags == "qr rd");
    CHECK(answer.authority == Lines{"sub.example. 60 IN NS ns.sub.example."});
  }
  CHECK(server.ask("sub.example.", type::ds).answer.size() == 1);
  const PacketText unsigned_one = server.ask("plain.example.", type::ds);
  CHECK(unsigned_one.flags == "qr aa rd");
  CHECK(unsigned_one.rcode == 0);
  CHECK(unsigned_one.authority.at(0).starts_with("example. 5 IN SOA"));
}

TEST_CASE("DS at a child's apex is its parent's to answer, and denied where only the child is ours",
          "[resolve]") {
  const std::string apex = "@ 60 IN SOA n.example.net. h 1 2 3 4 5\n@ 60 IN NS n.example.net.\n";
  const ZoneSource child = zone_source("child.parent.example.", apex);
  const ZoneSource grandparent = zone_source("example.", apex + "parent 60 IN NS n.example.net.\n");
  const auto asked = [](std::vector<ZoneSource> zones) {
    Model model;
    model.zones = std::move(zones);
    return Served(std::move(model)).ask("child.parent.example.", type::ds);
  };
  SECTION("the child alone says that it has none") {
    const PacketText answer = asked({child});
    CHECK(answer.flags == "qr aa rd");
    CHECK(answer.rcode == 0);
    CHECK(answer.authority.at(0).starts_with("child.parent.example. 5 IN SOA"));
  }
  SECTION("beside a zone higher up as well") {
    const PacketText answer = asked({child, grandparent});
    CHECK(answer.flags == "qr aa rd");
    CHECK(answer.authority.at(0).starts_with("child.parent.example. 5 IN SOA"));
  }
  SECTION("the parent, where we hold it") {
    const PacketText answer = asked(
        {child, zone_source("parent.example.",
                            apex + "child 60 IN NS n.example.net.\nchild 60 IN " + ds + "\n")});
    CHECK(answer.answer.size() == 1);
    CHECK(answer.flags == "qr aa rd");
  }
  SECTION("and nobody for a parent that could not be loaded") {
    CHECK(asked({child, {.apex = *parse_name("parent.example."), .contents = nullptr}}).rcode ==
          rcode::server_failure);
  }
}

TEST_CASE("a zone below another's DNAME or delegation answers for itself", "[resolve]") {
  const std::string apex = "@ 60 IN SOA n.example.net. h 1 2 3 4 5\n@ 60 IN NS n.example.net.\n";
  Model model;
  model.zones = {zone_source("example.", apex + "d 60 IN DNAME e\nsub 60 IN NS n.example.net.\n"),
                 zone_source("zone.d.example.", apex + "x 60 IN A 192.0.2.1\n"),
                 zone_source("sub.example.", apex + "x 60 IN A 192.0.2.2\n")};
  Served server(std::move(model));
  CHECK(server.ask("x.zone.d.example.").answer == Lines{"x.zone.d.example. 60 IN A 192.0.2.1"});
  CHECK(server.ask("y.zone.d.example.").rcode == rcode::name_error);
  CHECK(server.ask("x.sub.example.").answer == Lines{"x.sub.example. 60 IN A 192.0.2.2"});
  CHECK(server.ask("x.other.d.example.").answer.size() == 2);
}

TEST_CASE("the root zone is a zone like any other", "[resolve]") {
  Served server = zone_of(".",
                          "com 60 IN NS ns.com\nns.com 60 IN A 192.0.2.1\n*.w 60 IN TXT \"w\"\n"
                          "alias 60 IN CNAME .\nd 60 IN DNAME .\n");
  CHECK(server.ask(".", type::soa).answer.size() == 1);
  CHECK(server.ask(".", type::soa).flags == "qr aa rd");
  CHECK(server.ask(".", type::ds).authority.size() == 1);
  CHECK(server.ask("x.com.").additional == Lines{"ns.com. 60 IN A 192.0.2.1"});
  CHECK(server.ask("nothing.").rcode == rcode::name_error);
  CHECK(server.ask("x.w.", txt).answer.size() == 1);
  CHECK(server.ask("alias.", type::ns).answer.size() == 2);
  CHECK(server.ask("com.d.", type::cname).answer.at(1) == "com.d. 60 IN CNAME com.");
}

TEST_CASE("types that stand for questions or signatures find nothing in an unsigned zone",
          "[resolve]") {
  Served server = zone_of("example.", "host 60 IN A 192.0.2.1\nalias 60 IN CNAME host\n");
  for (const uint16_t rrtype : {type::rrsig, type::nsec, uint16_t{48}, uint16_t{50}, uint16_t{0},
                                uint16_t{65535}, uint16_t{65280}}) {
    const PacketText answer = server.ask("host.example.", rrtype);
    CHECK(answer.rcode == 0);
    CHECK(answer.answer.empty());
    CHECK(answer.authority.size() == 1);
  }
  CHECK(server.ask("alias.example.", type::rrsig).answer.size() == 1);
}

TEST_CASE("ANY gets the first set that fits, so that nobody is sent to TCP for less (RFC 8482)",
          "[resolve]") {
  std::string records = "x 60 IN TXT \"small\"\n";
  for (int i = 0; i < 60; ++i) records += "x 60 IN A 192.0.2." + std::to_string(i) + "\n";
  for (int i = 0; i < 60; ++i) records += "y 60 IN A 192.0.2." + std::to_string(i) + "\n";
  Served server = zone_of("example.", records);
  const PacketText small = server.ask({.name = "x.example.", .type = type::any, .edns_size = {}});
  CHECK(small.flags == "qr aa rd");
  CHECK(small.answer == Lines{"x.example. 60 IN TXT \"small\""});
  CHECK(server.ask("x.example.", type::any).answer.size() == 60);
  CHECK(server.ask({.name = "y.example.", .type = type::any, .edns_size = {}}).flags ==
        "qr aa tc rd");
}

TEST_CASE("negative answers carry the lower of the SOA's TTL and its minimum (RFC 2308 section 3)",
          "[resolve]") {
  const auto negative_ttl = [](std::string_view soa) {
    Model model;
    model.zones = {zone_source("example.", std::string(soa) + "\n@ 60 IN NS n.example.net.\n")};
    return Served(std::move(model)).ask("nothing.example.").authority.at(0);
  };
  CHECK(negative_ttl("@ 60 IN SOA n h 1 2 3 4 300") ==
        "example. 60 IN SOA n.example. h.example. 1 2 3 4 300");
  CHECK(negative_ttl("@ 300 IN SOA n h 1 2 3 4 60") ==
        "example. 60 IN SOA n.example. h.example. 1 2 3 4 60");
  CHECK(negative_ttl("@ 300 IN SOA n h 1 2 3 4 0") ==
        "example. 0 IN SOA n.example. h.example. 1 2 3 4 0");
}

}  // namespace swingover::tests
