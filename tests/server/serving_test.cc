#include "server/serving.h"

#include <catch2/catch.hpp>

#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/server/control/small_world.h"

using namespace swingover;
using namespace swingover::server;

namespace {

/// What is to run on another thread waits until it is told to.
struct Elsewhere {
  ServingTable::Offload offload() {
    return [this](auto work, auto done) { waiting.emplace_back(std::move(work), std::move(done)); };
  }
  void run() {
    for (auto& [work, done] : std::exchange(waiting, {})) {
      std::exchange(work, nullptr)();
      done();
    }
  }
  std::vector<std::pair<std::function<void()>, std::function<void()>>> waiting;
};

using Counts = std::map<std::string, uint64_t>;

Counts counts(const ServingTable& table) {
  Counts all;
  for (const auto& pool : table.answers()()) all[pool.service + " " + pool.pool] = pool.count;
  return all;
}

void answer(const ServingTable& table, PoolId pool, int times) {
  for (int i = 0; i < times; ++i) table.current().tallies[0]->count_answer(ServiceId(0), pool);
}

}  // namespace

TEST_CASE("answers are summed up by name over all generations, and never fall", "[serving]") {
  tests::SmallWorld world;
  ServingTable table(world.setup(1).snapshot, 1);
  answer(table, PoolId(0), 3);
  answer(table, PoolId(1), 1);
  auto asked_before = table.answers();
  CHECK(counts(table) ==
        Counts{{"shop.svc.example.test. fra", 3}, {"shop.svc.example.test. ams", 1}});

  world.has_ams = false;
  const std::weak_ptr<const zones::Snapshot> old = table.current().snapshot;
  table.publish(world.setup(2).snapshot);
  answer(table, PoolId(0), 10);
  const Counts both{{"shop.svc.example.test. fra", 13}, {"shop.svc.example.test. ams", 1}};
  CHECK(counts(table) == both);

  Elsewhere elsewhere;
  SECTION("a page that is being written keeps what it reads, and it is freed later") {
    table.reclaim(elsewhere.offload());
    CHECK(elsewhere.waiting.empty());
    CHECK(asked_before().size() == 2);
    CHECK_FALSE(old.expired());
  }
  SECTION("while an old generation is added it counts once, and it is freed afterwards") {
    asked_before = nullptr;
    table.reclaim(elsewhere.offload());
    REQUIRE(elsewhere.waiting.size() == 1);
    table.reclaim(elsewhere.offload());
    CHECK(elsewhere.waiting.size() == 1);  // not twice
    CHECK(counts(table) == both);
    const auto asked_meanwhile = table.answers();
    elsewhere.run();
    CHECK(counts(table) == both);
    CHECK(asked_meanwhile().size() == 2);
    CHECK(asked_meanwhile()[1].count == 13);
  }
  SECTION("nothing holds it in the end") {
    asked_before = nullptr;
    for (int i = 0; i < 3; ++i) {
      table.reclaim(elsewhere.offload());
      elsewhere.run();
    }
    elsewhere.run();
    CHECK(old.expired());
    CHECK(counts(table) == both);
  }
}
