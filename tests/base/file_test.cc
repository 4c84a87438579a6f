#include "base/file.h"

#include <catch2/catch.hpp>
#include <string>

#include "tests/support/temporary_folder.h"

namespace swingover {

TEST_CASE("a file is read whole, whatever its bytes and size", "[file]") {
  const tests::TemporaryFolder folder;
  const std::string path = folder.file("file");
  for (const size_t size : {0U, 1U, 65'535U, 65'536U, 200'001U}) {
    std::string content(size, '\0');
    for (size_t i = 0; i < size; ++i) content[i] = static_cast<char>(i * 31);
    folder.write("file", content);
    const auto read = read_file(path);
    REQUIRE(read);
    CHECK(*read == content);
  }
}

TEST_CASE("a file without a size of its own is read to its end", "[file]") {
  const auto status = read_file("/proc/self/status");
  REQUIRE(status);
  CHECK_THAT(*status, Catch::StartsWith("Name:"));
}

TEST_CASE("what cannot be read says its path and why", "[file]") {
  const tests::TemporaryFolder folder;
  const auto missing = read_file(folder.file("none"));
  REQUIRE_FALSE(missing);
  CHECK(missing.error().code == ErrorCode::not_found);
  CHECK(missing.error().message == folder.file("none") + ": No such file or directory");
  CHECK(read_file(folder.path()).error().message == folder.path() + ": is a directory");

  folder.write("large", "12345");
  CHECK(read_file(folder.file("large"), 5));
  CHECK(read_file(folder.file("large"), 4).error().message ==
        folder.file("large") + ": larger than 4 bytes");
  CHECK_FALSE(read_file("/dev/zero", 1'000'000));
}

TEST_CASE("a relative path is seen from the file that names it", "[file]") {
  CHECK(path_beside("/etc/swingover/swingover.toml", "zones/example.zone") ==
        "/etc/swingover/zones/example.zone");
  CHECK(path_beside("/etc/swingover/swingover.toml", "../x") == "/etc/x");
  CHECK(path_beside("/etc/swingover/swingover.toml", "/srv/x") == "/srv/x");
  CHECK(path_beside("swingover.toml", "example.zone") == "example.zone");
}

}  // namespace swingover
