#include <catch2/catch.hpp>

#include <array>
#include <vector>

#include "server/query/workers.h"
#include "tests/support/served.h"
#include "zones/resolve.h"

namespace swingover::tests {
namespace {

using namespace zones;
using Sums = std::vector<uint32_t>;

constexpr ServiceId shop{0};
const IpAddress in_fra = IpAddress::v4({10, 1, 0, 1});
const IpAddress in_ams = IpAddress::v4({10, 2, 0, 1});

/// A steered service that sticks, of two pools, served by two workers.
std::shared_ptr<const query::Serving> serving() {
  Model model;
  model.topology = two_clusters();
  model.zones = {zone_source("svc.example.", "@ 60 IN SOA n h 1 2 3 4 5\n@ 60 IN NS n\n")};
  model.services = {service_of("shop.svc.example.",
                               {pool_of("fra", {"192.0.2.10"}), pool_of("ams", {"192.0.2.20"})})};
  model.services[0].sticky = Sticky::client;
  for (Pool& pool : model.services[0].pools) pool.capacity = 100;
  number(model.services);
  const auto snapshot = build_snapshot(std::make_shared<const Model>(std::move(model)), {});
  for (uint32_t i = 0; i < 2; ++i) snapshot->eligibility->set(EndpointId(i), Eligibility::eligible);
  snapshot->shares->set(shop, 1, std::array<uint16_t, 2>{10'000, 0});
  snapshot->shares->set(shop, 2, std::array<uint16_t, 2>{0, 10'000});
  return query::Serving::make(snapshot, 2);
}

void ask(const query::Serving& serving, size_t slot, const IpAddress& client, int times) {
  std::vector<uint8_t> out(65'535);
  for (int i = 0; i < times; ++i) {
    respond(query_packet({.name = "shop.svc.example."}), {.address = client, .now = 1'000},
            *serving.snapshot, *serving.tallies[slot], out);
  }
}

}  // namespace

TEST_CASE("the answers of all threads add up, by the clients' locality and by pool",
          "[query_serving]") {
  const auto serving = tests::serving();
  ask(*serving, 0, in_fra, 3);
  ask(*serving, 4, in_fra, 2);
  ask(*serving, 5, in_ams, 7);
  Sums sums(6);
  serving->add_answers(shop, sums);
  CHECK(sums == Sums{0, 0, 5, 0, 0, 7});
  serving->add_answers(shop, sums);
  CHECK(sums == Sums{0, 0, 10, 0, 0, 14});
  std::vector<uint64_t> by_pool(2, 1);
  serving->add_pool_answers(shop, by_pool);
  CHECK(by_pool == std::vector<uint64_t>{6, 8});
}

TEST_CASE("a client that any thread takes for many caches is many", "[query_serving]") {
  const auto serving = tests::serving();
  const uint64_t key = client_key(in_fra, serving->snapshot->pick_secret);
  ask(*serving, 0, in_fra, 3);
  ask(*serving, 1, in_fra, 3);
  CHECK_FALSE(serving->is_many_caches(shop, key, 1'000));
  ask(*serving, 1, in_fra, 1);
  CHECK(serving->is_many_caches(shop, key, 1'000));
  CHECK(serving->is_many_caches(shop, key, 1'027));
  CHECK_FALSE(serving->is_many_caches(shop, key, 1'030));
  CHECK_FALSE(
      serving->is_many_caches(shop, client_key(in_ams, serving->snapshot->pick_secret), 1'000));
}

}  // namespace swingover::tests
