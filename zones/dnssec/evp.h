#pragma once

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "base/secret.h"
#include "zones/dnssec/key.h"

namespace swingover::dnssec {

/// Keys of OpenSSL 3 as the DNS writes them; for key.cc and key_use.cc. A call that fails leaves nothing in the
/// library's queue of errors, which what uses TLS in the same thread reads.

template <auto free_it>
struct FreedBy {
  template <class T>
  void operator()(T* object) const {
    free_it(object);
  }
};
using Number = std::unique_ptr<BIGNUM, FreedBy<BN_clear_free>>;
using Pkey = std::unique_ptr<EVP_PKEY, FreedBy<EVP_PKEY_free>>;
using PkeyContext = std::unique_ptr<EVP_PKEY_CTX, FreedBy<EVP_PKEY_CTX_free>>;
using HashContext = std::unique_ptr<EVP_MD_CTX, FreedBy<EVP_MD_CTX_free>>;
using Hash = std::unique_ptr<EVP_MD, FreedBy<EVP_MD_free>>;

inline constexpr size_t p256_number_size = 32;  // octets of a coordinate, of r and of s
inline constexpr size_t ed25519_key_size = 32;

/// What the library says about its last failure, behind `doing`; empties its queue.
Error library_error(std::string_view doing);

Result<Pkey> generate_pkey(Algorithm algorithm);
Result<Pkey> private_pkey(Algorithm algorithm, std::span<const Secret> numbers);
/// From the last field of a DNSKEY; none if it is no key of this algorithm.
Pkey public_pkey(Algorithm algorithm, Bytes key);

/// The last field of a DNSKEY.
std::vector<uint8_t> public_octets(Algorithm algorithm, const EVP_PKEY& pkey);
/// As SigningKey::from_private() takes them.
std::vector<Secret> private_octets(Algorithm algorithm, const EVP_PKEY& pkey);

/// r and s of a fixed width (RFC 6605 section 4) from the library's form and to it; false, or nothing, for what is no
/// such signature.
bool fixed_from_der(Bytes der, std::span<uint8_t, 2 * p256_number_size> out);
std::vector<uint8_t> der_from_fixed(Bytes fixed);

}  // namespace swingover::dnssec
