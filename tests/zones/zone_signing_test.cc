#include "zones/zone_signing.h"

#include <catch2/catch.hpp>

#include "zones/protocol.h"

namespace swingover::zones::tests {
namespace {

using dnssec::Algorithm;
using dnssec::KeyRole;
using dnssec::SigningKey;

SigningKey key_of(Algorithm algorithm = Algorithm::ecdsa_p256_sha256) {
  auto key = SigningKey::generate(algorithm, KeyRole::ksk);
  REQUIRE(key);
  return *key;
}
ZoneKeys csk(const SigningKey& key) {
  return {.published = {key}, .sign_keys = {key}, .sign_zone = {key}, .wanted_ds = {key}};
}
Name apex() {
  return *parse_name("svc.example.");
}

}  // namespace

TEST_CASE("the cache goes on as long as it has room", "[zone_signing]") {
  const SigningOptions options{.signatures_max = 100, .static_sets = 1'000};
  const auto first = ZoneSigning::make(apex(), csk(key_of()), options);
  CHECK(first->zone.cache()->places() >= 1'100);
  CHECK(first->zone.cache() == first->keys.cache());

  SigningOptions grown = options;
  grown.static_sets = 1'200;
  const auto second = ZoneSigning::make(apex(), csk(key_of()), grown, first.get());
  CHECK(second->zone.cache() == first->zone.cache());

  grown.static_sets = 2'000;
  const auto third = ZoneSigning::make(apex(), csk(key_of()), grown, second.get());
  CHECK(third->zone.cache() != first->zone.cache());
  CHECK(third->zone.cache()->places() >= 2'100);

  const auto rsa =
      ZoneSigning::make(apex(), csk(key_of(Algorithm::rsa_sha256)), options, first.get());
  CHECK(rsa->zone.cache() != first->zone.cache());
  CHECK(rsa->zone.cache()->signature_size() == 256);
}

TEST_CASE("CDS and CDNSKEY are those of the keys that the parent shall have", "[zone_signing]") {
  const SigningKey old_key = key_of(), new_key = key_of();
  ZoneKeys keys = csk(old_key);
  keys.published.push_back(new_key);
  auto signing = ZoneSigning::make(apex(), keys, {.signatures_max = 8});
  CHECK(signing->key_set(type::dnskey).records == 2);
  CHECK(signing->key_set(type::cds).records == 1);
  CHECK(signing->key_set(type::cdnskey).records == 1);
  CHECK(signing->key_set(type::a).records == 0);

  keys.wanted_ds = {old_key, new_key};
  signing = ZoneSigning::make(apex(), keys, {.signatures_max = 8});
  CHECK(signing->key_set(type::cds).records == 2);

  keys.deletes_ds = true;
  signing = ZoneSigning::make(apex(), keys, {.signatures_max = 8});
  const RrsetView cds = signing->key_set(type::cds), cdnskey = signing->key_set(type::cdnskey);
  REQUIRE(cds.records == 1);
  REQUIRE(cdnskey.records == 1);
  const std::vector<uint8_t> cds_rdata(cds.block.end() - 5, cds.block.end());
  const std::vector<uint8_t> cdnskey_rdata(cdnskey.block.end() - 5, cdnskey.block.end());
  CHECK(cds_rdata == std::vector<uint8_t>{0, 0, 0, 0, 0});      // "0 0 0 00"
  CHECK(cdnskey_rdata == std::vector<uint8_t>{0, 0, 3, 0, 0});  // "0 3 0 AA=="
}

}  // namespace swingover::zones::tests
