#include "server/control/state_log.h"

#include <catch2/catch.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/loop/loop.h"
#include "base/random.h"
#include "server/control/past.h"
#include "server/control/records.h"
#include "store/memory_store.h"
#include "tests/server/control/small_world.h"
#include "tests/support/manual_clock.h"

using namespace swingover;
using namespace swingover::control;
using store::Table;
using zones::Eligibility;

namespace {

constexpr int patience = 5'000;

/// A log of snapshots that nobody answers from.
struct Logged {
  Logged() : writer(loop, store, *store::Journal::open(store), {}) {
    world.copies = 20;
    REQUIRE(log.open(store));
  }

  void begin(uint64_t generation, const std::vector<ReadFile>& files = {}) {
    snapshot = world.setup(generation).snapshot;
    store::Batch batch;
    batch.put(Table::config, "config", encode_config({clock.wall(), "text"}));
    writer.write(batch, {});
    log.begin(snapshot, clock.wall(), "/etc/x.toml", "config", files);
  }
  void set(uint32_t endpoint, Eligibility value) {
    log.note(EndpointId(endpoint));
    snapshot->eligibility->set(EndpointId(endpoint), value);
    log.end_turn();
  }
  /// What was to be done elsewhere, by now.
  void work_elsewhere() {
    for (const auto& one : std::exchange(elsewhere, {})) one();
  }
  void flush() { writer.flush(Milliseconds(patience)); }
  size_t count(Table table, const std::string& prefix) {
    flush();
    size_t found = 0;
    REQUIRE(store.scan(table, prefix, "", store::Direction::ascending,
                       [&](std::string_view key, std::string_view) {
                         if (key.starts_with(prefix)) ++found;
                         return key.starts_with(prefix);
                       }));
    return found;
  }
  Past past() {
    flush();
    return Past(store, [this](const auto&, const StateCycle& cycle) -> Result<PastGeneration> {
      return PastGeneration{world.setup(cycle.generation).snapshot, {}};
    });
  }
  void prune(WallTime before) {
    for (;;) {
      flush();
      const auto old = StateLog::find_old(store, before, 10);
      REQUIRE(old);
      log.erase(*old);
      if (old->is_all && old->records.empty()) break;
    }
    flush();
  }

  store::MemoryStore store;
  tests::ManualClock clock;
  tests::SmallWorld world;
  loop::Loop loop;
  StoreWriter writer;
  bool is_slow_elsewhere = false;
  std::vector<std::function<void()>> elsewhere;
  StateLog log{clock, writer, "1", [this](const auto& work, const auto& done) {
                 elsewhere.push_back([work, done] { work(), done(); });
                 if (!is_slow_elsewhere) work_elsewhere();
               }};
  std::shared_ptr<const zones::Snapshot> snapshot;
};

ReadFile file(const std::string& path, const std::string& text) {
  return {path, text.size(), content_hash(text), std::make_shared<const std::string>(text), false};
}

}  // namespace

TEST_CASE("a record is read as it was written, and nothing else is read", "[state_log]") {
  Random random(7);
  for (int i = 0; i < 200; ++i) {
    StateRecord record{.kind = static_cast<StateRecord::Kind>(random.below(6)),
                       .from = {1'790'000'000'000},
                       .to = {1'790'000'000'003},
                       .words = random.below(2) == 0 ? "" : "why"};
    uint32_t place = 0;
    for (uint64_t left = random.below(5); left > 0; --left) {
      place += static_cast<uint32_t>(random.below(1'000));
      const auto count = static_cast<uint32_t>(1 + random.below(300));
      record.values.endpoints.push_back({place, count, static_cast<uint8_t>(random.below(256))});
      record.values.changes.push_back(
          {place, count, static_cast<uint32_t>(random.below(UINT32_MAX))});
      place += count;
    }
    for (uint64_t left = random.below(3); left > 0; --left) {
      StateValues::Rows rows{
          static_cast<uint32_t>(random.below(50)), static_cast<uint32_t>(1 + random.below(4)), {}};
      const size_t size = rows.pools * random.below(6);
      while (rows.shares.size() < size)
        rows.shares.push_back(random.below(2) == 0 ? uint16_t{10'000} : uint16_t{5});
      record.values.rows.push_back(std::move(rows));
    }
    const std::string bytes = encode_state(record);
    const auto read = decode_state(bytes);
    REQUIRE(read);
    CHECK(*read == record);
    CHECK_FALSE(decode_state(bytes + "x"));
    for (size_t size = 0; size < bytes.size(); ++size)
      CHECK_FALSE(decode_state(bytes.substr(0, size)));
    std::string damaged = bytes;
    damaged[random.below(damaged.size())] ^= static_cast<char>(1 + random.below(255));
    (void)decode_state(damaged);  // whatever it says, it ends
  }
  const StateCycle cycle{.first = {5, 6, 7},
                         .generation = 7,
                         .files = "files/1",
                         .pick_secret = UINT64_MAX,
                         .version = "1",
                         .services = 2,
                         .endpoints = 3,
                         .rows = 4,
                         .serials = {{"example.", {9, {1, UINT64_MAX}}}}};
  CHECK(*decode_cycle(encode_cycle(cycle)) == cycle);
  const FileList list{"/etc/x.toml", "abc", {{"/z", 5, 6, KeptFile::Form::large}}};
  CHECK(*decode_files(encode_files(list)) == list);
}

TEST_CASE("rows of many localities that are alike take little room", "[state_log]") {
  StateRecord record;
  StateValues::Rows rows{1, 8, {}};
  for (int i = 0; i < 50 * 8; ++i)
    rows.shares.push_back(i < 200 ? 1'250 : (i % 8 == 0 ? 10'000 : 0));
  record.values.rows.push_back(rows);
  CHECK(encode_state(record).size() < 60);
}

TEST_CASE("after many changes all is told again, and the log is read from there", "[state_log]") {
  Logged logged;
  logged.begin(1);
  const WallTime first = logged.clock.wall();
  std::optional<WallTime> early;
  for (int i = 0; logged.count(Table::past, "c") < 3; ++i) {
    REQUIRE(i < 100'000);
    logged.clock.advance(Milliseconds(10));
    for (int n = 0; n < 500; ++n)
      logged.set(static_cast<uint32_t>((i + n) % 3),
                 n % 2 == 0 ? Eligibility::down : Eligibility::eligible);
    if (i == 1) early = logged.clock.wall();
    if (i == 1) logged.set(0, Eligibility::excluded);
    logged.log.look();
  }
  logged.clock.advance(Milliseconds(10));
  logged.set(5, Eligibility::excluded);
  Past past = logged.past();
  const auto now = past.seek(logged.clock.wall());
  REQUIRE(now);
  CHECK(past.snapshot().eligibility->get(EndpointId(5)) == Eligibility::excluded);
  for (uint32_t i = 0; i < logged.snapshot->counts.endpoints; ++i)
    CHECK(past.snapshot().eligibility->get(EndpointId(i)) ==
          logged.snapshot->eligibility->get(EndpointId(i)));
  REQUIRE(past.seek(*early));
  CHECK(past.snapshot().eligibility->get(EndpointId(0)) == Eligibility::excluded);

  // The history's end moves on: what is older goes, up to where the oldest instant is read from.
  const size_t records = logged.count(Table::past, "r");
  logged.prune(logged.clock.wall());
  CHECK(logged.count(Table::past, "r") < records / 2);
  CHECK(logged.count(Table::past, "c") == 1);
  CHECK(past.seek(logged.clock.wall()));
  CHECK_FALSE(past.seek(first));
}

TEST_CASE("what a clock far ahead left is old in time", "[state_log]") {
  constexpr Milliseconds year{int64_t{86'400'000} * 365};
  Logged logged;
  logged.begin(1, {file("/a.zone", "one")});
  logged.clock.jump_wall(year);
  logged.log.look();
  logged.clock.advance(Milliseconds(1'000));
  logged.begin(2, {file("/a.zone", "two")});
  logged.clock.jump_wall(Milliseconds(-year.value));
  logged.log.look();
  logged.clock.advance(Milliseconds(1'000));
  logged.begin(3, {file("/a.zone", "three")});
  logged.clock.advance(Milliseconds(1'000));
  logged.set(0, Eligibility::down);
  logged.clock.advance(Milliseconds(1'000));
  CHECK(logged.count(Table::past, "j") == 2);
  const WallTime now = logged.clock.wall();
  logged.prune(now);
  CHECK(logged.count(Table::past, "c") == 1);
  CHECK(logged.count(Table::past, "j") == 0);
  CHECK(logged.count(Table::config, "file/") == 1);
  Past past = logged.past();
  CHECK(past.seek(now));
  CHECK(past.snapshot().eligibility->get(EndpointId(0)) == Eligibility::down);
}

TEST_CASE("each text is kept once, as long as an instant of the history needs it", "[state_log]") {
  Logged logged;
  logged.begin(1, {file("/a.zone", "one"), file("/b.zone", "two")});
  CHECK(logged.count(Table::config, "file/") == 2);
  logged.clock.advance(Milliseconds(1'000));
  logged.begin(2, {file("/a.zone", "one"), file("/c.zone", "two")});
  CHECK(logged.count(Table::config, "file/") == 2);
  logged.clock.advance(Milliseconds(1'000));
  const ReadFile large{"/large.zone", 1 << 25, 5, nullptr, false};
  logged.begin(3, {file("/a.zone", "three"), large});
  CHECK(logged.count(Table::config, "file/") == 3);
  CHECK(logged.count(Table::config, "files/") == 3);

  logged.prune(logged.clock.wall() + Milliseconds(-500));
  CHECK(logged.count(Table::config, "file/") ==
        3);  // of generation 2 the answers are explained yet
  logged.prune(logged.clock.wall() + Milliseconds(500));
  CHECK(logged.count(Table::config, "file/") == 1);
  CHECK(logged.count(Table::config, "files/") == 1);
  CHECK(logged.count(Table::config, "config") == 1);
  logged.begin(4, {file("/a.zone", "one")});
  CHECK(logged.count(Table::config, "file/") == 2);
}

TEST_CASE("while the disk fails the log is bounded, and its gap is told", "[state_log]") {
  Logged logged;
  logged.world.copies = 5'000;
  logged.begin(1);
  logged.flush();
  logged.store.fail_commits(Error{ErrorCode::unavailable, "no space"});
  const WallTime failing = logged.clock.wall();
  const auto set_many = [&](Eligibility value) {
    logged.clock.advance(Milliseconds(1'000));
    for (uint32_t i = 0; i < logged.snapshot->counts.endpoints; i += 2) {
      logged.log.note(EndpointId(i));
      logged.snapshot->eligibility->set(EndpointId(i), value);
    }
    logged.log.end_turn();
  };
  set_many(Eligibility::down);
  const auto is_unwell = [&] { return !logged.writer.state().healthy; };
  REQUIRE(logged.loop.run_until(is_unwell, patience));
  for (int i = 0; i < 1'000; ++i) set_many(i % 2 == 0 ? Eligibility::eligible : Eligibility::down);
  // While the writer tries again, what it tries with is not waiting.
  const auto waits = [&](size_t least) { return logged.writer.state().waiting >= least; };
  REQUIRE(logged.loop.run_until([&] { return waits(1); }, patience));
  const size_t waiting = logged.writer.state().waiting;
  for (int i = 0; i < 100; ++i) set_many(Eligibility::eligible);
  CHECK_FALSE(waits(waiting + 1));
  const WallTime lost = logged.clock.wall();

  logged.store.fail_commits(std::nullopt);
  logged.flush();
  REQUIRE(logged.loop.run_until([&] { return !is_unwell(); }, patience));
  logged.clock.advance(Milliseconds(1'000));
  logged.log.look();
  Past past = logged.past();
  REQUIRE(past.seek(failing + Milliseconds(1'500)));
  CHECK(past.snapshot().eligibility->get(EndpointId(0)) == Eligibility::down);
  const auto gap = past.seek(lost);
  REQUIRE_FALSE(gap);
  CHECK(gap.error().message.starts_with("no answer of then is known: the disk took no more at "));
  REQUIRE(past.seek(logged.clock.wall()));
  CHECK(past.snapshot().eligibility->get(EndpointId(0)) == Eligibility::eligible);
}

TEST_CASE("a generation begins with what was then, however late that is written down",
          "[state_log]") {
  Logged logged;
  logged.begin(1);
  logged.set(3, Eligibility::down);
  logged.clock.advance(Milliseconds(1'000));
  logged.is_slow_elsewhere = true;
  logged.begin(2);
  const WallTime begun = logged.clock.wall();
  CHECK(logged.log.is_beginning());
  logged.clock.advance(Milliseconds(1'000));
  logged.set(3, Eligibility::excluded);
  bool is_stored = false;
  logged.log.when_stored([&](const Status& stored) { is_stored = static_cast<bool>(stored); });
  logged.log.look();
  logged.flush();
  logged.loop.run_until([&] { return is_stored; }, 50);
  CHECK_FALSE(is_stored);  // the half of it is not all that was so
  const auto message = [&](WallTime at) {
    const auto instant = logged.past().seek(at);
    return instant ? "" : instant.error().message;
  };
  SECTION("until it is, nothing is known of it") {
    CHECK(message(begun + Milliseconds(-500)).empty());
    CHECK(message(begun) ==
          "no answer of then is known: what a new generation began with was not written down at " +
              rfc3339(begun) + ", and that is the last of it");
    CHECK(message(logged.clock.wall()) == message(begun));
  }
  SECTION("then all is") {
    logged.work_elsewhere();
    CHECK_FALSE(logged.log.is_beginning());
    CHECK(logged.loop.run_until([&] { return is_stored; }, patience));
    Past past = logged.past();
    const auto before = past.seek(begun + Milliseconds(-1));
    REQUIRE(before);
    CHECK(before->generation == 1);
    CHECK(before->until == begun);
    CHECK(past.snapshot().eligibility->get(EndpointId(3)) == Eligibility::down);
    const auto first = past.seek(begun + Milliseconds(1));
    REQUIRE(first);
    CHECK(first->generation == 2);
    CHECK(past.snapshot().eligibility->get(EndpointId(3)) == Eligibility::unknown);
    REQUIRE(past.seek(logged.clock.wall()));
    CHECK(past.snapshot().eligibility->get(EndpointId(3)) == Eligibility::excluded);
  }
  SECTION("also when another one follows at once") {
    logged.clock.advance(Milliseconds(1'000));
    logged.begin(3);
    logged.work_elsewhere();
    Past past = logged.past();
    CHECK(past.seek(begun)->generation == 2);
    CHECK(past.seek(begun + Milliseconds(1'500))->generation == 2);
    CHECK(past.snapshot().eligibility->get(EndpointId(3)) == Eligibility::excluded);
    CHECK(past.seek(logged.clock.wall())->generation == 3);
  }
  SECTION("and when the daemon is stopped") {
    logged.log.end();
    logged.work_elsewhere();
    CHECK(message(begun).empty());
    CHECK(message(logged.clock.wall()).find("the daemon was stopped") != std::string::npos);
  }
  SECTION("and killed, it says so, until the next run goes on") {
    StateLog next{logged.clock, logged.writer, "1",
                  [](const auto& work, const auto& done) { work(), done(); }};
    logged.flush();
    logged.clock.advance(Milliseconds(60'000));
    REQUIRE(next.open(logged.store));
    logged.snapshot = logged.world.setup(3).snapshot;
    next.begin(logged.snapshot, logged.clock.wall(), "/etc/x.toml", "config", {});
    CHECK(message(begun + Milliseconds(1'500)) ==
          "no answer of then is known: what a new generation began with was not written down at " +
              rfc3339(begun) + ", and it goes on at " + rfc3339(logged.clock.wall()));
    CHECK(message(logged.clock.wall()).empty());
  }
}
