#pragma once

#include <optional>
#include <span>
#include <string>

#include "zones/dnssec/evp.h"

namespace swingover::dnssec {

/// What makes eight numbers one RSA key; for evp.cc.

inline constexpr int rsa_bits_min = 1024;
inline constexpr int rsa_bits_max = 4096;
inline constexpr int rsa_exponent_bits_max =
    35;  // no more for BIND either; a verifier pays for each of them

/// Odd, more than one and short: what a public exponent must be.
bool is_public_exponent(const BIGNUM& number);

/// Why the numbers, in the order of SigningKey::from_private(), are no RSA key; nothing if they are one.
///
/// Secrets  EVP_PKEY_check() would ask the same, but leaves (p-1)(q-1), which gives the key away, in memory that it frees
///          and does not wipe.
/// Cost     Mostly whether two numbers are primes, which is asked last. No number is worked with that is longer than the modulus.
std::optional<std::string> rsa_problem(std::span<const Number, 8> numbers);

}  // namespace swingover::dnssec
