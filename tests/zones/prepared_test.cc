#include "zones/prepared.h"

#include <catch2/catch.hpp>
#include <vector>

#include "base/random.h"
#include "tests/support/served.h"

namespace swingover::zones {
namespace {

using tests::pool_of;
using tests::Served;
using tests::service_of;

Model model() {
  Model model;
  model.topology = tests::two_clusters();
  model.zones.push_back(tests::zone_source("svc.example.", R"(
@ 60 IN SOA ns hostmaster 1 2 3 4 5
@ 60 IN NS ns
ns 60 IN A 192.0.2.53
www 60 IN A 192.0.2.1
alias 60 IN CNAME shop
*.wild 60 IN A 192.0.2.2
sub 60 IN NS ns.sub
ns.sub 60 IN A 192.0.2.3
d 60 IN DNAME wild
)"));
  model.zones.push_back({.apex = *parse_name("broken.example."), .contents = nullptr});
  for (const char* name : {"shop.svc.example.", "near.svc.example."}) {
    model.services.push_back(service_of(
        name, {pool_of("fra", {"192.0.2.10", "2001:db8::10"}), pool_of("ams", {"192.0.2.11"})}));
  }
  model.services[1].policy = Policy::local;
  return model;
}

/// Queries of every kind, and packets that are none.
std::vector<std::vector<uint8_t>> packets() {
  std::vector<std::vector<uint8_t>> out;
  for (const char* name :
       {"www.svc.example.", "WWW.svc.EXAMPLE.", "shop.svc.example.", "near.svc.example.",
        "alias.svc.example.", "x.wild.svc.example.", "a.sub.svc.example.", "x.d.svc.example.",
        "fra.on.shop.svc.example.", "none.svc.example.", "broken.example.", "else.test.", ".",
        "a.b.c.d.e.f.g.h.svc.example."}) {
    for (const uint16_t rrtype : {type::a, type::aaaa, type::any, type::ds})
      out.push_back(tests::query_packet({.name = name, .type = rrtype}));
  }
  const std::vector<uint8_t> whole = out.front();
  for (size_t size = 0; size < whole.size(); size += 5)
    out.emplace_back(whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size));
  return out;
}

TEST_CASE("an answer is the same whether its query came alone or in a batch", "[prepared]") {
  Served alone(model());
  Served together(model());
  alone.set_all(Eligibility::eligible);
  together.set_all(Eligibility::eligible);
  const Client client{.address = IpAddress::v4({10, 2, 0, 1})};
  std::vector<std::vector<uint8_t>> queries = packets();
  std::vector<Prepared> batch(16);
  Random random(1);
  for (int round = 0; round < 200; ++round) {
    const size_t size = 1 + random.below(batch.size());
    std::vector<const std::vector<uint8_t>*> asked;
    for (size_t i = 0; i < size; ++i) {
      asked.push_back(&queries[random.below(queries.size())]);
      batch[i].read(*asked[i], together.snapshot());
    }
    for (size_t i = 0; i < size; ++i) batch[i].fetch_node();
    for (size_t i = 0; i < size; ++i) batch[i].fetch_plan(together.snapshot());
    for (size_t i = 0; i < size; ++i) batch[i].fetch_tally(together.snapshot(), together.tally());
    for (size_t i = 0; i < size; ++i) {
      std::vector<uint8_t> one(1232);
      std::vector<uint8_t> other(1232);
      const Outcome expected = respond(*asked[i], client, alone.snapshot(), alone.tally(), one);
      const Outcome found = answer(batch[i], client, together.snapshot(), together.tally(), other);
      REQUIRE(found.size == expected.size);
      REQUIRE(found.drop == expected.drop);
      REQUIRE(other == one);
    }
  }
  CHECK(together.answers() == alone.answers());
}

}  // namespace
}  // namespace swingover::zones
