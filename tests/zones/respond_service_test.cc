#include <catch2/catch.hpp>

#include <set>

#include "tests/support/served.h"
#include "zones/protocol.h"
#include "zones/respond.h"

namespace swingover::tests {
namespace {

using namespace zones;

const std::string_view zone = R"(
  @ 300 IN SOA ns1 h.example. 1 2 3 4 60
  @ 300 IN NS ns1
  ns1 300 IN A 192.0.2.53
  shop 300 IN TXT "the shop"
  to-shop 300 IN CNAME shop
  to-cdn 300 IN CNAME cdn
  lb 300 IN A 192.0.2.77
  ams.on.shop 300 IN TXT "the pool"
)";

Model model() {
  Model out;
  out.topology = two_clusters();
  out.zones = {zone_source("svc.example.", zone)};
  out.services = {service_of("shop.svc.example.", {pool_of("fra", {"192.0.2.10", "2001:db8::10"}),
                                                   pool_of("ams", {"198.51.100.20"}, 2)}),
                  service_of("cdn.svc.example.", {pool_of("fra", {"lb.svc.example."}),
                                                  pool_of("ams", {"lb.ams.example.net."}, 2)}),
                  service_of("all.svc.example.", {pool_of("fra", {"192.0.2.1", "192.0.2.2"}),
                                                  pool_of("ams", {"192.0.2.3"})}),
                  service_of("strict.svc.example.", {pool_of("fra", {"192.0.2.4"})}),
                  service_of("*.apps.svc.example.", {pool_of("fra", {"192.0.2.5"})}),
                  service_of("empty.svc.example.", {pool_of("fra", {"192.0.2.6"})})};
  out.services[2].policy = Policy::all;
  out.services[2].answers = 0;
  out.services[3].when_all_down = WhenAllDown::servfail;
  out.services[5].when_all_down = WhenAllDown::nodata;
  return out;
}

Served served() {
  Served out(model());
  out.set_all(Eligibility::eligible);
  return out;
}

const Lines negative{"svc.example. 60 IN SOA ns1.svc.example. h.example. 1 2 3 4 60"};
// What another choice would answer is denied no longer than an answer would last.
const Lines negative_of_service{"svc.example. 30 IN SOA ns1.svc.example. h.example. 1 2 3 4 60"};

}  // namespace

TEST_CASE("a service answers the endpoints of its best pool with its own TTL",
          "[respond_service]") {
  Served server = served();
  CHECK(server.ask("Shop.svc.example.").answer == Lines{"Shop.svc.example. 30 IN A 192.0.2.10"});
  CHECK(server.ask("shop.svc.example.", type::aaaa).answer ==
        Lines{"shop.svc.example. 30 IN AAAA 2001:db8::10"});
  CHECK(server.ask("shop.svc.example.").flags == "qr aa rd");

  SECTION("and swings when a byte of the eligibility map flips") {
    server.set(0, Eligibility::down);
    server.set(1, Eligibility::down);
    CHECK(server.ask("shop.svc.example.").answer ==
          Lines{"shop.svc.example. 30 IN A 198.51.100.20"});
    // Both families come from one choice: the pool in force has no IPv6 address.
    const PacketText aaaa = server.ask("shop.svc.example.", type::aaaa);
    CHECK(aaaa.rcode == 0);
    CHECK(aaaa.authority == negative_of_service);
    server.set(0, Eligibility::eligible);
    CHECK(server.ask("shop.svc.example.").answer == Lines{"shop.svc.example. 30 IN A 192.0.2.10"});
  }
  SECTION("other types are the zone file's") {
    CHECK(server.ask("shop.svc.example.", 16).answer ==
          Lines{"shop.svc.example. 300 IN TXT \"the shop\""});
    CHECK(server.ask("shop.svc.example.", type::mx).authority == negative);
    CHECK(server.ask("all.svc.example.", 16).authority == negative);
  }
  SECTION("ANY gets its addresses of one family") {
    CHECK(server.ask("shop.svc.example.", type::any).answer ==
          Lines{"shop.svc.example. 30 IN A 192.0.2.10"});
  }
  SECTION("each answer is counted for its pool and moves the service's sequence") {
    server.ask("shop.svc.example.");
    server.ask("shop.svc.example.");
    CHECK(server.answers() == std::vector<uint64_t>{5, 0, 0, 0, 0, 0, 0, 0, 0});
    CHECK(server.tally().next_pick(ServiceId(0), PoolId(0)) == 5);
  }
}

TEST_CASE("policy `all` answers every endpoint of every pool", "[respond_service]") {
  Served server = served();
  const PacketText answer = server.ask("all.svc.example.");
  CHECK(std::set<std::string>(answer.answer.begin(), answer.answer.end()) ==
        std::set<std::string>{"all.svc.example. 30 IN A 192.0.2.1",
                              "all.svc.example. 30 IN A 192.0.2.2",
                              "all.svc.example. 30 IN A 192.0.2.3"});
}

TEST_CASE("a target answers as a CNAME whatever is asked, and is followed inside our zones",
          "[respond_service]") {
  Served server = served();
  CHECK(
      server.ask("CDN.svc.example.").answer ==
      Lines{"CDN.svc.example. 30 IN CNAME lb.svc.example.", "lb.svc.example. 300 IN A 192.0.2.77"});
  CHECK(server.ask("cdn.svc.example.", type::mx).answer ==
        Lines{"cdn.svc.example. 30 IN CNAME lb.svc.example."});
  CHECK(server.ask("cdn.svc.example.", type::mx).authority == negative);
  CHECK(server.ask("cdn.svc.example.", type::cname).answer ==
        Lines{"cdn.svc.example. 30 IN CNAME lb.svc.example."});
  CHECK(server.ask("to-cdn.svc.example.").answer ==
        Lines{"to-cdn.svc.example. 300 IN CNAME cdn.svc.example.",
              "cdn.svc.example. 30 IN CNAME lb.svc.example.",
              "lb.svc.example. 300 IN A 192.0.2.77"});
  SECTION("a target elsewhere ends the answer") {
    server.set(3, Eligibility::down);
    CHECK(server.ask("cdn.svc.example.").answer ==
          Lines{"cdn.svc.example. 30 IN CNAME lb.ams.example.net."});
    CHECK(server.ask("cdn.svc.example.").rcode == 0);
  }
}

TEST_CASE("a static CNAME that points at a service gets the service's choice",
          "[respond_service]") {
  Served server = served();
  CHECK(server.ask("to-shop.svc.example.").answer ==
        Lines{"to-shop.svc.example. 300 IN CNAME shop.svc.example.",
              "shop.svc.example. 30 IN A 192.0.2.10"});
}

TEST_CASE("CLUSTER.on.SERVICE answers that pool whatever its health", "[respond_service]") {
  Served server = served();
  server.set_all(Eligibility::down);
  CHECK(server.ask("fra.on.shop.svc.example.").answer ==
        Lines{"fra.on.shop.svc.example. 30 IN A 192.0.2.10"});
  CHECK(server.ask("fra.on.shop.svc.example.", type::aaaa).answer ==
        Lines{"fra.on.shop.svc.example. 30 IN AAAA 2001:db8::10"});
  CHECK(server.ask("ams.on.shop.svc.example.").answer ==
        Lines{"ams.on.shop.svc.example. 30 IN A 198.51.100.20"});
  CHECK(server.ask("ams.on.shop.svc.example.", type::aaaa).authority == negative);
  CHECK(server.ask("fra.on.shop.svc.example.", 16).authority == negative);
  CHECK(server.ask("fra.on.cdn.svc.example.").answer ==
        Lines{"fra.on.cdn.svc.example. 30 IN CNAME lb.svc.example.",
              "lb.svc.example. 300 IN A 192.0.2.77"});
  CHECK(server.ask("ams.on.cdn.svc.example.").answer ==
        Lines{"ams.on.cdn.svc.example. 30 IN CNAME lb.ams.example.net."});
  SECTION("other types are the zone file's") {
    CHECK(server.ask("ams.on.shop.svc.example.", 16).answer ==
          Lines{"ams.on.shop.svc.example. 300 IN TXT \"the pool\""});
    CHECK(server.ask("ams.on.shop.svc.example.", type::any).answer ==
          Lines{"ams.on.shop.svc.example. 30 IN A 198.51.100.20"});
  }
  SECTION("`on.SERVICE` exists without data, its other children do not") {
    CHECK(server.ask("on.shop.svc.example.").rcode == 0);
    CHECK(server.ask("on.shop.svc.example.").authority == negative);
    CHECK(server.ask("muc.on.shop.svc.example.").rcode == rcode::name_error);
  }
}

TEST_CASE("with everything down, `when_all_down` decides", "[respond_service]") {
  Served server = served();
  server.set_all(Eligibility::down);
  CHECK(server.ask("shop.svc.example.").answer.size() == 1);
  const PacketText strict = server.ask("strict.svc.example.");
  CHECK(strict.rcode == rcode::server_failure);
  CHECK(strict.answer.empty());
  const PacketText nodata = server.ask("empty.svc.example.");
  CHECK(nodata.rcode == 0);
  CHECK(nodata.answer.empty());
  CHECK(nodata.authority == negative_of_service);
}

TEST_CASE("a service can be a wildcard", "[respond_service]") {
  Served server = served();
  CHECK(server.ask("one.apps.svc.example.").answer ==
        Lines{"one.apps.svc.example. 30 IN A 192.0.2.5"});
  CHECK(server.ask("apps.svc.example.").rcode == 0);
}

TEST_CASE("the client's locality orders the pools of policy `local`", "[respond_service]") {
  Model local = model();
  local.services[2].policy = Policy::local;
  local.services[2].answers = 1;
  Served server(std::move(local));
  server.set_all(Eligibility::eligible);
  server.set_client(*parse_ip_address("10.2.3.4"));
  for (int i = 0; i < 4; ++i)
    CHECK(server.ask("all.svc.example.").answer == Lines{"all.svc.example. 30 IN A 192.0.2.3"});
  server.set_client(*parse_ip_address("10.1.3.4"));
  for (int i = 0; i < 4; ++i)
    CHECK(server.ask("all.svc.example.").answer != Lines{"all.svc.example. 30 IN A 192.0.2.3"});
}

TEST_CASE("a sticky client network keeps its pool", "[respond_service]") {
  Model sticky = model();
  sticky.services[2].policy = Policy::active_active;
  sticky.services[2].answers = 1;
  sticky.services[2].sticky = Sticky::client;
  Served server(std::move(sticky));
  server.set_all(Eligibility::eligible);
  std::set<std::string> of_all;
  for (uint8_t network = 0; network < 64; ++network) {
    std::set<std::string> of_network;
    for (uint8_t host = 1; host < 9; ++host) {
      server.set_client(IpAddress::v4({10, 9, network, host}));
      server.set_now(host * 30U);  // once a TTL: more answers would be those of many caches
      of_network.insert(server.ask("all.svc.example.").answer.at(0));
    }
    CHECK(of_network.size() == 1);
    of_all.merge(of_network);
  }
  CHECK(of_all.size() >= 2);
}

TEST_CASE("a new snapshot shares the zones that did not change", "[snapshot]") {
  const auto shared_contents = model();
  const auto build = [](Model m, const Snapshot* previous) {
    number(m.services);
    return build_snapshot(std::make_shared<const Model>(std::move(m)), {.generation = 2}, previous);
  };
  const auto first = build(shared_contents, nullptr);
  const Zone* zone_before = first->zones.entries()[0].zone.get();

  SECTION("also when policy, weights or the services' numbers did") {
    Model next = shared_contents;
    next.services[0].policy = Policy::active_active;
    next.services.insert(next.services.begin(),
                         service_of("x.elsewhere.", {pool_of("fra", {"192.0.2.9"})}));
    const auto second = build(next, first.get());
    CHECK(second->zones.entries()[0].zone.get() == zone_before);
    CHECK(second->plans.size() == next.services.size());
    WorkerTally tally(*second, 0);
    std::vector<uint8_t> out(1232);
    out.resize(
        respond(query_packet({.name = "strict.svc.example."}), {}, *second, tally, out).size);
    CHECK(packet_text(out).answer == Lines{"strict.svc.example. 30 IN A 192.0.2.4"});
  }
  SECTION("not when an endpoint, a TTL, a name or the contents did") {
    Model next = shared_contents;
    next.services[3].pools[0] = pool_of("fra", {"192.0.2.44"});
    CHECK(build(next, first.get())->zones.entries()[0].zone.get() != zone_before);
    next = shared_contents;
    next.services[3].ttl = Ttl(31);
    CHECK(build(next, first.get())->zones.entries()[0].zone.get() != zone_before);
    next = shared_contents;
    next.services.pop_back();
    CHECK(build(next, first.get())->zones.entries()[0].zone.get() != zone_before);
    next = shared_contents;
    next.zones[0] = zone_source("svc.example.", zone);
    CHECK(build(next, first.get())->zones.entries()[0].zone.get() != zone_before);
  }
  CHECK(first->counts.endpoints == first->eligibility->size());
  CHECK(first->eligibility->get(EndpointId(0)) == Eligibility::unknown);
}

}  // namespace swingover::tests
