// How often `choose` picks what, and whom a change moves.
#include <atomic>
#include <catch2/catch.hpp>
#include <cmath>
#include <thread>

#include "base/random.h"
#include "policy_fixture.h"
#include "zones/policy.h"

namespace swingover::zones {
namespace {

using tests::PlannedService;
using tests::PoolText;
using tests::Shape;
using E = Eligibility;

PlannedService shares_721(Sticky sticky) {
  return {{.policy = Policy::active_active, .sticky = sticky},
          {{.cluster = "fra", .endpoints = {"192.0.2.1"}, .weight = 7},
           {.cluster = "ams", .endpoints = {"192.0.2.2"}, .weight = 2},
           {.cluster = "lon", .endpoints = {"192.0.2.3"}, .weight = 1}}};
}

TEST_CASE("any 100 picks in a row follow shares 7:2:1 within 2", "[policy]") {
  auto shop = shares_721(Sticky::none);
  for (uint32_t start = 0; start < 5000; start += 37) {
    std::map<std::string, int> seen;
    for (uint32_t i = 0; i < 100; ++i) ++seen[shop.answer({.sequence = start + i})];
    REQUIRE(std::abs(seen["192.0.2.1"] - 70) <= 2);
    REQUIRE(std::abs(seen["192.0.2.2"] - 20) <= 2);
    REQUIRE(std::abs(seen["192.0.2.3"] - 10) <= 2);
  }
}

TEST_CASE("a resolver that asks A and AAAA in turn sees the same shares in each", "[policy]") {
  auto shop = shares_721(Sticky::none);
  for (const uint32_t parity : {0U, 1U}) {
    std::map<std::string, int> seen;
    for (uint32_t i = 0; i < 1000; ++i) ++seen[shop.answer({.sequence = 2 * i + parity})];
    CHECK(std::abs(seen["192.0.2.1"] - 700) <= 5);
    CHECK(std::abs(seen["192.0.2.3"] - 100) <= 5);
  }
}

TEST_CASE("which endpoint of a pool is picked is independent of which pool was", "[policy]") {
  PlannedService shop({.policy = Policy::active_active},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1", "192.0.2.2"}, .weight = 1},
                       {.cluster = "ams", .endpoints = {"192.0.2.3", "192.0.2.4"}, .weight = 1}});
  for (const Sticky sticky : {Sticky::none, Sticky::client}) {
    shop.set_sticky(sticky);
    Random random(3);
    std::map<std::string, int> seen;
    for (uint32_t i = 0; i < 4000; ++i) {
      ++seen[shop.answer({.sequence = 2 * i, .client = random.next()})];
    }
    for (const auto& [endpoint, times] : seen) {
      CAPTURE(endpoint);
      CHECK(std::abs(times - 1000) < (sticky == Sticky::none ? 20 : 120));
    }
  }
}

TEST_CASE("endpoints of a pool come first equally often, also when some are out", "[policy]") {
  PlannedService shop(
      {.answers = 2},
      {{.cluster = "fra", .endpoints = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"}}});
  shop.set("192.0.2.2", E::down);
  std::map<uint32_t, int> first;
  std::map<uint32_t, int> any;
  for (uint32_t i = 0; i < 300; ++i) {
    REQUIRE(shop.ask({.sequence = i}).count == 2);
    ++first[shop.out[0]];
    ++any[shop.out[0]];
    ++any[shop.out[1]];
  }
  for (const uint32_t place : {0U, 2U, 3U}) {
    CHECK(std::abs(first[place] - 100) <= 4);
    CHECK(std::abs(any[place] - 200) <= 6);
  }
}

TEST_CASE("sticky clients follow the shares, each always to the same pool", "[policy]") {
  auto shop = shares_721(Sticky::client);
  Random random(4);
  std::map<std::string, int> seen;
  for (uint32_t i = 0; i < 20000; ++i) {
    const uint64_t client = random.next();
    const std::string first = shop.answer({.sequence = i, .client = client});
    REQUIRE(first == shop.answer({.sequence = i + 5, .client = client}));
    ++seen[first];
  }
  CHECK(std::abs(seen["192.0.2.1"] - 14000) < 300);
  CHECK(std::abs(seen["192.0.2.2"] - 4000) < 260);
  CHECK(std::abs(seen["192.0.2.3"] - 2000) < 200);
}

TEST_CASE("a swing moves only the sticky clients of what went down, and back", "[policy]") {
  auto shop = shares_721(Sticky::client);
  auto swung = shares_721(Sticky::client);
  swung.set("192.0.2.2", E::down);
  Random random(5);
  int moved = 0;
  for (int i = 0; i < 5000; ++i) {
    const uint64_t client = random.next();
    const std::string before = shop.answer({.client = client});
    const std::string after = swung.answer({.client = client});
    if (before == "192.0.2.2") {
      REQUIRE(after != before);
      ++moved;
    } else {
      REQUIRE(after == before);
    }
  }
  CHECK(std::abs(moved - 1000) < 120);
}

TEST_CASE("a shift of a tenth moves hardly more sticky clients than it must", "[policy]") {
  // 50:30:20 to 40:40:20; cumulative intervals would move 20 % and more, the least possible is 10 %.
  const auto with = [](uint32_t fra, uint32_t ams) {
    return PlannedService({.policy = Policy::active_active, .sticky = Sticky::client},
                          {{.cluster = "fra", .endpoints = {"192.0.2.1"}, .weight = fra},
                           {.cluster = "ams", .endpoints = {"192.0.2.2"}, .weight = ams},
                           {.cluster = "lon", .endpoints = {"192.0.2.3"}, .weight = 20}});
  };
  auto before = with(50, 30);
  auto after = with(40, 40);
  Random random(6);
  int moved = 0;
  constexpr int clients = 20000;
  for (int i = 0; i < clients; ++i) {
    const uint64_t client = random.next();
    moved += before.answer({.client = client}) != after.answer({.client = client});
  }
  CHECK(moved > clients * 10 / 100 - 200);
  CHECK(moved < clients * 15 / 100);
}

TEST_CASE("an endpoint that goes leaves the other picks of sticky clients as they were",
          "[policy]") {
  const std::vector<PoolText> pools{
      {.cluster = "fra",
       .endpoints = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.5"}}};
  PlannedService shop({.answers = 2, .sticky = Sticky::client}, pools);
  PlannedService swung({.answers = 2, .sticky = Sticky::client}, pools);
  swung.set("192.0.2.3", E::down);
  Random random(7);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t client = random.next();
    const std::string before = shop.answer({.client = client});
    const std::string after = swung.answer({.client = client});
    if (before.find("192.0.2.3") == std::string::npos) {
      REQUIRE(after == before);
    } else {
      const std::string kept =
          before.starts_with("192.0.2.3") ? before.substr(10) : before.substr(0, 9);
      REQUIRE(after.starts_with(kept));
    }
  }
}

/// The best class that a test may expect, straight from the words of policy.h: no order of its own.
struct Expected {
  bool any = false;
  bool last_resort = false;
  E eligibility = E::excluded;
};

Expected expected_of(const PlannedService& shop) {
  Expected best;
  const auto rank = [](const Expected& e) {
    const bool healthy = e.eligibility >= E::unknown;
    return std::tuple(e.any, healthy, healthy ? !e.last_resort : false, e.eligibility,
                      !e.last_resort);
  };
  for (const Pool& pool : shop.service.pools) {
    for (const Endpoint& endpoint : pool.endpoints) {
      const Expected here{true, pool.last_resort, shop.eligibility->get(endpoint.id)};
      if (rank(here) > rank(best)) best = here;
    }
  }
  return best;
}

PlannedService random_service(Random& random) {
  const Shape shape{.policy = static_cast<Policy>(random.below(4)),
                    .answers = static_cast<uint32_t>(random.below(4)),
                    .sticky = static_cast<Sticky>(random.below(2))};
  Topology topology;
  topology.localities = {{"a", "eu", {}}, {"b", "eu", {}}, {"c", "", {}}};
  topology.clusters.resize(6);
  for (auto& cluster : topology.clusters) {
    cluster.localities = {LocalityId(static_cast<uint32_t>(random.below(3)))};
  }
  std::vector<PoolText> pools(1 + random.below(5));
  uint64_t address = 0;
  for (size_t i = 0; i < pools.size(); ++i) {
    pools[i].cluster = "c" + std::to_string(i);
    pools[i].priority = static_cast<uint32_t>(random.below(3));
    pools[i].weight = static_cast<uint32_t>(random.below(3) * 50);
    pools[i].last_resort = random.below(4) == 0;
    for (uint64_t e = 1 + random.below(4); e > 0; --e) {
      pools[i].endpoints.push_back((random.below(4) == 0 ? "2001:db8::" : "192.0.2.") +
                                   std::to_string(++address));
    }
  }
  PlannedService made(shape, pools, std::move(topology));
  for (size_t i = 0; i < made.eligibility->size(); ++i) {
    made.eligibility->set(EndpointId(static_cast<uint32_t>(i)), static_cast<E>(random.below(4)));
  }
  return made;
}

TEST_CASE("random services answer only the best class, from the nearest tier that has it",
          "[policy]") {
  Random random(8);
  for (int round = 0; round < 4000; ++round) {
    PlannedService shop = random_service(random);
    const Expected best = expected_of(shop);
    const auto locality =
        random.below(4) == 3 ? no_locality : LocalityId(static_cast<uint32_t>(random.below(3)));
    const auto choice = shop.ask({.sequence = static_cast<uint32_t>(random.next()),
                                  .client = random.next(),
                                  .family = AddressFamily::any,
                                  .locality = locality});
    REQUIRE(choice.outcome == ChoiceOutcome::endpoints);
    REQUIRE(choice.all_down == (best.eligibility < E::unknown));
    REQUIRE(choice.best == best.eligibility);
    REQUIRE(choice.count > 0);
    if (shop.service.answers > 0) REQUIRE(choice.count <= shop.service.answers);
    for (uint32_t i = 0; i < choice.count; ++i) {
      const Endpoint& endpoint = shop.endpoint_at(shop.out[i]);
      REQUIRE(shop.eligibility->get(endpoint.id) == best.eligibility);
      REQUIRE(std::count(shop.out.begin(), shop.out.begin() + choice.count, shop.out[i]) == 1);
    }
    // No other pool of the same class would have come first by the policy's own order.
    const Pool& chosen = shop.service.pools[choice.pool.value];
    REQUIRE(chosen.last_resort == best.last_resort);
    for (const Pool& other : shop.service.pools) {
      const bool rivals =
          other.last_resort == best.last_resort &&
          std::any_of(other.endpoints.begin(), other.endpoints.end(), [&](const Endpoint& e) {
            return shop.eligibility->get(e.id) == best.eligibility;
          });
      if (!rivals) continue;
      const auto near = [&](const Pool& pool) {
        return shop.topology.nearness(locality, pool.cluster);
      };
      if (shop.service.policy == Policy::failover) REQUIRE(chosen.priority <= other.priority);
      if (shop.service.policy == Policy::local) {
        REQUIRE(std::pair(near(chosen), chosen.priority) <= std::pair(near(other), other.priority));
      }
      const bool peers =
          shop.service.policy == Policy::active_active || shop.service.policy == Policy::all;
      if (peers && chosen.weight.value == 0) REQUIRE(other.weight.value == 0);
    }
  }
}

TEST_CASE("verdicts that flip while it chooses never make it answer nothing", "[policy]") {
  PlannedService shop({.policy = Policy::failover},
                      {{.cluster = "fra", .endpoints = {"192.0.2.1"}, .priority = 1},
                       {.cluster = "ams", .endpoints = {"192.0.2.2"}, .priority = 2}});
  std::atomic<bool> done{false};
  std::thread control([&] {
    while (!done.load()) {
      shop.set("192.0.2.1", E::down);
      shop.set("192.0.2.1", E::eligible);
    }
  });
  int empty = 0;
  for (const Sticky sticky : {Sticky::none, Sticky::client}) {
    const Service service = [&] {
      Service changed = shop.service;
      changed.sticky = sticky;
      return changed;
    }();
    const ServicePlans plans(std::span(&service, 1), shop.topology);
    for (uint32_t i = 0; i < 200'000; ++i) {
      empty += choose(plans[0], no_locality, *shop.eligibility, AddressFamily::v4, {i, i}, shop.out)
                   .count == 0;
    }
  }
  done = true;
  control.join();
  CHECK(empty == 0);
}

TEST_CASE("the plain way of choosing gives what the whole one gives", "[policy]") {
  Random random(9);
  for (int round = 0; round < 400; ++round) {
    CAPTURE(round);
    std::vector<PoolText> pools;
    const auto count = 1 + random.below(4);
    for (uint64_t p = 0; p < count; ++p) {
      PoolText pool{.cluster = "c" + std::to_string(p), .endpoints = {}};
      for (uint64_t e = 0; e <= random.below(4); ++e) {
        const std::string number = std::to_string(8 * p + e);
        pool.endpoints.push_back((random.below(3) == 0 ? "2001:db8::" : "192.0.2.") + number);
      }
      pool.priority = static_cast<uint32_t>(random.below(2));
      pool.weight = static_cast<uint32_t>(random.below(3));
      pools.push_back(pool);
    }
    const Shape shape{.policy = random.below(2) == 0 ? Policy::failover : Policy::active_active,
                      .answers = static_cast<uint32_t>(random.below(4))};
    PlannedService plain(shape, pools);
    // More pools than the plain way takes; as a last resort they change nothing else.
    for (int i = 0; i < 16; ++i) {
      pools.push_back({.cluster = "spare" + std::to_string(i),
                       .endpoints = {"198.51.100." + std::to_string(i)},
                       .last_resort = true});
    }
    PlannedService whole(shape, pools);
    REQUIRE(plain.plan().is_plain());
    REQUIRE_FALSE(whole.plan().is_plain());
    for (const Pool& pool : plain.service.pools) {
      for (const Endpoint& endpoint : pool.endpoints) {
        const auto state = random.below(2) == 0 ? E::eligible : E::down;
        plain.eligibility->set(endpoint.id, state);
        whole.eligibility->set(endpoint.id, state);
      }
    }
    plain.eligibility->set(EndpointId(0), E::eligible);
    whole.eligibility->set(EndpointId(0), E::eligible);
    for (uint32_t i = 0; i < 40; ++i) {
      const tests::Asked asked{.sequence = i,
                               .family = static_cast<AddressFamily>(random.below(3))};
      REQUIRE(plain.answer(asked) == whole.answer(asked));
      REQUIRE(plain.ask(asked).pool == whole.ask(asked).pool);
    }
  }
}

}  // namespace
}  // namespace swingover::zones
