#include "server/control/store_writer.h"

#include <atomic>
#include <catch2/catch.hpp>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <thread>

#include "store/memory_store.h"

using namespace swingover;
using namespace swingover::control;

namespace {

constexpr int patience = 5'000;  // milliseconds; only a failure takes as long

/// A store whose disk can be made to hang.
class SlowStore : public store::MemoryStore {
 public:
  Result<store::Revision> commit(const store::Batch& batch) override {
    {
      std::unique_lock lock(mutex_);
      released_.wait(lock, [this] { return !is_hanging_; });
    }
    return MemoryStore::commit(batch);
  }
  void hang(bool is_hanging) {
    std::lock_guard lock(mutex_);
    is_hanging_ = is_hanging;
    released_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable released_;
  bool is_hanging_ = false;
};

store::Batch put(const std::string& key, const std::string& value) {
  store::Batch batch;
  batch.put(store::Table::state, key, value);
  return batch;
}

store::JournalEntry entry(const std::string& after) {
  return {WallTime{1'790'000'000'000}, "test", "", "swingoverd", "", after, ""};
}

std::string value_of(const store::Store& store, const std::string& key) {
  return store.get(store::Table::state, key)->value_or("");
}

size_t journal_size(const store::Store& store) {
  return store::Journal::read(store, {})->size();
}

struct Fixture {
  loop::Loop loop;
  SlowStore store;
  StoreWriter writer;
  explicit Fixture(StoreWriter::Options options = {})
      : writer(loop, store, *store::Journal::open(store), options) {}
};

const Error full{ErrorCode::unavailable, "No space left on device"};

}  // namespace

TEST_CASE("what is written is stored in order, and told when it was committed", "[store_writer]") {
  Fixture f;
  f.writer.write(put("a", "1"), {{entry("first")}, {}});
  f.writer.write(put("a", "2"), {{entry("second")}, {}});
  std::optional<Status> told;
  f.writer.commit(put("b", "3"), {entry("third")}, {}, [&](Status s) { told = std::move(s); });
  REQUIRE(f.loop.run_until([&] { return told.has_value(); }, patience));
  CHECK(*told);
  CHECK(value_of(f.store, "a") == "2");
  CHECK(value_of(f.store, "b") == "3");
  const auto entries = *store::Journal::read(f.store, {});
  REQUIRE(entries.size() == 3);
  CHECK(entries[0].after == "third");
  CHECK(entries[2].after == "first");
}

TEST_CASE("log lines come once what they tell of is stored, at once while the disk fails",
          "[store_writer]") {
  struct Line {
    std::string event;
    size_t stored;  // entries, when it was written
  };
  std::mutex mutex;
  std::vector<Line> lines;
  SlowStore* store = nullptr;
  StoreWriter::Options options;
  options.retry_first = Milliseconds(5);
  options.write_line = [&](const LogLine& line) {
    std::lock_guard lock(mutex);
    lines.push_back({std::string(line.event), journal_size(*store)});
  };
  Fixture f(options);
  store = &f.store;
  const auto written = [&] {
    std::lock_guard lock(mutex);
    return lines.size();
  };
  const auto write = [&](const char* value, std::string_view event) {
    f.writer.write(put("a", value), {{entry(value)}, {{LogLevel::info, event, {}}}});
  };

  SECTION("a disk that is well") {
    write("1", "first");
    f.writer.write({}, {{}, {{LogLevel::info, "of nothing stored", {}}}});
    REQUIRE(f.loop.run_until([&] { return written() == 2; }, patience));
    CHECK(lines[0].event == "first");
    CHECK(lines[0].stored == 1);
    CHECK(lines[1].event == "of nothing stored");
  }
  SECTION("a disk that is full") {
    f.store.fail_commits(full);
    write("1", "first");
    REQUIRE(f.loop.run_until([&] { return written() == 1; }, patience));
    write("2", "second");
    REQUIRE(f.loop.run_until([&] { return written() == 2; }, patience));
    f.store.fail_commits(std::nullopt);
    REQUIRE(f.loop.run_until([&] { return f.writer.state().healthy; }, patience));
    write("3", "third");
    REQUIRE(f.writer.flush(Milliseconds(patience)));
    CHECK(journal_size(f.store) == 3);
    REQUIRE(written() == 3);  // none is written again
    CHECK(lines[1].event == "second");
    CHECK(lines[2].event == "third");
  }
  SECTION("a disk that does not answer") {
    f.store.hang(true);
    write("1", "first");
    REQUIRE(f.loop.run_until([&] { return written() == 1; }, patience));
    CHECK(lines[0].stored == 0);
    f.store.hang(false);
    REQUIRE(f.loop.run_until([&] { return f.writer.state().healthy; }, patience));
    CHECK(written() == 1);
  }
}

TEST_CASE("log lines that wait for a disk that hangs are written at the stop", "[store_writer]") {
  std::mutex mutex;
  std::vector<std::string> lines;
  StoreWriter::Options options;
  options.write_line = [&](const LogLine& line) {
    std::lock_guard lock(mutex);
    lines.emplace_back(line.event);
  };
  loop::Loop loop;
  SlowStore store;
  store.hang(true);
  auto writer = std::make_unique<StoreWriter>(loop, store, *store::Journal::open(store), options);
  writer->write(put("a", "1"), {{entry("1")}, {{LogLevel::info, "first", {}}}});
  std::thread stop([&] { writer.reset(); });
  const auto is_written = [&] {
    std::lock_guard lock(mutex);
    return lines == std::vector<std::string>{"first"};
  };
  CHECK(loop.run_until(is_written, patience));
  store.hang(false);
  stop.join();
  CHECK(is_written());
}

TEST_CASE("a disk that is well loses no journal entry, however many come at once",
          "[store_writer]") {
  StoreWriter::Options options;
  options.journal_waiting_max = 2;
  Fixture f(options);
  f.store.hang(true);
  f.writer.write(put("a", "1"), {{entry("1")}, {}});
  f.writer.write({}, {std::vector<store::JournalEntry>(100, entry("2")), {}});
  f.store.hang(false);
  REQUIRE(f.writer.flush(Milliseconds(patience)));
  CHECK(journal_size(f.store) == 101);
  CHECK(f.writer.state().journal_lost == 0);
}

TEST_CASE("a full disk fails commits at once, keeps the newest state, and heals by itself",
          "[store_writer]") {
  StoreWriter::Options options;
  options.retry_first = Milliseconds(5);
  options.journal_waiting_max = 2;
  Fixture f(options);
  f.store.fail_commits(full);
  for (const char* value : {"1", "2", "3"}) f.writer.write(put("a", value), {{entry(value)}, {}});
  std::optional<Status> told;
  f.writer.commit(put("b", "x"), {entry("lost")}, {}, [&](Status s) { told = std::move(s); });
  REQUIRE(f.loop.run_until([&] { return told && !f.writer.state().healthy; }, patience));
  REQUIRE_FALSE(*told);
  CHECK(told->error().code == ErrorCode::unavailable);
  CHECK(told->error().message.find("No space left") != std::string::npos);
  CHECK_FALSE(f.writer.state().healthy);
  CHECK(f.writer.state().journal_lost == 1);

  f.store.fail_commits(std::nullopt);
  REQUIRE(f.loop.run_until([&] { return f.writer.state().healthy; }, patience));
  REQUIRE(f.writer.flush(Milliseconds(patience)));
  CHECK(value_of(f.store, "a") == "3");
  CHECK(value_of(f.store, "b").empty());
  CHECK(journal_size(f.store) == 2);
}

TEST_CASE("a disk that hangs fails a commit in time, and takes it back when it wakes",
          "[store_writer]") {
  StoreWriter::Options options;
  options.commit_within = Milliseconds(150);
  Fixture f(options);
  f.store.hang(true);
  store::Batch undo;
  undo.erase(store::Table::state, "b");
  std::optional<Status> told;
  f.writer.commit(put("b", "x"), {}, undo, [&](Status s) { told = std::move(s); });
  REQUIRE(f.loop.run_until([&] { return told.has_value(); }, patience));
  REQUIRE_FALSE(*told);
  CHECK(told->error().code == ErrorCode::unavailable);

  f.store.hang(false);
  REQUIRE(f.loop.run_until([&] { return f.store.revision() == 2; }, patience));
  CHECK(value_of(f.store, "b").empty());
}

TEST_CASE("what was given up never comes back over a second try", "[store_writer]") {
  StoreWriter::Options options;
  options.commit_within = Milliseconds(150);
  Fixture f(options);
  f.writer.write(put("drain", "on"), {});
  REQUIRE(f.writer.flush(Milliseconds(patience)));
  store::Batch cancel;
  cancel.erase(store::Table::state, "drain");
  f.store.hang(true);
  std::optional<Status> first;
  f.writer.commit(cancel, {}, put("drain", "on"), [&](Status s) { first = std::move(s); });
  REQUIRE(f.loop.run_until([&] { return first.has_value(); }, patience));
  REQUIRE_FALSE(*first);

  std::optional<Status> second;
  f.writer.commit(cancel, {}, put("drain", "on"), [&](Status s) { second = std::move(s); });
  f.store.hang(false);
  REQUIRE(f.loop.run_until([&] { return second.has_value(); }, patience));
  REQUIRE(*second);
  f.loop.run_until([] { return false; }, 50);
  REQUIRE(f.writer.flush(Milliseconds(patience)));
  CHECK(value_of(f.store, "drain").empty());
}

TEST_CASE("a refused commit is enough to see when the disk is well again", "[store_writer]") {
  StoreWriter::Options options;
  options.retry_first = Milliseconds(5);
  Fixture f(options);
  f.store.fail_commits(full);
  std::optional<Status> told;
  f.writer.commit({}, {entry("lost")}, {}, [&](Status s) { told = std::move(s); });
  REQUIRE(f.loop.run_until([&] { return told && !f.writer.state().healthy; }, patience));
  f.store.fail_commits(std::nullopt);
  CHECK(f.loop.run_until([&] { return f.writer.state().healthy; }, patience));
}

TEST_CASE("a commit that failed and is on the disk all the same is taken back", "[store_writer]") {
  /// An I/O error behind the write: it is not known what the disk kept, and it kept everything.
  struct LyingStore : store::MemoryStore {
    Result<store::Revision> commit(const store::Batch& batch) override {
      Result<store::Revision> stored = MemoryStore::commit(batch);
      if (lies-- > 0) return Error{ErrorCode::unavailable, "Input/output error"};
      return stored;
    }
    std::atomic<int> lies{1};
  };
  loop::Loop loop;
  LyingStore store;
  StoreWriter::Options options;
  options.retry_first = Milliseconds(5);
  StoreWriter writer(loop, store, *store::Journal::open(store), options);
  store::Batch undo;
  undo.erase(store::Table::state, "drain");
  std::optional<Status> told;
  writer.commit(put("drain", "on"), {}, undo, [&](Status s) { told = std::move(s); });
  REQUIRE(loop.run_until([&] { return told.has_value(); }, patience));
  REQUIRE_FALSE(*told);
  CHECK(loop.run_until([&] { return value_of(store, "drain").empty(); }, patience));
}

TEST_CASE("old journal entries are pruned, new ones stay", "[store_writer]") {
  Fixture f;
  std::vector<store::JournalEntry> entries(1'500, entry("old"));
  entries.push_back({WallTime{1'790'000'100'000}, "test", "", "swingoverd", "", "new", ""});
  f.writer.write({}, {entries, {}});
  REQUIRE(f.writer.flush(Milliseconds(patience)));
  f.writer.prune_journal(WallTime{1'790'000'050'000});
  REQUIRE(f.loop.run_until([&] { return journal_size(f.store) == 1; }, patience));
  CHECK(store::Journal::read(f.store, {})->front().after == "new");
}
