#include "zones/dnssec/key_file.h"

#include <catch2/catch.hpp>

#include <string>

#include "base/file.h"
#include "base/text.h"
#include "tests/support/command.h"
#include "tests/support/problems.h"
#include "tests/support/temporary_folder.h"
#include "tests/zones/dnssec/rfc_keys.h"
#include "zones/dnssec/key_use.h"

namespace swingover::dnssec::tests {
namespace {

using swingover::tests::listed;
using swingover::tests::only;
using swingover::tests::run_command;
using swingover::tests::TemporaryFolder;

const std::string secret_text = "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=";
const std::string record_text =
    "example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n";
const std::string private_text =
    "Private-key-format: v1.3\nAlgorithm: 15 (ED25519)\nPrivateKey: " + secret_text + "\n";

// A key of RSA with 1024 bits that dnssec-keygen wrote once, for these tests alone.
const std::string rsa_record_text =
    "example.test. IN DNSKEY 257 3 8 "
    "AwEAAeiZAtWjMdXEY/Oc1torFHxknNUgXEUlnUONVS6ClN008BNv09eUNaEZopIEGZ07NP3BtO3OMshrshcCdb+NQtb6"
    "vre04NYD+sMxDzbcR21K1kkKZzu0nXYp5B97dZA4g4Prqwgak1sXHP0dj/C5ITciE81AaRZghWST610l13Rd"
    "\n";
const std::string rsa_private_text =
    "Private-key-format: v1.3\n"
    "Algorithm: 8 (RSASHA256)\n"
    "Modulus: "
    "6JkC1aMx1cRj85zW2isUfGSc1SBcRSWdQ41VLoKU3TTwE2/T15Q1oRmikgQZnTs0/cG07c4yyGuyFwJ1v41C1vq+t7Tg"
    "1gP6wzEPNtxHbUrWSQpnO7SddinkH3t1kDiDg+urCBqTWxcc/R2P8LkhNyITzUBpFmCFZJPrXSXXdF0="
    "\n"
    "PublicExponent: AQAB\n"
    "PrivateExponent: "
    "3WzUcvaBuaPVFxQGwPhj7yuE1auRy03MkYNZRQaQmqkLpyU9ASwZhby2s9RtYe38O1oNWJmEZKGJjzgLSgg7SEXpMH0X"
    "veiVWh0XL6lJ9OkEx/dqFCb+lQE185va0eSRERW5Ong+ebb9l7CokrAX7sGk0U/+fx61TOj6RyEqru0="
    "\n"
    "Prime1: "
    "+4pzYCjre5qHr+0hnM8jHdX9UXzPZgL/xICCAF78e3+IUMAUSj2eVsX+QYlkacEeLEuLXHCNGuvTI1/StftXIw=="
    "\n"
    "Prime2: "
    "7LiXmhVjlzZbBA9CFSVi2EgnEiqHz6LtdThDwUkU1qcvLzBUeiQ4EMVturGI5cIhN7czQDFpUqWH4Lldp+x+fw=="
    "\n"
    "Exponent1: "
    "9Iw2/T7rKaEj15rgOdZ72o7nl6iS7iduR7l0Ki4uo1Zqza7gSwk6/jvBpC+R6urwjbnoRDe8R3cML3ECpyAzJw=="
    "\n"
    "Exponent2: "
    "y3RP4D+36/PswA15J4GNdgR1iDiDp6MJ4jCsk0iDn4XrmOw5/wx4H3oAOHB0D70NHbzYULjnJABfS3cmFri9cw=="
    "\n"
    "Coefficient: "
    "vkj53PsVeNkEFWfuO6KdkVMepT4Cyti4r0xkP1srtB/0H0xOCu46h8xhZKbkiOERjDBOyoi7D9gJSdUtyEd8Qw=="
    "\n";
/// Its public exponent and lcm(p-1, q-1) together, which RSA itself would take as well.
const std::string rsa_long_exponent =
    "dEyBatGY6uIx+c5rbRWKPjJOapAuIpLOocaql0FKbpp4Cbfp68oa0IzRSQIMzp2afuDaducZZDXZC4E638ahaok91l1R"
    "Q3iU8D6JaZUpc6pcElNf8j97xHgVrNzmv3MuZjXdT6sYwlfIyJCqgbTO+98Ih1Hjj/l6BMfpFmP4z18=";

KeyRecord record_of(const std::string& text = record_text) {
  Diagnostics diagnostics("K.key", text);
  const auto record = parse_key_record(text, diagnostics);
  INFO(diagnostics.text());
  REQUIRE(record);
  return *record;
}

std::vector<std::string> record_problems(const std::string& text) {
  Diagnostics diagnostics("K.key", text);
  const auto record = parse_key_record(text, diagnostics);
  CHECK(record.has_value() == !diagnostics.has_errors());
  return listed(diagnostics);
}

std::vector<std::string> private_problems(const std::string& text) {
  const PrivateKeyReading reading = parse_private_key("K.private", text, record_of());
  CHECK(reading.stored.has_value() == !reading.diagnostics.has_errors());
  const std::string printed = reading.diagnostics.text();
  bool is_secret_shown = false;
  for (size_t at = 0; at + 8 <= secret_text.size(); ++at)
    is_secret_shown = is_secret_shown || printed.find(secret_text.substr(at, 8)) != printed.npos;
  CHECK_FALSE(is_secret_shown);
  return listed(reading.diagnostics);
}

StoredKey stored(const std::string& text, const KeyRecord& record) {
  PrivateKeyReading reading = parse_private_key("K.private", text, record);
  INFO(reading.diagnostics.text());
  REQUIRE(reading.stored);
  return *std::move(reading.stored);
}

WallTime time(std::string_view text) {
  return *parse_rfc3339(text);
}

std::string text_of(const SigningKey& key, const KeyTimes& times = {}) {
  return std::string(private_key_text(key, times).text());
}

std::vector<std::string> files_of(const std::string& folder) {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".key")
      files.push_back(entry.path().parent_path() / entry.path().stem());
  }
  return files;
}

/// The lines of a key file, numbers in base64 without zeros in front.
std::vector<std::string> numbers_in(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    const size_t digits = line.find(": ") + 2;
    const auto octets =
        line.size() > digits + 3 ? decode_base64(line.substr(digits)) : std::nullopt;
    std::string shown(line);
    if (octets) {
      const auto first = std::ranges::find_if(*octets, [](uint8_t octet) { return octet != 0; });
      shown = std::string(line.substr(0, digits)) +
              encode_base64(Bytes(*octets).subspan(static_cast<size_t>(first - octets->begin())));
    }
    lines.push_back(std::move(shown));
  }
  return lines;
}

/// Reads what somebody else wrote, and checks that it signs for that DNSKEY.
StoredKey check_foreign(const std::string& stem) {
  const KeyRecord record = record_of(*read_file(stem + ".key"));
  StoredKey read = stored(*read_file(stem + ".private"), record);
  CHECK(key_file_stem(record.owner, read.key) == stem.substr(stem.rfind('/') + 1));
  KeyUse use(read.key);
  std::array<uint8_t, signature_size_max> signature;
  const size_t size = use.sign(record.rdata, signature);
  CHECK(is_signed_by(record.rdata, record.rdata, Bytes(signature).first(size)));
  return read;
}

}  // namespace

TEST_CASE("a key is written as it was read, with its times", "[key_file]") {
  const std::string text =
      private_text +
      "Created: 20260228235959\nPublish: 20260301000000\nActivate: 20260302000000\n"
      "Revoke: 20270101000000\nInactive: 20270201000000\nDelete: 20270301000000\n"
      "DSPublish: 20260303120000\nSyncPublish: 20260303000000\nSyncDelete: 20260304000000\n";
  const StoredKey read = stored(text, record_of());
  CHECK(read.times.created == time("2026-02-28T23:59:59Z"));
  CHECK(read.times.remove == time("2027-03-01T00:00:00Z"));
  CHECK(text_of(read.key, read.times) == text);
}

TEST_CASE("what BIND notes of its plan is passed over, and blanks stand where they may",
          "[key_file]") {
  CHECK(private_problems(private_text +
                         "Predecessor: 3613\nSuccessor: 3614\nMaxTTL: 3600\nRollPeriod: 86400\n")
            .empty());
  const std::string spaced =
      "Private-key-format : v1.3\n Algorithm\t:15 (ED25519)\nPrivateKey  :" + secret_text +
      "\nCreated : 20260228235959\n";
  CHECK(private_problems(spaced).empty());
  CHECK(stored(spaced, record_of()).times.created == time("2026-02-28T23:59:59Z"));
}

TEST_CASE("keys of each algorithm come back from their own files", "[key_file]") {
  const Name owner = name("Shop.example.test.");
  for (const SigningKey& key : {rfc6605_key(), rfc8080_key(), rsa_key()}) {
    CAPTURE(algorithm_name(key.algorithm()));
    const KeyRecord record = record_of(key_record_text(owner, key));
    CHECK(record.owner == owner);
    CHECK(record.role == KeyRole::ksk);
    CHECK(Bytes(record.rdata).size() == key.dnskey_rdata().size());
    const KeyTimes times{.created = time("2026-11-23T08:00:00.250Z")};
    const StoredKey read = stored(text_of(key, times), record);
    CHECK(text_of(read.key) == text_of(key));
    CHECK(read.times.created == time("2026-11-23T08:00:00Z"));  // whole seconds
    CHECK_FALSE(read.times.publish);
  }
}

TEST_CASE("keys that dnssec-keygen wrote are read, with role and times", "[key_file]") {
  for (const std::string algorithm : {"ECDSAP256SHA256", "ED25519", "RSASHA256 -b 2048"}) {
    CAPTURE(algorithm);
    const TemporaryFolder folder;
    const auto made =
        run_command("dnssec-keygen -q -K " + folder.path() + " -a " + algorithm +
                    " -P 20260301000000 -A 20260302000000 -I 20270301000000 -D "
                    "20270401000000 shop.example.test && dnssec-keygen -q -f KSK -K " +
                    folder.path() + " -a " + algorithm + " shop.example.test");
    INFO(made.output);
    REQUIRE(made.status == 0);
    const std::vector<std::string> files = files_of(folder.path());
    REQUIRE(files.size() == 2);
    unsigned ksks = 0;
    for (const std::string& stem : files) {
      const StoredKey read = check_foreign(stem);
      CHECK(read.times.created);
      if (read.key.role() == KeyRole::ksk) {
        ++ksks;
        continue;
      }
      CHECK(read.times.publish == time("2026-03-01T00:00:00Z"));
      CHECK(read.times.activate == time("2026-03-02T00:00:00Z"));
      CHECK(read.times.inactive == time("2027-03-01T00:00:00Z"));
      CHECK(read.times.remove == time("2027-04-01T00:00:00Z"));
      // What BIND wrote, but for zeros in front of a number, which it may leave out.
      CHECK(numbers_in(text_of(read.key, read.times)) == numbers_in(*read_file(stem + ".private")));
    }
    CHECK(ksks == 1);
  }
}

TEST_CASE("keys that ldns-keygen wrote are read", "[key_file]") {
  for (const std::string algorithm : {"ECDSAP256SHA256", "ED25519", "RSASHA256 -b 2048"}) {
    CAPTURE(algorithm);
    const TemporaryFolder folder;
    const auto made = run_command("cd " + folder.path() + " && ldns-keygen -k -a " + algorithm +
                                  " shop.example.test");
    INFO(made.output);
    REQUIRE(made.status == 0);
    const std::vector<std::string> files = files_of(folder.path());
    REQUIRE(files.size() == 1);
    CHECK(check_foreign(files[0]).key.role() == KeyRole::ksk);
  }
}

TEST_CASE("dnssec-dsfromkey and dnssec-settime take our files for their own", "[key_file]") {
  const Name owner = name("shop.example.test.");
  for (const SigningKey& key : {rfc6605_key(), rfc8080_key(), rsa_key()}) {
    CAPTURE(algorithm_name(key.algorithm()));
    const TemporaryFolder folder;
    const std::string stem = key_file_stem(owner, key);
    const KeyTimes times{.created = time("2026-11-23T08:00:00Z"),
                         .publish = time("2026-11-24T08:00:00Z")};
    folder.write(stem + ".key", key_record_text(owner, key));
    folder.write(stem + ".private", text_of(key, times));
    const auto ds = [&](DsDigest digest) { return ds_record_text(owner, key, digest) + "\n"; };
    const std::string file = folder.file(stem + ".key");
    CHECK(run_command("dnssec-dsfromkey -a SHA-256 " + file).output == ds(DsDigest::sha256));
    CHECK(run_command("dnssec-dsfromkey -a SHA-384 " + file).output == ds(DsDigest::sha384));
    const auto shown = run_command("dnssec-settime -u -p P " + folder.file(stem));
    CHECK(shown.output ==
          "Publish: " + std::to_string(times.publish->unix_milliseconds / 1000) + "\n");
    // It rewrites the private file from what it read.
    REQUIRE(run_command("dnssec-settime -I 20270101000000 " + folder.file(stem)).status == 0);
    CHECK(text_of(stored(*read_file(folder.file(stem + ".private")), record_of(*read_file(file)))
                      .key) == text_of(key));
  }
}

TEST_CASE("a DNSKEY stands as master files have it, in one line or several", "[key_file]") {
  const auto same = [](const std::string& text) {
    const KeyRecord record = record_of(text);
    return record.rdata == record_of().rdata && record.owner == name("example.com.") &&
           record.algorithm == Algorithm::ed25519;
  };
  CHECK(same("example.com. DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="));
  CHECK(
      same("; a comment\r\nExample.Com.\tin\tdnskey 257 3 15 (l02Woi0iS8Aa25FQkUd9\r\n"
           "  RMzZHJpBoRQwAQEX1SxZJA4= ) ; {id = 3613}\r\n"));
}

TEST_CASE("the TTL of a DNSKEY is kept, in front of the class or behind it", "[key_file]") {
  const auto ttl = [](const std::string& words) {
    return record_of("example.com. " + words +
                     " DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=")
        .ttl_seconds;
  };
  CHECK_FALSE(ttl(""));
  CHECK_FALSE(ttl("IN"));
  CHECK(ttl("3600 IN") == 3600U);
  CHECK(ttl("IN 0") == 0U);
  CHECK(ttl("in 1h30m") == 5400U);
  CHECK(ttl("1D") == 86400U);
}

TEST_CASE("owners of any octets are read as they were written", "[key_file]") {
  for (const std::string owner :
       {"a\\;b.\\(c\\).test.", "\\\\.test.", "a\\.b\\032\\\".test.", "."}) {
    CAPTURE(owner);
    const KeyRecord record = record_of(key_record_text(name(owner), rfc8080_key()));
    CHECK(record.owner == name(owner));
  }
}

TEST_CASE("what is wrong with a DNSKEY is told where it stands", "[key_file]") {
  const std::string key = " l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n";
  CHECK(record_problems("; nothing\n") == only("0:0: there is no DNSKEY record"));
  CHECK(record_problems("a..b. IN DNSKEY 257 3 15" + key) ==
        only("1:1: an empty label: two dots in a row, or a dot in front"));
  CHECK(record_problems("example.com IN DNSKEY 257 3 15" + key) ==
        only("1:1: the name must be whole: with a dot at its end"));
  CHECK(record_problems("example.com. IN A 192.0.2.1\n") == only("1:17: must be a DNSKEY record"));
  CHECK(record_problems("\nexample.com. 60\n") == only("2:14: must be a DNSKEY record"));
  CHECK(record_problems("example.com. DNSKEY 385 3 15" + key) ==
        only("1:21: the flags must be 256 (zone key) or 257 (key-signing key)"));
  CHECK(record_problems("example.com. DNSKEY 257 2 15" + key) ==
        only("1:25: the protocol must be 3"));
  CHECK(record_problems("example.com. DNSKEY 257 3 ED25519" + key) ==
        only("1:27: flags, protocol and algorithm must be numbers, as in \"257 3 13\""));
  CHECK(record_problems("example.com. DNSKEY 257 3 5" + key) ==
        only("1:27: the algorithm must be 8 (RSASHA256), 13 (ECDSAP256SHA256) or 15 (ED25519)"));
  CHECK(record_problems("example.com. DNSKEY 257 3 15") ==
        only("1:27: the key is missing behind the algorithm"));
  CHECK(record_problems("example.com. DNSKEY 257 3 15 l02W!\n") == only("1:30: not base64"));
  CHECK(record_problems("example.com. DNSKEY 257 3 15 l02W\n") ==
        only("1:30: not a public key of ED25519"));
  CHECK(record_problems(record_text + "\n" + record_text) ==
        only("3:1: a second record; a key file holds one"));
  CHECK(record_problems("example.com\\. IN DNSKEY 257 3 15" + key) ==
        only("1:1: the name must be whole: with a dot at its end"));
  CHECK(record_problems("example.com. 1y IN DNSKEY 257 3 15" + key) ==
        only("1:14: not a TTL: seconds, or such as 1h30m"));
  CHECK(record_problems("example.com. 60 60 IN DNSKEY 257 3 15" + key) ==
        only("1:17: must be a DNSKEY record"));
  CHECK(record_problems("example.com. IN DNSKEY ( 257 3 15" + key) ==
        only("1:24: this parenthesis is never closed"));
  // Each problem, not only the first.
  CHECK(record_problems("example.com 9999999999 DNSKEY 1 2 15 l02W!\n" + record_text) ==
        std::vector<std::string>{"1:1: the name must be whole: with a dot at its end",
                                 "1:13: a TTL has 31 bits: at most 2147483647 seconds",
                                 "1:31: the flags must be 256 (zone key) or 257 (key-signing key)",
                                 "1:33: the protocol must be 3", "1:38: not base64",
                                 "2:1: a second record; a key file holds one"});
}

TEST_CASE("what is wrong with a private key is told where it stands, and never shown",
          "[key_file]") {
  const std::string head = "Private-key-format: v1.3\n";
  const std::string ed = "Algorithm: 15 (ED25519)\n";
  const std::string secret_line = "PrivateKey: " + secret_text + "\n";
  CHECK(private_problems(private_text).empty());
  CHECK(private_problems("") ==
        std::vector<std::string>{"0:0: the first line must be \"Private-key-format: v1.3\"",
                                 "0:0: there is no line \"Algorithm: \" with a number"});
  CHECK(private_problems(ed + secret_line) ==
        only("1:1: the first line must be \"Private-key-format: v1.3\""));
  CHECK(private_problems("Private-key-format: v2.0\n" + ed + secret_line) ==
        only("1:21: only the formats v1.2 and v1.3 are known"));
  CHECK(private_problems(head + "Algorithm: 5 (RSASHA1)\n" + secret_line) ==
        only("2:12: must be 8 (RSASHA256), 13 (ECDSAP256SHA256) or 15 (ED25519)"));
  CHECK(private_problems(head + "Algorithm: 13\n" + secret_line) ==
        only("2:12: the DNSKEY is one of ED25519"));
  CHECK(private_problems(head + ed) ==
        only("0:0: there is no line \"PrivateKey: \", which a key of ED25519 needs"));
  CHECK(private_problems(head + ed + "PrivateKey: !" + secret_text + "\n") ==
        only("3:13: not base64"));
  CHECK(private_problems(head + ed + "PrivateKey:\n") == only("3:12: not base64"));
  CHECK(private_problems(head + ed + "PrivateKey: AAAA\n") ==
        only("3:13: a private key of ED25519 has 32 octets"));
  CHECK(
      private_problems(head + ed + "PrivateKey: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n") ==
      only("3:13: this private key is not that of the DNSKEY 3613, example.com."));
  CHECK(private_problems(private_text + secret_line) == only("4:1: PrivateKey stands twice"));
  CHECK(private_problems(private_text + "Prime1: AAAA\n") ==
        only("4:1: a key of ED25519 has no Prime1"));
  CHECK(private_problems(private_text + "Created: 2026\n") ==
        only("4:10: not a time in UTC such as 20260301120000"));
  CHECK(private_problems(private_text + "Created: 20261301000000\n") ==
        only("4:10: not a time in UTC such as 20260301120000"));
  // Also where the secret stands in a line that has no right name, or none.
  CHECK(private_problems(private_text + "Privatekey: " + secret_text + "\n") ==
        only("4:1: warning: a field that is not read"));
  CHECK(private_problems(head + ed + "PrivateKey:\n  " + secret_text + "\n") ==
        std::vector<std::string>{"3:12: not base64",
                                 "4:3: not a line such as \"Algorithm: 13 (ECDSAP256SHA256)\""});
  // Lines that ran together, behind a field that holds no secret.
  CHECK(
      private_problems("Private-key-format: v1.3 Algorithm: 15 (ED25519) " + secret_line).size() ==
      2);
  CHECK(private_problems("Private-key-format: v1.3 " + secret_text + "\n").size() == 2);
  CHECK(private_problems(head + "Algorithm: 15 (ED25519) " + secret_line).size() == 1);
  CHECK(private_problems(private_text + "Created: 2026 " + secret_line) ==
        only("4:10: not a time in UTC such as 20260301120000"));
  // A colon behind the secret, which then stands where a name would.
  const std::string assigned = "PrivateKey = " + secret_text + " ; made: 2026\n";
  CHECK(private_problems(private_text + assigned) ==
        only("4:1: warning: a field that is not read"));
  CHECK(private_problems(private_text + assigned + assigned) ==
        std::vector<std::string>{"4:1: warning: a field that is not read",
                                 "5:1: warning: a field that is not read"});
}

TEST_CASE("a quoted line has stars for what might be a secret, and the caret where it was",
          "[key_file]") {
  const auto printed = [](const std::string& lines) {
    return parse_private_key("K.private", private_text + lines, record_of()).diagnostics.text();
  };
  CHECK(printed("Created: 2026\n") ==
        "K.private:4:10: error: not a time in UTC such as 20260301120000\n"
        "  Created: 2026\n           ^\n");
  CHECK(printed("\tCreated: 2026 not later\n\tPrime1: AAAA BB\r\n\tprime 1: AA\n") ==
        "K.private:4:11: error: not a time in UTC such as 20260301120000\n"
        "  \tCreated: 2026 not later\n  \t         ^\n"
        "K.private:5:2: error: a key of ED25519 has no Prime1\n"
        "  \tPrime1: **** **\n  \t^\n"
        "K.private:6:2: warning: a field that is not read\n"
        "  \t***** ** **\n  \t^\n");
}

TEST_CASE("a text of more than 16 KiB is no key file, whatever it says", "[key_file]") {
  const auto padded = [](std::string text, size_t size) {
    text.append(size - text.size(), '\n');
    return text;
  };
  const size_t most = 16384;
  const auto refused = only("0:0: longer than 16 KiB, which no key file is");
  CHECK(record_problems(padded(record_text, most)).empty());
  CHECK(record_problems(padded(record_text, most + 1)) == refused);
  CHECK(private_problems(padded(private_text, most)).empty());
  CHECK(private_problems(padded(private_text, most + 1)) == refused);
  // As many problems as there can be.
  std::string lines = private_text;
  while (lines.size() + 2 <= most) lines += "a\n";
  CHECK(private_problems(lines).size() == (most - private_text.size()) / 2);
}

TEST_CASE("RSA numbers that do not fit one another are refused", "[key_file]") {
  const KeyRecord record = record_of(rsa_record_text);
  const auto with = [&](const std::string& field, const std::string& value) {
    std::string text = rsa_private_text;
    const size_t at = text.find(field + ": ") + field.size() + 2;
    text.replace(at, text.find('\n', at) - at, value);
    return listed(parse_private_key("K.private", text, record).diagnostics);
  };
  const auto value_of = [](const std::string& field) {
    const size_t at = rsa_private_text.find(field + ": ") + field.size() + 2;
    return rsa_private_text.substr(at, rsa_private_text.find('\n', at) - at);
  };
  const auto unfit = only("3:10: the numbers of the RSA key do not fit one another");
  REQUIRE(with("PublicExponent", "AQAB").empty());
  const std::string long_number = encode_base64(std::vector<uint8_t>(9000, 0xb5));
  for (const std::string field :
       {"PrivateExponent", "Prime1", "Prime2", "Exponent1", "Exponent2", "Coefficient"}) {
    CAPTURE(field);
    std::string value = value_of(field);
    value[20] = value[20] == 'A' ? 'B' : 'A';
    CHECK(with(field, value) == unfit);
    CHECK(with(field, "AA==") == unfit);
    CHECK(with(field, "AQ==") == unfit);
    CHECK(with(field, value_of("Modulus")) == unfit);
    CHECK(with(field, long_number) == unfit);  // at once: no prime is looked for
  }
  CHECK(with("PublicExponent", "Aw==") == unfit);
  const auto bad_exponent = only(
      "3:10: the public exponent of an RSA key must be odd, above 1, and have 35 bits at most");
  for (const std::string& value :
       {rsa_long_exponent, long_number, std::string("AQAA"), std::string("AQ=="),
        std::string("AA=="), std::string("CAAAAAE=")}) {
    CAPTURE(value);
    CHECK(with("PublicExponent", value) == bad_exponent);
  }
  CHECK(with("Modulus", long_number) ==
        only("3:10: an RSA key of 72000 bits; 1024 to 4096 are taken"));
}

TEST_CASE("an RSA key of 512 bits is refused", "[key_file]") {
  const TemporaryFolder folder;
  REQUIRE(run_command("cd " + folder.path() + " && ldns-keygen -a RSASHA256 -b 512 example.com")
              .status == 0);
  const std::string stem = files_of(folder.path()).at(0);
  const KeyRecord weak = record_of(*read_file(stem + ".key"));
  CHECK(listed(parse_private_key("K.private", *read_file(stem + ".private"), weak).diagnostics) ==
        only("3:10: an RSA key of 512 bits; 1024 to 4096 are taken"));
}

TEST_CASE("files are called as BIND calls them, whatever stands in the name", "[key_file]") {
  const auto stem = [](const std::string& owner) {
    return key_file_stem(name(owner), rfc8080_key());
  };
  CHECK(stem("Example.COM.") == "Kexample.com.+015+03613");
  CHECK(stem(".") == "K.+015+03613");
  CHECK(stem("0/25.2.0.192.") == "K0%2F25.2.0.192.+015+03613");
  CHECK(stem("a\\.b_c-d.\\000\\255%.") == "Ka%2Eb_c-d.%00%FF%25.+015+03613");

  const TemporaryFolder folder;
  for (const std::string owner :
       {"0/25.2.0.192.in-addr.arpa", "A\\.b_c.d\\;e.\\007.test", "*.test"}) {
    REQUIRE(
        run_command("dnssec-keygen -q -K " + folder.path() + " -L 7200 -a ED25519 '" + owner + "'")
            .status == 0);
  }
  const std::vector<std::string> files = files_of(folder.path());
  CHECK(files.size() == 3);
  for (const std::string& file : files) {
    check_foreign(file);
    CHECK(record_of(*read_file(file + ".key")).ttl_seconds == 7200U);
  }
}

}  // namespace swingover::dnssec::tests
