#include "zones/dnssec/signer.h"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <string>

#include "tests/support/allocations.h"
#include "tests/zones/dnssec/rfc_keys.h"
#include "zones/protocol.h"

namespace swingover::dnssec::tests {
namespace {

using Octets = std::vector<uint8_t>;
namespace type = zones::type;

constexpr Validity validity{.inception = 1'438'207'200, .expiration = 1'440'021'600};
constexpr uint32_t now = 1'439'000'000;

Octets octets(Bytes bytes) {
  return {bytes.begin(), bytes.end()};
}

/// Names as "(a.example.)", octets as decimal numbers.
Octets rdata(const std::vector<std::string>& parts) {
  Octets out;
  for (const std::string& part : parts) {
    if (part.front() != '(') {
      out.push_back(static_cast<uint8_t>(std::stoi(part)));
      continue;
    }
    const Name parsed = name(part.substr(1, part.size() - 2));
    out.insert(out.end(), parsed.wire().begin(), parsed.wire().end());
  }
  return out;
}

void fill(SignRequest& set, const std::string& owner, uint16_t rrtype, uint32_t ttl,
          const std::vector<Octets>& rdatas) {
  set.begin(name(owner).wire(), rrtype, ttl);
  for (const Octets& each : rdatas) set.add(each);
}

/// Ed25519 signatures are equal exactly if what was signed is.
Octets signature_of(const std::string& owner, uint16_t rrtype, uint32_t ttl,
                    const std::vector<Octets>& rdatas, const std::string& signer = "example.com.") {
  static KeyUse key(rfc8080_key());
  SignRequest set;
  fill(set, owner, rrtype, ttl, rdatas);
  return octets(set.sign(key, name(signer).wire(), validity));
}

Octets folded(uint16_t rrtype, Octets octets) {
  fold_rdata_names(rrtype, octets);
  return octets;
}

}  // namespace

TEST_CASE("the MX record of RFC 8080 gets the signature that stands there", "[signer]") {
  SignRequest set;
  KeyUse key(rfc8080_key());
  fill(set, "example.com.", type::mx, 3600, {rdata({"0", "10", "(mail.example.com.)"})});
  const Octets rrsig = octets(set.sign(key, name("example.com.").wire(), validity));
  Octets expected{0,    15,   15,   2,    0,    0,    0x0e, 0x10, 0x55,
                  0xd4, 0xfc, 0x60, 0x55, 0xb9, 0x4c, 0xe0, 0x0e, 0x1d};
  const Octets signer = rdata({"(example.com.)"});
  expected.insert(expected.end(), signer.begin(), signer.end());
  // As the RFC's errata have it: what it first had was not made over this record.
  const Octets signature = from_base64(
      "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==");
  expected.insert(expected.end(), signature.begin(), signature.end());
  CHECK(rrsig == expected);
}

TEST_CASE("the signature of RFC 6605 is right for its record", "[signer]") {
  SignRequest set;
  fill(set, "www.example.net.", type::a, 3600, {{192, 0, 2, 1}});
  Octets rrsig{0, 1, 13, 3, 0, 0, 0x0e, 0x10};
  for (const uint32_t time : {1'284'026'679U, 1'281'607'479U}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      rrsig.push_back(static_cast<uint8_t>(time >> shift));
  }
  const Octets rest = rdata({"217", "96", "(example.net.)"});
  rrsig.insert(rrsig.end(), rest.begin(), rest.end());
  const Octets signature = from_base64(
      "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==");
  rrsig.insert(rrsig.end(), signature.begin(), signature.end());
  CHECK(set.check(rfc6605_key().dnskey_rdata(), rrsig, 1'283'000'000) == SignatureCheck::valid);
}

TEST_CASE("the signature of RFC 5702 is right for its record", "[signer]") {
  Octets dnskey{1, 0, 3, 8};
  const Octets key = from_base64(
      "AwEAAcFcGsaxxdgiuuGmCkVImy4h99CqT7jwY3pexPGcnUFtR2Fh36BponcwtkZ4cAgtvd4Qs8PkxUdp6p/"
      "DlUmObdk=");
  dnskey.insert(dnskey.end(), key.begin(), key.end());
  Octets rrsig{0, 1, 8, 3, 0, 0, 0x0e, 0x10};
  for (const uint32_t time : {1'893'456'000U, 946'684'800U}) {
    for (int shift = 24; shift >= 0; shift -= 8)
      rrsig.push_back(static_cast<uint8_t>(time >> shift));
  }
  const Octets rest = rdata({"35", "73", "(example.net.)"});
  rrsig.insert(rrsig.end(), rest.begin(), rest.end());
  const Octets signature = from_base64(
      "kRCOH6u7l0QGy9qpC9l1sLncJcOKFLJ7GhiUOibu4teYp5VE9RncriShZNz85mwlMgNEacFYK/lPtPiVYP4bwg==");
  rrsig.insert(rrsig.end(), signature.begin(), signature.end());
  SignRequest set;
  fill(set, "www.example.net.", type::a, 3600, {{192, 0, 2, 91}});
  CHECK(set.check(dnskey, rrsig, 1'400'000'000) == SignatureCheck::valid);
  fill(set, "www.example.net.", type::a, 3600, {{192, 0, 2, 92}});
  CHECK(set.check(dnskey, rrsig, 1'400'000'000) == SignatureCheck::wrong);
}

TEST_CASE("case, order and duplicates make no other signature", "[signer]") {
  const Octets first = rdata({"0", "10", "(a.example.com.)"});
  const Octets second = rdata({"0", "10", "(b.example.com.)"});
  const Octets plain = signature_of("shop.example.com.", type::mx, 60, {first, second});
  CHECK(signature_of("SHOP.example.Com.", type::mx, 60, {second, first}, "Example.COM.") == plain);
  CHECK(signature_of("shop.example.com.", type::mx, 60, {first, second, first, second}) == plain);
  CHECK(signature_of("shop.example.com.", type::mx, 60,
                     {rdata({"0", "10", "(A.EXAMPLE.com.)"}), second, first}) == plain);

  CHECK(signature_of("shop.example.com.", type::mx, 61, {first, second}) != plain);
  CHECK(signature_of("shop.example.com.", type::mx, 60, {first}) != plain);
  CHECK(signature_of("shop2.example.com.", type::mx, 60, {first, second}) != plain);
  CHECK(signature_of("shop.example.com.", type::txt, 60, {first, second}) != plain);
}

TEST_CASE("records are ordered by octets, the shorter of two first", "[signer]") {
  // RFC 4034 section 6.3; each set must be signed as the other order of the same records.
  const std::vector<Octets> in_order{{}, {0}, {0, 0}, {0, 255}, {1}, {127, 1}, {128}, {255, 0}};
  const Octets plain = signature_of("a.example.com.", 65280, 60, in_order);
  std::vector<Octets> other = in_order;
  std::ranges::reverse(other);
  CHECK(signature_of("a.example.com.", 65280, 60, other) == plain);

  // And that order is the one checked: made by hand, in octets as the RFC has them.
  KeyUse key(rfc8080_key());
  Octets by_hand(plain.begin(), plain.end() - 64);
  for (const Octets& each : in_order) {
    const Octets head = rdata({"(a.example.com.)", "255", "0", "0", "1", "0", "0", "0", "60", "0"});
    by_hand.insert(by_hand.end(), head.begin(), head.end());
    by_hand.push_back(static_cast<uint8_t>(each.size()));
    by_hand.insert(by_hand.end(), each.begin(), each.end());
  }
  Octets signature(64);
  REQUIRE(key.sign(by_hand, signature) == 64);
  CHECK(std::equal(signature.begin(), signature.end(), plain.end() - 64));
}

TEST_CASE("names in data are folded for the types that RFC 4034 lists, and no others", "[signer]") {
  struct Case {
    uint16_t rrtype;
    std::vector<std::string> as_given;
    std::vector<std::string> folded;
  };
  const std::string big = "(A.Ex.)";
  const std::string low = "(a.ex.)";
  for (const uint16_t rrtype : {type::ns, type::md, type::mf, type::cname, type::mb, type::mg,
                                type::mr, type::ptr, type::dname, type::nxt}) {
    CAPTURE(rrtype);
    CHECK(folded(rrtype, rdata({big})) == rdata({low}));
  }
  const std::vector<Case> cases{
      {type::soa, {big, big, "65", "66"}, {low, low, "65", "66"}},
      {type::minfo, {big, big}, {low, low}},
      {type::rp, {big, big}, {low, low}},
      {type::mx, {"65", "66", big}, {"65", "66", low}},
      {type::afsdb, {"65", "66", big}, {"65", "66", low}},
      {type::rt, {"65", "66", big}, {"65", "66", low}},
      {type::kx, {"65", "66", big}, {"65", "66", low}},
      {type::px, {"65", "66", big, big}, {"65", "66", low, low}},
      {type::srv,
       {"65", "65", "65", "65", "65", "65", big},
       {"65", "65", "65", "65", "65", "65", low}},
      {type::naptr,
       {"65", "65", "65", "65", "1", "85", "2", "69", "70", "0", big},
       {"65", "65", "65", "65", "1", "85", "2", "69", "70", "0", low}},
      {type::a6, {"120", "65", big}, {"120", "65", low}},
      {type::a6, {"121", "65", big}, {"121", "65", low}},
      {type::a6, {"128", big}, {"128", low}},
      {type::rrsig,
       {"0", "1",  "13", "2", "0", "0",  "0",  "65", "0", "0",
        "0", "66", "0",  "0", "0", "67", "65", "65", big, "65"},
       {"0", "1",  "13", "2", "0", "0",  "0",  "65", "0", "0",
        "0", "66", "0",  "0", "0", "67", "65", "65", low, "65"}},
      {type::nsec, {big, "65"}, {big, "65"}},
      {type::svcb, {"0", "1", big}, {"0", "1", big}},
      {type::https, {"0", "1", big}, {"0", "1", big}},
      {type::txt, {"2", "65", "66"}, {"2", "65", "66"}},
  };
  for (const Case& each : cases) {
    CAPTURE(each.rrtype);
    CHECK(folded(each.rrtype, rdata(each.as_given)) == rdata(each.folded));
  }
}

TEST_CASE("data that is not of its type's form is folded no further than it reaches", "[signer]") {
  CHECK(folded(type::mx, {}).empty());
  CHECK(folded(type::mx, {0}) == Octets{0});
  CHECK(folded(type::ns, {5, 'A', 'B'}) == Octets{5, 'A', 'B'});
  CHECK(folded(type::ns, {1, 'A'}) == Octets{1, 'a'});
  CHECK(folded(type::ns, {0xc0, 'A'}) == Octets{0xc0, 'A'});
  CHECK(folded(type::soa, {1, 'A', 0}) == Octets{1, 'a', 0});
  CHECK(folded(type::naptr, {0, 0, 0, 0, 200, 'A'}) == Octets{0, 0, 0, 0, 200, 'A'});
  CHECK(folded(type::naptr, {0, 0}) == Octets{0, 0});
  CHECK(folded(type::a6, {}).empty());
  CHECK(folded(type::a6, {255, 1, 'A', 0}) == Octets{255, 1, 'a', 0});
}

TEST_CASE("the labels of a wildcard do not count its star, nor those of the root", "[signer]") {
  const auto labels = [](const std::string& owner) {
    return signature_of(owner, type::a, 60, {{192, 0, 2, 1}})[3];
  };
  CHECK(labels("a.b.example.com.") == 4);
  CHECK(labels("*.b.example.com.") == 3);
  CHECK(labels("*b.example.com.") == 3);
  CHECK(labels(".") == 0);
  CHECK(labels("*.") == 0);
}

TEST_CASE("what a wildcard gave is checked by the wildcard's signature", "[signer]") {
  const SigningKey signing_key = rfc6605_key();
  KeyUse key(signing_key);
  SignRequest set;
  fill(set, "*.shop.example.net.", type::a, 60, {{192, 0, 2, 1}});
  const Octets rrsig = octets(set.sign(key, name("example.net.").wire(), validity));
  const auto check = [&](const std::string& owner) {
    SignRequest answer;
    fill(answer, owner, type::a, 17, {{192, 0, 2, 1}});
    return answer.check(signing_key.dnskey_rdata(), rrsig, now);
  };
  CHECK(check("*.shop.example.net.") == SignatureCheck::valid);
  CHECK(check("a.Shop.example.net.") == SignatureCheck::valid);
  CHECK(check("a.b.shop.example.net.") == SignatureCheck::valid);
  CHECK(check("*.b.shop.example.net.") == SignatureCheck::valid);
  CHECK(check("a.sho.example.net.") == SignatureCheck::wrong);
  CHECK(check("shop.example.net.") == SignatureCheck::wrong);
  CHECK(check("example.net.") == SignatureCheck::other_set);
}

TEST_CASE("a signature is checked for set, key and time before its octets", "[signer]") {
  const SigningKey signing_key = rfc6605_key();
  KeyUse key(signing_key);
  SignRequest set;
  fill(set, "shop.example.net.", type::a, 60, {{192, 0, 2, 1}, {192, 0, 2, 2}});
  const Octets rrsig = octets(set.sign(key, name("example.net.").wire(), validity));
  const Octets dnskey = octets(signing_key.dnskey_rdata());
  const auto check = [&](const Octets& changed, uint32_t at = now) {
    return set.check(dnskey, changed, at);
  };
  CHECK(check(rrsig) == SignatureCheck::valid);
  CHECK(check(rrsig, validity.inception) == SignatureCheck::valid);
  CHECK(check(rrsig, validity.expiration) == SignatureCheck::valid);
  CHECK(check(rrsig, validity.inception - 1) == SignatureCheck::out_of_time);
  CHECK(check(rrsig, validity.expiration + 1) == SignatureCheck::out_of_time);
  CHECK(set.check(rfc8080_key().dnskey_rdata(), rrsig, now) == SignatureCheck::other_key);
  CHECK(set.check({}, rrsig, now) == SignatureCheck::malformed);
  for (size_t size = 0; size <= rrsig_fixed_size + 12; ++size)
    CHECK(check({rrsig.begin(), rrsig.begin() + static_cast<std::ptrdiff_t>(size)}) ==
          SignatureCheck::malformed);
  // No octet of it may change, the signer's case excepted.
  for (size_t i = 0; i < rrsig.size(); ++i) {
    CAPTURE(i);
    Octets changed = rrsig;
    changed[i] ^= 0x01;
    CHECK(check(changed) != SignatureCheck::valid);
  }
  Octets changed = rrsig;
  changed[rrsig_fixed_size + 1] ^= 0x20;
  CHECK(check(changed) == SignatureCheck::valid);

  fill(set, "shop.example.net.", type::a, 60, {{192, 0, 2, 1}});
  CHECK(check(rrsig) == SignatureCheck::wrong);
  fill(set, "shop.example.net.", type::aaaa, 60, {Octets(16)});
  CHECK(check(rrsig) == SignatureCheck::other_set);
}

TEST_CASE("one set is signed by several keys in turn", "[signer]") {
  SignRequest set;
  fill(set, "example.net.", type::ns, 60,
       {rdata({"(ns2.example.net.)"}), rdata({"(ns1.example.net.)"})});
  for (const SigningKey& signing_key : {rfc6605_key(), rfc8080_key(), rsa_key()}) {
    KeyUse key(signing_key);
    const Octets rrsig = octets(set.sign(key, name("example.net.").wire(), validity));
    CHECK(rrsig.size() == rrsig_fixed_size + 13 + signing_key.signature_size());
    CHECK(set.check(signing_key.dnskey_rdata(), rrsig, now) == SignatureCheck::valid);
  }
}

TEST_CASE("a request that was as large before allocates nothing itself", "[signer]") {
  SignRequest set;
  KeyUse key(rfc6605_key());
  const Name owner = name("shop.svc.example.net.");
  const Name signer = name("example.net.");
  const auto filled = [&] {
    const uint64_t before = swingover::tests::allocations();
    set.begin(owner.wire(), type::a, 60);
    for (uint8_t last = 0; last < 20; ++last) set.add(std::array<uint8_t, 4>{192, 0, 2, last});
    return swingover::tests::allocations() - before;
  };
  const auto signing = [&] {
    const uint64_t before = swingover::tests::allocations();
    set.sign(key, signer.wire(), validity);
    return swingover::tests::allocations() - before;
  };
  std::array<uint8_t, signature_size_max> signature;
  const Octets data(1000);
  key.sign(data, signature);
  filled();
  signing();
  CHECK(filled() == 0);
  // What is left is the library's: as many as for octets that are signed without a request.
  const uint64_t in_request = signing();
  const uint64_t before = swingover::tests::allocations();
  key.sign(data, signature);
  CHECK(in_request == swingover::tests::allocations() - before);
  if constexpr (swingover::tests::counts_allocations) CHECK(in_request > 0);
}

}  // namespace swingover::dnssec::tests
