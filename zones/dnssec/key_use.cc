#include "zones/dnssec/key_use.h"

#include <array>
#include <cassert>
#include <cstdlib>

#include "zones/dnssec/evp.h"

namespace swingover::dnssec {
namespace {

constexpr size_t sha256_size = 32;
constexpr size_t der_signature_max = 72;  // of P-256: two numbers of 33 octets, three heads

Hash fetched_sha256() {
  Hash hash(EVP_MD_fetch(nullptr, "SHA256", nullptr));
  if (!hash) std::abort();
  return hash;
}

}  // namespace

/// The library's contexts, keyed once: finding a method by its name takes a good part of what an ECDSA signature takes.
struct KeyUse::Library {
  Hash sha256;
  HashContext hash;     // of ED25519, whose hashing is a part of signing: keyed
  PkeyContext signing;  // of the others, which sign a hash
};

KeyUse::KeyUse(const SigningKey& key) : key_(key), library_(std::make_unique<Library>()) {
  library_->hash.reset(EVP_MD_CTX_new());
  EVP_PKEY* pkey = key_.pkey_.get();
  bool is_ready = library_->hash != nullptr;
  if (key_.algorithm() == Algorithm::ed25519) {
    is_ready =
        is_ready && EVP_DigestSignInit(library_->hash.get(), nullptr, nullptr, nullptr, pkey) == 1;
  } else {
    library_->sha256 = fetched_sha256();
    library_->signing.reset(EVP_PKEY_CTX_new_from_pkey(nullptr, pkey, nullptr));
    EVP_PKEY_CTX* signing = library_->signing.get();
    is_ready = is_ready && signing && EVP_PKEY_sign_init(signing) == 1 &&
               EVP_PKEY_CTX_set_signature_md(signing, library_->sha256.get()) == 1;
    if (key_.algorithm() == Algorithm::rsa_sha256)
      is_ready = is_ready && EVP_PKEY_CTX_set_rsa_padding(signing, RSA_PKCS1_PADDING) == 1;
  }
  if (!is_ready)
    std::abort();  // out of memory, or a library without what it had when the key was made
}

KeyUse::~KeyUse() = default;
KeyUse::KeyUse(KeyUse&&) noexcept = default;
KeyUse& KeyUse::operator=(KeyUse&&) noexcept = default;

size_t KeyUse::sign(Bytes data, std::span<uint8_t> out) {
  assert(out.size() >= key_.signature_size());
  EVP_MD_CTX* hash = library_->hash.get();
  size_t size = out.size();
  if (key_.algorithm() == Algorithm::ed25519) {
    if (EVP_DigestSign(hash, out.data(), &size, data.data(), data.size()) == 1) return size;
    ERR_clear_error();
    return 0;
  }
  std::array<uint8_t, sha256_size> digest;
  std::array<uint8_t, der_signature_max> der;
  const bool is_ecdsa = key_.algorithm() == Algorithm::ecdsa_p256_sha256;
  const std::span<uint8_t> signature = is_ecdsa ? std::span<uint8_t>(der) : out;
  size = signature.size();
  if (EVP_DigestInit_ex2(hash, library_->sha256.get(), nullptr) != 1 ||
      EVP_DigestUpdate(hash, data.data(), data.size()) != 1 ||
      EVP_DigestFinal_ex(hash, digest.data(), nullptr) != 1 ||
      EVP_PKEY_sign(library_->signing.get(), signature.data(), &size, digest.data(),
                    digest.size()) != 1 ||
      (is_ecdsa && !fixed_from_der({der.data(), size}, out.first<2 * p256_number_size>()))) {
    ERR_clear_error();
    return 0;
  }
  return key_.signature_size();
}

bool is_signed_by(Bytes dnskey_rdata, Bytes data, Bytes signature) {
  if (dnskey_rdata.size() < dnskey_fixed_size) return false;
  const auto algorithm = algorithm_of(dnskey_rdata[3]);
  if (!algorithm) return false;
  const Pkey pkey = public_pkey(*algorithm, dnskey_rdata.subspan(dnskey_fixed_size));
  if (!pkey) return false;
  std::vector<uint8_t> der;
  if (*algorithm == Algorithm::ecdsa_p256_sha256) {
    der = der_from_fixed(signature);
    if (der.empty()) return false;
    signature = der;
  }
  const HashContext context(EVP_MD_CTX_new());
  const Hash sha256 = *algorithm == Algorithm::ed25519 ? Hash() : fetched_sha256();
  const bool is_right =
      context &&
      EVP_DigestVerifyInit(context.get(), nullptr, sha256.get(), nullptr, pkey.get()) == 1 &&
      EVP_DigestVerify(context.get(), signature.data(), signature.size(), data.data(),
                       data.size()) == 1;
  if (!is_right) ERR_clear_error();
  return is_right;
}

}  // namespace swingover::dnssec
