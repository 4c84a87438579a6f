#pragma once

#include <stdexcept>
#include <string>
#include <vector>

#include "base/base64.h"
#include "zones/dnssec/key.h"
#include "zones/name.h"

namespace swingover::dnssec::tests {

using zones::parse_name;

inline Name name(const std::string& text) {
  return *parse_name(text);
}

inline std::vector<uint8_t> from_base64(std::string_view text) {
  auto octets = decode_base64(text);
  if (!octets) throw std::runtime_error("not base64: " + std::string(text));
  return *std::move(octets);
}

inline Secret secret(std::string_view base64) {
  const std::vector<uint8_t> octets = from_base64(base64);
  Secret out(octets.size());
  std::copy(octets.begin(), octets.end(), out.octets().begin());
  return out;
}

inline std::vector<Secret> one_number(std::string_view base64) {
  std::vector<Secret> numbers;
  numbers.push_back(secret(base64));
  return numbers;
}

/// The keys of the examples in RFC 6605 section 6.1 (example.net., key tag 55648) and RFC 8080 section 6.1
/// (example.com., key tag 3613).
inline SigningKey rfc6605_key() {
  return *SigningKey::from_private(Algorithm::ecdsa_p256_sha256, KeyRole::ksk,
                                   one_number("GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ="));
}
inline SigningKey rfc8080_key() {
  return *SigningKey::from_private(Algorithm::ed25519, KeyRole::ksk,
                                   one_number("ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI="));
}
/// RSA keys are slow to make.
inline const SigningKey& rsa_key() {
  static const SigningKey key = *SigningKey::generate(Algorithm::rsa_sha256, KeyRole::ksk);
  return key;
}

}  // namespace swingover::dnssec::tests
