#include "zones/record_table.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <vector>

#include "base/random.h"
#include "zones/protocol.h"

namespace swingover::zones {
namespace {

const Name apex = *parse_name("example.");

Bytes labels_of(const Name& name) {
  return name.wire().first(name.wire().size() - apex.wire().size());
}

struct Added {
  Name owner;
  std::vector<uint8_t> rdata;
};

std::shared_ptr<const ZoneContents> sorted(const std::vector<Added>& records,
                                           std::vector<Position>& places) {
  RecordTable table(100, 10);
  unsigned line = 0;
  for (const Added& record : records) {
    table.set_owner(labels_of(record.owner));
    const size_t at = table.rdata_arena().size();
    table.rdata_arena().insert(table.rdata_arena().end(), record.rdata.begin(), record.rdata.end());
    table.add(type::a, 60, at, {++line, 1});
  }
  Diagnostics diagnostics("test", "");
  auto contents = table.build(apex, diagnostics, places);
  CHECK_FALSE(diagnostics.has_errors());
  return contents;
}

// Labels from few letters, so that names share beginnings, ends and whole labels; capitals and the octets that the
// sort key writes as pairs among them.
Name random_name(Random& random) {
  static constexpr std::string_view octets{"\0\1\2aAbB-\377", 9};
  Name name = apex;
  for (auto labels = random.below(4); labels-- > 0;) {
    std::string label;
    for (auto size = 1 + random.below(random.below(8) == 0 ? 63 : 3); size-- > 0;)
      label += octets[random.below(octets.size())];
    if (const auto longer = Name::child(label, name)) name = *longer;
  }
  return name;
}

}  // namespace

TEST_CASE("whatever the order of the file, the table gives what a sorted map gives",
          "[record_table]") {
  Random random(11);
  for (int round = 0; round < 300; ++round) {
    std::vector<Added> records;
    std::map<Name, std::vector<std::vector<uint8_t>>> wanted;
    for (auto count = 1 + random.below(60); count-- > 0;) {
      const Name owner = random_name(random);
      const auto number = static_cast<uint8_t>(wanted[owner].size());
      records.push_back({owner, {number, 1, 2, 3}});
      wanted[owner].push_back(records.back().rdata);
    }
    std::vector<Position> places;
    const auto contents = sorted(records, places);
    REQUIRE(contents->owners().size() == wanted.size());
    REQUIRE(places.size() == records.size());
    auto place = places.begin();
    auto at = wanted.begin();
    for (const ZoneContents::Owner owner : contents->owners()) {
      REQUIRE(owner.name() == at->first);
      const Rrset set = *owner.rrsets().begin();
      REQUIRE(set.rdatas.size() == at->second.size());
      for (const Bytes rdata : set.rdatas) {
        const Added& said = records[place++->line - 1];
        REQUIRE(said.owner == owner.name());
        REQUIRE(std::ranges::equal(said.rdata, rdata));
      }
      ++at;
    }
  }
}

TEST_CASE("a name longer than the sort's step is found again, and its ancestors in front of it",
          "[record_table]") {
  std::vector<Added> records;
  Name name = apex;
  for (char c = 'a'; c <= 'q'; ++c) {
    name = *Name::child(std::string(12, c), name);
    records.push_back({name, {static_cast<uint8_t>(c), 0, 0, 0}});
  }
  std::ranges::reverse(records);
  std::vector<Position> places;
  const auto contents = sorted(records, places);
  REQUIRE(contents->owners().size() == records.size());
  CHECK(std::ranges::is_sorted(places, std::greater{}));
}

TEST_CASE("names of one spelling or another are one owner, as first spelled", "[record_table]") {
  std::vector<Position> places;
  const auto contents = sorted({{*parse_name("WWW.example."), {1, 0, 0, 0}},
                                {*parse_name("ftp.example."), {2, 0, 0, 0}},
                                {*parse_name("www.example."), {0, 0, 0, 0}}},
                               places);
  REQUIRE(contents->owners().size() == 2);
  CHECK(contents->owners()[1].name().text() == "WWW.example.");
  CHECK((*contents->owners()[1].rrsets().begin()).rdatas.size() == 2);
  CHECK(places == std::vector<Position>{{2, 1}, {3, 1}, {1, 1}});
}

}  // namespace swingover::zones
