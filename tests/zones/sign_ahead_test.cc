#include "zones/sign_ahead.h"

#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/protocol.h"

namespace swingover::tests {
namespace {

using namespace zones;

Model model(bool is_signed) {
  Model out;
  out.topology = two_clusters();
  std::string text = R"(
    @ 60 IN SOA n h 1 2 3 4 5
    @ 60 IN NS n
    n 60 IN A 192.0.2.53
    sub 60 IN NS ns.sub
    ns.sub 60 IN A 192.0.2.1
    a.b.c 60 IN TXT "deep"
)";
  for (int i = 0; i < 50; ++i) text += "h" + std::to_string(i) + " 60 IN A 192.0.2.1\n";
  out.zones = {zone_source("plain.example.", text), zone_source("svc.example.", text)};
  out.services = {
      service_of("shop.svc.example.", {pool_of("fra", {"192.0.2.10", "2001:db8::10"}),
                                       pool_of("ams", {"192.0.2.20", "2001:db8::20"})})};
  if (!is_signed) return out;
  const auto key =
      dnssec::SigningKey::generate(dnssec::Algorithm::ecdsa_p256_sha256, dnssec::KeyRole::ksk);
  REQUIRE(key);
  out.zones[1].signing = ZoneSigning::make(
      out.zones[1].apex,
      {.published = {*key}, .sign_keys = {*key}, .sign_zone = {*key}, .wanted_ds = {*key}}, {});
  return out;
}

constexpr uint32_t signed_at = 1'800'000'000;
constexpr const char* inception = " 20270115070000 ";  // an hour before that

/// Whether it is answered with signatures that were made then, not with new ones.
bool is_ready(Served& server, std::string_view name, uint16_t rrtype) {
  server.set_now(signed_at + 60);
  const PacketText got =
      server.ask({.name = name, .type = rrtype, .dnssec_ok = true}, Transport::tcp);
  unsigned signatures = 0;
  for (const Lines& section : {got.answer, got.authority}) {
    for (const std::string& line : section) {
      if (line.find(" IN RRSIG ") == std::string::npos) continue;
      ++signatures;
      if (line.find(inception) == std::string::npos) return false;
    }
  }
  REQUIRE(signatures > 0);
  return true;
}

}  // namespace

TEST_CASE("what stands in a signed zone is signed before anybody asks", "[sign_ahead]") {
  Served server(model(true));
  server.set_all(Eligibility::eligible);
  const std::vector<std::pair<std::string_view, uint16_t>> sets{
      {"svc.example.", type::soa},       {"svc.example.", type::dnskey},
      {"svc.example.", type::cds},       {"h7.svc.example.", type::a},
      {"h49.svc.example.", type::a},     {"a.b.c.svc.example.", type::txt},
      {"x.sub.svc.example.", type::a},   {"shop.svc.example.", type::a},
      {"shop.svc.example.", type::aaaa},
  };
  const size_t step = GENERATE(size_t{1}, size_t{7}, size_t{1'000});
  REQUIRE(SignAhead::is_of_use(server.snapshot()));
  SignAhead ahead(server.shared());
  size_t steps = 1;
  while (ahead.advance(step, signed_at)) REQUIRE(++steps < 1'000);
  CHECK(steps >= 50 / step);  // names and the service, no more at a time
  for (const auto& [name, rrtype] : sets) {
    CAPTURE(name, rrtype);
    CHECK(is_ready(server, name, rrtype));
  }
  CHECK_FALSE(is_ready(server, "nothing.svc.example.", type::a));
  CHECK_FALSE(ahead.advance(step, signed_at));
}

TEST_CASE("zones that are not signed need nothing of it", "[sign_ahead]") {
  Served server(model(false));
  CHECK_FALSE(SignAhead::is_of_use(server.snapshot()));
  SignAhead ahead(server.shared());
  CHECK_FALSE(ahead.advance(1, 1));
}

}  // namespace swingover::tests
