#include "zones/found_tier.h"

#include <array>
#include <catch2/catch.hpp>
#include <string>

#include "base/random.h"
#include "tests/zones/policy_fixture.h"

namespace swingover::tests {
namespace {

using namespace zones;

std::string in_play(const PlannedService& service) {
  std::vector<bool> pools;
  find_pools_in_play(ServiceId(0), service.plan(), *service.eligibility, ShareRows(service.plans),
                     pools);
  std::string names;
  for (size_t i = 0; i < pools.size(); ++i) {
    if (pools[i]) names += (names.empty() ? "" : " ") + service.service.pools[i].cluster_name;
  }
  return names;
}

const std::vector<PoolText> four{
    {.cluster = "c0", .endpoints = {"192.0.2.1"}, .priority = 1},
    {.cluster = "c1", .endpoints = {"192.0.2.2"}, .priority = 2},
    {.cluster = "c2", .endpoints = {"192.0.2.3"}, .priority = 2},
    {.cluster = "c3", .endpoints = {"192.0.2.4"}, .priority = 3, .last_resort = true}};

}  // namespace

TEST_CASE("pools behind those that answer are not in play", "[found_tier]") {
  PlannedService service({}, four);
  CHECK(in_play(service) == "c0");
  service.set_pool(0, Eligibility::down);
  CHECK(in_play(service) == "c0 c1 c2");
  service.set_pool(1, Eligibility::unknown);
  service.set_pool(2, Eligibility::down);
  CHECK(in_play(service) == "c0 c1 c2");  // an eligible one takes over from the unknown
  service.set_pool(0, Eligibility::unknown);
  CHECK(in_play(service) == "c0 c1 c2");
  service.set_all(Eligibility::down);
  CHECK(in_play(service) == "c0 c1 c2 c3");
  service.set_pool(3, Eligibility::eligible);
  CHECK(in_play(service) == "c0 c1 c2 c3");
  service.set_pool(2, Eligibility::eligible);
  CHECK(in_play(service) == "c0 c1 c2");
}

TEST_CASE("a pool with a share of anybody's clients is in play", "[found_tier]") {
  std::vector<PoolText> steered = four;
  for (PoolText& pool : steered) pool.capacity = 100;
  zones::Topology places;
  places.localities.resize(3);
  const PlannedService service({}, steered, places);
  ShareRows shares(service.plans);
  const auto in_play_by_shares = [&] {
    std::vector<bool> pools;
    find_pools_in_play(ServiceId(0), service.plan(), *service.eligibility, shares, pools);
    return pools;
  };
  CHECK(in_play_by_shares() == std::vector<bool>{true, false, false, false});
  const auto set = [&](size_t row, const std::vector<uint16_t>& parts) {
    shares.set(ServiceId(0), row, parts);
  };
  set(0, {10'000, 0, 0, 0});
  set(3, {7'000, 0, 3'000, 0});
  CHECK(in_play_by_shares() == std::vector<bool>{true, false, true, false});
  set(2, {0, 9'999, 0, 1});
  CHECK(in_play_by_shares() == std::vector<bool>{true, true, true, true});
}

TEST_CASE("a change of a pool that is not in play changes no answer", "[found_tier]") {
  const uint64_t seed = GENERATE(1U, 2U, 3U, 4U);
  Random random(seed);
  const auto any_class = [&] { return static_cast<Eligibility>(random.below(4)); };
  unsigned looked_at = 0;
  for (int round = 0; round < 400; ++round) {
    std::vector<PoolText> pools;
    for (uint32_t i = 0; i < 4; ++i) {
      pools.push_back({.cluster = "c" + std::to_string(i),
                       .endpoints = {"192.0.2." + std::to_string(2 * i + 1),
                                     "192.0.2." + std::to_string(2 * i + 2)},
                       .priority = 1 + static_cast<uint32_t>(random.below(3)),
                       .last_resort = i == 3});
    }
    PlannedService service(
        {.policy = random.below(2) == 0 ? Policy::failover : Policy::active_active}, pools);
    for (uint32_t i = 0; i < 8; ++i) service.eligibility->set(EndpointId(i), any_class());
    std::vector<bool> matters;
    find_pools_in_play(ServiceId(0), service.plan(), *service.eligibility, ShareRows(service.plans),
                       matters);
    std::array<std::string, 8> before;
    for (uint32_t i = 0; i < before.size(); ++i) before[i] = service.answer({.sequence = i});
    for (uint32_t pool = 0; pool < 4; ++pool) {
      if (matters[pool]) continue;
      ++looked_at;
      // One endpoint at a time: the first change that matters puts its pool in play.
      const EndpointId id(2 * pool + static_cast<uint32_t>(random.below(2)));
      const Eligibility was = service.eligibility->get(id);
      service.eligibility->set(id, any_class());
      for (uint32_t i = 0; i < before.size(); ++i) {
        INFO("seed " << seed << ", round " << round << ", pool " << pool);
        CHECK(service.answer({.sequence = i}) == before[i]);
      }
      service.eligibility->set(id, was);
    }
  }
  CHECK(looked_at > 200);
}

}  // namespace swingover::tests
