#include "zones/zone_file.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>

#include "base/random.h"
#include "tests/zones/zone_file_fixture.h"
#include "zones/protocol.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {
namespace {

std::string hex(Bytes octets) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (const uint8_t octet : octets) {
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

std::shared_ptr<const ZoneContents> parsed(const std::string& text) {
  Diagnostics diagnostics("test.zone", text);
  auto zone = parse_zone_file(text, apex, diagnostics);
  INFO(diagnostics.text());
  REQUIRE(zone);
  CHECK(diagnostics.text().empty());
  return zone;
}

// The records of one owner as "TTL TYPE hex", a line each.
std::string records(const ZoneContents& zone, std::string_view name) {
  const auto owner = zone.find(*parse_name(name));
  if (!owner) return "none";
  std::string all;
  for (const Rrset set : owner->rrsets()) {
    for (const Bytes rdata : set.rdatas) {
      if (!all.empty()) all += '\n';
      all += std::to_string(set.ttl.value) + ' ' + type_text(set.type) + ' ' + hex(rdata);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("a zone's records come in canonical order with their owners' first lines",
          "[zone_file]") {
  const auto zone = parsed(
      "$TTL 1h\n"
      "z A 192.0.2.9\n"
      "@ SOA ns1 admin (\n"
      "    2026 ; serial\n"
      "    2h 15m 2w 5m )\n"
      "  NS ns1\n"
      "a.z 60 IN A 192.0.2.7\n"
      "ns1 IN 300 A 192.0.2.2\n"
      "    300 A 192.0.2.1\n"
      "    AAAA 2001:db8::1\n");
  REQUIRE(zone->owners().size() == 4);
  CHECK(zone->apex() == apex);
  CHECK(zone->records() == 7);
  CHECK(zone->owners()[0].name().text() == "svc.example.");
  CHECK(zone->owners()[0].line() == 3);
  CHECK(zone->owners()[1].name().text() == "ns1.svc.example.");
  CHECK(zone->owners()[1].line() == 8);
  CHECK(zone->owners()[2].name().text() == "z.svc.example.");
  CHECK(zone->owners()[3].name().text() == "a.z.svc.example.");
  CHECK(records(*zone, "ns1.svc.example") ==
        "300 A c0000201\n300 A c0000202\n3600 AAAA 20010db8000000000000000000000001");
  CHECK(records(*zone, "svc.example") ==
        "3600 NS 036e733103737663076578616d706c6500\n"
        "3600 SOA 036e733103737663076578616d706c6500"
        "0561646d696e03737663076578616d706c6500"
        "000007ea00001c2000000384001275000000012c");
}

TEST_CASE("every problem of a file is reported in one run", "[zone_file]") {
  CHECK(problems(head + "www A 192.0.2\n"
                        "www.example.org. A 192.0.2.1\n"
                        "a A 192.0.2.1 ; fine\n"
                        "b NOTYPE x\n") ==
        "3:7 not an IPv4 address such as 192.0.2.1\n"
        "4:1 www.example.org. is outside the zone svc.example.\n"
        "6:3 no record type of this name; others are written TYPE123");
}

TEST_CASE("records of the accepted forms need no care", "[zone_file]") {
  SECTION("CRLF lines, comments, blank lines, a byte order mark, no newline at the end") {
    const auto zone = parsed("\xef\xbb\xbf; a comment\r\n\r\n" + head +
                             "a\tA\t192.0.2.1;x\r\n   ; more\r\n\r\n  AAAA ::1");
    CHECK(records(*zone, "a.svc.example") ==
          "3600 A c0000201\n3600 AAAA 00000000000000000000000000000001");
  }
  SECTION("$ORIGIN, absolute and relative, and @") {
    const auto zone = parsed(
        head +
        "$ORIGIN dc.svc.example.\na A 192.0.2.1\n$ORIGIN rack\n@ A 192.0.2.2\nb A 192.0.2.3\n"
        "$ORIGIN example.\nc.svc CNAME @\n");
    CHECK(records(*zone, "a.dc.svc.example") == "3600 A c0000201");
    CHECK(records(*zone, "rack.dc.svc.example") == "3600 A c0000202");
    CHECK(records(*zone, "b.rack.dc.svc.example") == "3600 A c0000203");
    CHECK(records(*zone, "c.svc.example") == "3600 CNAME 076578616d706c6500");
  }
  SECTION("TTL and class in either order, either missing, any case") {
    const auto zone =
        parsed(head +
               "a in 60 a 192.0.2.1\nb 60 IN A 192.0.2.1\nc IN A 192.0.2.1\nd 120 A 192.0.2.1\n"
               "e class1 A 192.0.2.1\nf CLASS1 1m type1 \\# 4 c0000201\n");
    for (const auto* name : {"a", "b", "c", "f"}) {
      CHECK(records(*zone, std::string(name) + ".svc.example") == "60 A c0000201");
    }
    CHECK(records(*zone, "d.svc.example") == "120 A c0000201");
    CHECK(records(*zone, "e.svc.example") == "120 A c0000201");
  }
  SECTION("parentheses anywhere, quotes and escapes inside") {
    const auto zone =
        parsed(head + "a ( 60\nIN ; note (\n TXT \"(;\" \\( \\; )(\n)\nb A 192.0.2.1");
    CHECK(records(*zone, "a.svc.example").starts_with("60 TXT 02283b0128013b"));
  }
  SECTION("wildcards, service labels, every octet in an owner") {
    std::string text = head + "* A 192.0.2.1\n_sip._tcp SRV 0 0 5060 x.example.\n";
    for (int octet = 0; octet < 256; ++octet) {
      const std::string digits = std::to_string(1000 + octet).substr(1);
      text += "x\\" + digits + " TXT \"" + std::to_string(octet) + "\"\n";
    }
    const auto zone = parsed(text);
    CHECK(zone->find(*parse_name("*.svc.example")));
    CHECK(zone->owners().size() ==
          3 + 256 - 26);  // the capitals share an owner with the small letters
    CHECK(records(*zone, "x\\000.svc.example") == "3600 TXT 0130");
    CHECK(records(*zone, "x\\255.svc.example") == "3600 TXT 03323535");
  }
}

TEST_CASE("a missing TTL is that of $TTL, the record in front, or the SOA's minimum",
          "[zone_file]") {
  const std::string soa =
      "@ SOA ns1.example. admin.example. 1 7200 900 1209600 300\n@ NS ns1.example.\n";
  CHECK(records(*parsed(soa + "a A 192.0.2.1\n"), "a.svc.example") == "300 A c0000201");
  CHECK(records(*parsed(soa + "b 5 A 192.0.2.1\na A 192.0.2.1\n"), "a.svc.example") ==
        "5 A c0000201");
  CHECK(records(*parsed("$TTL 7\n" + soa + "b 5 A 192.0.2.1\na A 192.0.2.1\n"), "a.svc.example") ==
        "7 A c0000201");
  CHECK(problems("a A 192.0.2.1\n" + soa) ==
        "1:3 no TTL: write one in front of the type, or $TTL at the top of the file");
}

TEST_CASE("each error of the text has its place and words", "[zone_file]") {
  const auto [text, expected] = GENERATE(table<std::string, std::string>({
      {"a CH A 192.0.2.1", "3:3 only records of class IN are served"},
      {"a CLASS3 A 192.0.2.1", "3:3 only records of class IN are served"},
      {"a 2147483648 A 192.0.2.1", "3:3 a TTL has 31 bits: at most 2147483647 seconds"},
      {"a 99999999999 A 192.0.2.1", "3:3 a TTL has 31 bits: at most 2147483647 seconds"},
      {"a 1y A 192.0.2.1", "3:3 not a TTL: seconds, or such as 1h30m"},
      {"a 60 IN", "3:8 the record's type is missing"},
      {"a", "3:2 the record's type is missing"},
      {"a ANY x", "3:3 only records of class IN are served"},
      {"a AXFR x", "3:3 AXFR is a type for queries, not for records"},
      {"a TYPE41 \\# 0", "3:3 TYPE41 is a type for queries, not for records"},
      {"a..b A 192.0.2.1", "3:1 an empty label: two dots in a row, or a dot in front"},
      {"\"a\" A 192.0.2.1", "3:1 an owner is not quoted; a blank in it is written \\032"},
      {"b.example. A 192.0.2.1", "3:1 b.example. is outside the zone svc.example."},
      {"xsvc.example. A 192.0.2.1", "3:1 xsvc.example. is outside the zone svc.example."},
      {"b.example. A 192.0.2.1\n  AAAA ::1", "3:1 b.example. is outside the zone svc.example."},
      {"$INCLUDE other.zone",
       "3:1 $INCLUDE is not read: put the records themselves into this file"},
      {"$GENERATE 1-9 a$ A 192.0.2.$", "3:1 $GENERATE is not expanded: write each record"},
      {"$TTTL 5", "3:1 no such directive: $ORIGIN and $TTL are read; an owner's $ is written \\$"},
      {"$TTL", "3:5 what it sets is missing"},
      {"$TTL 5 6", "3:8 a directive ends before this"},
      {"$TTL x", "3:6 not a TTL: seconds, or such as 1h30m"},
      {"$ORIGIN a..b", "3:9 an empty label: two dots in a row, or a dot in front"},
      {"a TXT \"open\nb A 192.0.2.1", "3:7 this quote is not closed on its line"},
      {"a TXT ) x\nb A 192.0.2.1", "3:7 no parenthesis is open here"},
      {"a TXT ( x\nb A 192.0.2\nc A 192.0.2.1",
       "3:7 this parenthesis is never closed\n4:5 not an IPv4 address such as 192.0.2.1"},
      {"a TXT ( x\n  y\n) z (", "5:5 this parenthesis is never closed"},
      {std::string("a TXT x\0y", 9), "3:8 a NUL octet; in text it is written as \\000"},
      {std::string("a TXT \"\\\0\"", 10), "3:9 a NUL octet; in text it is written as \\000"},
      {"a TXT x\\", "3:7 not a string of at most 255 octets with valid escapes"},
  }));
  INFO(text);
  CHECK(problems(head + text) == expected);
  CHECK(problems(head + text + "\n") == expected);
}

TEST_CASE("a line without an owner needs a record in front", "[zone_file]") {
  CHECK(
      problems("  A 192.0.2.1\n  AAAA ::1\n" + head) ==
      "1:3 a line that starts with a blank takes the owner of the record in front: there is none");
}

TEST_CASE("an owner of more than 255 octets with its origin is refused", "[zone_file]") {
  const std::string label = std::string(63, 'a') + ".";
  const std::string longest = label + label + label + std::string(49, 'b');
  CHECK(parsed(head + longest + " A 192.0.2.1\n")->owners().size() == 2);
  CHECK(problems(head + longest + "b A 192.0.2.1\n") ==
        "3:1 the name has more than 255 octets with its origin svc.example.");
  CHECK(problems(head + std::string(64, 'a') + " A 192.0.2.1\n") ==
        "3:1 a label has more than 63 octets");
}

TEST_CASE("a duplicate names the line of the first, whatever the spelling", "[zone_file]") {
  CHECK(problems(head + "a A 192.0.2.1\nb A 192.0.2.1\nA.svc.example. A 192.0.2.1\n") ==
        "5:1 this record is already there, on line 3");
  CHECK(problems(head + "a MX 1 m.example.\na MX 1 M.Example.\n") ==
        "4:1 this record is already there, on line 3");
  CHECK(problems(head + "a TXT x\na TXT x\na TXT x\n") ==
        "4:1 this record is already there, on line 3\n5:1 this record is already there, on line 3");
  CHECK(problems(head + "a TXT x\na TXT X\n").empty());
  CHECK(problems(head + "a APL\na APL 1:192.0.2.0/24\na APL\n") ==
        "5:1 this record is already there, on line 3");
  CHECK(problems(head + "a MX 65 m.example.\na MX 97 m.example.\n")
            .empty());  // 'A' and 'a' as octets
}

TEST_CASE("a set has one TTL, signatures aside", "[zone_file]") {
  CHECK(problems(head + "a 60 A 192.0.2.2\na 60 AAAA ::1\na 30 A 192.0.2.1\n") ==
        "5:1 the TTL 30 differs from that of the A record on line 3, 60: a set has one TTL (RFC "
        "2181 section 5.2)");
  CHECK(problems(head + "a 60 RRSIG A 13 3 60 20300101000000 20260101000000 1 svc AA==\n"
                        "a 30 RRSIG TXT 13 3 30 20300101000000 20260101000000 1 svc AA==\n")
            .empty());
}

TEST_CASE("reading stops where a file is nothing but problems", "[zone_file]") {
  std::string text;
  for (int i = 0; i < 5000; ++i) text += "nonsense\n";
  Diagnostics diagnostics("test.zone", text);
  CHECK_FALSE(parse_zone_file(text, apex, diagnostics));
  CHECK(diagnostics.errors() < 300);
  CHECK(diagnostics.problems().back().message ==
        "too many problems: the rest of the file was not read");
  CHECK(problems("") ==
        "0:0 the zone has no SOA record at its apex svc.example.\n0:0 the zone has no NS record at "
        "its apex svc.example.");
}

// What the checked result promises, whatever the text was.
void check_promises(const ZoneContents& zone) {
  size_t count = 0;
  const auto owners = zone.owners();
  REQUIRE_FALSE(owners.empty());
  REQUIRE(owners[0].name() == zone.apex());
  for (size_t i = 0; i < owners.size(); ++i) {
    REQUIRE((i == 0 || owners[i - 1].name() < owners[i].name()));
    REQUIRE(owners[i].name().is_at_or_below(zone.apex()));
    int last_type = -1;
    for (const Rrset set : owners[i].rrsets()) {
      REQUIRE(set.type > last_type);
      last_type = set.type;
      REQUIRE_FALSE(set.rdatas.empty());
      REQUIRE(set.ttl.value <= 0x7fffffff);
      count += set.rdatas.size();
    }
    REQUIRE(last_type >= 0);
  }
  REQUIRE(owners[0].find(type::soa)->rdatas.size() == 1);
  REQUIRE(count == zone.records());
}

TEST_CASE("mutated text gives a zone that keeps every promise, or errors", "[zone_file]") {
  const std::string seed =
      "$TTL 1h\n$ORIGIN svc.example.\n" + head +
      "a ( 60 IN\n A 192.0.2.1 )\n  AAAA 2001:db8::1\nb TXT \"x;y\" z\\032\\(\nc CLASS1 TYPE1 \\# "
      "4 c0000201\n"
      "d HTTPS 1 . alpn=\"h2,h3\" port=8443 ipv4hint=192.0.2.1 ipv6hint=2001:db8::1 "
      "mandatory=alpn\n"
      "e LOC 52 22 23.000 N 4 53 32.000 E -2.00m\nf NSEC a A TXT\ng MX 1 a\nsub NS ns.sub\nns.sub "
      "A 192.0.2.2\n"
      "h HIP 2 200100107B1A74DF AwEAAbdx rvs\ni IPSECKEY 10 3 2 gw AQNR\nj APL 1:192.0.2.0/24\n"
      "k NSEC3 1 1 12 aabb 2t7b4g4vsa5smi47k61mv5bv1a22bojr A\nl CERT PKIX 1 8 MIIB\nm DNAME "
      "other\n";
  static constexpr std::string_view dictionary[] = {
      "\n",  " ", "(",           ")", "\"", ";",    "\\",    "@", "$ORIGIN ",
      "\\#", "0", "99999999999", ".", "*",  "TYPE", "CNAME", "=", ","};
  Random random(20261122);
  size_t whole = 0;
  for (int round = 0; round < 4000; ++round) {
    std::string text = seed;
    for (uint64_t edits = random.below(4); edits > 0; --edits) {
      const size_t at = random.below(text.size());
      switch (random.below(4)) {
        case 0:
          text[at] = static_cast<char>(random.below(256));
          break;
        case 1:
          text.erase(at, random.below(8));
          break;
        case 2:
          text.insert(at, dictionary[random.below(std::size(dictionary))]);
          break;
        default:
          text.insert(at, text.substr(random.below(text.size()), random.below(40)));
          break;
      }
    }
    Diagnostics diagnostics("test.zone", text);
    const auto zone = parse_zone_file(text, apex, diagnostics);
    REQUIRE((zone == nullptr) == diagnostics.has_errors());
    if (!zone) continue;
    ++whole;
    check_promises(*zone);
  }
  CHECK(whole > 1000);  // a quarter has no edit at all
  CHECK(whole < 3500);
}

}  // namespace swingover::zones
