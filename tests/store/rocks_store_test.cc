#include "store/rocks_store.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "store/format.h"
#include "store/journal.h"
#include "tests/support/temporary_folder.h"

extern char** environ;

namespace swingover::store {
namespace {

std::unique_ptr<Store> open(const std::string& folder) {
  auto store = open_rocks_store(folder);
  if (!store) FAIL(store.error().message);
  return *std::move(store);
}

Error refusal(const std::string& folder) {
  const auto store = open_rocks_store(folder);
  REQUIRE_FALSE(store);
  return store.error();
}

Revision put(Store& store, const std::string& key, const std::string& value) {
  Batch batch;
  batch.put(Table::state, key, value);
  const auto revision = store.commit(batch);
  REQUIRE(revision);
  return *revision;
}

/// The log that the store is writing: the newest one.
std::filesystem::path newest_log(const std::string& folder) {
  std::filesystem::path newest;
  for (const auto& file : std::filesystem::directory_iterator(folder)) {
    if (file.path().extension() == ".log" && file.path() > newest) newest = file.path();
  }
  REQUIRE_FALSE(newest.empty());
  return newest;
}

/// A store's files as kill -9 would leave them: the log not yet taken over into tables.
void copy_as_killed(const std::string& from, const std::string& to) {
  std::filesystem::copy(from, to);
  std::filesystem::remove(to + "/LOCK");
}

void overwrite(const std::filesystem::path& path, std::streamoff at, const std::string& bytes) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(at);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  REQUIRE(file.good());
}

}  // namespace

TEST_CASE("a store is there again after a restart, with its revision", "[rocks_store]") {
  const tests::TemporaryFolder parent;
  const std::string folder = parent.file("made/on/the/way");
  Revision revision = 0;
  {
    const auto store = open(folder);
    put(*store, "shop", "up");
    revision = put(*store, "mail", "down");
  }
  const auto store = open(folder);
  CHECK(store->revision() == revision);
  CHECK(*store->get(Table::state, "shop") == "up");
  CHECK(put(*store, "shop", "down") == revision + 1);
  CHECK((std::filesystem::status(folder).permissions() & std::filesystem::perms::others_all) ==
        std::filesystem::perms::none);
}

TEST_CASE("a store leaves no log of its own making in the folder", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  for (int i = 0; i < 5; ++i) put(*open(folder.path()), "shop", "up");
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    CHECK(file.path().filename().string().rfind("LOG", 0) != 0);
    ++files;
  }
  CHECK(files < 25);
}

TEST_CASE("reads run beside commits of another thread", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  const auto store = open(folder.path());
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    for (int i = 0; i < 200 && !stop; ++i) {
      Batch batch;
      const std::string number = std::to_string(i);
      batch.put(Table::state, "a", number);
      batch.put(Table::state, "b", number);
      if (!store->commit(batch)) break;
    }
    stop = true;
  });
  size_t scans = 0;
  bool torn = false;
  while (!stop) {
    std::vector<std::string> values;
    const auto scanned = store->scan(Table::state, "", "", Direction::ascending,
                                     [&](std::string_view, std::string_view value) {
                                       values.emplace_back(value);
                                       return true;
                                     });
    torn = torn || !scanned || (values.size() == 2 && values[0] != values[1]);
    ++scans;
  }
  writer.join();
  CHECK_FALSE(torn);
  CHECK(scans > 0);
}

TEST_CASE("a backup opens as a store of its own, and never overwrites", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  const auto store = open(folder.file("store"));
  const Revision revision = put(*store, "shop", "up");
  REQUIRE(store->backup(folder.file("backup")));
  put(*store, "shop", "down");

  const auto copy = open(folder.file("backup"));
  CHECK(copy->revision() == revision);
  CHECK(*copy->get(Table::state, "shop") == "up");
  const auto again = store->backup(folder.file("backup"));
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::conflict);
  CHECK(store->backup(folder.file("no/such/parent")).error().code == ErrorCode::unavailable);
}

TEST_CASE("a second opening by the same process is refused and leaves the first its lock",
          "[rocks_store]") {
  const tests::TemporaryFolder folder;
  const auto store = open(folder.path());
  CHECK(refusal(folder.path()).code == ErrorCode::conflict);
  CHECK(refusal(folder.path()).code == ErrorCode::conflict);
  put(*store, "shop", "up");
}

TEST_CASE("a folder that another process uses is refused, with its number", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  std::string program = STORE_COMMITTER;
  std::string argument = folder.path();
  std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  int output[2];
  REQUIRE(pipe2(output, O_CLOEXEC) == 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  char byte = 0;
  REQUIRE(read(output[0], &byte, 1) == 1);  // it has committed, so it has the lock

  const Error error = refusal(folder.path());
  kill(child, SIGKILL);
  close(output[0]);
  waitpid(child, nullptr, 0);
  CHECK(error.code == ErrorCode::conflict);
  CHECK(error.message ==
        folder.path() + " is in use by another swingoverd (process " + std::to_string(child) + ")");
  CHECK(open(folder.path())->revision() > 0);  // and the lock went with its holder
}

TEST_CASE("a folder that cannot be made or is none is refused in words", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  std::ofstream(folder.file("file")) << "x";
  CHECK(refusal(folder.file("file")).message ==
        "cannot make the folder " + folder.file("file") + ": Not a directory");
  CHECK(refusal(folder.file("file/below")).message ==
        "cannot make the folder " + folder.file("file/below") + ": Not a directory");
  CHECK(refusal("/proc/swingover").code == ErrorCode::unavailable);
  CHECK(refusal("/proc/self").code == ErrorCode::unavailable);
}

TEST_CASE("a log that ends within a record keeps all before it", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  const std::string copy = folder.file("copy");
  Revision revision = 0;
  {
    const auto store = open(folder.file("store"));
    for (int i = 0; i < 20; ++i) revision = put(*store, "row" + std::to_string(i), "up");
    copy_as_killed(folder.file("store"), copy);
  }
  const auto log = newest_log(copy);
  std::filesystem::resize_file(log, std::filesystem::file_size(log) - 3);
  const auto store = open(copy);
  CHECK(store->revision() == revision - 1);
  CHECK(*store->get(Table::state, "row18") == "up");
  CHECK(*store->get(Table::state, "row19") == std::nullopt);
}

TEST_CASE("a damaged store is refused as corrupt, with what to do", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  const std::string copy = folder.file("copy");
  {
    const auto store = open(folder.file("store"));
    for (int i = 0; i < 20; ++i) put(*store, "row" + std::to_string(i), std::string(100, 'u'));
    copy_as_killed(folder.file("store"), copy);
  }
  const auto log = newest_log(copy);
  const auto size = static_cast<std::streamoff>(std::filesystem::file_size(log));
  SECTION("a flipped byte in the middle of the log") {
    overwrite(log, size / 2, "\x01");
  }
  SECTION("zeroes within the log") {
    overwrite(log, size / 2, std::string(300, '\0'));
  }
  SECTION("a manifest of other content") {
    for (const auto& file : std::filesystem::directory_iterator(copy)) {
      if (file.path().filename().string().rfind("MANIFEST", 0) == 0) {
        overwrite(file.path(), 20, "garbage");
      }
    }
  }
  SECTION("no manifest") {
    for (const auto& file : std::filesystem::directory_iterator(copy)) {
      if (file.path().filename().string().rfind("MANIFEST", 0) == 0) {
        std::filesystem::remove(file.path());
      }
    }
  }
  SECTION("no CURRENT, which must not become a new and empty store") {
    std::filesystem::remove(copy + "/CURRENT");
  }
  const Error error = refusal(copy);
  CHECK(error.code == ErrorCode::corrupt);
  CHECK_THAT(error.message, Catch::Contains("the store in " + copy + " is damaged (") &&
                                Catch::Contains("restore a backup"));
}

TEST_CASE("a lost table file is refused as corrupt", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  put(*open(folder.path()), "shop", "up");
  (void)open(folder.path());  // a restart takes the log over into table files
  size_t removed = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder.path())) {
    if (file.path().extension() == ".sst") removed += std::filesystem::remove(file.path());
  }
  REQUIRE(removed > 0);
  CHECK(refusal(folder.path()).code == ErrorCode::corrupt);
}

TEST_CASE("a folder that is moved away takes no commit, until it is back", "[rocks_store]") {
  const tests::TemporaryFolder parent;
  const std::string folder = parent.file("state");
  const std::string elsewhere = parent.file("elsewhere");
  const auto store = open(folder);
  const Revision before = put(*store, "shop", "up");
  std::filesystem::rename(folder, elsewhere);
  Batch batch;
  batch.put(Table::state, "shop", "down");
  const auto refused = store->commit(batch);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == ErrorCode::unavailable);
  CHECK_THAT(refused.error().message, Catch::Contains("the store in " + folder + " is gone"));
  CHECK(*store->get(Table::state, "shop") == "up");
  std::filesystem::rename(elsewhere, folder);
  CHECK(put(*store, "shop", "down") == before + 1);
}

TEST_CASE("a store of a newer format is refused with both numbers, and unharmed", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  {
    const auto store = open(folder.path());
    Batch batch;
    batch.put(Table::meta, std::string(format_key), encode_number(7));
    REQUIRE(store->commit(batch));
  }
  const Error error = refusal(folder.path());
  CHECK(error.code == ErrorCode::conflict);
  CHECK(error.message ==
        folder.path() +
            ": the store has format 7 and this program writes format 1: run the newer "
            "version, or move the folder away to start anew");
  CHECK(refusal(folder.path()).message == error.message);
}

TEST_CASE("the journal goes on behind its newest entry after a restart", "[rocks_store]") {
  const tests::TemporaryFolder folder;
  for (int i = 0; i < 3; ++i) {
    const auto store = open(folder.path());
    auto journal = Journal::open(*store);
    REQUIRE(journal);
    Batch batch;
    JournalEntry entry;
    entry.at = {1'790'000'000'000 - i * 1000};  // each start sees an earlier clock
    entry.reason = std::to_string(i);
    journal->append(batch, entry);
    REQUIRE(store->commit(batch));
  }
  const auto entries = Journal::read(*open(folder.path()), {});
  REQUIRE(entries);
  REQUIRE(entries->size() == 3);
  CHECK(entries->front().reason == "2");
  CHECK(entries->back().reason == "0");
}

}  // namespace swingover::store
