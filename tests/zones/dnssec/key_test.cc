#include "zones/dnssec/key.h"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <ostream>
#include <string>
#include <thread>

#include "base/text.h"
#include "tests/support/allocations.h"
#include "tests/zones/dnssec/fixed_keys.h"
#include "tests/zones/dnssec/rfc_keys.h"
#include "zones/dnssec/key_file.h"
#include "zones/dnssec/key_use.h"

namespace swingover::dnssec::tests {
namespace {

using Octets = std::vector<uint8_t>;

Octets from_hex(std::string_view text) {
  Octets out;
  for (size_t i = 0; i + 1 < text.size(); i += 2)
    out.push_back(static_cast<uint8_t>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16)));
  return out;
}

Octets octets(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

Octets signature_by(const SigningKey& key, Bytes data) {
  KeyUse use(key);
  Octets out(signature_size_max);
  out.resize(use.sign(data, out));
  return out;
}

template <class T>
concept Printable = requires(std::ostream& out, const T& value) {
  out << value;
};

constexpr std::array<uint8_t, 5> data{1, 2, 3, 4, 5};

constexpr uint8_t disguise = 0x5a;

std::string disguised(Bytes octets) {
  std::string out;
  for (const uint8_t octet : octets) out += static_cast<char>(octet ^ disguise);
  return out;
}

bool stands_at(const uint8_t* at, const std::string& needle) {
  for (size_t i = 0; i < needle.size(); ++i) {
    if (static_cast<uint8_t>(at[i] ^ disguise) != static_cast<uint8_t>(needle[i])) return false;
  }
  return true;
}

/// How often each stands in what this process has allocated, freed memory too. Not in its stack, which calls overwrite.
std::vector<size_t> occurrences(const std::vector<std::string>& needles) {
  std::vector<size_t> counts(needles.size());
  // Read without allocating, which would overwrite what was freed last.
  static std::array<char, 65536> maps;
  const int file = open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  size_t size = 0;
  for (ssize_t got = 1; got > 0; size += static_cast<size_t>(got))
    got = read(file, &maps[size], maps.size() - size);
  close(file);
  REQUIRE(size < maps.size());
  for (std::string_view left(maps.data(), size); !left.empty();) {
    const std::string_view line = left.substr(0, left.find('\n'));
    left.remove_prefix(std::min(line.size() + 1, left.size()));
    uintptr_t begin = 0;
    uintptr_t end = 0;
    std::array<char, 5> mode{};
    if (std::sscanf(line.data(), "%lx-%lx %4s", &begin, &end, mode.data()) != 3) continue;
    const bool is_data = line.find("[stack]") == line.npos && line.find("[v") == line.npos;
    if (!is_data || mode[0] != 'r' || mode[1] != 'w') continue;
    for (size_t i = 0; i < needles.size(); ++i) {
      const int first = static_cast<uint8_t>(needles[i][0]) ^ disguise;
      const auto* at = reinterpret_cast<const uint8_t*>(begin);
      const auto* last = reinterpret_cast<const uint8_t*>(end - needles[i].size());
      for (; at <= last; ++at) {
        at =
            static_cast<const uint8_t*>(std::memchr(at, first, static_cast<size_t>(last - at) + 1));
        if (!at) break;
        if (stands_at(at, needles[i])) ++counts[i];
      }
    }
  }
  return counts;
}

constexpr std::array<std::string_view, 7> secret_fields{
    "PrivateKey", "PrivateExponent", "Prime1", "Prime2", "Exponent1", "Exponent2", "Coefficient"};

/// The ends of freed memory soon hold the allocator's own marks.
Bytes middle(Bytes octets) {
  return octets.subspan(octets.size() / 3, octets.size() / 3);
}

/// The number as the DNS writes it, and as the library keeps it.
void add_needles(std::string_view base64, std::vector<std::string>& needles) {
  Secret number(base64_octets_max(base64.size()));
  number.shrink(*decode_base64(base64, number.octets()));
  needles.push_back(disguised(middle(number.octets())));
  needles.push_back(needles.back());
  std::ranges::reverse(needles.back());
}

}  // namespace

TEST_CASE("the key of RFC 6605 has the DNSKEY, the tag and the DS that stand there",
          "[dnssec_key]") {
  const SigningKey key = rfc6605_key();
  CHECK(key.tag() == 55648);
  CHECK(octets(key.dnskey_rdata().subspan(dnskey_fixed_size)) ==
        from_base64("GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+"
                    "e+MAnLr+Wi9xMWyQLc8NAA=="));
  CHECK(octets(key.dnskey_rdata().first(dnskey_fixed_size)) == Octets{1, 1, 3, 13});
  CHECK(ds_rdata(name("Example.NET."), key.dnskey_rdata(), DsDigest::sha256) ==
        from_hex("d9600d02b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"));
}

TEST_CASE("the key of RFC 8080 has the DNSKEY, the tag and the DS that stand there",
          "[dnssec_key]") {
  const SigningKey key = rfc8080_key();
  CHECK(key.tag() == 3613);
  CHECK(octets(key.dnskey_rdata().subspan(dnskey_fixed_size)) ==
        from_base64("l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4="));
  CHECK(ds_rdata(name("example.com."), key.dnskey_rdata(), DsDigest::sha256) ==
        from_hex("0e1d0f023aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"));
}

TEST_CASE("the tag of the RSA key in RFC 4034 is that of section 5.4", "[dnssec_key]") {
  Octets rdata{1, 0, 3, 5};
  const Octets key = from_base64(
      "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMm"
      "mAphXdvxegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==");
  rdata.insert(rdata.end(), key.begin(), key.end());
  CHECK(key_tag(rdata) == 60485);
}

TEST_CASE("a key of each algorithm signs what its DNSKEY verifies, and nothing else",
          "[dnssec_key]") {
  const std::array keys{*SigningKey::generate(Algorithm::ecdsa_p256_sha256, KeyRole::zsk),
                        *SigningKey::generate(Algorithm::ed25519, KeyRole::zsk), rsa_key()};
  const std::array<size_t, 3> sizes{64, 64, 256};
  for (size_t i = 0; i < keys.size(); ++i) {
    const SigningKey& key = keys[i];
    CAPTURE(algorithm_name(key.algorithm()));
    Octets signature = signature_by(key, data);
    REQUIRE(signature.size() == sizes[i]);
    CHECK(key.signature_size() == sizes[i]);
    CHECK(has_public_key(key.dnskey_rdata()));
    CHECK(is_signed_by(key.dnskey_rdata(), data, signature));

    CHECK_FALSE(is_signed_by(keys[(i + 1) % 3].dnskey_rdata(), data, signature));
    CHECK_FALSE(is_signed_by(key.dnskey_rdata(), Bytes(data).first(4), signature));
    CHECK_FALSE(is_signed_by(key.dnskey_rdata(), data, Bytes(signature).first(sizes[i] - 1)));
    CHECK_FALSE(is_signed_by(key.dnskey_rdata(), data, {}));
    CHECK_FALSE(is_signed_by(key.dnskey_rdata().first(dnskey_fixed_size), data, signature));
    CHECK_FALSE(is_signed_by(key.dnskey_rdata().first(3), data, signature));
    for (size_t at = 0; at < signature.size(); at += 7) {
      signature[at] ^= 0x10;
      CHECK_FALSE(is_signed_by(key.dnskey_rdata(), data, signature));
      signature[at] ^= 0x10;
    }
  }
}

TEST_CASE("ECDSA signatures have 64 octets although their numbers are short at times",
          "[dnssec_key]") {
  const SigningKey key = rfc6605_key();
  KeyUse use(key);
  Octets signature(64);
  size_t short_ones = 0;
  for (int i = 0; i < 1500; ++i) {  // one in 128 has a leading zero in r or s
    REQUIRE(use.sign(data, signature) == 64);
    if (signature[0] != 0 && signature[32] != 0) continue;
    ++short_ones;
    CHECK(is_signed_by(key.dnskey_rdata(), data, signature));
  }
  CHECK(short_ones > 0);
}

TEST_CASE("Ed25519 signs the same data the same way, again and again", "[dnssec_key]") {
  const SigningKey key = rfc8080_key();
  KeyUse use(key);
  Octets first(64);
  Octets again(64);
  REQUIRE(use.sign(data, first) == 64);
  REQUIRE(use.sign(Bytes(data).first(2), again) == 64);
  CHECK(first != again);
  REQUIRE(use.sign(data, again) == 64);
  CHECK(first == again);
}

TEST_CASE("several threads sign by one key, each by its own use of it", "[dnssec_key]") {
  std::array<bool, 4> are_right{};
  for (const SigningKey& key : {rfc6605_key(), rfc8080_key(), rsa_key()}) {
    std::array<std::thread, 4> threads;
    for (size_t i = 0; i < threads.size(); ++i) {
      threads[i] = std::thread([&key, &is_right = are_right[i]] {
        KeyUse use(key);
        Octets signature(signature_size_max);
        is_right = true;
        for (int round = 0; round < 20; ++round) {
          const size_t size = use.sign(data, signature);
          is_right =
              is_right && is_signed_by(key.dnskey_rdata(), data, Bytes(signature).first(size));
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK(std::ranges::count(are_right, true) == 4);
  }
}

TEST_CASE("the key of RFC 5702 has the tag that stands there", "[dnssec_key]") {
  Octets rdata{1, 0, 3, 8};
  const Octets key = from_base64(
      "AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/"
      "DlUmObdk=");
  rdata.insert(rdata.end(), key.begin(), key.end());
  CHECK(key_tag(rdata) == 9033);
  CHECK(has_public_key(rdata));
}

TEST_CASE("numbers that are no key are refused, each with the reason", "[dnssec_key]") {
  const auto refusal = [](Algorithm algorithm, std::string_view base64) {
    const auto key = SigningKey::from_private(algorithm, KeyRole::zsk, one_number(base64));
    return key ? "none" : key.error().message;
  };
  CHECK(refusal(Algorithm::ed25519, "AAAA") == "a private key of ED25519 has 32 octets");
  CHECK(refusal(Algorithm::ecdsa_p256_sha256, "AAAA") ==
        "the number is no private key of ECDSAP256SHA256");
  // The order of the curve itself, one more, and that order in an octet more.
  CHECK(refusal(Algorithm::ecdsa_p256_sha256, "/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVE=") ==
        "the number is no private key of ECDSAP256SHA256");
  CHECK(refusal(Algorithm::ecdsa_p256_sha256, "/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVI=") ==
        "the number is no private key of ECDSAP256SHA256");
  CHECK(refusal(Algorithm::ecdsa_p256_sha256, "AP////8AAAAA//////////+85vqtpxeehPO5ysL8YyVR") ==
        "a private key of ECDSAP256SHA256 has 32 octets");
  CHECK(refusal(Algorithm::ecdsa_p256_sha256, "/////wAAAAD//////////7zm+q2nF56E87nKwvxjJVA=") ==
        "none");
  CHECK(refusal(Algorithm::rsa_sha256, "AAAA") == "an RSA key has eight numbers");
}

TEST_CASE("octets that are no public key are none", "[dnssec_key]") {
  const auto is_key = [](Octets rdata) { return has_public_key(rdata); };
  Octets rdata = octets(rfc6605_key().dnskey_rdata());
  CHECK(is_key(rdata));
  rdata.back() ^= 1;  // not on the curve
  CHECK_FALSE(is_key(rdata));
  CHECK_FALSE(is_key({}));
  CHECK_FALSE(is_key({1, 0, 3, 13}));
  CHECK_FALSE(is_key({1, 0, 3, 15, 1}));
  CHECK_FALSE(is_key({1, 0, 3, 8}));
  CHECK_FALSE(is_key({1, 0, 3, 8, 0}));
  CHECK_FALSE(is_key({1, 0, 3, 8, 0, 1}));
  CHECK_FALSE(is_key({1, 0, 3, 8, 3, 1, 0, 1}));
  const auto is_rsa = [&is_key](Octets head) {
    head.insert(head.begin(), {1, 0, 3, 8});
    head.resize(head.size() + 128, 0xd5);
    return is_key(head);
  };
  CHECK(is_rsa({3, 1, 0, 1}));
  CHECK(is_rsa({5, 7, 0, 0, 0, 1}));        // 35 bits
  CHECK_FALSE(is_rsa({5, 8, 0, 0, 0, 1}));  // 36 bits
  CHECK_FALSE(is_rsa({3, 1, 0, 2}));
  CHECK_FALSE(is_rsa({1, 1}));
  CHECK_FALSE(is_rsa({0, 0, 3, 1, 0, 1}));
  CHECK_FALSE(is_key({1, 0, 3, 5, 3, 1, 0, 1, 9, 9}));
}

TEST_CASE("neither a key nor a secret can be printed or compared, nor a secret copied",
          "[dnssec_key]") {
  STATIC_REQUIRE_FALSE(Printable<SigningKey>);
  STATIC_REQUIRE_FALSE(Printable<Secret>);
  STATIC_REQUIRE_FALSE(std::equality_comparable<SigningKey>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<Secret>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<Secret>);
}

TEST_CASE("when a key is gone, none of it is left in memory", "[dnssec_key]") {
  if constexpr (!swingover::tests::can_search_memory) return;
  for (const FixedKey& model : {fixed_rsa_key, fixed_p256_key, fixed_ed25519_key}) {
    CAPTURE(model.record);
    // Each secret number, as it stands and the other way round, and its text; told to nobody but in disguise.
    std::vector<std::string> needles;
    for (const std::string_view line : split(model.private_text, '\n')) {
      const std::string_view field = line.substr(0, line.find(':'));
      if (!std::ranges::count(secret_fields, field)) continue;
      const std::string_view digits = line.substr(field.size() + 2);
      add_needles(digits, needles);
      needles.push_back(
          disguised(middle({reinterpret_cast<const uint8_t*>(digits.data()), digits.size()})));
    }
    const size_t in_file = needles.size();
    REQUIRE(in_file == (model.derived[0].empty() ? 3 : 6 * 3));
    for (const std::string_view digits : model.derived) {
      if (!digits.empty()) add_needles(digits, needles);
    }

    const std::vector<size_t> nowhere(needles.size(), 0);
    CHECK(occurrences(needles) == nowhere);
    {
      Secret text(model.private_text.size());
      std::ranges::copy(model.private_text, text.octets().begin());
      Diagnostics diagnostics("", "");
      const auto record = parse_key_record(model.record, diagnostics);
      REQUIRE(record);
      const auto reading = parse_private_key("K.private", text.text(), *record);
      REQUIRE(reading.stored);
      // At once, before other work takes the memory that was freed.
      const std::vector<size_t> meanwhile = occurrences(needles);
      for (size_t i = 0; i < in_file; i += 3) {
        // So that the search is known to find something.
        CHECK(meanwhile[i] + meanwhile[i + 1] > 0);
        CHECK(meanwhile[i + 2] == 1);
      }
      for (size_t i = in_file; i < needles.size(); ++i) CHECK(meanwhile[i] == 0);
      signature_by(reading.stored->key, data);
      private_key_text(reading.stored->key, {});
    }
    CHECK(occurrences(needles) == nowhere);
  }
}

TEST_CASE("a secret is wiped whole, also what it shrank by", "[dnssec_key]") {
  Secret secret(8);
  std::ranges::fill(secret.octets(), uint8_t{7});
  const uint8_t* memory = secret.octets().data();
  secret.shrink(3);
  CHECK(secret.size() == 3);
  secret.shrink(5);
  CHECK(secret.size() == 3);
  Secret moved = std::move(secret);
  CHECK(moved.octets().data() == memory);
  CHECK(memory[7] == 7);
  moved.wipe();
  CHECK(std::count(memory, memory + 8, 0) == 8);
}

}  // namespace swingover::dnssec::tests
