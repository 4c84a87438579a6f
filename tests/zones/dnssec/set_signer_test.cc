#include "zones/dnssec/set_signer.h"

#include <catch2/catch.hpp>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

namespace swingover::dnssec::tests {
namespace {

constexpr uint32_t now = 1'800'000'000;

Name apex() {
  return *zones::parse_name("Svc.Example.");
}
SigningKey key_of(Algorithm algorithm = Algorithm::ecdsa_p256_sha256) {
  auto key = SigningKey::generate(algorithm, KeyRole::ksk);
  REQUIRE(key);
  return *key;
}

/// One address of one name, and what says so.
struct Set {
  Name owner;
  std::vector<uint8_t> address;
  SipKey hash;
  SetFields fields;
};
Set set_of(uint8_t number) {
  return {.owner = *zones::parse_name("n" + std::to_string(number) + ".svc.example."),
          .address = {192, 0, 2, number},
          .hash = {.low = number * 0x9e3779b97f4a7c15U, .high = number},
          .fields = {.type = 1, .labels = 3, .ttl_seconds = 60}};
}

void fill(SignRequest& request, const Set& set) {
  request.begin(set.owner.wire(), set.fields.type, set.fields.ttl_seconds);
  request.add(set.address);
}
/// RDATA of the RRSIG, found or made.
std::vector<uint8_t> rrsig(const SetSigner& signer, size_t key, const Set& set,
                           uint32_t now_seconds = now) {
  std::vector<uint8_t> rdata(signer.rdata_size(key));
  if (signer.find(key, set.hash, set.fields, now_seconds, rdata)) return rdata;
  SetSigner::Lane lane = signer.take_lane();
  fill(lane.request(), set);
  return signer.sign(key, set.hash, lane, now_seconds, rdata) ? rdata : std::vector<uint8_t>();
}
bool is_right(const SetSigner& signer, size_t key, const Set& set,
              const std::vector<uint8_t>& rdata, uint32_t now_seconds = now) {
  SignRequest request;
  fill(request, set);
  return request.check(signer.key(key).dnskey_rdata(), rdata, now_seconds) == SignatureCheck::valid;
}

}  // namespace

TEST_CASE("what is found is what was made, to the octet", "[set_signer]") {
  for (const Algorithm algorithm : {Algorithm::ecdsa_p256_sha256, Algorithm::ed25519}) {
    const SetSigner signer(apex(), {key_of(algorithm)}, {},
                           std::make_shared<SignatureCache>(8, 64));
    std::vector<uint8_t> found(signer.rdata_size(0));
    CHECK_FALSE(signer.find(0, set_of(1).hash, set_of(1).fields, now, found));
    const auto made = rrsig(signer, 0, set_of(1));
    CHECK(is_right(signer, 0, set_of(1), made));
    REQUIRE(signer.find(0, set_of(1).hash, set_of(1).fields, now, found));
    CHECK(found == made);
  }
}

TEST_CASE("a cache that two signers share keeps their signatures apart", "[set_signer]") {
  const auto cache = std::make_shared<SignatureCache>(64, 64);
  const SetSigner one(apex(), {key_of(), key_of()}, {}, cache),
      other(apex(), {key_of()}, {}, cache);
  const SetSigner child(*zones::parse_name("sub.svc.example."), {one.key(0)}, {}, cache);
  for (const auto& [signer, key] : {std::pair(&one, 0U), std::pair(&one, 1U), std::pair(&other, 0U),
                                    std::pair(&child, 0U), std::pair(&one, 0U)}) {
    CHECK(is_right(*signer, key, set_of(1), rrsig(*signer, key, set_of(1))));
  }
}

TEST_CASE("a signature counts from when it is good until it is due", "[set_signer]") {
  const SignaturePlan plan{.lifetime = Milliseconds(100'000),
                           .skew = Milliseconds(10'000),
                           .refresh = Milliseconds(20'000),
                           .jitter = Milliseconds(0)};
  const SetSigner signer(apex(), {key_of()}, plan, std::make_shared<SignatureCache>(8, 64));
  const auto first = rrsig(signer, 0, set_of(1));
  CHECK(rrsig(signer, 0, set_of(1), now + 79) == first);
  CHECK(rrsig(signer, 0, set_of(1), now - 10) == first);
  SECTION("due") {
    CHECK(rrsig(signer, 0, set_of(1), now + 80) != first);
  }
  SECTION("dead") {
    CHECK(rrsig(signer, 0, set_of(1), now + 101) != first);
  }
  SECTION("early") {
    CHECK(rrsig(signer, 0, set_of(1), now - 11) != first);
  }
  SECTION("where the seconds of an RRSIG begin anew") {
    const auto last = rrsig(signer, 0, set_of(2), UINT32_MAX - 5);
    CHECK(is_right(signer, 0, set_of(2), last, 3));
    CHECK(rrsig(signer, 0, set_of(2), 3) == last);
    CHECK(rrsig(signer, 0, set_of(2), 75) != last);
  }
}

TEST_CASE("threads that sign and find at once get right signatures alone", "[set_signer]") {
  const SetSigner signer(apex(), {key_of()}, {}, std::make_shared<SignatureCache>(8, 64));
  std::atomic<int> wrong{0};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&, thread] {
      Random random(thread);
      for (int round = 0; round < 200; ++round) {
        const Set set = set_of(static_cast<uint8_t>(random.below(12)));
        if (!is_right(signer, 0, set, rrsig(signer, 0, set))) ++wrong;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == 0);
}

}  // namespace swingover::dnssec::tests
