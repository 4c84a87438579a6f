#include "zones/dnssec/evp_rsa.h"

#include <algorithm>
#include <cstdlib>

namespace swingover::dnssec {
namespace {

using NumberContext = std::unique_ptr<BN_CTX, FreedBy<BN_CTX_free>>;

/// Works on secrets: each number on the way is wiped. A function of the library that fails has no memory left, or was
/// asked to divide by zero, and then the answer is no.
class RsaCheck {
 public:
  explicit RsaCheck(std::span<const Number, 8> numbers)
      : n_(*numbers[0]),
        e_(*numbers[1]),
        d_(*numbers[2]),
        p_(*numbers[3]),
        q_(*numbers[4]),
        d_of_p_(*numbers[5]),
        d_of_q_(*numbers[6]),
        inverse_of_q_(*numbers[7]),
        context_(BN_CTX_secure_new()) {
    if (!context_) std::abort();
  }

  bool is_whole() const {
    const Number product = fresh();
    if (BN_mul(product.get(), &p_, &q_, context_.get()) != 1 || BN_cmp(product.get(), &n_) != 0)
      return false;
    const Number below_p = one_less(p_);
    const Number below_q = one_less(q_);
    return are_inverse(d_, e_, *common_multiple(*below_p, *below_q)) &&
           is_remainder(d_of_p_, d_, *below_p) && is_remainder(d_of_q_, d_, *below_q) &&
           BN_cmp(&inverse_of_q_, &p_) < 0 && are_inverse(inverse_of_q_, q_, p_) && is_prime(p_) &&
           is_prime(q_);
  }

 private:
  static Number fresh() {
    Number number(BN_secure_new());
    if (!number) std::abort();
    return number;
  }
  static Number one_less(const BIGNUM& number) {
    Number out = fresh();
    if (!BN_copy(out.get(), &number) || BN_sub_word(out.get(), 1) != 1) std::abort();
    return out;
  }
  /// Zero if there is none.
  Number common_multiple(const BIGNUM& a, const BIGNUM& b) const {
    const Number divisor = fresh();
    const Number product = fresh();
    Number multiple = fresh();
    if (BN_gcd(divisor.get(), &a, &b, context_.get()) != 1 ||
        BN_mul(product.get(), &a, &b, context_.get()) != 1 ||
        BN_div(multiple.get(), nullptr, product.get(), divisor.get(), context_.get()) != 1) {
      BN_zero(multiple.get());
    }
    return multiple;
  }
  bool are_inverse(const BIGNUM& a, const BIGNUM& b, const BIGNUM& modulus) const {
    const Number product = fresh();
    return BN_mod_mul(product.get(), &a, &b, &modulus, context_.get()) == 1 &&
           BN_is_one(product.get());
  }
  bool is_remainder(const BIGNUM& remainder, const BIGNUM& of, const BIGNUM& modulus) const {
    const Number found = fresh();
    return BN_nnmod(found.get(), &of, &modulus, context_.get()) == 1 &&
           BN_cmp(found.get(), &remainder) == 0;
  }
  bool is_prime(const BIGNUM& number) const {
    return BN_check_prime(&number, context_.get(), nullptr) == 1;
  }

  const BIGNUM& n_;
  const BIGNUM& e_;
  const BIGNUM& d_;
  const BIGNUM& p_;
  const BIGNUM& q_;
  const BIGNUM& d_of_p_;
  const BIGNUM& d_of_q_;
  const BIGNUM& inverse_of_q_;
  const NumberContext context_;
};

}  // namespace

bool is_public_exponent(const BIGNUM& number) {
  return BN_is_odd(&number) && !BN_is_one(&number) && BN_num_bits(&number) <= rsa_exponent_bits_max;
}

std::optional<std::string> rsa_problem(std::span<const Number, 8> numbers) {
  const int bits = BN_num_bits(numbers[0].get());
  if (bits < rsa_bits_min || bits > rsa_bits_max) {
    return "an RSA key of " + std::to_string(bits) + " bits; " + std::to_string(rsa_bits_min) +
           " to " + std::to_string(rsa_bits_max) + " are taken";
  }
  if (!is_public_exponent(*numbers[1])) {
    return "the public exponent of an RSA key must be odd, above 1, and have " +
           std::to_string(rsa_exponent_bits_max) + " bits at most";
  }
  const bool are_short = std::ranges::all_of(
      numbers, [bits](const Number& number) { return BN_num_bits(number.get()) <= bits; });
  if (!are_short || !RsaCheck(numbers).is_whole())
    return "the numbers of the RSA key do not fit one another";
  return std::nullopt;
}

}  // namespace swingover::dnssec
