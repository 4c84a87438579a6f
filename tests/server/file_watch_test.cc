#include "server/file_watch.h"

#include <catch2/catch.hpp>

#include <filesystem>

#include "tests/support/temporary_folder.h"

using namespace swingover;
using server::FileWatch;
using server::stamp_of;

namespace {

/// A folder with two followed files.
struct Followed {
  tests::TemporaryFolder folder;
  FileWatch watch;

  Followed() {
    folder.write("a", "one");
    folder.write("b", "two");
    watch.follow({{folder.file("a"), stamp_of(folder.file("a"))},
                  {folder.file("b"), stamp_of(folder.file("b"))}});
  }
};

}  // namespace

TEST_CASE("a file that is as it was read is not told", "[file_watch]") {
  Followed files;
  for (int i = 0; i < 5; ++i) CHECK_FALSE(files.watch.look());
}

TEST_CASE("a rewritten file is told once, when it rests", "[file_watch]") {
  Followed files;
  files.folder.write("a", "one and more");
  CHECK_FALSE(files.watch.look());  // it may go on
  CHECK(files.watch.look());
  CHECK_FALSE(files.watch.look());
}

TEST_CASE("a file that another was renamed over is told, whatever its size and time",
          "[file_watch]") {
  Followed files;
  files.folder.write("new", "six");
  std::filesystem::last_write_time(files.folder.file("new"),
                                   std::filesystem::last_write_time(files.folder.file("a")));
  std::filesystem::rename(files.folder.file("new"), files.folder.file("a"));
  CHECK_FALSE(files.watch.look());
  CHECK(files.watch.look());
}

TEST_CASE("while one file still changes the other waits", "[file_watch]") {
  Followed files;
  files.folder.write("a", "1");
  CHECK_FALSE(files.watch.look());
  files.folder.write("b", "12");
  CHECK_FALSE(files.watch.look());
  files.folder.write("b", "1234");
  CHECK_FALSE(files.watch.look());
  CHECK(files.watch.look());
}

TEST_CASE("a file that goes and comes back is told both times", "[file_watch]") {
  Followed files;
  std::filesystem::remove(files.folder.file("a"));
  CHECK_FALSE(files.watch.look());
  CHECK(files.watch.look());
  files.folder.write("a", "back");
  CHECK_FALSE(files.watch.look());
  CHECK(files.watch.look());
}

TEST_CASE("what changed while it was read is told", "[file_watch]") {
  Followed files;
  const auto before = stamp_of(files.folder.file("a"));
  files.folder.write("a", "changed behind the stamp");
  files.watch.follow({{files.folder.file("a"), before}});
  CHECK_FALSE(files.watch.look());
  CHECK(files.watch.look());
}
