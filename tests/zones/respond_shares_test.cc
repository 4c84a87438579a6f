// Steered services through the whole hot path: whose row it is, what is counted, what stays.
#include <catch2/catch.hpp>

#include <cmath>
#include <map>
#include <set>

#include "tests/support/served.h"
#include "zones/protocol.h"
#include "zones/resolve.h"
#include "zones/worker_tally.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Shares = std::vector<uint16_t>;
using Sums = std::vector<uint32_t>;

constexpr ServiceId shop{0};

/// `shop` is steered, of pools fra and ams; `plain` is the same without capacities.
Model model(Policy policy = Policy::failover, Sticky sticky = Sticky::none) {
  Model out;
  out.topology = two_clusters();
  out.zones = {zone_source(
      "svc.example.", "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\n@ 60 IN MX 1 shop.svc.example.\n")};
  std::vector<Pool> pools{pool_of("fra", {"192.0.2.10"}), pool_of("ams", {"192.0.2.20"}, 2)};
  out.services = {service_of("shop.svc.example.", pools), service_of("plain.svc.example.", pools)};
  for (Pool& pool : out.services[0].pools) pool.capacity = 100;
  for (Service& service : out.services) {
    service.policy = policy;
    service.sticky = sticky;
  }
  return out;
}

Sums row_answers(Served& server, size_t row) {
  Sums sums(2);
  server.tally().add_answers(server.snapshot().plans[0], row, sums);
  return sums;
}

IpAddress in_fra(uint8_t host = 1) {
  return IpAddress::v4({10, 1, 0, host});
}
IpAddress in_ams(uint8_t host = 1) {
  return IpAddress::v4({10, 2, 0, host});
}

}  // namespace

TEST_CASE("the first clients of many services do not all get a pool of a hundredth",
          "[respond_shares]") {
  constexpr uint32_t services = 400;
  Model many = model();
  const Service first = many.services[0];
  many.services.clear();
  for (uint32_t i = 0; i < services; ++i) {
    many.services.push_back(first);
    many.services.back().name = *parse_name("s" + std::to_string(i) + ".svc.example.");
  }
  Served server(std::move(many));
  server.set_all(Eligibility::eligible);
  for (uint32_t i = 0; i < services; ++i) {
    for (const size_t row : {1U, 2U})
      server.snapshot().shares->set(ServiceId(i), row, Shares{100, 9'900});
    for (const IpAddress& client : {in_fra(), in_ams()}) {
      server.set_client(client);
      server.ask("s" + std::to_string(i) + ".svc.example.");
    }
  }
  uint64_t rare = 0;
  const std::vector<uint64_t> answers = server.answers();
  for (size_t i = 0; i < answers.size(); i += 2) rare += answers[i];
  CHECK(rare < services * 2 * 3 / 100);
}

TEST_CASE("sticky clients stay sticky, whoever names their network", "[respond_shares]") {
  Served server(model(Policy::active_active, Sticky::client));
  server.set_all(Eligibility::eligible);
  server.set_now(1'000);
  const auto pool_of_fra = [&] {
    server.set_client(in_fra());
    return server.ask("plain.svc.example.").answer;
  };
  const auto before = pool_of_fra();
  // A stranger asks for that network again and again.
  server.set_client(IpAddress::v4({203, 0, 113, 9}));
  for (int i = 0; i < 50; ++i) {
    server.ask(
        QueryText{.name = "plain.svc.example.", .options = {0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 0}});
  }
  CHECK(pool_of_fra() == before);
  CHECK_FALSE(server.tally().many_caches().is_many(
      ServiceId(1), client_key(in_fra(), server.snapshot().pick_secret), 1'000));
}

TEST_CASE("clients of each locality get the shares of its row, whatever the policy",
          "[respond_shares]") {
  const Policy policy = GENERATE(Policy::failover, Policy::active_active, Policy::local);
  Served server(model(policy));
  server.set_all(Eligibility::eligible);
  ShareRows& rows = *server.snapshot().shares;
  rows.set(shop, 0, Shares{5'000, 5'000});
  rows.set(shop, 1, Shares{9'000, 1'000});
  rows.set(shop, 2, Shares{0, 10'000});
  const std::vector<IpAddress> clients{IpAddress::v4({198, 51, 100, 1}), in_fra(), in_ams()};
  // Mixed, so that each row has a sequence of its own or goes wrong.
  for (int i = 0; i < 200; ++i) {
    for (const IpAddress& client : clients) {
      server.set_client(client);
      REQUIRE(server.ask("shop.svc.example.").answer.size() == 1);
    }
  }
  const auto near = [](uint32_t is, double wanted) { return std::abs(is - wanted) <= 2; };
  CHECK(near(row_answers(server, 0)[0], 100));
  CHECK(near(row_answers(server, 1)[1], 20));
  CHECK(row_answers(server, 2) == Sums{0, 200});
  for (size_t row = 0; row < 3; ++row)
    CHECK(row_answers(server, row)[0] + row_answers(server, row)[1] == 200);
  const auto all = server.answers();
  CHECK(all[0] == row_answers(server, 0)[0] + row_answers(server, 1)[0]);
  CHECK(all[0] + all[1] == 600);

  SECTION("and other shares from the next answer on") {
    rows.set(shop, 2, Shares{10'000, 0});
    server.set_client(in_ams());
    CHECK(server.ask("shop.svc.example.").answer.at(0).ends_with("192.0.2.10"));
  }
  SECTION("and none when what has them is down: then the tiers decide") {
    server.set(1, Eligibility::down);
    server.set_client(in_ams());
    CHECK(server.ask("shop.svc.example.").answer.at(0).ends_with("192.0.2.10"));
  }
}

TEST_CASE("additional addresses are of the client's shares, and count as no answers",
          "[respond_shares]") {
  Served server(model());
  server.set_all(Eligibility::eligible);
  server.snapshot().shares->set(shop, 1, Shares{0, 10'000});
  server.set_client(in_fra());
  const auto additional = server.ask("svc.example.", type::mx).additional;
  REQUIRE(!additional.empty());
  CHECK(additional.at(0).ends_with("192.0.2.20"));
  CHECK(row_answers(server, 1) == Sums{0, 0});
}

TEST_CASE("the scope of an answer by shares is the locality's prefix", "[respond_shares]") {
  Served server(model());
  server.set_all(Eligibility::eligible);
  const auto scope = [&](std::string_view name) {
    const auto packet =
        server.raw(query_packet({.name = name, .options = {0, 8, 0, 7, 0, 1, 24, 0, 10, 1, 7}}));
    return packet.at(packet.size() - 4);
  };
  CHECK(scope("shop.svc.example.") == 16);
  CHECK(scope("plain.svc.example.") == 0);
}

TEST_CASE("a sticky network keeps its pool of the shares, a large resolver gets all of them",
          "[respond_shares]") {
  const bool is_steered = GENERATE(true, false);
  Model sticky = model(Policy::active_active, Sticky::client);
  const std::string name = is_steered ? "shop.svc.example." : "plain.svc.example.";
  Served server(std::move(sticky));
  server.set_all(Eligibility::eligible);
  server.snapshot().shares->set(shop, 1, Shares{5'000, 5'000});
  const auto answer = [&] { return server.ask(name).answer.at(0); };

  std::set<std::string> of_all;
  for (uint8_t network = 0; network < 32; ++network) {
    server.set_client(IpAddress::v4({10, 1, network, 1}));
    std::set<std::string> of_network;
    for (uint32_t now = 0; now < 600; now += 30) {
      server.set_now(now);
      for (int i = 0; i < 4; ++i) of_network.insert(answer());
    }
    CHECK(of_network.size() == 1);
    of_all.merge(of_network);
  }
  CHECK(of_all.size() == 2);

  server.set_client(IpAddress::v4({10, 1, 200, 1}));
  std::map<std::string, int> of_large;
  for (uint32_t now = 600; now < 900; now += 30) {
    server.set_now(now);
    for (int i = 0; i < 100; ++i) ++of_large[answer()];
  }
  REQUIRE(of_large.size() == 2);
  // All but the first four follow the shares.
  for (const auto& [text, times] : of_large) CHECK(std::abs(times - 500) <= 6);
}

}  // namespace swingover::tests
