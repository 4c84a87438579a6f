#include "zones/zone_file_rdata.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/zones/zone_file_fixture.h"

// Last: it makes bool, true and false macros.
#include <ldns/ldns.h>
#undef bool
#undef true
#undef false

namespace swingover::zones {
namespace {

using Octets = std::vector<uint8_t>;

Octets from_hex(std::string_view hex) {
  Octets octets;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    octets.push_back(static_cast<uint8_t>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  }
  return octets;
}

// The data of the one record "x TYPE text" as we read it.
Octets ours(const std::string& type_and_data) {
  const std::string text = head + "x.svc.example. 60 IN " + type_and_data + "\n";
  Diagnostics diagnostics("test.zone", text);
  const auto zone = parse_zone_file(text, apex, diagnostics);
  INFO(diagnostics.text());
  REQUIRE(zone);
  const auto owner = zone->find(*parse_name("x.svc.example."));
  REQUIRE(owner);
  const Bytes rdata = *(*owner->rrsets().begin()).rdatas.begin();
  return {rdata.begin(), rdata.end()};
}

// The same as ldns' own reader of whole records has it.
Octets theirs(const std::string& type_and_data) {
  const std::string text = "x.svc.example. 60 IN " + type_and_data;
  ldns_rdf* origin = ldns_dname_new_frm_str("svc.example.");
  ldns_rr* record = nullptr;
  const ldns_status status = ldns_rr_new_frm_str(&record, text.c_str(), 0, origin, nullptr);
  ldns_rdf_deep_free(origin);
  INFO(ldns_get_errorstr_by_id(status));
  REQUIRE(record);
  Octets octets;
  for (size_t i = 0; i < ldns_rr_rd_count(record); ++i) {
    const ldns_rdf* field = ldns_rr_rdf(record, i);
    octets.insert(octets.end(), ldns_rdf_data(field), ldns_rdf_data(field) + ldns_rdf_size(field));
  }
  ldns_rr_free(record);
  return octets;
}

std::string refusal(const std::string& type_and_data) {
  const std::string text = head + "x " + type_and_data + "\n";
  Diagnostics diagnostics("test.zone", text);
  if (parse_zone_file("$TTL 60\n" + text, apex, diagnostics)) return "accepted";
  const auto problems = diagnostics.problems();
  REQUIRE(problems.size() == 1);
  CHECK(problems[0].at.line == 4);
  return std::to_string(problems[0].at.column) + ' ' + problems[0].message;
}

}  // namespace

TEST_CASE("every type that ldns reads has the data that ldns gives it", "[zone_file_rdata]") {
  const auto* record = GENERATE(
      "A 192.0.2.1", "AAAA 2001:db8::192.0.2.1", "CNAME target", "CNAME target.example.net.",
      "PTR @", "MX 10 mail", "TXT \"one two\" three \"\" \"\\\"\\255\\\\\"",
      "SRV 1 2 5060 sip.example.", "AFSDB 1 afs", "RP admin.example. txt", "HINFO \"PC x\" Linux",
      "MINFO a b", "X25 311061700956", "ISDN 150862028003217 004", "RT 2 relay",
      "PX 10 a.example. b", "GPOS -32.6882 116.8652 10.0", "KX 1 k",
      "NAPTR 100 50 \"s\" \"http+I2L+I2C+I2R\" \"\" _http._tcp.example.",
      "NAPTR 100 10 \"u\" \"E2U+sip\" \"!^.*$!sip:info@example.com!\" .",
      "CAA 0 issue \"ca.example; account=230123\"", "CAA 128 iodef \"\"",
      "TLSA 3 1 1 0d6fce13243aa7 eb", "TLSA DANE-EE SPKI SHA2-256 0d6f", "SMIMEA 3 0 0 ab",
      "SSHFP 4 2 0123456789abcdef67890123456789abcdef6789",
      "DNSKEY 257 3 13 mdsswUyr3DPW132mOi8V9xESWE8jTo0d "
      "xCjjnopKl+GqJxpVXckHAeF+KkxLbxILfDLUT0rAK9iUzy1L53eKGQ==",
      "CDS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118",
      "CDNSKEY 0 3 0 AA==", "KEY 256 3 5 AQPSKmynfzW4kyBv015MUG2DeIQ3",
      "DHCID AAIBY2/AuCccgoJbsaxcQc9TUapptP69lOjxfNuVAA2kjEA=", "CERT PKIX 12345 RSASHA256 MIIB",
      "OPENPGPKEY mQINBFit2jsBEADrbl5vjVxYeAE0g0IDYCBpHirv", "DNAME other.example.",
      "LOC 52 22 23.000 N 4 53 32.000 E -2.00m 0.00m 10000m 10m",
      "LOC 42 21 54 N 71 06 18 W -24m 30m", "URI 10 1 \"https://www.example.com/path\"",
      "EUI48 00-00-5e-00-53-2a", "EUI64 00-00-5e-ef-10-00-00-2a", "NID 10 0014:4fff:ff20:ee64",
      "L32 10 10.1.2.0", "L64 10 2001:0DB8:1140:1000", "LP 10 l64-subnet1",
      "HIP 2 200100107B1A74DF365639CC39F1D578 AwEAAbdxyhNuSutc5EMzxTs9LBPCIkOFH8cI rvs.example.",
      "NSAP 0x47.0005.80.005a00.0000.0001.e133.ffffff000161.00",
      "APL 1:192.0.2.0/24 !2:2001:db8::/32",
      "IPSECKEY 10 1 2 192.0.2.38 AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6",
      "IPSECKEY 10 3 2 gw.example. AQNRU3mG7TVTO2BkR47usntb102uFJtugbo6", "WKS 10.0.0.1 6 25 80",
      "NSEC host.example. A MX RRSIG NSEC TYPE1234",
      "NSEC3 1 1 12 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr MX A RRSIG",
      "NSEC3 1 0 0 - 2t7b4g4vsa5smi47k61mv5bv1a22bojr A", "NSEC3PARAM 1 0 12 aabbccdd",
      "CSYNC 66 3 A NS AAAA",
      "RRSIG A 5 3 86400 20300322173103 20260220173103 2642 example. "
      "oJB1W6WNGv+ldvQ3WDG0MQkg5IEhjRip8WTr",
      "ZONEMD 2018031500 1 1 "
      "FEBE3D4CE2EC2FFA4BA99D46CD69D6D29711E55217057BEE7EB1A7B641A47BA7FED2DD5B97AE49",
      "SVCB 1 svc4 alpn=h2,h3 port=8004",
      "HTTPS 1 . alpn=\"h2,h3\" ipv4hint=192.0.2.1,192.0.2.2 ipv6hint=2001:db8::1",
      "HTTPS 0 pool.example.",
      "SVCB 16 foo.example. mandatory=ipv4hint,alpn ipv4hint=192.0.2.1 alpn=h2",
      "SVCB 1 foo.example. key667=\"hello\\210qoo\"", "TALINK a b", "EID 0123 4567",
      "NIMLOC 01234567", "SPF \"v=spf1 -all\"", "TYPE65280 \\# 4 0a000001", "TYPE65281 \\# 0");
  INFO(record);
  CHECK(ours(record) == theirs(record));
}

TEST_CASE("RFC 3597 text gives a known type its real data", "[zone_file_rdata]") {
  CHECK(ours("TYPE1 \\# 4 c0000201") == ours("A 192.0.2.1"));
  CHECK(ours("A \\# 4 C000 0201") == ours("A 192.0.2.1"));
  CHECK(ours("type15 \\# 8 000a 046d61 696c 00") == ours("MX 10 mail."));
  CHECK(ours("TYPE10 \\# 2 abcd") == Octets{0xab, 0xcd});
  CHECK(ours("TYPE62347 \\# ( 3\n 01 ; comment\n 0203 )") == Octets{1, 2, 3});
  CHECK(ours("TXT \\# 3 026162") == ours("TXT ab"));
  CHECK(ours("TXT \"\\\\#\" 2") == Octets{2, '\\', '#', 1, '2'});

  CHECK(refusal("TYPE1 \\# 3 c00002") == "9 these octets are not the data of a record of type A");
  CHECK(refusal("TYPE1 \\# 0") == "9 these octets are not the data of a record of type A");
  CHECK(refusal("A \\# 5 c000020100").ends_with("not the data of a record of type A"));
  CHECK(refusal("CNAME \\# 2 c000").ends_with("not the data of a record of type CNAME"));
  CHECK(refusal("CNAME \\# 3 016100ff").starts_with("12 the length says 3 octets, but 8"));
  CHECK(refusal("A \\#") == "7 \\# needs a length of 0 to 65535 octets behind it");
  CHECK(refusal("A \\# 65536 00") == "8 \\# needs a length of 0 to 65535 octets behind it");
  CHECK(refusal("A \\# -4 c0000201") == "8 \\# needs a length of 0 to 65535 octets behind it");
  CHECK(refusal("A \\# 4 c00002g1") == "10 not an even number of hexadecimal digits");
  CHECK(refusal("TYPE65280 10.0.0.1") ==
        "13 the data of TYPE65280 has no text form: write \\# LENGTH HEX (RFC 3597)");
}

TEST_CASE("a wrong field is pointed at and says what it should be", "[zone_file_rdata]") {
  CHECK(refusal("A 192.0.2.256") == "5 not an IPv4 address such as 192.0.2.1");
  CHECK(refusal("AAAA 192.0.2.1") == "8 not an IPv6 address such as 2001:db8::1");
  CHECK(refusal("A") == "4 a record of type A needs 1 field, here are 0");
  CHECK(refusal("MX 10") == "8 a record of type MX needs 2 fields, here are 1");
  CHECK(refusal("A 192.0.2.1 192.0.2.2") == "15 a record of type A ends before this");
  CHECK(refusal("MX 65536 mail") == "6 not a number from 0 to 65535");
  CHECK(refusal("MX -1 mail") == "6 not a number from 0 to 65535");
  CHECK(refusal("MX 10 \"mail\"") == "9 only strings are quoted, and this field is none");
  CHECK(refusal("CNAME a..b") == "9 an empty label: two dots in a row, or a dot in front");
  CHECK(refusal("TXT " + std::string(256, 'a')) ==
        "7 not a string of at most 255 octets with valid escapes");
  CHECK(refusal("TXT a\\300") == "7 not a string of at most 255 octets with valid escapes");
  CHECK(refusal("TXT") == "6 a record of type TXT needs 1 field, here are 0");
  CHECK(refusal("TLSA 3 1 1 abc") == "14 not an even number of hexadecimal digits");
  CHECK(refusal("TLSA 256 1 1 ab") == "8 not a certificate usage: 0 to 255, or such as DANE-EE");
  CHECK(refusal("CERT -00 1 8 MIIB") ==
        "8 not a certificate type: a number, or a name such as PKIX");
  CHECK(refusal("CERT 0 1 8 MIIB") == "8 not a certificate type: a number, or a name such as PKIX");
  CHECK(refusal("CAA 0 is-sue x") == "9 not a tag: letters and digits");
  CHECK(refusal("DNSKEY 257 3 13 ====") == "19 not base64");
  CHECK(refusal("DNSKEY 257 3 NOALG AA==") ==
        "16 not an algorithm: a number to 255, or a name such as ECDSAP256SHA256");
  CHECK(refusal("NSEC host A NOTYPE") ==
        "15 no record type of this name; others are written TYPE123");
  CHECK(refusal("EUI48 00-00-5e-00-53-2") == "9 not an EUI-48 such as 00-00-5e-00-53-2a");
  CHECK(refusal("LOC 91 0 0 N 0 0 0 E 0m") == "7 not a place such as 52 22 23 N 4 53 32 E -2m");
  CHECK(refusal("APL 1:192.0.2.0/33").starts_with("7 not an address prefix"));
  CHECK(refusal("HTTPS 1 . port=99999") == "13 not a port number from 0 to 65535");
  CHECK(refusal("HTTPS 1 . port=1 port=2").starts_with("13 not service parameters"));
  CHECK(
      refusal("HTTPS 1 . ipv6hint=" + std::string(46, 'a')).starts_with("13 not an IPv6 address"));
  CHECK(refusal("IPSECKEY 10 4 2 . AA==") == "15 not a number from 0 to 3");
  CHECK(refusal("IPSECKEY 10 3 2 gw AQNR2") == "22 not base64");
  CHECK(refusal("IPSECKEY 10 1 2 192.0.2.1").starts_with("12 not PRECEDENCE TYPE"));
  CHECK(refusal("HIP 2 200 AwEA rvs").starts_with("7 not ALGORITHM HIT KEY"));
}

TEST_CASE("a record may hold 64 KiB of text and not an octet more", "[zone_file_rdata]") {
  std::string text = "TXT";
  for (int i = 0; i < 255; ++i) text += " \"" + std::string(255, 'x') + "\"";
  CHECK(ours(text).size() == 255 * 256);
  text += " \"" + std::string(254, 'x') + "\"";
  CHECK(ours(text).size() == 65535);
  CHECK(refusal(text + " \"\"").ends_with("the data has more than 65535 octets"));
  CHECK(refusal("TYPE65280 \\# 65535 " + std::string(131068, 'a'))
            .starts_with("16 the length says 65535"));
  CHECK(ours("TYPE65280 \\# 65535 " + std::string(131070, 'a')).size() == 65535);
  CHECK(ours("TYPE10 \\# 65535 " + std::string(131070, 'a')).size() == 65535);
}

TEST_CASE("names in data are relative to the origin, and at most 255 octets with it",
          "[zone_file_rdata]") {
  const Name origin = *parse_name("svc.example.");
  const auto text = [&](std::string_view name) {
    const auto parsed = parse_relative_name(name, origin);
    return parsed ? parsed->text() : parsed.error().message;
  };
  CHECK(text("@") == "svc.example.");
  CHECK(text("a") == "a.svc.example.");
  CHECK(text("a.") == "a.");
  CHECK(text(".") == ".");
  CHECK(text("a\\.") == "a\\..svc.example.");
  CHECK(text("a\\\\.") == "a\\\\.");
  CHECK(text("\\@") == "\\@.svc.example.");
  CHECK(text("\\@.b.") == "\\@.b.");

  const std::string label = std::string(63, 'a') + ".";
  const std::string fits = label + label + label + std::string(48, 'b');  // 3 * 64 + 49 + 13 = 254
  CHECK(parse_relative_name(fits + "b", origin)->wire().size() == 255);
  CHECK(text(fits + "bb") == "the name has more than 255 octets with its origin svc.example.");
  CHECK(ours("CNAME " + fits + "b").size() == 255);
  CHECK(refusal("CNAME " + fits + "bb") ==
        "9 the name has more than 255 octets with its origin svc.example.");
  CHECK(ours("CNAME \\@.net.") == from_hex("0140036e657400"));
}

TEST_CASE("times of one TTL are 31 bits of seconds, or in periods", "[zone_file_rdata]") {
  CHECK(*parse_ttl("0") == 0);
  CHECK(*parse_ttl("2147483647") == 2147483647);
  CHECK(*parse_ttl("1h30m") == 5400);
  CHECK(*parse_ttl("1W2d3H4M5s") == 604800 + 2 * 86400 + 3 * 3600 + 245);
  CHECK(parse_ttl("2147483648").error().message == "a TTL has 31 bits: at most 2147483647 seconds");
  CHECK(parse_ttl("99999999999999999999999").error().message ==
        "a TTL has 31 bits: at most 2147483647 seconds");
  CHECK(parse_ttl("99999w").error().message == "a TTL has 31 bits: at most 2147483647 seconds");
  for (const auto* bad : {"", "h", "1x", "1hh", "-1", "1.5h"}) {
    CHECK(parse_ttl(bad).error().message == "not a TTL: seconds, or such as 1h30m");
  }
}

TEST_CASE("types have a name or a number", "[zone_file_rdata]") {
  CHECK(parse_type("aaaa") == 28);
  CHECK(parse_type("TYPE28") == 28);
  CHECK(parse_type("type65535") == 65535);
  for (const auto* bad :
       {"", "TYPE", "TYPE65536", "TYPE1x", "NOTYPE", "TYPE-1", "AVERYLONGTYPEMNEMONIC"}) {
    CHECK(parse_type(bad) == 0);
  }
  CHECK(type_text(28) == "AAAA");
  CHECK(type_text(65280) == "TYPE65280");
}

}  // namespace swingover::zones
