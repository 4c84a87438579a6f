#include "zones/dnssec/key.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstdlib>

#include "zones/dnssec/evp.h"

namespace swingover::dnssec {
namespace {

constexpr uint8_t protocol = 3;  // RFC 4034 section 2.1.2

struct NamedAlgorithm {
  Algorithm algorithm;
  std::string_view name;
};
constexpr std::array algorithms{
    NamedAlgorithm{Algorithm::rsa_sha256, "RSASHA256"},
    NamedAlgorithm{Algorithm::ecdsa_p256_sha256, "ECDSAP256SHA256"},
    NamedAlgorithm{Algorithm::ed25519, "ED25519"},
};

std::vector<uint8_t> rdata_of(Algorithm algorithm, KeyRole role, const EVP_PKEY& pkey) {
  const std::vector<uint8_t> key = public_octets(algorithm, pkey);
  std::vector<uint8_t> rdata(dnskey_fixed_size + key.size());
  ByteWriter writer(rdata);
  writer.u16(static_cast<uint16_t>(role));
  writer.u8(protocol);
  writer.u8(static_cast<uint8_t>(algorithm));
  writer.put(key);
  return rdata;
}

size_t signature_size_of(Algorithm algorithm, const EVP_PKEY& pkey) {
  return algorithm == Algorithm::rsa_sha256 ? static_cast<size_t>(EVP_PKEY_get_size(&pkey)) : 64;
}

}  // namespace

std::optional<Algorithm> algorithm_of(uint8_t number) {
  for (const NamedAlgorithm& row : algorithms) {
    if (static_cast<uint8_t>(row.algorithm) == number) return row.algorithm;
  }
  return std::nullopt;
}

std::string_view algorithm_name(Algorithm algorithm) {
  return std::ranges::find(algorithms, algorithm, &NamedAlgorithm::algorithm)->name;
}

Result<SigningKey> SigningKey::generate(Algorithm algorithm, KeyRole role) {
  auto pkey = generate_pkey(algorithm);
  if (!pkey) return pkey.error();
  return SigningKey(algorithm, role, *std::move(pkey));
}

Result<SigningKey> SigningKey::from_private(Algorithm algorithm, KeyRole role,
                                            std::span<const Secret> numbers) {
  auto pkey = private_pkey(algorithm, numbers);
  if (!pkey) return pkey.error();
  return SigningKey(algorithm, role, *std::move(pkey));
}

SigningKey::SigningKey(Algorithm algorithm, KeyRole role, std::shared_ptr<evp_pkey_st> pkey)
    : algorithm_(algorithm),
      role_(role),
      signature_size_(signature_size_of(algorithm, *pkey)),
      dnskey_rdata_(rdata_of(algorithm, role, *pkey)),
      pkey_(std::move(pkey)) {
  tag_ = key_tag(dnskey_rdata_);
}

std::vector<Secret> SigningKey::private_numbers() const {
  return private_octets(algorithm_, *pkey_);
}

uint16_t key_tag(Bytes dnskey_rdata) {
  uint32_t sum = 0;
  for (size_t i = 0; i < dnskey_rdata.size(); ++i)
    sum += i % 2 == 0 ? uint32_t{dnskey_rdata[i]} << 8 : dnskey_rdata[i];
  sum += sum >> 16;
  return static_cast<uint16_t>(sum);
}

bool has_public_key(Bytes dnskey_rdata) {
  if (dnskey_rdata.size() < dnskey_fixed_size) return false;
  const auto algorithm = algorithm_of(dnskey_rdata[3]);
  return algorithm && public_pkey(*algorithm, dnskey_rdata.subspan(dnskey_fixed_size));
}

std::vector<uint8_t> ds_rdata(const Name& owner, Bytes dnskey_rdata, DsDigest digest) {
  assert(dnskey_rdata.size() >= dnskey_fixed_size);
  const Hash method(
      EVP_MD_fetch(nullptr, digest == DsDigest::sha256 ? "SHA256" : "SHA384", nullptr));
  const HashContext context(EVP_MD_CTX_new());
  const Name canonical = owner.folded();
  std::array<uint8_t, EVP_MAX_MD_SIZE> hash{};
  unsigned size = 0;
  // What could fail here is memory, or a library without SHA-2: nothing to go on with.
  if (!method || !context || EVP_DigestInit_ex2(context.get(), method.get(), nullptr) != 1 ||
      EVP_DigestUpdate(context.get(), canonical.wire().data(), canonical.wire().size()) != 1 ||
      EVP_DigestUpdate(context.get(), dnskey_rdata.data(), dnskey_rdata.size()) != 1 ||
      EVP_DigestFinal_ex(context.get(), hash.data(), &size) != 1) {
    std::abort();
  }
  constexpr size_t fixed_size = 4;
  std::vector<uint8_t> rdata(fixed_size + size);
  ByteWriter writer(rdata);
  writer.u16(key_tag(dnskey_rdata));
  writer.u8(dnskey_rdata[3]);
  writer.u8(static_cast<uint8_t>(digest));
  writer.put(Bytes(hash).first(size));
  return rdata;
}

}  // namespace swingover::dnssec
