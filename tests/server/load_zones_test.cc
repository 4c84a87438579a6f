#include <catch2/catch.hpp>

#include "server/config.h"
#include "tests/support/temporary_folder.h"

using namespace swingover;

namespace {

constexpr const char* services = R"(
[[cluster]]
name = "fra"
addresses = ["192.0.2.10"]

[[service]]
name = "shop.svc.example.test."
[[service.pool]]
cluster = "fra"

[[service]]
name = "shop.eu.svc.example.test."
[[service.pool]]
cluster = "fra"
)";

std::string zone_section(const std::string& name, const std::string& file) {
  return "[[zone]]\nname = \"" + name + "\"\nfile = \"" + file + "\"\n";
}

const std::string parent = zone_section("svc.example.test.", "svc.zone");
const std::string child = zone_section("eu.svc.example.test.", "eu.zone");

/// The zones of a config whose parent zone delegates eu.svc.example.test.
server::LoadedZones load(const std::string& zone_sections) {
  const tests::TemporaryFolder folder;
  folder.write("svc.zone",
               "@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n"
               "@ 300 NS ns1\nns1 300 A 192.0.2.1\n"
               "eu 300 NS ns1.eu\nns1.eu 300 A 192.0.2.2\n");
  folder.write("eu.zone",
               "@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n"
               "@ 300 NS ns1\nns1 300 A 192.0.2.2\n");
  const auto loaded = server::parse_config(folder.file("swingover.toml"), zone_sections + services);
  INFO(loaded.problems);
  REQUIRE(loaded.config);
  return server::load_zones(*loaded.config);
}

}  // namespace

TEST_CASE("a zone that delegates another zone of this server does not hide its services",
          "[load_zones]") {
  for (const std::string& order : {parent + child, child + parent}) {
    const server::LoadedZones zones = load(order);
    INFO(zones.problems);
    CHECK(zones.failed.empty());
    CHECK(zones.zones.size() == 2);
  }
}

TEST_CASE("a delegation to others above a service is an error of that zone alone", "[load_zones]") {
  const server::LoadedZones zones = load(parent);
  CHECK(zones.failed == std::vector<std::string>{"svc.example.test."});
  CHECK(zones.problems.find("shop.eu.svc.example.test.") != std::string::npos);
}
