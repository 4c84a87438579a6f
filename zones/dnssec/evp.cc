#include "zones/dnssec/evp.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>

#include "zones/dnssec/evp_rsa.h"

namespace swingover::dnssec {
namespace {

using Parameters = std::unique_ptr<OSSL_PARAM, FreedBy<OSSL_PARAM_free>>;
using ParameterBuilder = std::unique_ptr<OSSL_PARAM_BLD, FreedBy<OSSL_PARAM_BLD_free>>;
using Group = std::unique_ptr<EC_GROUP, FreedBy<EC_GROUP_free>>;
using Point = std::unique_ptr<EC_POINT, FreedBy<EC_POINT_free>>;
using EcdsaSignature = std::unique_ptr<ECDSA_SIG, FreedBy<ECDSA_SIG_free>>;

constexpr size_t point_size = 1 + 2 * p256_number_size;  // SEC 1: 4, x, y
constexpr unsigned rsa_bits_made = 2048;

// In the order of the key file.
constexpr std::array rsa_parameters{
    OSSL_PKEY_PARAM_RSA_N,         OSSL_PKEY_PARAM_RSA_E,           OSSL_PKEY_PARAM_RSA_D,
    OSSL_PKEY_PARAM_RSA_FACTOR1,   OSSL_PKEY_PARAM_RSA_FACTOR2,     OSSL_PKEY_PARAM_RSA_EXPONENT1,
    OSSL_PKEY_PARAM_RSA_EXPONENT2, OSSL_PKEY_PARAM_RSA_COEFFICIENT1};

/// Marked secure, so that what the library copies of it on the way is wiped too.
Number secret_number(Bytes octets) {
  Number number(BN_secure_new());
  if (!number || !BN_bin2bn(octets.data(), static_cast<int>(octets.size()), number.get()))
    std::abort();  // out of memory
  return number;
}

/// Parameters being collected; the library reads the numbers when they are built.
class ParameterList {
 public:
  ParameterList() : builder_(OSSL_PARAM_BLD_new()) {
    if (!builder_) std::abort();
  }
  void add(const char* key, const BIGNUM* number) {
    is_whole_ = OSSL_PARAM_BLD_push_BN(builder_.get(), key, number) == 1 && is_whole_;
  }
  void add(const char* key, const char* text) {
    is_whole_ = OSSL_PARAM_BLD_push_utf8_string(builder_.get(), key, text, 0) == 1 && is_whole_;
  }
  void add(const char* key, Bytes octets) {
    is_whole_ =
        OSSL_PARAM_BLD_push_octet_string(builder_.get(), key, octets.data(), octets.size()) == 1 &&
        is_whole_;
  }
  /// None if the library refuses them.
  Pkey make(const char* kind, int selection) {
    const Parameters parameters(is_whole_ ? OSSL_PARAM_BLD_to_param(builder_.get()) : nullptr);
    const PkeyContext context(EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr));
    EVP_PKEY* pkey = nullptr;
    if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &pkey, selection, parameters.get()) != 1) {
      return nullptr;
    }
    return Pkey(pkey);
  }

 private:
  ParameterBuilder builder_;
  bool is_whole_ = true;
};

Pkey p256_pkey(Bytes point, const BIGNUM* secret) {
  ParameterList list;
  list.add(OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1");
  list.add(OSSL_PKEY_PARAM_PUB_KEY, point);
  if (secret) list.add(OSSL_PKEY_PARAM_PRIV_KEY, secret);
  return list.make("EC", secret ? EVP_PKEY_KEYPAIR : EVP_PKEY_PUBLIC_KEY);
}

/// The public point of a private number; none if there is no such key.
std::vector<uint8_t> p256_point(const BIGNUM& secret) {
  const Group group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
  const Point point(group ? EC_POINT_new(group.get()) : nullptr);
  if (!point) std::abort();
  if (BN_is_zero(&secret) || BN_cmp(&secret, EC_GROUP_get0_order(group.get())) >= 0) return {};
  std::vector<uint8_t> octets(point_size);
  if (EC_POINT_mul(group.get(), point.get(), &secret, nullptr, nullptr, nullptr) != 1 ||
      EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets.data(),
                         octets.size(), nullptr) != octets.size()) {
    return {};
  }
  return octets;
}

Error no_key(std::string why) {
  ERR_clear_error();
  return {ErrorCode::invalid, std::move(why)};
}

Result<Pkey> private_p256(const Secret& number) {
  if (number.empty() || number.size() > p256_number_size)
    return no_key("a private key of ECDSAP256SHA256 has 32 octets");
  const Number secret = secret_number(number.octets());
  const std::vector<uint8_t> point = p256_point(*secret);
  if (point.empty()) return no_key("the number is no private key of ECDSAP256SHA256");
  Pkey pkey = p256_pkey(point, secret.get());
  if (!pkey) return library_error("taking a key of ECDSAP256SHA256");
  return pkey;
}

Result<Pkey> private_ed25519(const Secret& number) {
  if (number.size() != ed25519_key_size) return no_key("a private key of ED25519 has 32 octets");
  Pkey pkey(EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, nullptr, number.octets().data(),
                                         number.size()));
  if (!pkey) return library_error("taking a key of ED25519");
  return pkey;
}

Result<Pkey> private_rsa(std::span<const Secret> secrets) {
  std::array<Number, rsa_parameters.size()> numbers;
  if (secrets.size() != numbers.size()) return no_key("an RSA key has eight numbers");
  for (size_t i = 0; i < numbers.size(); ++i) numbers[i] = secret_number(secrets[i].octets());
  // Signatures of a key whose parts do not fit are bogus, and one of them can give a prime away.
  if (auto problem = rsa_problem(numbers)) return no_key(*std::move(problem));
  ParameterList list;
  for (size_t i = 0; i < numbers.size(); ++i) list.add(rsa_parameters[i], numbers[i].get());
  Pkey pkey = list.make("RSA", EVP_PKEY_KEYPAIR);
  if (!pkey) return library_error("taking a key of RSASHA256");
  return pkey;
}

/// Big-endian in `size` octets, or in as few as it takes. Keys are checked when they are taken: none has a number of more
/// than `size_max`.
Secret private_number(const EVP_PKEY& pkey, const char* key, size_t size_max, size_t size) {
  Secret native(size_max);
  std::array<OSSL_PARAM, 2> parameters{
      OSSL_PARAM_construct_BN(key, native.octets().data(), native.size()),
      OSSL_PARAM_construct_end()};
  if (EVP_PKEY_get_params(&pkey, parameters.data()) != 1) std::abort();
  const Number number(BN_native2bn(native.octets().data(),
                                   static_cast<int>(parameters[0].return_size), BN_secure_new()));
  if (!number) std::abort();
  if (size == 0) size = static_cast<size_t>(BN_num_bytes(number.get()));
  Secret out(size);
  if (BN_bn2binpad(number.get(), out.octets().data(), static_cast<int>(size)) < 0) std::abort();
  return out;
}

/// The exponent's length, the exponent, the modulus (RFC 3110 section 2). Exponents are short, and so is their length.
std::vector<uint8_t> rsa_octets(const EVP_PKEY& pkey) {
  const Secret modulus = private_number(pkey, OSSL_PKEY_PARAM_RSA_N, rsa_bits_max / 8, 0);
  const Secret exponent = private_number(pkey, OSSL_PKEY_PARAM_RSA_E, rsa_bits_max / 8, 0);
  std::vector<uint8_t> out{static_cast<uint8_t>(exponent.size())};
  out.insert(out.end(), exponent.octets().begin(), exponent.octets().end());
  out.insert(out.end(), modulus.octets().begin(), modulus.octets().end());
  return out;
}

Pkey public_rsa(Bytes key) {
  ByteReader reader(key);
  const Bytes exponent = reader.take(reader.u8());
  const Bytes modulus = reader.rest();
  if (reader.failed() || modulus.empty() || modulus.size() > rsa_bits_max / 8) return nullptr;
  const Number n = secret_number(modulus);
  const Number e = secret_number(exponent);
  if (!is_public_exponent(*e)) return nullptr;
  ParameterList list;
  list.add(OSSL_PKEY_PARAM_RSA_N, n.get());
  list.add(OSSL_PKEY_PARAM_RSA_E, e.get());
  return list.make("RSA", EVP_PKEY_PUBLIC_KEY);
}

Pkey public_p256(Bytes key) {
  if (key.size() != 2 * p256_number_size) return nullptr;
  std::array<uint8_t, point_size> point{POINT_CONVERSION_UNCOMPRESSED};
  std::ranges::copy(key, point.begin() + 1);
  return p256_pkey(point, nullptr);
}

}  // namespace

Error library_error(std::string_view doing) {
  const char* reason = ERR_reason_error_string(ERR_peek_last_error());
  ERR_clear_error();
  return Error{ErrorCode::system, reason ? reason : "the library gives no reason"}.within(doing);
}

Result<Pkey> generate_pkey(Algorithm algorithm) {
  EVP_PKEY* made = nullptr;
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      made = EVP_RSA_gen(rsa_bits_made);
      break;
    case Algorithm::ecdsa_p256_sha256:
      made = EVP_EC_gen("P-256");
      break;
    case Algorithm::ed25519:
      made = EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
      break;
  }
  if (!made) return library_error("making a key");
  return Pkey(made);
}

Result<Pkey> private_pkey(Algorithm algorithm, std::span<const Secret> numbers) {
  if (algorithm == Algorithm::rsa_sha256) return private_rsa(numbers);
  if (numbers.size() != 1) return no_key("such a private key is one number");
  return algorithm == Algorithm::ed25519 ? private_ed25519(numbers[0]) : private_p256(numbers[0]);
}

Pkey public_pkey(Algorithm algorithm, Bytes key) {
  Pkey pkey;
  switch (algorithm) {
    case Algorithm::rsa_sha256:
      pkey = public_rsa(key);
      break;
    case Algorithm::ecdsa_p256_sha256:
      pkey = public_p256(key);
      break;
    case Algorithm::ed25519:
      pkey.reset(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, key.data(), key.size()));
      break;
  }
  if (!pkey) ERR_clear_error();
  return pkey;
}

std::vector<uint8_t> public_octets(Algorithm algorithm, const EVP_PKEY& pkey) {
  if (algorithm == Algorithm::rsa_sha256) return rsa_octets(pkey);
  if (algorithm == Algorithm::ed25519) {
    std::vector<uint8_t> out(ed25519_key_size);
    size_t size = out.size();
    if (EVP_PKEY_get_raw_public_key(&pkey, out.data(), &size) != 1) std::abort();
    return out;
  }
  std::vector<uint8_t> point(point_size);
  size_t size = 0;
  if (EVP_PKEY_get_octet_string_param(&pkey, OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size(),
                                      &size) != 1 ||
      size != point_size || point[0] != POINT_CONVERSION_UNCOMPRESSED) {
    std::abort();
  }
  point.erase(point.begin());
  return point;
}

std::vector<Secret> private_octets(Algorithm algorithm, const EVP_PKEY& pkey) {
  std::vector<Secret> numbers;
  if (algorithm == Algorithm::rsa_sha256) {
    for (const char* key : rsa_parameters)
      numbers.push_back(private_number(pkey, key, rsa_bits_max / 8, 0));
  } else if (algorithm == Algorithm::ecdsa_p256_sha256) {
    numbers.push_back(
        private_number(pkey, OSSL_PKEY_PARAM_PRIV_KEY, p256_number_size, p256_number_size));
  } else {
    Secret number(ed25519_key_size);
    size_t size = 0;
    // Not EVP_PKEY_get_raw_private_key(), which leaves a copy in memory that it frees.
    if (EVP_PKEY_get_octet_string_param(&pkey, OSSL_PKEY_PARAM_PRIV_KEY, number.octets().data(),
                                        number.size(), &size) != 1) {
      std::abort();
    }
    numbers.push_back(std::move(number));
  }
  return numbers;
}

bool fixed_from_der(Bytes der, std::span<uint8_t, 2 * p256_number_size> out) {
  const uint8_t* at = der.data();
  const EcdsaSignature parts(d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size())));
  constexpr int width = p256_number_size;
  return parts && BN_bn2binpad(ECDSA_SIG_get0_r(parts.get()), out.data(), width) == width &&
         BN_bn2binpad(ECDSA_SIG_get0_s(parts.get()), out.data() + width, width) == width;
}

std::vector<uint8_t> der_from_fixed(Bytes fixed) {
  if (fixed.size() != 2 * p256_number_size) return {};
  const EcdsaSignature parts(ECDSA_SIG_new());
  constexpr int width = p256_number_size;
  BIGNUM* r = BN_bin2bn(fixed.data(), width, nullptr);
  BIGNUM* s = BN_bin2bn(fixed.data() + width, width, nullptr);
  if (!parts || ECDSA_SIG_set0(parts.get(), r, s) != 1) std::abort();  // out of memory
  std::vector<uint8_t> der(static_cast<size_t>(i2d_ECDSA_SIG(parts.get(), nullptr)));
  uint8_t* at = der.data();
  i2d_ECDSA_SIG(parts.get(), &at);
  return der;
}

}  // namespace swingover::dnssec
