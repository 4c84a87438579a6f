#include "zones/zone_file.h"

#include <catch2/catch.hpp>
#include <string>

#include "zones/protocol.h"
#include "zones/zone_file_rdata.h"

namespace swingover::zones {
namespace {

const Name apex = *parse_name("svc.example.");

// Two lines that make any file whole; what a test adds begins on line 3.
const std::string head =
    "@ 3600 IN SOA ns1.example. admin.example. 1 7200 900 1209600 300\n"
    "@ 3600 IN NS ns1.example.\n";

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

// "line:column message" of each problem, a line each; warnings say so.
std::string problems(const std::string& text) {
  Diagnostics diagnostics("test.zone", text);
  const auto zone = parse_zone_file(text, apex, diagnostics);
  CHECK((zone == nullptr) == diagnostics.has_errors());
  std::string all;
  for (const auto& problem : diagnostics.problems()) {
    if (!all.empty()) all += '\n';
    all += std::to_string(problem.at.line) + ':' + std::to_string(problem.at.column) + ' ';
    all += (problem.is_error ? "" : "warning: ") + problem.message;
  }
  return all;
}

// The records of one owner as "TTL TYPE hex", a line each.
std::string records(const ZoneContents& zone, std::string_view name) {
  const auto* owner = zone.find(*parse_name(name));
  if (!owner) return "none";
  std::string all;
  for (const Rrset& set : owner->rrsets) {
    for (const auto& rdata : set.rdatas) {
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
  REQUIRE(zone->owners.size() == 4);
  CHECK(zone->apex == apex);
  CHECK(zone->records == 7);
  CHECK(zone->owners[0].name.text() == "svc.example.");
  CHECK(zone->owners[0].line == 3);
  CHECK(zone->owners[1].name.text() == "ns1.svc.example.");
  CHECK(zone->owners[1].line == 8);
  CHECK(zone->owners[2].name.text() == "z.svc.example.");
  CHECK(zone->owners[3].name.text() == "a.z.svc.example.");
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

}  // namespace swingover::zones
