#include <catch2/catch.hpp>

#include "server/config.h"
#include "tests/support/temporary_folder.h"
#include "zones/snapshot.h"

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

namespace {

/// A folder with one zone, loaded again and again as reloads would.
class Reloads {
 public:
  explicit Reloads(const std::string& zone) { write(zone); }

  void write(const std::string& zone) { folder_.write("svc.zone", zone); }

  /// The zone as compiled now; null if it did not load.
  std::shared_ptr<const zones::Zone> load(const std::string& services_text = services) {
    const auto config =
        server::parse_config(folder_.file("swingover.toml"), parent + services_text);
    REQUIRE(config.config);
    server::LoadedZones loaded = server::load_zones(*config.config, snapshot_.get());
    problems = loaded.problems;
    auto model = std::make_shared<zones::Model>();
    model->topology = config.config->topology;
    model->services = config.config->services;
    model->zones = std::move(loaded.zones);
    snapshot_ = zones::build_snapshot(model, {}, snapshot_.get());
    for (zones::ZoneSource& zone : model->zones) {
      zone.contents.reset();
      zone.unchanged.reset();
    }
    return snapshot_->zones.entries()[0].zone;
  }

  std::string problems;

 private:
  const tests::TemporaryFolder folder_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
};

const std::string plain =
    "@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n"
    "@ 300 NS ns1\nns1 300 A 192.0.2.1\nmail 300 MX 1 alias\nalias 300 CNAME ns1\n";

}  // namespace

TEST_CASE("a file that did not change is not compiled again, and warns as before", "[load_zones]") {
  Reloads reloads(plain);
  const auto first = reloads.load();
  REQUIRE(first);
  const std::string warnings = reloads.problems;
  CHECK(warnings.find("which is a CNAME") != std::string::npos);
  for (int i = 0; i < 3; ++i) {
    CHECK(reloads.load() == first);
    CHECK(reloads.problems == warnings);
  }
  SECTION("not even when it was written anew") {
    reloads.write(plain);
    CHECK(reloads.load() == first);
  }
  SECTION("but when one octet of it changed") {
    std::string other = plain;
    other[plain.find("192.0.2.1") + 8] = '7';
    reloads.write(other);
    const auto second = reloads.load();
    REQUIRE(second);
    CHECK(second != first);
    CHECK(reloads.load() == second);
  }
  SECTION("and when a service in it did") {
    const auto second = reloads.load(std::string(services) + R"(
[[service]]
name = "new.svc.example.test."
[[service.pool]]
cluster = "fra"
)");
    REQUIRE(second);
    CHECK(second != first);
    CHECK(second->names() > first->names());
  }
  SECTION("a broken one is told each time, a mended one loads") {
    reloads.write(plain + "x 300 A nonsense\n");
    CHECK_FALSE(reloads.load());
    CHECK_FALSE(reloads.load());
    CHECK(reloads.problems.find("not an IPv4 address") != std::string::npos);
    reloads.write(plain);
    CHECK(reloads.load());
  }
}
