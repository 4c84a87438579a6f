#include <catch2/catch.hpp>

#include "tests/support/served.h"
#include "zones/explain.h"
#include "zones/protocol.h"
#include "zones/respond.h"

namespace swingover::tests {
namespace {

using namespace zones;

constexpr uint32_t now = 1'800'000'000;

const std::string_view zone = R"(
  @ 300 IN SOA ns1 h.example. 1 2 3 4 60
  @ 300 IN NS ns1
  ns1 300 IN A 192.0.2.53
  mail 300 IN MX 10 shop
  bind 300 IN HTTPS 1 shop
  to-shop 300 IN CNAME shop
  lb 300 IN A 192.0.2.77
)";

Served served() {
  Model model;
  model.topology = two_clusters();
  model.zones = {zone_source("svc.example.", zone)};
  model.services = {
      service_of("shop.svc.example.", {pool_of("fra", {"192.0.2.10", "192.0.2.11", "2001:db8::10"}),
                                       pool_of("ams", {"198.51.100.20"}, 2)}),
      service_of("cdn.svc.example.", {pool_of("fra", {"lb.svc.example."})}),
      service_of("empty.svc.example.", {pool_of("fra", {"192.0.2.6"})})};
  model.services[0].ttl_min = Ttl(3);
  model.services[0].answers = 0;
  model.services[2].when_all_down = WhenAllDown::nodata;
  Served out(std::move(model));
  out.set_all(Eligibility::eligible);
  out.set_now(now);
  return out;
}

constexpr ServiceId shop(0);
constexpr ServiceId cdn(1);
constexpr ServiceId empty(2);

uint32_t ttl_of(Served& server, uint32_t changes_at, uint32_t at = now) {
  server.snapshot().changes->set(shop, changes_at);
  server.set_now(at);
  const PacketText text = server.ask("shop.svc.example.");
  REQUIRE(text.answer.size() == 2);
  const auto ttl = [](const std::string& line) {
    return static_cast<uint32_t>(std::stoul(line.substr(line.find(' ') + 1)));
  };
  // RFC 2181 section 5.2: all records of one set have one TTL.
  CHECK(ttl(text.answer[0]) == ttl(text.answer[1]));
  return ttl(text.answer[0]);
}

}  // namespace

TEST_CASE("an answer is kept for no longer than until the next change, within ttl_min and ttl",
          "[respond_ttl]") {
  Served server = served();
  CHECK(ttl_of(server, ChangeTimes::unknown) == 30);
  CHECK(ttl_of(server, now + 3'600) == 30);
  CHECK(ttl_of(server, now + 30) == 30);
  CHECK(ttl_of(server, now + 29) == 29);
  CHECK(ttl_of(server, now + 4) == 4);
  CHECK(ttl_of(server, now + 1) == 3);
  CHECK(ttl_of(server, now) == 3);
  SECTION("also where it is late") {
    CHECK(ttl_of(server, now - 100) == 3);
  }
  SECTION("and counts down by itself") {
    CHECK(ttl_of(server, now + 12) == 12);
    CHECK(ttl_of(server, now + 12, now + 5) == 7);
    CHECK(ttl_of(server, now + 12, now + 11) == 3);
  }
  SECTION("over the end of 32 bits of time as well") {
    CHECK(ttl_of(server, 5, UINT32_MAX - 4) == 10);
    CHECK(ttl_of(server, UINT32_MAX - 4, 5) == 3);
  }
}

TEST_CASE("without ttl_min an answer counts down to 5 s, or to a ttl that is less",
          "[respond_ttl]") {
  Service service;
  CHECK(service.least_ttl() == Ttl(5));
  service.ttl = Ttl(2);
  CHECK(service.least_ttl() == Ttl(2));
  service.ttl_min = Ttl(0);
  CHECK(service.least_ttl() == Ttl(0));
}

TEST_CASE("a target, and addresses in additional sections, count down too", "[respond_ttl]") {
  Served server = served();
  server.snapshot().changes->set(cdn, now + 7);
  CHECK(
      server.ask("cdn.svc.example.").answer ==
      Lines{"cdn.svc.example. 7 IN CNAME lb.svc.example.", "lb.svc.example. 300 IN A 192.0.2.77"});
  CHECK(server.ask("fra.on.cdn.svc.example.").answer[0] ==
        "fra.on.cdn.svc.example. 30 IN CNAME lb.svc.example.");

  server.snapshot().changes->set(shop, now + 9);
  for (const auto& [name, type] :
       {std::pair("mail.svc.example.", type::mx), std::pair("bind.svc.example.", type::https)}) {
    const PacketText text = server.ask(name, type);
    REQUIRE(text.additional.size() == 3);
    for (const std::string& line : text.additional) CHECK(line.starts_with("shop.svc.example. 9 "));
  }
  // A chain: each set as it is.
  const Lines chain = server.ask("to-shop.svc.example.").answer;
  REQUIRE(chain.size() == 3);
  CHECK(chain[0] == "to-shop.svc.example. 300 IN CNAME shop.svc.example.");
  CHECK(chain[1].starts_with("shop.svc.example. 9 IN A "));
}

TEST_CASE("a denial that a service may take back is kept no longer than its answers",
          "[respond_ttl]") {
  Served server = served();
  const auto soa = [](int ttl) {
    return Lines{"svc.example. " + std::to_string(ttl) +
                 " IN SOA ns1.svc.example. h.example. 1 2 3 4 60"};
  };
  server.set(4, Eligibility::down);
  server.set(5, Eligibility::down);
  CHECK(server.ask("empty.svc.example.").authority == soa(30));
  server.snapshot().changes->set(empty, now + 8);
  CHECK(server.ask("empty.svc.example.").authority == soa(8));
  SECTION("one that no endpoint could answer is the zone's") {
    CHECK(server.ask("empty.svc.example.", type::aaaa).authority == soa(60));
    CHECK(server.ask("empty.svc.example.", 16).authority == soa(60));
    CHECK(server.ask("no.svc.example.").authority == soa(60));
  }
  SECTION("one for the family that the chosen pool lacks is the service's") {
    for (const uint32_t endpoint : {0U, 1U, 2U}) server.set(endpoint, Eligibility::down);
    CHECK(server.ask("shop.svc.example.", type::aaaa).authority == soa(30));
  }
}

TEST_CASE("an explanation says the TTL, its bound, and what speaks of a change", "[respond_ttl]") {
  Served server = served();
  const auto step = [&](uint32_t changes_at, std::string why) {
    server.snapshot().changes->set(shop, changes_at);
    const Explanation told = explain(
        server.snapshot(), *parse_name("shop.svc.example."), 1, IpAddress::v4({10, 1, 0, 1}),
        {.now = now, .endpoint = nullptr, .change = [&](ServiceId) { return why; }});
    for (const auto& s : told.steps) {
      if (s.step == "ttl") return s.result + ", " + s.reason;
    }
    return std::string("no such step");
  };
  CHECK(step(0, "") == "30 s, ttl: nothing speaks of a change");
  CHECK(step(now + 600, "a drain ends") == "30 s, ttl: a drain ends");
  CHECK(step(now + 12, "a hold ends") == "12 s, counts down: a hold ends");
  CHECK(step(now + 1, "it may go down") == "3 s, ttl_min: it may go down");
}

}  // namespace swingover::tests
