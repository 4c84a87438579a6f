#include "zones/geo_database.h"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <catch2/catch.hpp>

#include <cstring>

#include "base/random.h"
#include "tests/support/mmdb_writer.h"
#include "tests/support/temporary_folder.h"

using namespace swingover;
using namespace swingover::zones;
using tests::MmdbWriter;

namespace {

constexpr LocalityId fra{0}, ams{1}, sgp{2};

Topology world() {
  Topology topology;
  topology.localities.resize(3);
  topology.localities[0].name = "fra";
  topology.localities[0].coordinates = {50.11, 8.68};
  topology.localities[0].countries = {{"DE"}, {"CH"}, {"BE"}};
  topology.localities[1].name = "ams";
  topology.localities[1].coordinates = {52.37, 4.90};
  topology.localities[1].countries = {{"NL"}, {"BE"}, {"DE-NW"}};
  topology.localities[1].asns = {64500};
  topology.localities[2].name = "sgp";
  topology.localities[2].coordinates = {1.35, 103.82};
  return topology;
}

GeoFacts country(std::string code, std::string subdivision = "") {
  return {.asn = 0,
          .country = std::move(code),
          .subdivision = std::move(subdivision),
          .coordinates = {}};
}

IpPrefix prefix(std::string_view text) {
  return *parse_ip_prefix(text);
}

LocalityId find(const GeoMap& map, std::string_view address) {
  const auto found = map.find(*parse_ip_address(address)).value;
  return found ? found->locality() : no_locality;
}

/// A database of many nested networks; each has the country "DE", "NL", or one that leads nowhere.
std::string random_database(Random& random, unsigned record_size, MmdbWriter::Aliases aliases) {
  MmdbWriter writer(6, record_size);
  const std::array<std::string, 4> countries{"DE", "NL", "CH", "ZZ"};
  for (int i = 0; i < 300; ++i) {
    const GeoFacts facts = country(countries[random.below(4)]);
    if (random.below(2) == 0) {
      const uint64_t bits = random.next();
      const auto length = static_cast<unsigned>(4 + random.below(29));
      writer.add({masked(IpAddress::v4({static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8),
                                        static_cast<uint8_t>(bits >> 16 & 3), 0}),
                         length),
                  length},
                 facts);
    } else {
      std::array<uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
      for (size_t at = 4; at < 10; ++at) bytes[at] = static_cast<uint8_t>(random.below(4) * 85);
      const auto length = static_cast<unsigned>(20 + random.below(60));
      writer.add({masked(IpAddress::v6(bytes), length), length}, facts);
    }
  }
  return writer.finish(aliases);
}

}  // namespace

TEST_CASE("a network is where its ASN, else its country, else its coordinates lead",
          "[geo_database]") {
  MmdbWriter writer;
  writer.add(prefix("192.0.2.0/24"), country("DE"));
  writer.add(prefix("192.0.2.128/25"), country("DE", "DE-NW"));
  writer.add(prefix("198.51.100.0/24"), {64500, "DE", "", {}});
  writer.add(prefix("203.0.113.0/24"), {0, "JP", "", Coordinates{35.68, 139.69}});
  writer.add(prefix("203.0.113.64/26"), {0, "BE", "", Coordinates{51.22, 4.40}});   // Antwerp
  writer.add(prefix("203.0.113.128/26"), {0, "BE", "", Coordinates{49.68, 5.81}});  // Arlon
  writer.add(prefix("203.0.113.192/26"), country("BE"));
  writer.add(prefix("2001:db8::/32"), country("NL"));
  writer.add(prefix("10.0.0.0/8"), country("JP"));
  const auto map = compile_geo_database(writer.finish(), Geography(world()));
  REQUIRE(map);
  CHECK(find(*map, "192.0.2.1") == fra);
  CHECK(find(*map, "192.0.2.200") == ams);
  CHECK(find(*map, "198.51.100.1") == ams);
  CHECK(find(*map, "203.0.113.1") == sgp);
  CHECK(find(*map, "203.0.113.65") == ams);
  CHECK(find(*map, "203.0.113.129") == fra);
  CHECK(find(*map, "203.0.113.193") == fra);  // both list it, nothing is known of where: the first
  CHECK(find(*map, "2001:db8::1") == ams);
  CHECK(find(*map, "10.1.2.3") == no_locality);
  CHECK(find(*map, "8.8.8.8") == no_locality);
}

TEST_CASE("networks side by side that lead to the same are one", "[geo_database]") {
  MmdbWriter writer;
  writer.add(prefix("192.0.0.0/16"), country("DE"));
  writer.add(prefix("192.1.0.0/16"), country("CH"));
  writer.add(prefix("192.2.0.0/16"), country("NL"));
  const auto map = compile_geo_database(writer.finish(), Geography(world()));
  REQUIRE(map);
  CHECK(map->find(*parse_ip_address("192.0.2.1")).length == 15);
  CHECK(map->find(*parse_ip_address("192.2.2.1")).length == 16);
}

TEST_CASE("a database of IPv4 alone, and one record for all, are databases too", "[geo_database]") {
  MmdbWriter v4(4, 24);
  v4.add(prefix("192.0.2.0/24"), country("DE"));
  const auto map = compile_geo_database(v4.finish(), Geography(world()));
  REQUIRE(map);
  CHECK(find(*map, "192.0.2.7") == fra);
  CHECK(find(*map, "2001:db8::1") == no_locality);

  MmdbWriter all;
  all.add(prefix("::/0"), country("NL"));
  const auto everywhere = compile_geo_database(all.finish(), Geography(world()));
  REQUIRE(everywhere);
  CHECK(find(*everywhere, "192.0.2.7") == ams);
  CHECK(find(*everywhere, "2001:db8::1") == ams);
}

TEST_CASE("what is compiled is what libmaxminddb looks up", "[geo_database]") {
  const tests::TemporaryFolder folder;
  const Geography geography(world());
  Random random(7);
  for (const unsigned record_size : {24U, 28U, 32U}) {
    const auto aliases =
        record_size == 24 ? MmdbWriter::Aliases::none : MmdbWriter::Aliases::of_ipv4;
    const std::string content = random_database(random, record_size, aliases);
    folder.write("test.mmdb", content);
    MMDB_s mmdb{};
    REQUIRE(MMDB_open(folder.file("test.mmdb").c_str(), MMDB_MODE_MMAP, &mmdb) == MMDB_SUCCESS);
    const auto map = compile_geo_database(content, geography);
    REQUIRE(map);
    size_t known = 0;
    for (int i = 0; i < 20'000; ++i) {
      const uint64_t bits = random.next();
      IpAddress asked =
          IpAddress::v4({static_cast<uint8_t>(bits), static_cast<uint8_t>(bits >> 8),
                         static_cast<uint8_t>(bits >> 16 & 3), static_cast<uint8_t>(bits >> 24)});
      if (i % 2 == 0) {
        std::array<uint8_t, 16> bytes{0x20, 0x01, 0x0d, 0xb8};
        for (size_t at = 4; at < 16; ++at) bytes[at] = static_cast<uint8_t>(random.below(4) * 85);
        asked = IpAddress::v6(bytes);
      }
      sockaddr_storage socket{};
      to_sockaddr(asked, 0, socket);
      int problem = 0;
      MMDB_lookup_result_s found =
          MMDB_lookup_sockaddr(&mmdb, reinterpret_cast<const sockaddr*>(&socket), &problem);
      REQUIRE(problem == MMDB_SUCCESS);
      LocalityId expected = no_locality;
      if (found.found_entry) {
        MMDB_entry_data_s data{};
        REQUIRE(MMDB_get_value(&found.entry, &data, "country", "iso_code", nullptr) ==
                MMDB_SUCCESS);
        const std::string code(data.utf8_string, data.data_size);
        expected = code == "NL" ? ams : code == "ZZ" ? no_locality : fra;
      }
      const auto mine = map->find(asked).value;
      REQUIRE((mine ? mine->locality() : no_locality) == expected);
      if (expected != no_locality) ++known;
    }
    CHECK(known > 1000);
    MMDB_close(&mmdb);
  }
}

TEST_CASE("what is no database is told in words", "[geo_database]") {
  const Geography geography(world());
  for (const std::string& content :
       {std::string(), std::string("not a database"), std::string(100'000, '\xff'),
        std::string("\xab\xcd\xefMaxMind.com")}) {
    const auto map = compile_geo_database(content, geography);
    REQUIRE_FALSE(map);
    CHECK_FALSE(map.error().message.empty());
  }
}

TEST_CASE("a damaged database is refused or read, and nothing worse", "[geo_database]") {
  const Geography geography(world());
  Random random(11);
  const std::string whole = random_database(random, 28, MmdbWriter::Aliases::of_ipv4);
  size_t refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    std::string content = whole;
    for (uint64_t flips = 1 + random.below(8); flips > 0; --flips)
      content[random.below(content.size())] ^= static_cast<char>(1 << random.below(8));
    if (round % 10 == 0) content.resize(random.below(content.size()));
    if (round % 10 == 1) {  // the metadata, where sizes stand
      const size_t at = content.rfind("MaxMind.com");
      if (at != content.npos && at + 12 < content.size())
        content[at + 11 + random.below(content.size() - at - 11)] =
            static_cast<char>(random.below(256));
    }
    const auto map = compile_geo_database(content, geography);
    if (!map) {
      ++refused;
      CHECK_FALSE(map.error().message.empty());
    }
  }
  CHECK(refused > 300);
}
