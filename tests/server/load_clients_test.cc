#include <catch2/catch.hpp>

#include <filesystem>

#include "server/config.h"
#include "tests/support/config_text.h"
#include "tests/support/mmdb_writer.h"
#include "tests/support/temporary_folder.h"
#include "zones/client_reason.h"
#include "zones/snapshot.h"

using namespace swingover;
using server::LoadedClients;
using tests::MmdbWriter;

namespace {

/// A config with a client map and a database beside it.
struct ClientFiles {
  tests::TemporaryFolder folder;
  std::string text = std::string(tests::good_config) + R"([[locality]]
name = "ams-a"
countries = ["NL"]
asns = [64500]
[clients]
maps = ["a.map", "b.map"]
databases = ["city.mmdb", "asn.mmdb"]
)";

  ClientFiles() {
    folder.write("a.map", "192.0.2.0/24 fra-a\n");
    folder.write("b.map", "192.0.2.128/25 ams-a\n10.1.2.0/24 ams-a\n");
    write_database("city.mmdb", "198.51.0.0/16", {0, "NL", "", {}});
    write_database("asn.mmdb", "203.0.113.0/24", {64500, "", "", {}});
  }

  void write_database(const std::string& name, std::string_view prefix,
                      const zones::GeoFacts& facts) {
    MmdbWriter writer;
    writer.add(*parse_ip_prefix(prefix), facts);
    folder.write(name, writer.finish());
  }

  server::Config config() const {
    auto loaded = server::parse_config(folder.file("t.toml"), text);
    INFO(loaded.problems);
    REQUIRE(loaded.config);
    return *std::move(loaded.config);
  }

  LoadedClients load(const zones::Snapshot* previous = nullptr) const {
    return load_clients(config(), previous);
  }

  /// A generation of what is there now.
  std::shared_ptr<const zones::Snapshot> snapshot() const {
    auto model = std::make_shared<zones::Model>();
    server::Config read = config();
    model->topology = read.topology;
    LoadedClients loaded = load_clients(read);
    REQUIRE(loaded.failed.empty());
    model->clients = std::move(loaded.sources);
    return build_snapshot(model, {});
  }
};

std::string where(const zones::SourceMap& map, std::string_view address) {
  const LocalityId id = map.find(*parse_ip_address(address)).locality;
  return id == no_locality ? "" : id == LocalityId(0) ? "fra-a" : "ams-a";
}

}  // namespace

TEST_CASE("config, maps and databases together say where clients are", "[load_clients]") {
  const ClientFiles files;
  const LoadedClients loaded = files.load();
  CHECK(loaded.failed.empty());
  CHECK(loaded.problems.empty());
  CHECK(loaded.files.size() == 4);
  const zones::SourceMap& map = loaded.sources.map;
  CHECK(where(map, "10.1.1.1") == "fra-a");  // by the config
  CHECK(where(map, "10.1.2.1") == "ams-a");  // a longer prefix of a map
  CHECK(where(map, "192.0.2.1") == "fra-a");
  CHECK(where(map, "192.0.2.129") == "ams-a");
  CHECK(where(map, "198.51.100.1") == "ams-a");  // by its country
  CHECK(where(map, "203.0.113.1") == "ams-a");   // by its ASN
  CHECK(where(map, "8.8.8.8").empty());
  CHECK(map.find(*parse_ip_address("198.51.100.1")).length == 16);
}

TEST_CASE("what people listed goes before what databases say", "[load_clients]") {
  ClientFiles files;
  files.write_database("city.mmdb", "192.0.2.0/24", {0, "NL", "", {}});
  const LoadedClients loaded = files.load();
  CHECK(where(loaded.sources.map, "192.0.2.1") == "fra-a");
}

TEST_CASE("an ASN goes before a country, whatever the order of the files", "[load_clients]") {
  ClientFiles files;
  files.text = tests::changed(files.text, "clients = [\"10.1.0.0/16\"]", "countries = [\"DE\"]");
  files.write_database("city.mmdb", "203.0.0.0/16", {0, "DE", "", {}});
  const LoadedClients loaded = files.load();
  CHECK(where(loaded.sources.map, "203.0.113.1") == "ams-a");
  CHECK(where(loaded.sources.map, "203.0.112.1") == "fra-a");
}

TEST_CASE("every problem of every file is told", "[load_clients]") {
  ClientFiles files;
  files.folder.write("a.map", "192.0.2.0/24 fra-b\n1.2.3.4/8 fra-a\n");
  files.folder.write("b.map", "10.0.0.0/8 ams-b\n");
  files.folder.write("city.mmdb", "no database");
  std::filesystem::remove(files.folder.file("asn.mmdb"));
  const LoadedClients loaded = files.load();
  CHECK(loaded.failed.size() == 4);
  CHECK(loaded.problems.find("a.map:2:1: error: the address has bits behind") != std::string::npos);
  CHECK(loaded.problems.find("b.map:1:12: error: no [[locality]] is named \"ams-b\"") !=
        std::string::npos);
  CHECK(loaded.problems.find("city.mmdb: error: not a MaxMind database") != std::string::npos);
  CHECK(loaded.problems.find("asn.mmdb: No such file") != std::string::npos);
  const auto at_keys = tests::headlines(loaded.problems, files.folder.file("t.toml"));
  REQUIRE(at_keys.size() == 1);
  CHECK(at_keys[0].starts_with("33:27: error: clients: "));
  CHECK(loaded.files.size() == 4);  // what is not there may come
}

TEST_CASE("people are told why a client is where it is", "[load_clients]") {
  const ClientFiles files;
  const auto snapshot = files.snapshot();
  const auto why = [&](std::string_view address) {
    return client_reason(*snapshot->model, *parse_ip_address(address));
  };
  CHECK(why("10.1.1.1") ==
        "longest prefix that holds the client's address: 10.1.0.0/16 in the config");
  CHECK(why("10.1.2.1") == "longest prefix that holds the client's address: 10.1.2.0/24 in " +
                               files.folder.file("b.map"));
  CHECK(why("198.51.100.1") ==
        "by the client's country, as " + files.folder.file("city.mmdb") + " has it");
  CHECK(why("203.0.113.1") ==
        "by the client's autonomous system, as " + files.folder.file("asn.mmdb") + " has it");
  CHECK(why("8.8.8.8") == "nothing is known of this client's address");
}

TEST_CASE("a reload shares what did not change", "[load_clients]") {
  const ClientFiles files;
  const auto before = files.snapshot();
  const zones::ClientSources& old = *before->model->clients;
  SECTION("everything") {
    const LoadedClients again = files.load(before.get());
    CHECK(again.sources.maps.at(0).rules == old.maps.at(0).rules);
    CHECK(again.sources.databases.at(1).map == old.databases.at(1).map);
    CHECK(again.sources.map.is_same_as(old.map));
  }
  SECTION("all but the map that changed") {
    files.folder.write("a.map", "192.0.2.0/24 ams-a\n");
    const LoadedClients again = files.load(before.get());
    CHECK(again.sources.maps.at(0).rules != old.maps.at(0).rules);
    CHECK(again.sources.maps.at(1).rules == old.maps.at(1).rules);
    CHECK(again.sources.databases.at(0).map == old.databases.at(0).map);
    CHECK(where(again.sources.map, "192.0.2.1") == "ams-a");
    CHECK(where(again.sources.map, "198.51.100.1") == "ams-a");
  }
  SECTION("not a database whose countries now lead elsewhere") {
    const auto loaded = server::parse_config(
        files.folder.file("t.toml"),
        tests::changed(files.text, "countries = [\"NL\"]", "countries = [\"BE\"]"));
    REQUIRE(loaded.config);
    const LoadedClients again = load_clients(*loaded.config, before.get());
    CHECK(again.sources.databases.at(0).map != old.databases.at(0).map);
    CHECK(where(again.sources.map, "198.51.100.1").empty());
    CHECK(again.problems.find("warning: nothing in it leads to a [[locality]]") !=
          std::string::npos);
  }
}
