#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "base/bytes.h"
#include "zones/dnssec/key.h"

namespace swingover::dnssec {

inline constexpr size_t signature_size_max = 512;  // RSA of 4096 bits

/// A key made ready to sign, again and again.
///
/// Threads  One: each worker that signs has its own for each key. No lock of ours; the library takes short ones, for its
///          random numbers (ECDSA) and where it looks its methods up.
/// Cost     The signature itself, 17 to 23 us for ECDSAP256SHA256, 28 to 45 us for ED25519, 290 us for RSASHA256, and the
///          hash of what is signed; the library allocates meanwhile (bench/signer_bench.cc).
class KeyUse {
 public:
  explicit KeyUse(const SigningKey& key);
  ~KeyUse();
  KeyUse(KeyUse&&) noexcept;
  KeyUse& operator=(KeyUse&&) noexcept;

  const SigningKey& key() const { return key_; }
  /// The octets of the signature, `key().signature_size()`, of which `out` has room; 0 if the library failed.
  size_t sign(Bytes data, std::span<uint8_t> out);

 private:
  struct Library;

  SigningKey key_;
  std::unique_ptr<Library> library_;
};

/// Whether `signature` is that of `data` by the key in this DNSKEY RDATA, which may be anything. Control path.
bool is_signed_by(Bytes dnskey_rdata, Bytes data, Bytes signature);

}  // namespace swingover::dnssec
