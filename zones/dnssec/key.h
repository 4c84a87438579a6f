#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "zones/name.h"

struct evp_pkey_st;  // the library's key; zones/dnssec/evp.h

namespace swingover::dnssec {

using zones::Name;

/// How a key signs (IANA "DNS Security Algorithm Numbers"): those that RFC 8624 section 3.1 has people use.
enum class Algorithm : uint8_t {
  rsa_sha256 = 8,          // RFC 5702
  ecdsa_p256_sha256 = 13,  // RFC 6605; what keys are by default
  ed25519 = 15,            // RFC 8080
};
std::optional<Algorithm> algorithm_of(uint8_t number);
/// "ECDSAP256SHA256", as in key files.
std::string_view algorithm_name(Algorithm algorithm);

/// The flags of a DNSKEY (RFC 4034 section 2.1.1), which say what the key signs by custom.
enum class KeyRole : uint16_t {
  zsk = 256,  // the zone's records
  ksk = 257,  // the DNSKEY set, and all if the zone has no other: what the parent's DS points at
};

/// RDATA of a DNSKEY in front of the key: flags, protocol, algorithm.
inline constexpr size_t dnskey_fixed_size = 4;

struct KeyTimes;

/// A private key and the DNSKEY that goes with it.
///
/// Shape    Immutable; copies share it. Neither printable nor comparable: private_key_text() (key_file.h) is the one
///          way out for the private part.
/// Memory   The library wipes the private part when the last copy goes.
/// Threads  Any; who signs makes a KeyUse of its own (key_use.h).
/// Cost     generate(): some 50 us; for RSA 100 ms and more. from_private() of RSA checks that the primes are primes.
class SigningKey {
 public:
  /// RSA keys are made with 2048 bits. Errors: the library's.
  static Result<SigningKey> generate(Algorithm algorithm, KeyRole role);
  /// `numbers` big-endian, in the order of the key file: for RSA modulus, public exponent, private exponent, primes 1 and
  /// 2, exponents 1 and 2, coefficient; for the others the one number that there is.
  /// Errors: they are no key of this algorithm, or do not fit one another; RSA of less than 1024 or more than 4096 bits,
  /// or with a public exponent of more than 35.
  static Result<SigningKey> from_private(Algorithm algorithm, KeyRole role,
                                         std::span<const Secret> numbers);

  Algorithm algorithm() const { return algorithm_; }
  KeyRole role() const { return role_; }
  Bytes dnskey_rdata() const { return dnskey_rdata_; }
  uint16_t tag() const { return tag_; }
  size_t signature_size() const { return signature_size_; }

 private:
  friend class KeyUse;
  friend Secret private_key_text(const SigningKey& key, const KeyTimes& times);

  SigningKey(Algorithm algorithm, KeyRole role, std::shared_ptr<evp_pkey_st> pkey);
  std::vector<Secret> private_numbers() const;

  Algorithm algorithm_;
  KeyRole role_;
  uint16_t tag_ = 0;
  size_t signature_size_ = 0;
  std::vector<uint8_t> dnskey_rdata_;
  std::shared_ptr<evp_pkey_st> pkey_;
};

/// The key tag of DNSKEY RDATA (RFC 4034 appendix B); not unique.
uint16_t key_tag(Bytes dnskey_rdata);

/// Whether the key in DNSKEY RDATA, which may be anything, is a key of its algorithm.
bool has_public_key(Bytes dnskey_rdata);

/// How a DS tells a key (IANA "DS RR Type Digest Algorithms").
enum class DsDigest : uint8_t {
  sha256 = 2,  // RFC 4509
  sha384 = 4,  // RFC 6605
};
/// The RDATA of the DS that the parent publishes for a key of the zone `owner` (RFC 4034 section 5.1).
std::vector<uint8_t> ds_rdata(const Name& owner, Bytes dnskey_rdata, DsDigest digest);

}  // namespace swingover::dnssec
