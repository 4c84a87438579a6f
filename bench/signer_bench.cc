// What a fresh signature costs: an RRset of two addresses signed from its records on, beside the library alone as
// `openssl speed ecdsap256 ed25519 rsa2048` measures it. CPU time of this thread, medians; the two take turns, so that a
// machine that is busy slows both.
//
//   signer_bench [ROUNDS]      (default 31, of some 50 ms each)

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/cpu_time.h"
#include "zones/dnssec/signer.h"
#include "zones/name.h"
#include "zones/protocol.h"

namespace {

using namespace swingover;
using namespace swingover::dnssec;

/// Microseconds that one call takes, over some 50 ms.
double cost_of(const std::function<void()>& call) {
  const double begin = bench::cpu_milliseconds();
  size_t calls = 0;
  double end = begin;
  while (end - begin < 50) {
    for (int i = 0; i < 20; ++i) call();
    calls += 20;
    end = bench::cpu_milliseconds();
  }
  return (end - begin) * 1e3 / static_cast<double>(calls);
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void check(bool is_right) {
  if (!is_right) std::abort();
}

/// One signature as `openssl speed` makes it: a context that is there, octets that are there.
std::function<void()> library_alone(Algorithm algorithm) {
  EVP_PKEY* pkey = algorithm == Algorithm::rsa_sha256 ? EVP_RSA_gen(2048)
                   : algorithm == Algorithm::ecdsa_p256_sha256
                       ? EVP_EC_gen("P-256")
                       : EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519");
  static std::array<uint8_t, 512> out;
  static const std::array<uint8_t, 36> in{};
  if (algorithm == Algorithm::ed25519) {
    EVP_MD_CTX* context = EVP_MD_CTX_new();
    check(EVP_DigestSignInit(context, nullptr, nullptr, nullptr, pkey) == 1);
    return [context] {
      size_t size = out.size();
      check(EVP_DigestSign(context, out.data(), &size, in.data(), 20) == 1);
    };
  }
  EVP_PKEY_CTX* context = EVP_PKEY_CTX_new(pkey, nullptr);
  check(EVP_PKEY_sign_init(context) == 1);
  return [context] {
    size_t size = out.size();
    check(EVP_PKEY_sign(context, out.data(), &size, in.data(), 20) == 1);
  };
}

std::function<void()> fresh_signature(Algorithm algorithm) {
  struct World {
    explicit World(const SigningKey& key) : use(key) {}
    SignRequest request;
    KeyUse use;
    zones::Name owner = *zones::parse_name("shop.svc.example.com.");
    zones::Name apex = *zones::parse_name("svc.example.com.");
  };
  const auto world = std::make_shared<World>(*SigningKey::generate(algorithm, KeyRole::ksk));
  return [world] {
    static constexpr std::array<std::array<uint8_t, 4>, 2> addresses{
        {{192, 0, 2, 200}, {192, 0, 2, 10}}};
    world->request.begin(world->owner.wire(), zones::type::a, 30);
    for (const auto& address : addresses) world->request.add(address);
    check(!world->request
               .sign(world->use, world->apex.wire(),
                     {.inception = 1'790'000'000, .expiration = 1'791'000'000})
               .empty());
  };
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::max(std::atoi(argv[1]), 1) : 31;
  std::printf("%-16s %14s %14s %24s\n", "algorithm", "fresh RRSIG us", "library us",
              "of the library's rate");
  for (const Algorithm algorithm :
       {Algorithm::ecdsa_p256_sha256, Algorithm::ed25519, Algorithm::rsa_sha256}) {
    const auto ours = fresh_signature(algorithm);
    const auto library = library_alone(algorithm);
    std::vector<double> our_costs;
    std::vector<double> library_costs;
    std::vector<double> ratios;
    for (int round = 0; round < rounds; ++round) {
      library_costs.push_back(cost_of(library));
      our_costs.push_back(cost_of(ours));
      ratios.push_back(library_costs.back() / our_costs.back());
    }
    std::printf("%-16s %14.2f %14.2f %24.3f\n", std::string(algorithm_name(algorithm)).c_str(),
                median(our_costs), median(library_costs), median(ratios));
  }
}
