// How `choose` picks by shares, and whom a change of them moves.
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <set>

#include "base/random.h"
#include "policy_fixture.h"
#include "zones/policy.h"

namespace swingover::zones {
namespace {

using tests::PlannedService;
using tests::PoolText;
using tests::Shape;
using E = Eligibility;
using Shares = std::vector<uint16_t>;

/// Pools fra, ams, lon and waw of one endpoint each, 192.0.2.1 to .4, each with a capacity.
PlannedService steered(Shape shape = {}) {
  return {shape,
          {{.cluster = "fra", .endpoints = {"192.0.2.1"}, .priority = 1, .capacity = 100},
           {.cluster = "ams", .endpoints = {"192.0.2.2"}, .priority = 2, .capacity = 100},
           {.cluster = "lon", .endpoints = {"192.0.2.3"}, .priority = 3, .capacity = 100},
           {.cluster = "waw", .endpoints = {"192.0.2.4"}, .priority = 4, .capacity = 100}}};
}

size_t pool_of(PlannedService& shop, const tests::Asked& asked) {
  const Choice choice = shop.ask(asked);
  REQUIRE(choice.outcome == ChoiceOutcome::endpoints);
  return choice.pool.value;
}

TEST_CASE("the answers of a steered service follow its shares from the first few on",
          "[policy_shares]") {
  auto shop = steered({.policy = GENERATE(Policy::failover, Policy::active_active, Policy::local)});
  REQUIRE(shop.plan().is_plain_steered());
  const Shares shares = GENERATE(Shares{6'364, 3'636, 0, 0}, Shares{5'000, 3'000, 2'000, 0},
                                 Shares{9'500, 500, 0, 0}, Shares{2'500, 2'500, 2'500, 2'500},
                                 Shares{0, 0, 3'333, 6'667}, Shares{7'000, 100, 1'900, 1'000});
  for (uint32_t start = 0; start < 3'000; start += 41) {
    std::array<double, 4> seen{};
    for (uint32_t n = 1; n <= 200; ++n) {
      ++seen[pool_of(shop, {.sequence = start + n, .shares = shares})];
      // Chance alone would be 7 off, and farther with each answer.
      for (size_t i = 0; i < 4; ++i) REQUIRE(std::abs(seen[i] - n * shares[i] / 1e4) < 2.8);
    }
  }
}

TEST_CASE("a pool without a share is answered only when none with one is eligible",
          "[policy_shares]") {
  const Sticky sticky = GENERATE(Sticky::none, Sticky::client);
  auto shop = steered({.sticky = sticky});
  const Shares shares{0, 4'000, 6'000, 0};
  const auto answers = [&] {
    std::set<std::string> out;
    for (uint32_t i = 0; i < 100; ++i)
      out.insert(shop.answer({.sequence = i, .client = i * 0x9e3779b97f4a7c15U, .shares = shares}));
    return out;
  };
  using Answers = std::set<std::string>;
  CHECK(answers() == Answers{"192.0.2.2", "192.0.2.3"});
  shop.set("192.0.2.2", E::down);
  CHECK(answers() == Answers{"192.0.2.3"});
  shop.set("192.0.2.3", E::unknown);  // and so worth less than what is known to be up
  CHECK(answers() == Answers{"192.0.2.1"});
  shop.set("192.0.2.1", E::excluded);
  CHECK(answers() == Answers{"192.0.2.4"});
  shop.set("192.0.2.4", E::down);
  CHECK(answers() == Answers{"192.0.2.3"});
  shop.set("192.0.2.3", E::down);
  CHECK(shop.ask({.shares = shares}).all_down);
  CHECK(answers() == Answers{"192.0.2.2"});  // the first that `when_all_down` finds
}

TEST_CASE("without shares a steered service is answered by its tiers, as any other is",
          "[policy_shares]") {
  for (const Sticky sticky : {Sticky::none, Sticky::client}) {
    const std::vector<PoolText> pools{
        {.cluster = "fra", .endpoints = {"192.0.2.1"}, .weight = 3},
        {.cluster = "ams", .endpoints = {"192.0.2.2", "192.0.2.5"}, .weight = 1},
        {.cluster = "lon", .endpoints = {"192.0.2.3"}, .priority = 2}};
    std::vector<PoolText> sized = pools;
    for (PoolText& pool : sized) pool.capacity = 10;
    PlannedService plain({.sticky = sticky}, pools);
    PlannedService shop({.sticky = sticky}, sized);
    REQUIRE(shop.plan().is_steered());
    REQUIRE_FALSE(plain.plan().is_steered());
    Random random(8);
    for (uint32_t i = 0; i < 3'000; ++i) {
      for (size_t pool = 0; pool < pools.size(); ++pool) {
        const auto health = static_cast<E>(random.below(4));
        plain.set_pool(pool, health);
        shop.set_pool(pool, health);
      }
      const uint64_t client = random.next();
      REQUIRE(shop.answer({.sequence = i, .client = client}) ==
              plain.answer({.sequence = i, .client = client}));
    }
  }
}

TEST_CASE("sticky clients follow the shares of their row, each always to the same pool",
          "[policy_shares]") {
  auto shop = steered({.sticky = Sticky::client});
  Random random(4);
  std::array<int, 4> seen{};
  for (uint32_t i = 0; i < 20'000; ++i) {
    const uint64_t client = random.next();
    const tests::Asked asked{.sequence = i, .client = client, .shares = {7'000, 2'000, 1'000, 0}};
    const size_t pool = pool_of(shop, asked);
    ++seen[pool];
    tests::Asked later = asked;
    later.sequence += 5;
    REQUIRE(pool_of(shop, later) == pool);
  }
  CHECK(std::abs(seen[0] - 14'000) < 300);
  CHECK(std::abs(seen[1] - 4'000) < 260);
  CHECK(std::abs(seen[2] - 2'000) < 200);
  CHECK(seen[3] == 0);
}

TEST_CASE("a shift of a tenth between two of four pools moves a seventh of the sticky clients",
          "[policy_shares]") {
  auto shop = steered({.sticky = Sticky::client});
  Random random(6);
  int moved = 0;
  int moved_elsewhere = 0;
  constexpr int clients = 40'000;
  for (int i = 0; i < clients; ++i) {
    const uint64_t client = random.next();
    const size_t before = pool_of(shop, {.client = client, .shares = {4'000, 3'000, 2'000, 1'000}});
    const size_t after = pool_of(shop, {.client = client, .shares = {3'000, 4'000, 2'000, 1'000}});
    if (before == after) continue;
    ++moved;
    // Whose pool lost nothing may be drawn to the one that gained; nobody else has a reason to move.
    if (before != 0 && after != 1) ++moved_elsewhere;
  }
  CHECK(moved > clients / 10);
  CHECK(moved < clients * 15 / 100);
  CHECK(moved_elsewhere == 0);
}

TEST_CASE("a pool that goes down moves only its own sticky clients, by the others' shares",
          "[policy_shares]") {
  auto shop = steered({.sticky = Sticky::client});
  auto swung = steered({.sticky = Sticky::client});
  swung.set("192.0.2.1", E::down);
  const Shares shares{5'000, 3'000, 2'000, 0};
  Random random(7);
  std::array<int, 4> to{};
  for (int i = 0; i < 20'000; ++i) {
    const uint64_t client = random.next();
    const size_t before = pool_of(shop, {.client = client, .shares = shares});
    const size_t after = pool_of(swung, {.client = client, .shares = shares});
    if (before == 0) {
      ++to[after];
    } else {
      REQUIRE(after == before);
    }
  }
  const int moved = std::accumulate(to.begin(), to.end(), 0);
  CHECK(std::abs(moved - 10'000) < 300);
  CHECK(to[0] == 0);
  CHECK(std::abs(to[1] - moved * 3 / 5) < 250);
  CHECK(to[3] == 0);
}

TEST_CASE("a client that is many caches is not sticky, and follows the shares", "[policy_shares]") {
  auto shop = steered({.sticky = Sticky::client});
  const Shares shares{6'000, 4'000, 0, 0};
  std::array<double, 4> seen{};
  for (uint32_t n = 1; n <= 300; ++n) {
    ++seen[pool_of(shop, {.sequence = n, .client = 99, .is_many_caches = true, .shares = shares})];
    REQUIRE(std::abs(seen[0] - n * 0.6) < 2.2);
  }
  CHECK(seen[0] + seen[1] == 300);
}

TEST_CASE("random shares are answered by eligible pools alone, in their proportions",
          "[policy_shares]") {
  Random random(20'261'122);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    // More pools than the plain way takes, now and then.
    const size_t count = 1 + random.below(round % 10 == 0 ? 40 : 8);
    std::vector<PoolText> pools;
    Shares shares;
    for (size_t i = 0; i < count; ++i) {
      pools.push_back({.cluster = "c" + std::to_string(i),
                       .endpoints = {"192.0.2." + std::to_string(i + 1)},
                       .priority = static_cast<uint32_t>(random.below(3)),
                       .weight = static_cast<uint32_t>(random.below(3)),
                       .capacity = 1});
      shares.push_back(static_cast<uint16_t>(random.below(2) * random.below(5'000)));
    }
    PlannedService shop({.policy = random.below(2) == 0 ? Policy::failover : Policy::active_active,
                         .sticky = static_cast<Sticky>(random.below(2))},
                        pools);
    double total = 0;
    for (size_t i = 0; i < count; ++i) {
      const auto health = static_cast<E>(random.below(4));
      shop.set_pool(i, health);
      if (health != E::eligible) continue;
      total += shares[i];
    }
    if (total == 0) continue;
    std::vector<double> seen(count);
    constexpr uint32_t picks = 2'000;
    for (uint32_t i = 0; i < picks; ++i) {
      const Choice choice = shop.ask({.sequence = i, .client = random.next(), .shares = shares});
      REQUIRE(choice.best == E::eligible);
      seen[choice.pool.value] += 1.0 / picks;
    }
    const double allowed = shop.plan().sticky() == Sticky::client ? 0.06 : 0.01;
    for (size_t i = 0; i < count; ++i) {
      const bool takes_part =
          shop.eligibility->get(EndpointId(static_cast<uint32_t>(i))) == E::eligible;
      CHECK(std::abs(seen[i] - (takes_part ? shares[i] / total : 0)) < allowed);
      if (!takes_part || shares[i] == 0) CHECK(seen[i] == 0);
    }
  }
}

}  // namespace
}  // namespace swingover::zones
