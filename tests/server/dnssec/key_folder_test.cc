#include "server/dnssec/key_folder.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <set>

#include "base/file.h"
#include "tests/support/command.h"
#include "tests/support/temporary_folder.h"

namespace swingover::tests {
namespace {

using dnssec::Algorithm;
using dnssec::KeyRole;
using dnssec::StoredKey;
using zones::Name;

Name name(std::string_view text) {
  return *zones::parse_name(text);
}

const Name zone = name("shop.example.");
const WallTime made_at = *parse_rfc3339("2026-03-01T12:00:00Z");

struct Folder {
  TemporaryFolder outer;
  KeyFolder keys = *KeyFolder::open(outer.file("keys"));

  StoredKey make(Algorithm algorithm = Algorithm::ecdsa_p256_sha256, KeyRole role = KeyRole::ksk) {
    auto made = keys.make(zone, algorithm, role, {.created = made_at});
    REQUIRE(made);
    return *std::move(made);
  }
  std::string file(const StoredKey& stored, std::string_view suffix) const {
    return keys.path() + "/" + dnssec::key_file_stem(zone, stored.key) + std::string(suffix);
  }
  size_t files() const {
    return static_cast<size_t>(std::distance(std::filesystem::directory_iterator(keys.path()), {}));
  }
  /// The one error, or the one warning, of a reading that found no key.
  std::string problem() const {
    const KeyFolderReading reading = keys.read(zone);
    CHECK(reading.keys.empty());
    REQUIRE(reading.errors.size() + reading.warnings.size() == 1);
    return reading.errors.empty() ? reading.warnings[0] : reading.errors[0];
  }
};

std::vector<std::vector<uint8_t>> dnskeys(const std::vector<StoredKey>& keys) {
  std::vector<std::vector<uint8_t>> out;
  for (const StoredKey& stored : keys)
    out.emplace_back(stored.key.dnskey_rdata().begin(), stored.key.dnskey_rdata().end());
  return out;
}

}  // namespace

TEST_CASE("keys are made, kept for their owner alone, and found again in order", "[key_folder]") {
  Folder folder;
  const StoredKey zsk = folder.make(Algorithm::ecdsa_p256_sha256, KeyRole::zsk);
  const StoredKey other = folder.make(Algorithm::ed25519, KeyRole::ksk);
  const StoredKey csk = folder.make(Algorithm::ecdsa_p256_sha256, KeyRole::ksk);
  struct stat status {};
  REQUIRE(stat(folder.keys.path().c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0700);
  REQUIRE(stat(folder.file(zsk, ".private").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0600);

  const auto again = KeyFolder::open(folder.keys.path());
  REQUIRE(again);
  const KeyFolderReading reading = again->read(zone);
  CHECK(reading.errors.empty());
  CHECK(reading.warnings.empty());
  CHECK(dnskeys(reading.keys) == dnskeys({csk, other, zsk}));
  CHECK(reading.keys[0].times == dnssec::KeyTimes{.created = made_at});
  CHECK(dnskeys(again->read(name("SHOP.Example.")).keys) == dnskeys(reading.keys));
  for (const char* stranger : {"example.", "hop.example.", "x.shop.example.", "."})
    CHECK(again->read(name(stranger)).keys.empty());
}

TEST_CASE("no two keys of a zone have one tag", "[key_folder]") {
  Folder folder;
  std::set<uint16_t> tags;
  for (int i = 0; i < 40; ++i) tags.insert(folder.make(Algorithm::ed25519).key.tag());
  CHECK(tags.size() == 40);
  CHECK(folder.keys.read(zone).keys.size() == 40);
}

TEST_CASE("a key goes to BIND's tools and comes from them as it is", "[key_folder]") {
  Folder folder;
  for (const char* how : {"-a ECDSAP256SHA256 -f KSK", "-a ED25519", "-a RSASHA256 -b 2048"}) {
    const auto made = run_command("dnssec-keygen -q -K " + folder.keys.path() + " " + how +
                                  " shop.example. 2>/dev/null");
    INFO(how << made.output);
    REQUIRE(made.status == 0);
  }
  const KeyFolderReading reading = folder.keys.read(zone);
  CHECK(reading.errors.empty());
  REQUIRE(reading.keys.size() == 3);

  const StoredKey own = folder.make();
  const auto ds = run_command("dnssec-dsfromkey -2 " + folder.file(own, ".key"));
  INFO(ds.output);
  CHECK(ds.output == dnssec::ds_record_text(zone, own.key, dnssec::DsDigest::sha256) + "\n");
  const auto settime = run_command("dnssec-settime -p C " + folder.file(own, ".private"));
  INFO(settime.output);
  CHECK(settime.status == 0);
  CHECK_THAT(settime.output, Catch::Contains("Mar") && Catch::Contains("2026"));
}

TEST_CASE("a key that is there is not written over", "[key_folder]") {
  Folder folder;
  const StoredKey stored = folder.make();
  const std::string before = *read_file(folder.file(stored, ".private"));
  const Status again = folder.keys.add(zone, {.key = stored.key, .times = {}});
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::conflict);
  CHECK(*read_file(folder.file(stored, ".private")) == before);

  // The same where only its public half is there: nothing of the private one stays.
  std::filesystem::remove(folder.file(stored, ".private"));
  CHECK_FALSE(folder.keys.add(zone, stored));
  CHECK(folder.files() == 1);
}

TEST_CASE("a removed key is gone, and what a crash leaves halfway is told", "[key_folder]") {
  Folder folder;
  const StoredKey stored = folder.make();
  REQUIRE(folder.keys.remove(zone, stored.key));
  CHECK(folder.files() == 0);
  CHECK(folder.keys.remove(zone, stored.key).error().code == ErrorCode::not_found);

  REQUIRE(folder.keys.add(zone, stored));
  std::filesystem::remove(folder.file(stored, ".key"));  // killed while adding or removing
  CHECK_THAT(folder.problem(), Catch::Contains(".private: not used, since K"));
  REQUIRE(folder.keys.remove(zone, stored.key));
  CHECK(folder.files() == 0);
}

TEST_CASE("a full disk leaves no key behind", "[key_folder]") {
  Folder folder;
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  auto* const handler = std::signal(SIGXFSZ, SIG_IGN);
  // The private part has 106 octets, the public one with its comment some 140: the first fails, then the second.
  for (const rlim_t room : {rlim_t{10}, rlim_t{120}}) {
    const rlimit small{.rlim_cur = room, .rlim_max = before.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    const auto made = folder.keys.make(zone, Algorithm::ed25519, KeyRole::ksk, {});
    REQUIRE(setrlimit(RLIMIT_FSIZE, &before) == 0);
    REQUIRE_FALSE(made);
    CHECK_THAT(made.error().message,
               Catch::EndsWith(room == 10 ? ".private: File too large" : ".key: File too large"));
    CHECK(folder.files() == 0);
  }
  std::signal(SIGXFSZ, handler);
}

TEST_CASE("keys that are not as they should be are refused with what to do", "[key_folder]") {
  Folder folder;
  const StoredKey stored = folder.make();
  const std::string record = folder.file(stored, ".key");
  const std::string secret = folder.file(stored, ".private");

  SECTION("open to others") {
    REQUIRE(chmod(secret.c_str(), 0640) == 0);
    CHECK_THAT(folder.problem(), Catch::StartsWith(secret) && Catch::Contains("chmod 600"));
  }
  SECTION("without its private part") {
    std::filesystem::remove(secret);
    CHECK_THAT(folder.problem(), Catch::StartsWith(record + ": the private part is missing"));
  }
  SECTION("of another zone") {
    folder.outer.write("keys/" + std::filesystem::path(record).filename().string(),
                       dnssec::key_record_text(name("other.example."), stored.key));
    CHECK_THAT(folder.problem(), Catch::Contains("is one of other.example., and the file's name"));
  }
  SECTION("under another key's name") {
    const std::string wrong = folder.keys.path() + "/Kshop.example.+013+99999";
    std::filesystem::rename(record, wrong + ".key");
    std::filesystem::rename(secret, wrong + ".private");
    CHECK_THAT(folder.problem(), Catch::Contains("rename both of its files to " +
                                                 dnssec::key_file_stem(zone, stored.key)));
  }
  SECTION("with another key's private part") {
    const StoredKey other = folder.make();
    std::filesystem::remove(record.substr(0, record.size() - 4) + ".private");
    std::filesystem::rename(folder.file(other, ".private"), secret);
    std::filesystem::remove(folder.file(other, ".key"));
    CHECK_THAT(folder.problem(), Catch::Contains("this private key is not that of the DNSKEY"));
  }
  SECTION("cut short") {
    std::filesystem::resize_file(secret, 60);
    CHECK_THAT(folder.problem(), Catch::StartsWith(secret));
  }
  SECTION("no text at all") {
    std::filesystem::resize_file(record, 0);
    CHECK_THAT(folder.problem(), Catch::Contains("there is no DNSKEY record"));
  }
}

TEST_CASE("a folder that others may enter is refused", "[key_folder]") {
  const TemporaryFolder outer;
  const std::string path = outer.file("keys");
  REQUIRE(KeyFolder::open(path));
  REQUIRE(chmod(path.c_str(), 0750) == 0);
  CHECK_THAT(KeyFolder::open(path).error().message, Catch::Contains("chmod 700 it"));
  outer.write("file", "");
  CHECK(KeyFolder::open(outer.file("file")).error().message ==
        outer.file("file") + ": is no folder");
  CHECK(KeyFolder::open(outer.file("no/keys")).error().code == ErrorCode::not_found);
}

}  // namespace swingover::tests
