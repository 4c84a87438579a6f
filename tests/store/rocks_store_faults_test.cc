#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <memory>
#include <thread>

#include "store/rocks_store.h"
#include "tests/support/temporary_folder.h"

namespace swingover::store {
namespace {

/// What the disk refuses at the moment, on every file that is written.
struct Faults {
  std::atomic<bool> append{false};
  std::atomic<bool> half_append{false};  // the first half arrives, as on a disk that just got full
  std::atomic<bool> sync{false};
  std::atomic<bool> create{false};
  std::atomic<bool> no_space{false};  // the error's name; else EIO
  std::atomic<bool> hang{false};      // the database's next new file is not made before this ends
  mutable std::atomic<bool> hanging{false};

  rocksdb::IOStatus error() const {
    return no_space ? rocksdb::IOStatus::NoSpace("injected")
                    : rocksdb::IOStatus::IOError("injected");
  }
};

class FaultyFile : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  FaultyFile(std::unique_ptr<rocksdb::FSWritableFile>&& file, const Faults& faults)
      : FSWritableFileOwnerWrapper(std::move(file)), faults_(faults) {}
  using FSWritableFileOwnerWrapper::Append;

  rocksdb::IOStatus Append(const rocksdb::Slice& data, const rocksdb::IOOptions& options,
                           rocksdb::IODebugContext* context) override {
    if (faults_.half_append) {
      (void)FSWritableFileOwnerWrapper::Append({data.data(), data.size() / 2}, options, context);
      return faults_.error();
    }
    if (faults_.append) return faults_.error();
    return FSWritableFileOwnerWrapper::Append(data, options, context);
  }
  rocksdb::IOStatus Sync(const rocksdb::IOOptions& options,
                         rocksdb::IODebugContext* context) override {
    if (faults_.sync) return faults_.error();
    return FSWritableFileOwnerWrapper::Sync(options, context);
  }
  rocksdb::IOStatus Fsync(const rocksdb::IOOptions& options,
                          rocksdb::IODebugContext* context) override {
    if (faults_.sync) return faults_.error();
    return FSWritableFileOwnerWrapper::Fsync(options, context);
  }

 private:
  const Faults& faults_;
};

class FaultyDisk : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultyDisk(const Faults& faults)
      : FileSystemWrapper(rocksdb::FileSystem::Default()), faults_(faults) {}
  const char* Name() const override { return "FaultyDisk"; }

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* context) override {
    if (faults_.create) return faults_.error();
    while (faults_.hang && name.find("trial") == std::string::npos) {
      faults_.hanging = true;
      std::this_thread::yield();
    }
    std::unique_ptr<rocksdb::FSWritableFile> real;
    const auto made = FileSystemWrapper::NewWritableFile(name, options, &real, context);
    if (made.ok()) *file = std::make_unique<FaultyFile>(std::move(real), faults_);
    return made;
  }

 private:
  const Faults& faults_;
};

struct OnFaultyDisk {
  tests::TemporaryFolder folder;
  Faults faults;
  std::unique_ptr<rocksdb::Env> environment =
      rocksdb::NewCompositeEnv(std::make_shared<FaultyDisk>(faults));
  std::unique_ptr<Store> store;

  OnFaultyDisk() { open(); }
  void open() {
    store.reset();
    auto opened = open_rocks_store(folder.path(), *environment);
    if (!opened) FAIL(opened.error().message);
    store = *std::move(opened);
  }
  Result<Revision> put(const std::string& value) {
    Batch batch;
    batch.put(Table::state, "newest", value);
    batch.put(Table::journal, "newest", value);
    return store->commit(batch);
  }
  /// The value, which must be the same in both tables: a batch is there whole or not at all.
  std::string newest() {
    const auto value = store->get(Table::state, "newest");
    const auto twin = store->get(Table::journal, "newest");
    REQUIRE(value);
    REQUIRE(twin);
    CHECK(*value == *twin);
    return value->value_or("none");
  }
};

}  // namespace

TEST_CASE("a write that the disk refuses fails, reads go on, and writes resume by themselves",
          "[rocks_store_faults]") {
  OnFaultyDisk disk;
  const auto before = disk.put("first");
  REQUIRE(before);
  bool may_survive = false;
  SECTION("append fails") {
    disk.faults.append = true;
  }
  SECTION("append fails for want of space") {
    disk.faults.append = disk.faults.no_space = true;
  }
  SECTION("half of the record arrives") {
    disk.faults.half_append = disk.faults.no_space = true;
  }
  SECTION("sync fails") {
    disk.faults.sync = true;
    may_survive = true;  // the record is whole in the file: whether it counts is known at reopening
  }

  for (int i = 0; i < 3; ++i) {
    const auto failed = disk.put("refused");
    REQUIRE_FALSE(failed);
    CHECK(failed.error().code == ErrorCode::unavailable);
    CHECK(disk.newest() == "first");
    CHECK(disk.store->revision() == *before);
  }

  disk.faults.append = disk.faults.half_append = disk.faults.sync = false;
  const auto resumed = disk.put("second");
  if (!resumed) FAIL(resumed.error().message);
  CHECK(*resumed == *before + (may_survive ? 2U : 1U));
  CHECK(disk.newest() == "second");

  disk.open();
  CHECK(disk.newest() == "second");
  CHECK(disk.store->revision() == *resumed);
}

TEST_CASE(
    "a batch that was refused does not come back after a crash before the next commit by half",
    "[rocks_store_faults]") {
  OnFaultyDisk disk;
  const auto before = disk.put("first");
  REQUIRE(before);
  SECTION("append") {
    disk.faults.half_append = true;
  }
  SECTION("sync") {
    disk.faults.sync = true;
  }
  REQUIRE_FALSE(disk.put("refused"));
  disk.faults.half_append = disk.faults.sync = false;

  disk.open();
  const std::string found = disk.newest();
  if (found == "refused") {
    CHECK(disk.store->revision() == *before + 1);
  } else {
    CHECK(found == "first");
    CHECK(disk.store->revision() == *before);
  }
  const Revision now = disk.store->revision();
  const auto next = disk.put("second");
  REQUIRE(next);
  CHECK(*next == now + 1);
}

TEST_CASE("a disk that takes bytes but no new files keeps the store readable and mends later",
          "[rocks_store_faults]") {
  OnFaultyDisk disk;
  const auto before = disk.put("first");
  REQUIRE(before);
  disk.faults.append = true;
  REQUIRE_FALSE(disk.put("refused"));
  disk.faults.append = false;
  disk.faults.create = true;
  for (int i = 0; i < 3; ++i) {
    REQUIRE_FALSE(disk.put("refused"));
    CHECK(disk.newest() == "first");
  }
  disk.faults.create = false;
  REQUIRE(disk.put("second"));
  CHECK(disk.newest() == "second");
}

TEST_CASE("reads fail at once, and do not wait, while a slow disk holds the reopening up",
          "[rocks_store_faults]") {
  OnFaultyDisk disk;
  REQUIRE(disk.put("first"));
  disk.faults.append = true;
  REQUIRE_FALSE(disk.put("refused"));
  disk.faults.append = false;
  disk.faults.hang = true;
  bool written = false;
  std::thread writer([&] { written = static_cast<bool>(disk.put("second")); });
  while (!disk.faults.hanging) std::this_thread::yield();
  const auto read = disk.store->get(Table::state, "newest");
  disk.faults.hang = false;
  writer.join();
  REQUIRE_FALSE(read);
  CHECK(read.error().code == ErrorCode::unavailable);
  CHECK(written);
  CHECK(disk.newest() == "second");
}

TEST_CASE("a disk that fails in the midst of reopening leaves the store readable",
          "[rocks_store_faults]") {
  /// Lets the trial file through and refuses from the first file of RocksDB's own on.
  class RefusesReopening : public rocksdb::FileSystemWrapper {
   public:
    explicit RefusesReopening(const std::atomic<bool>& refusing)
        : FileSystemWrapper(rocksdb::FileSystem::Default()), refusing_(refusing) {}
    const char* Name() const override { return "RefusesReopening"; }
    rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* context) override {
      if (refusing_ && name.find("trial") == std::string::npos) {
        return rocksdb::IOStatus::NoSpace("injected");
      }
      return FileSystemWrapper::NewWritableFile(name, options, file, context);
    }

   private:
    const std::atomic<bool>& refusing_;
  };
  const tests::TemporaryFolder folder;
  std::atomic<bool> refusing{false};
  const auto environment = rocksdb::NewCompositeEnv(std::make_shared<RefusesReopening>(refusing));
  const auto opened = open_rocks_store(folder.path(), *environment);
  REQUIRE(opened);
  Store& store = **opened;
  // Filling the log beyond its size makes RocksDB begin a new one, which fails: the store must reopen.
  const auto put = [&](const std::string& value) {
    Batch batch;
    batch.put(Table::state, "newest", value);
    batch.put(Table::journal, "filler", std::string(300'000, 'x'));
    return store.commit(batch);
  };
  REQUIRE(put("first"));
  refusing = true;
  std::string last = "first";
  int failures = 0;
  for (int i = 0; i < 40; ++i) {
    const std::string value = std::to_string(i);
    if (put(value)) {
      last = value;
    } else {
      ++failures;
    }
    const auto read = store.get(Table::state, "newest");
    REQUIRE(read);
    CHECK(*read == last);
  }
  CHECK(failures > 3);
  refusing = false;
  REQUIRE(put("resumed"));
  CHECK(*store.get(Table::state, "newest") == "resumed");
}

}  // namespace swingover::store
