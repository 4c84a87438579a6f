#include "server/load_keys.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/file.h"
#include "server/dnssec/key_folder.h"
#include "server/setup.h"
#include "tests/support/temporary_folder.h"
#include "zones/protocol.h"

using namespace swingover;
using dnssec::Algorithm;
using dnssec::KeyRole;

namespace {

const zones::Name apex = *zones::parse_name("svc.example.test.");
const WallTime made_at = *parse_rfc3339("2026-03-01T12:00:00Z");

const std::string plain_zone =
    "@ 300 SOA ns1 hostmaster 1 3600 600 86400 60\n"
    "@ 300 NS ns1\nns1 300 A 192.0.2.1\n";

/// A daemon's folder with one zone, started and reloaded.
struct Signed {
  tests::TemporaryFolder folder;
  std::string section = "[zone.dnssec]\n";
  std::shared_ptr<const zones::Snapshot> snapshot;
  std::vector<control::SignedZone> shown;
  std::vector<std::string> failed;
  std::string problems;

  Signed() { write_zone(plain_zone); }

  void write_zone(const std::string& text) { folder.write("svc.zone", text); }
  std::string key_folder() const { return server::key_folder_of(folder.path()); }
  KeyFolder keys() const { return *KeyFolder::open(key_folder()); }
  void import(Algorithm algorithm, KeyRole role) const {
    REQUIRE(keys().make(apex, algorithm, role, {.created = made_at}));
  }

  /// The zone as it is now; `previous`: what a reload follows.
  const zones::ZoneTree::Entry& load(const zones::Snapshot* previous = nullptr) {
    const auto config =
        server::parse_config(folder.file("t.toml"), "[[zone]]\nname = \"" + apex.text() +
                                                        "\"\nfile = \"svc.zone\"\n" + section);
    INFO(config.problems);
    REQUIRE(config.config);
    server::LoadedZones zones = server::load_zones(*config.config, previous);
    shown = server::load_keys(*config.config, key_folder(), made_at, previous, zones);
    failed = zones.failed;
    problems = zones.problems;
    auto model = std::make_shared<zones::Model>();
    model->zones = std::move(zones.zones);
    snapshot = zones::build_snapshot(model, {}, previous);
    return snapshot->zones.entries()[0];
  }
  const zones::ZoneTree::Entry& reload() {
    const auto previous = snapshot;
    return load(previous.get());
  }
  std::string without_folder(std::string text) const {
    for (size_t at = 0; (at = text.find(folder.path() + "/")) != std::string::npos;)
      text.erase(at, folder.path().size() + 1);
    return text;
  }
};

std::set<std::string> files_in(const std::string& folder) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.insert(entry.path().filename().string());
  return names;
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

/// "ksk ECDSAP256SHA256 keys", …
std::multiset<std::string> roles(const control::SignedZone& zone) {
  std::multiset<std::string> texts;
  for (const auto& key : zone.keys) {
    texts.insert(key.role + " " + key.algorithm + (key.signs_keys ? " keys" : "") +
                 (key.signs_zone ? " zone" : ""));
  }
  return texts;
}

}  // namespace

TEST_CASE("a zone without keys gets one, which is found again at every start", "[load_keys]") {
  Signed world;
  const auto& entry = world.load();
  CHECK(world.problems.empty());
  REQUIRE(entry.signing);
  CHECK(entry.signing->zone.keys() == 1);
  CHECK(entry.signing->keys.keys() == 1);
  CHECK(entry.signing->key_set(zones::type::dnskey).records == 1);
  CHECK(entry.signing->key_set(zones::type::cds).records == 1);
  REQUIRE(world.shown.size() == 1);
  CHECK(world.shown[0].name == apex);
  CHECK(world.shown[0].problem.empty());
  CHECK(roles(world.shown[0]) == std::multiset<std::string>{"csk ECDSAP256SHA256 keys zone"});
  const auto key = world.shown[0].keys[0];
  CHECK(key.created == made_at);
  CHECK(key.ds.starts_with("svc.example.test. IN DS " + std::to_string(key.tag) + " 13 2 "));
  CHECK(world.shown[0].cds ==
        std::vector{key.ds.substr(std::string("svc.example.test. IN DS ").size())});

  const auto files = files_in(world.key_folder());
  CHECK(files.size() == 2);
  CHECK(mode_of(world.key_folder()) == 0700);
  for (const std::string& file : files) {
    if (file.ends_with(".private")) CHECK(mode_of(world.key_folder() + "/" + file) == 0600);
  }

  world.load();
  CHECK(prctl(PR_GET_DUMPABLE, 0L, 0L, 0L, 0L) == 0);  // no core may hold the key
  CHECK(files_in(world.key_folder()) == files);
  CHECK(world.shown[0].keys[0].ds == key.ds);
}

TEST_CASE("the config says which keys are made, and how what they sign holds", "[load_keys]") {
  Signed world;
  world.section =
      "[zone.dnssec]\nalgorithm = \"ED25519\"\nkeys = \"ksk-zsk\"\nkey_ttl = \"5m\"\n"
      "signatures_max = 800\n";
  const auto& entry = world.load();
  CHECK(world.problems.empty());
  CHECK(roles(world.shown[0]) ==
        std::multiset<std::string>{"ksk ED25519 keys", "zsk ED25519 zone"});
  CHECK(world.shown[0].options.key_ttl == Ttl(300));
  REQUIRE(entry.signing);
  CHECK(entry.signing->key_set(zones::type::dnskey).records == 2);
  CHECK(entry.signing->key_set(zones::type::cds).records == 1);
  CHECK(entry.signing->zone.key(0).role() == KeyRole::zsk);
  CHECK(entry.signing->keys.key(0).role() == KeyRole::ksk);
  CHECK(entry.signing->zone.cache()->places() == 800);
  for (const auto& key : world.shown[0].keys) CHECK(key.ds.empty() == (key.role == "zsk"));
}

TEST_CASE("keys that are there are used by their flags, whatever the config would make",
          "[load_keys]") {
  Signed world;
  SECTION("KSKs alone sign everything") {
    world.import(Algorithm::ed25519, KeyRole::ksk);
    world.import(Algorithm::ed25519, KeyRole::ksk);
    world.load();
    CHECK(roles(world.shown[0]) ==
          std::multiset<std::string>{"csk ED25519 keys zone", "csk ED25519 keys zone"});
  }
  SECTION("beside ZSKs they sign the keys") {
    world.import(Algorithm::rsa_sha256, KeyRole::ksk);
    world.import(Algorithm::rsa_sha256, KeyRole::zsk);
    world.import(Algorithm::rsa_sha256, KeyRole::zsk);
    world.load();
    CHECK(roles(world.shown[0]) == std::multiset<std::string>{"ksk RSASHA256 keys",
                                                              "zsk RSASHA256 zone",
                                                              "zsk RSASHA256 zone"});
  }
  SECTION("each algorithm for itself, so that all sets have signatures of each") {
    world.import(Algorithm::rsa_sha256, KeyRole::ksk);
    world.import(Algorithm::rsa_sha256, KeyRole::zsk);
    world.import(Algorithm::ed25519, KeyRole::ksk);
    world.load();
    CHECK(roles(world.shown[0]) == std::multiset<std::string>{"ksk RSASHA256 keys",
                                                              "zsk RSASHA256 zone",
                                                              "csk ED25519 keys zone"});
  }
  SECTION("what was to be two keys and is one is told, and used") {
    world.section += "keys = \"ksk-zsk\"\n";
    world.import(Algorithm::ed25519, KeyRole::ksk);
    world.load();
    CHECK(roles(world.shown[0]) == std::multiset<std::string>{"csk ED25519 keys zone"});
    CHECK(world.without_folder(world.problems) ==
          "t.toml:4:1: warning: zone svc.example.test.: \"keys\" is \"ksk-zsk\", and there is no "
          "ZSK: what is there signs everything\n");
    return;
  }
  CHECK(world.problems.empty());
}

TEST_CASE("a zone whose keys cannot be used fails alone, and says why", "[load_keys]") {
  Signed world;
  const auto refused = [&] {
    const auto& entry = world.load();
    CHECK(world.failed == std::vector<std::string>{"svc.example.test."});
    CHECK_FALSE(entry.zone);  // SERVFAIL, never an answer without signatures
    CHECK_FALSE(entry.signing);
    REQUIRE(world.shown.size() == 1);
    CHECK_FALSE(world.shown[0].problem.empty());
    CHECK(world.shown[0].keys.empty());
    return world.without_folder(world.problems);
  };
  SECTION("ZSKs alone") {
    world.import(Algorithm::ed25519, KeyRole::zsk);
    const std::string problem = refused();
    CHECK(problem.starts_with("t.toml:4:1: error: zone svc.example.test.: the key "));
    CHECK(problem.find("is a ZSK, and there is no KSK of its algorithm") != std::string::npos);
  }
  SECTION("a folder that others may enter") {
    (void)world.keys();
    std::filesystem::permissions(world.key_folder(), std::filesystem::perms::others_exec,
                                 std::filesystem::perm_options::add);
    CHECK(refused() ==
          "t.toml:4:1: error: zone svc.example.test.: keys: holds keys and others may enter it: "
          "chmod 700 it, and see who did\n");
  }
  SECTION("a private part that is missing") {
    world.load();
    for (const std::string& file : files_in(world.key_folder())) {
      if (file.ends_with(".private")) std::filesystem::remove(world.key_folder() + "/" + file);
    }
    CHECK(refused().find("the private part is missing") != std::string::npos);
    CHECK(files_in(world.key_folder()).size() == 1);  // no other key was made
  }
  SECTION("several at once") {
    world.import(Algorithm::ed25519, KeyRole::ksk);
    world.import(Algorithm::ed25519, KeyRole::ksk);
    for (const std::string& file : files_in(world.key_folder())) {
      if (file.ends_with(".private")) std::filesystem::remove(world.key_folder() + "/" + file);
    }
    const std::string problem = refused();
    CHECK(std::ranges::count(problem, '\n') == 2);
  }
}

TEST_CASE("a reload keeps the signatures that were made, and the keys that the parent knows",
          "[load_keys]") {
  Signed world;
  const auto cache = world.load().signing->zone.cache();
  const auto zone = world.snapshot->zones.entries()[0].zone;
  const auto& again = world.reload();
  REQUIRE(again.signing);
  CHECK(again.signing->zone.cache() == cache);
  CHECK(again.signing->keys.cache() == cache);
  CHECK(again.zone == zone);

  SECTION("unless more are to be kept than there is room for") {
    world.section += "signatures_max = 200000\n";
    CHECK(world.reload().signing->zone.cache() != cache);
  }
  SECTION("keys that are gone are missed, not made anew") {
    for (const std::string& file : files_in(world.key_folder()))
      std::filesystem::remove(world.key_folder() + "/" + file);
    world.reload();
    CHECK(world.failed.size() == 1);
    CHECK(world.without_folder(world.problems) ==
          "t.toml:4:1: error: zone svc.example.test.: its keys are gone from keys: put them back; "
          "the parent points at them, and no others can stand in\n");
    CHECK(files_in(world.key_folder()).empty());
  }
  SECTION("a zone that is signed no more is one that its parent must know of") {
    world.section.clear();
    const auto& entry = world.reload();
    CHECK_FALSE(entry.signing);
    CHECK(entry.zone == zone);
    CHECK(world.failed.empty());
    CHECK(world.shown.empty());
    CHECK(world.without_folder(world.problems)
              .starts_with("t.toml:3:8: warning: zone svc.example.test.: is signed no more: "));
  }
}

TEST_CASE("a file that another signer made cannot be signed here", "[load_keys]") {
  Signed world;
  world.write_zone(plain_zone +
                   "@ 300 DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n"
                   "@ 300 CDS 0 0 0 00\n"
                   "@ 300 CDNSKEY 0 3 0 AA==\n"
                   "@ 0 NSEC3PARAM 1 0 0 -\n"
                   "ns1 300 RRSIG A 13 4 300 20300101000000 20260101000000 1 svc AA==\n"
                   "ns1 300 NSEC svc A\n"
                   "2t7b4g4vsa5smi47k61mv5bv1a22bojr 300 NSEC3 1 0 0 - "
                   "2vptu5timamqttgl4luu9kg21e0aor3s A\n");
  SECTION("whenever it is signed") {
    world.load();
    const std::string problems = world.without_folder(world.problems);
    unsigned line = 4;
    for (const char* what :
         {"DNSKEY records at svc.example.test.", "CDS records at", "CDNSKEY records at",
          "NSEC3PARAM records at", "RRSIG records at ns1.svc.example.test.", "NSEC records at ns1",
          "NSEC3 records at 2t7b"}) {
      INFO(what << " in\n" << problems);
      CHECK(problems.find("svc.zone:" + std::to_string(line++) +
                          ":1: error: [zone.dnssec] has this server sign the zone, with keys and "
                          "records of its own: remove the " +
                          what) != std::string::npos);
    }
    CHECK(world.failed.size() == 1);
  }
  SECTION("also if it was served as it is before") {
    const std::string section = std::exchange(world.section, "");
    CHECK(world.load().zone);
    CHECK(world.failed.empty());
    world.section = section;
    world.reload();
    CHECK(world.failed.size() == 1);
    CHECK(world.problems.find("remove the DNSKEY records") != std::string::npos);
  }
}

TEST_CASE("a reload that is refused makes no keys, and one that is not puts them in force",
          "[load_keys]") {
  Signed world;
  const std::string config = "[[zone]]\nname = \"svc.example.test.\"\nfile = \"svc.zone\"\n";
  server::SetupSource source;
  source.config_file = world.folder.file("t.toml");
  source.server.state_dir = world.folder.path();
  world.folder.write("t.toml", config);
  auto first = server::parse_config(source.config_file, config);
  REQUIRE(first.config);
  const control::Setup before = server::build_setup(*first.config, source, 1, config);
  CHECK(before.signed_zones.empty());
  CHECK_FALSE(std::filesystem::exists(world.key_folder()));

  world.folder.write("t.toml", config + "[zone.dnssec]\n" +
                                   "[[zone]]\nname = \"other.test.\"\nfile = \"none.zone\"\n");
  CHECK_FALSE(server::load_setup(source, 2, before.snapshot.get()).setup);
  CHECK_FALSE(std::filesystem::exists(world.key_folder()));

  world.folder.write("t.toml", config + "[zone.dnssec]\n");
  const control::Loaded loaded = server::load_setup(source, 2, before.snapshot.get());
  INFO(loaded.problems);
  REQUIRE(loaded.setup);
  CHECK(loaded.setup->signed_zones.size() == 1);
  CHECK(loaded.setup->snapshot->zones.entries()[0].signing);
  CHECK(files_in(world.key_folder()).size() == 2);

  std::filesystem::permissions(world.key_folder(), std::filesystem::perms::all);
  const control::Loaded refused = server::load_setup(source, 3, loaded.setup->snapshot.get());
  CHECK_FALSE(refused.setup);
  CHECK(refused.problems.find("others may enter it: chmod 700 it") != std::string::npos);
}
