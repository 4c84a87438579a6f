// Run by full_disk_test.sh with SMALL_DISK naming a file system of 8 MiB that nobody else uses.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "store/rocks_store.h"

namespace swingover::store {
namespace {

/// A file that takes all the room there is.
void fill(const std::string& path) {
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  REQUIRE(file >= 0);
  const std::array<char, 4096> block{};
  while (write(file, block.data(), block.size()) > 0) {
  }
  close(file);
}

/// Commits until the disk refuses one, or so many times; gives the last acknowledged number.
int commit_until_refused(Store& store, int from, int most, bool& refused) {
  refused = false;
  for (int i = from; i < from + most; ++i) {
    Batch batch;
    batch.put(Table::state, "newest", std::to_string(i));
    batch.put(Table::journal, "filler", std::string(20'000, static_cast<char>('a' + i % 26)));
    const auto revision = store.commit(batch);
    if (!revision) {
      CHECK(revision.error().code == ErrorCode::unavailable);
      CHECK_THAT(revision.error().message, Catch::Contains("no space left"));
      refused = true;
      return i - 1;
    }
  }
  return from + most - 1;
}

}  // namespace

TEST_CASE("on a full disk writes fail, reads go on, and writes resume when there is room again",
          "[full_disk]") {
  const char* disk = std::getenv("SMALL_DISK");
  REQUIRE(disk != nullptr);
  const std::string folder = std::string(disk) + "/store";
  const std::string ballast = std::string(disk) + "/ballast";
  auto opened = open_rocks_store(folder);
  REQUIRE(opened);
  auto store = *std::move(opened);

  bool refused = false;
  int newest = commit_until_refused(*store, 1, 5, refused);
  REQUIRE_FALSE(refused);
  for (int round = 0; round < 4; ++round) {
    fill(ballast);
    newest = commit_until_refused(*store, newest + 1, 2000, refused);
    REQUIRE(refused);
    const Revision revision = store->revision();
    for (int again = 0; again < 3; ++again) {
      bool still = false;
      CHECK(commit_until_refused(*store, newest + 1, 1, still) == newest);
      CHECK(still);
      const auto read = store->get(Table::state, "newest");
      REQUIRE(read);
      CHECK(*read == std::to_string(newest));
      CHECK(store->revision() == revision);
    }

    std::filesystem::remove(ballast);
    newest = commit_until_refused(*store, newest + 1, 20, refused);
    CHECK_FALSE(refused);
    CHECK(store->revision() >= revision + 20);
    CHECK(store->revision() <= revision + 21);  // the refused batch may have reached the disk whole
  }

  SECTION("a restart finds it all") {}
  SECTION("a restart on the full disk is refused in words, and works when there is room") {
    store.reset();
    fill(ballast);
    const auto refused_start = open_rocks_store(folder);
    if (!refused_start) {
      CHECK(refused_start.error().code == ErrorCode::unavailable);
      CHECK_THAT(refused_start.error().message, Catch::Contains("no space left"));
    }
    std::filesystem::remove(ballast);
  }
  store.reset();
  auto again = open_rocks_store(folder);
  REQUIRE(again);
  CHECK(*(*again)->get(Table::state, "newest") == std::to_string(newest));
  again->reset();
  std::filesystem::remove_all(folder);
}

}  // namespace swingover::store
