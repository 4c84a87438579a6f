#include "server/control/past.h"

#include <catch2/catch.hpp>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "store/memory_store.h"
#include "tests/server/control/control_life.h"
#include "tests/support/manual_clock.h"

using namespace swingover;
using namespace swingover::control;
using health::Health;
using tests::Life;
using tests::SmallWorld;

namespace {

/// All that a worker may read of a generation.
struct Seen {
  uint64_t generation = 0;
  std::vector<uint8_t> eligibility;
  std::vector<bool> stored;
  std::vector<uint32_t> changes;
  std::vector<uint16_t> rows;
  friend bool operator==(const Seen&, const Seen&) = default;
};

Seen seen(const zones::Snapshot& snapshot) {
  Seen all{.generation = snapshot.generation,
           .eligibility = {},
           .stored = {},
           .changes = {},
           .rows = {}};
  for (uint32_t i = 0; i < snapshot.counts.endpoints; ++i) {
    all.eligibility.push_back(static_cast<uint8_t>(snapshot.eligibility->get(EndpointId(i))));
    all.stored.push_back(snapshot.eligibility->is_stored(EndpointId(i)));
  }
  for (uint32_t i = 0; i < snapshot.model->services.size(); ++i) {
    const ServiceId id(i);
    all.changes.push_back(snapshot.changes->get(id));
    if (!snapshot.shares->has_rows(id)) continue;
    std::vector<uint16_t> row(snapshot.shares->pools(id));
    for (size_t r = 0; r < snapshot.shares->rows(); ++r) {
      snapshot.shares->read(id, r, row);
      all.rows.insert(all.rows.end(), row.begin(), row.end());
    }
  }
  return all;
}

/// Compiles what a SmallWorld was: the config's text says which.
class Worlds {
 public:
  void add(uint64_t generation, const SmallWorld& world) {
    worlds_.insert_or_assign(generation, world);
  }
  BuildPast build() {
    return [this](const PastTexts& texts, const StateCycle& cycle) -> Result<PastGeneration> {
      CHECK(texts.config_text() == "generation " + std::to_string(cycle.generation));
      ++built;
      return PastGeneration{worlds_.at(cycle.generation).setup(cycle.generation).snapshot, {}};
    };
  }
  int built = 0;

 private:
  std::map<uint64_t, SmallWorld> worlds_;
};

void store_past(Life& life) {
  std::optional<Status> stored;
  life.control.when_past_is_stored([&](const Status& status) { stored = status; });
  life.loop.run_until([&] { return stored.has_value(); }, tests::patience);
  REQUIRE(stored);
}

std::string told(const Result<Past::Instant>& instant) {
  return instant ? "found" : instant.error().message;
}

}  // namespace

TEST_CASE("every state that queries could read is found again, whatever instant is asked for",
          "[past]") {
  for (const uint64_t seed : {1U, 2U, 3U, 4U, 5U, 6U}) {
    INFO("seed " << seed);
    Random random(seed);
    store::MemoryStore store;
    tests::ManualClock clock;
    Worlds worlds;
    std::map<int64_t, Seen> was;  // from this millisecond on
    std::vector<std::pair<int64_t, int64_t>> down;
    const int64_t first = clock.wall().unix_milliseconds;
    uint64_t generation = 0;
    for (int run = 0; run < 3; ++run) {
      SmallWorld world;
      world.copies = 3;
      world.capacity = 100;
      world.demand = 50;
      world.fra = {"192.0.2.1", "192.0.2.2"};
      worlds.add(++generation, world);
      {
        Life life(store, clock, world);
        const auto settle = [&] {
          int idle = 0;
          life.loop.run_until([&] { return life.control.is_all_told() && ++idle > 5; },
                              tests::patience);
          was.insert_or_assign(clock.wall().unix_milliseconds, seen(life.control.snapshot()));
        };
        settle();
        std::string intent;
        for (int step = 0; step < 60; ++step) {
          clock.advance(Milliseconds(static_cast<int64_t>(1 + random.below(20'000))));
          switch (random.below(8)) {
            case 0:
              if (intent.empty()) {
                const auto set =
                    life.set({"drain", random.below(2) == 0 ? "cluster/fra" : "cluster/ams", "ada",
                              "rack work", ""});
                if (set) intent = set->intent.id;
              } else {
                life.control.cancel_intent(intent, "ada", "done", [](const auto&) {});
                intent.clear();
              }
              break;
            case 1:
              life.world.has_ams = !life.world.has_ams || random.below(2) == 0;
              life.world.copies = static_cast<uint32_t>(1 + random.below(4));
              worlds.add(generation + 1, life.world);
              if (life.reload().reloaded) ++generation;
              break;
            default: {
              const char* address = random.below(3) == 0   ? "192.0.2.1"
                                    : random.below(2) == 0 ? "192.0.2.2"
                                                           : "198.51.100.1";
              if (address[0] == '1' && address[2] == '8' && !life.world.has_ams) break;
              life.verdict(address, random.below(2) == 0 ? Health::up : Health::down);
            }
          }
          settle();
        }
        clock.advance(Milliseconds(5));
      }
      const int64_t stopped = clock.wall().unix_milliseconds;
      clock.advance(Milliseconds(60'000));
      down.emplace_back(stopped, clock.wall().unix_milliseconds);
    }

    Past past(store, worlds.build());
    CHECK(
        told(past.seek({first - 1})).starts_with("before the history: what answers came from is "));
    size_t found = 0;
    size_t away = 0;
    const auto look = [&](int64_t at) {
      INFO("at " << rfc3339({at}));
      const auto is_down = [&](const auto& span) { return span.first <= at && at < span.second; };
      const Result<Past::Instant> instant = past.seek({at});
      if (std::ranges::any_of(down, is_down) || at >= down.back().second) {
        CHECK(told(instant).starts_with("no answer of then is known: the daemon was stopped at "));
        ++away;
        return;
      }
      REQUIRE(told(instant) == "found");
      const auto state = std::prev(was.upper_bound(at));
      REQUIRE(instant->generation == state->second.generation);
      REQUIRE(seen(past.snapshot()) == state->second);
      REQUIRE(instant->since.unix_milliseconds <= at);
      // Whatever was there until the next change was the same.
      if (instant->until) {
        const int64_t until = instant->until->unix_milliseconds;
        REQUIRE(until > at);
        for (auto next = std::next(state); next != was.end() && next->first < until; ++next)
          REQUIRE(next->second == state->second);
      }
      ++found;
    };
    for (const auto& [at, state] : was) look(at);
    const int64_t last = clock.wall().unix_milliseconds;
    for (int i = 0; i < 300; ++i)
      look(first + static_cast<int64_t>(random.below(static_cast<uint64_t>(last - first))));
    CHECK(found > was.size());
    CHECK(away > 0);
  }
}

TEST_CASE("in order of time each generation is compiled once", "[past]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Worlds worlds;
  std::vector<int64_t> times;
  {
    const SmallWorld world;
    worlds.add(1, world);
    worlds.add(2, world);
    Life life(store, clock, world);
    for (int i = 0; i < 10; ++i) {
      clock.advance(Milliseconds(1'000));
      if (i == 5) life.reload();
      life.verdict("192.0.2.1", i % 2 == 0 ? Health::up : Health::down);
      times.push_back(clock.wall().unix_milliseconds);
    }
    clock.advance(Milliseconds(1));
  }
  Past past(store, worlds.build());
  for (const int64_t at : times) CHECK(past.seek({at}));
  CHECK(worlds.built == 2);
}

TEST_CASE("a daemon that was killed is known of until it was last known to be alive", "[past]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Worlds worlds;
  worlds.add(1, {});
  worlds.add(2, {});
  store::MemoryStore copy;
  int64_t alive = 0;
  {
    Life life(store, clock);
    life.all_up();
    clock.advance(Milliseconds(4'000));
    store_past(life);
    alive = clock.wall().unix_milliseconds;
    // What the disk has now is all that is left.
    for (size_t table = 0; table < store::tables; ++table) {
      store::Batch batch;
      const auto visit = [&](std::string_view key, std::string_view value) {
        batch.put(static_cast<store::Table>(table), std::string(key), std::string(value));
        return true;
      };
      REQUIRE(
          store.scan(static_cast<store::Table>(table), "", "", store::Direction::ascending, visit));
      REQUIRE(copy.commit(batch));
    }
    clock.advance(Milliseconds(1'000));
  }
  clock.advance(Milliseconds(30'000));
  Life again(copy, clock);
  store_past(again);
  Past past(copy, worlds.build());
  CHECK(past.seek({alive - 1})->unsure.empty());
  const auto after = past.seek({alive + 500});
  REQUIRE(told(after) == "found");
  CHECK(after->unsure == "the daemon ended at " + rfc3339({alive}) +
                             " or later, without a word, and another one answers since " +
                             rfc3339(clock.wall()));
  CHECK(past.snapshot().generation == 1);
  CHECK(past.seek(clock.wall()));
}

TEST_CASE("an instant that the clock skipped never was, and one that it showed twice is refused",
          "[past]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Worlds worlds;
  worlds.add(1, {});
  Life life(store, clock);
  life.all_up();
  clock.advance(Milliseconds(10'000));
  const WallTime before = clock.wall();
  SECTION("forward") {
    clock.jump_wall(Milliseconds(60'000));
    life.verdict("192.0.2.1", Health::down);
    store_past(life);
    Past past(store, worlds.build());
    const auto skipped = past.seek(before + Milliseconds(30'000));
    CHECK(told(skipped).starts_with("this instant never was: the clock was set forward from "));
    CHECK(skipped.error().code == ErrorCode::not_found);
    CHECK(past.seek(before));
    CHECK(past.seek(clock.wall()));
    CHECK(past.snapshot().eligibility->get(EndpointId(0)) == zones::Eligibility::down);
  }
  SECTION("back") {
    clock.jump_wall(Milliseconds(-5'000));
    life.verdict("192.0.2.1", Health::down);
    clock.advance(Milliseconds(20'000));
    life.verdict("192.0.2.1", Health::up);
    store_past(life);
    Past past(store, worlds.build());
    const auto twice = past.seek(before + Milliseconds(-1'000));
    CHECK(told(twice).starts_with("this instant came twice: the clock was set back from "));
    CHECK(twice.error().code == ErrorCode::conflict);
    CHECK(past.seek(before + Milliseconds(-6'000)));
    CHECK(past.snapshot().eligibility->get(EndpointId(0)) == zones::Eligibility::eligible);
    CHECK(past.seek(before + Milliseconds(2'000)));
    CHECK(past.snapshot().eligibility->get(EndpointId(0)) == zones::Eligibility::down);
    CHECK(past.seek(clock.wall()));
    CHECK(past.snapshot().eligibility->get(EndpointId(0)) == zones::Eligibility::eligible);
  }
}

TEST_CASE("after a clock that was a year ahead each instant is explained again, over a restart too",
          "[past]") {
  constexpr Milliseconds year{int64_t{86'400'000} * 365};
  constexpr Milliseconds minute{60'000};
  store::MemoryStore store;
  tests::ManualClock clock;
  Worlds worlds;
  for (const uint64_t generation : {1U, 2U, 3U}) worlds.add(generation, {});
  std::map<int64_t, zones::Eligibility> was;
  const auto pass_verdict = [&](Life& life, Health health) {
    clock.advance(minute);
    life.verdict("192.0.2.1", health);
    clock.advance(minute);
    was[clock.wall().unix_milliseconds] = life.fra();
  };
  const bool is_stopped_ahead = GENERATE(false, true);
  {
    Life life(store, clock);
    life.all_up();
    pass_verdict(life, Health::down);
    clock.jump_wall(year);
    pass_verdict(life, Health::up);
    if (!is_stopped_ahead) {
      clock.jump_wall(Milliseconds(-year.value));
      pass_verdict(life, Health::down);
      pass_verdict(life, Health::up);
    }
    clock.advance(minute);
  }
  if (is_stopped_ahead) clock.jump_wall(Milliseconds(-year.value));
  clock.advance(minute * 10);
  {
    Life life(store, clock);
    pass_verdict(life, Health::down);
    pass_verdict(life, Health::up);
    clock.advance(minute);
    store_past(life);
    Past past(store, worlds.build());
    for (const auto& [at, eligibility] : was) {
      INFO("at " << rfc3339({at}));
      if (at > clock.wall().unix_milliseconds) continue;  // still to come, as far as people know
      const auto instant = past.seek({at});
      REQUIRE(told(instant) == "found");
      CHECK(past.snapshot().eligibility->get(EndpointId(0)) == eligibility);
      CHECK(instant->since.unix_milliseconds <= at);
      CHECK_FALSE(instant->is_changing);
      if (instant->until) CHECK(instant->until->unix_milliseconds >= at);
      CHECK(instant->unsure.empty());
    }
    CHECK(told(past.seek(clock.wall())) == "found");
  }
}

TEST_CASE("what nobody can compile any more is said", "[past]") {
  store::MemoryStore store;
  tests::ManualClock clock;
  Life life(store, clock);
  store_past(life);
  SECTION("the config is refused") {
    Past past(store, [](const auto&, const auto&) -> Result<PastGeneration> {
      return Error{ErrorCode::conflict, "this version does not take it"};
    });
    CHECK(told(past.seek(clock.wall())) ==
          "the config of generation 1: this version does not take it");
  }
  SECTION("it gives other endpoints than it gave then") {
    SmallWorld other;
    other.copies = 2;
    Past past(store, [&](const auto&, const auto&) -> Result<PastGeneration> {
      return PastGeneration{other.setup(1).snapshot, {}};
    });
    CHECK(told(past.seek(clock.wall())) ==
          "version 1 read the config of generation 1 otherwise than this one");
  }
}
