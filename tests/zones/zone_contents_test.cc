#include "zones/zone_contents.h"

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "zones/protocol.h"

namespace swingover::zones {
namespace {

Name name(const std::string& text) {
  return *parse_name(text);
}

ZoneRecord record(const std::string& owner, uint16_t type, std::vector<uint8_t> rdata,
                  unsigned line = 1) {
  return {
      .owner = name(owner), .type = type, .ttl = Ttl(60), .rdata = std::move(rdata), .line = line};
}

std::string text_of(const ZoneContents& zone) {
  std::string text;
  for (const ZoneContents::Owner owner : zone.owners()) {
    text += owner.name().text();
    for (const Rrset set : owner.rrsets()) {
      text += ' ' + std::to_string(set.type) + '@' + std::to_string(set.line) + ':';
      for (const Bytes rdata : set.rdatas) text += ' ' + std::to_string(rdata.size());
    }
    text += '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("contents hold owners in canonical order and their sets by type", "[zone_contents]") {
  const auto zone = ZoneContents::make(
      name("example."), {record("b.example.", type::a, {1, 1, 1, 1}, 9),
                         record("a.b.example.", type::aaaa, std::vector<uint8_t>(16), 8),
                         record("B.Example.", type::ns, std::vector<uint8_t>(300), 7),
                         record("example.", type::soa, std::vector<uint8_t>(65535), 6),
                         record("b.example.", type::a, {0, 1, 1, 1}, 5),
                         record("c.example.", 731, {}, 4'000'000'000)});
  CHECK(text_of(*zone) ==
        "example. 6@6: 65535\n"
        "b.example. 1@9: 4 4 2@7: 300\n"
        "a.b.example. 28@8: 16\n"
        "c.example. 731@4000000000: 0\n");
  CHECK(zone->records() == 6);
  CHECK(zone->owners()[1].line() == 7);
  CHECK((*zone->owners()[1].rrsets().begin()).rdatas[1][0] == 0);
  CHECK(zone->owners()[0].is_apex());
  CHECK(zone->owners()[2].labels().size() == 4);
}

TEST_CASE("contents find names whatever their case, and nothing outside", "[zone_contents]") {
  std::vector<ZoneRecord> records{record("example.", type::ns, {0})};
  for (int i = 0; i < 300; ++i)
    records.push_back(record("n" + std::to_string(i) + ".deep.example.", type::a, {1, 2, 3, 4}));
  const auto zone = ZoneContents::make(name("example."), std::move(records));
  REQUIRE(zone->owners().size() == 301);
  for (int i = 0; i < 300; ++i) {
    const auto found = zone->find(name("N" + std::to_string(i) + ".Deep.example."));
    REQUIRE(found);
    CHECK(found->name() == name("n" + std::to_string(i) + ".deep.example."));
  }
  CHECK(zone->find(name("EXAMPLE.")));
  CHECK_FALSE(zone->find(name("deep.example.")));
  CHECK(zone->has_at_or_below(name("deep.example.")));
  CHECK_FALSE(zone->has_at_or_below(name("eep.example.")));
  CHECK_FALSE(zone->find(name("n300.deep.example.")));
  CHECK_FALSE(zone->find(name("zz.example.")));
  CHECK_FALSE(zone->find(name("n1.deep.example.org.")));
  CHECK_FALSE(zone->find(name(".")));
  CHECK_FALSE(zone->has_at_or_below(name("org.")));
}

TEST_CASE("labels compare as the names do that they are of", "[zone_contents]") {
  const std::vector<std::string> order{"example.",         "a.example.",      "yljkjljk.a.example.",
                                       "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
                                       "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
  for (size_t i = 0; i < order.size(); ++i) {
    for (size_t j = 0; j < order.size(); ++j) {
      const Name a = name(order[i]);
      const Name b = name(order[j]);
      const auto labels = [](const Name& of) { return of.wire().first(of.wire().size() - 9); };
      CHECK(compare_labels(labels(a), labels(b)) == (i <=> j));
      CHECK((a <=> b) == (i <=> j));
    }
  }
}

TEST_CASE("contents without records are no error", "[zone_contents]") {
  const auto zone = ZoneContents::make(name("example."), {});
  CHECK(zone->owners().empty());
  CHECK_FALSE(zone->find(name("example.")));
  CHECK_FALSE(zone->has_at_or_below(name("example.")));
}

TEST_CASE("a name with an address takes some thirty octets", "[zone_contents]") {
  std::vector<ZoneRecord> records;
  for (unsigned i = 0; i < 10'000; ++i)
    records.push_back(
        record("host-" + std::to_string(100'000 + i) + ".example.", type::a, {1, 2, 3, 4}, i));
  const auto zone = ZoneContents::make(name("example."), std::move(records));
  CHECK(zone->memory_octets() < 10'000 * 45);
}

}  // namespace swingover::zones
