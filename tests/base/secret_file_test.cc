#include "base/secret_file.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

#include "base/file.h"
#include "tests/support/temporary_folder.h"

namespace swingover::tests {
namespace {

Bytes octets_of(const std::string& text) {
  return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}

mode_t mode_of(const std::string& path) {
  struct stat status {};
  REQUIRE(stat(path.c_str(), &status) == 0);
  return status.st_mode & 07777;
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    names.push_back(entry.path().filename().string());
  return names;
}

/// Why this file is not read; empty if it is.
std::string refusal(const std::string& path, size_t size_max = 100) {
  const auto secret = read_secret_file(path, size_max);
  return secret ? "" : secret.error().message;
}

/// No file grows beyond `size` while this lives, as on a disk that is full.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t size) : before_(std::signal(SIGXFSZ, SIG_IGN)) {
    REQUIRE(getrlimit(RLIMIT_FSIZE, &limit_) == 0);
    const rlimit small{.rlim_cur = size, .rlim_max = limit_.rlim_max};
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  }
  ~FileSizeLimit() {
    setrlimit(RLIMIT_FSIZE, &limit_);
    std::signal(SIGXFSZ, before_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  rlimit limit_{};
  void (*before_)(int);
};

}  // namespace

TEST_CASE("a secret file is written for its owner alone and read back", "[secret_file]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  const mode_t before = umask(0);
  const Status written = write_new_file(path, octets_of("secret"), 0600);
  umask(0777);  // which would leave nobody any right
  const Status other = write_new_file(folder.file("b"), octets_of(""), 0644);
  umask(before);
  REQUIRE(written);
  REQUIRE(other);
  CHECK(mode_of(path) == 0600);
  CHECK(mode_of(folder.file("b")) == 0644);
  const auto secret = read_secret_file(path, 6);
  REQUIRE(secret);
  CHECK(secret->text() == "secret");
  CHECK(files_in(folder.path()).size() == 2);
}

TEST_CASE("what stands there is not replaced, what a crash left is", "[secret_file]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  folder.write("a.new", "half of a sec");
  REQUIRE(write_new_file(path, octets_of("one"), 0600));
  const Status again = write_new_file(path, octets_of("two"), 0600);
  REQUIRE_FALSE(again);
  CHECK(again.error().code == ErrorCode::conflict);
  CHECK(again.error().message == path + ": File exists");
  CHECK(*read_file(path) == "one");
  CHECK(files_in(folder.path()) == std::vector<std::string>{"a"});
}

TEST_CASE("a file that does not fit leaves nothing behind", "[secret_file]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  {
    const FileSizeLimit limit(10);
    const Status written = write_new_file(path, octets_of("more than ten octets"), 0600);
    REQUIRE_FALSE(written);
    CHECK(written.error().message == path + ": File too large");
  }
  CHECK(files_in(folder.path()).empty());
  CHECK(write_new_file(folder.file("no/a"), octets_of("x"), 0600).error().code ==
        ErrorCode::not_found);
}

TEST_CASE("secrets that others can reach are refused with what to do", "[secret_file]") {
  const TemporaryFolder folder;
  const std::string path = folder.file("a");
  REQUIRE(write_new_file(path, octets_of("secret"), 0600));
  for (const mode_t mode : {0640U, 0604U, 0620U, 0601U, 0644U}) {
    REQUIRE(chmod(path.c_str(), mode) == 0);
    CHECK_THAT(refusal(path), Catch::Contains("is open to others (mode 06") &&
                                  Catch::Contains("chmod 600 it") && !Catch::Contains("secret\n"));
  }
  REQUIRE(chmod(path.c_str(), 0400) == 0);
  CHECK(refusal(path).empty());
  CHECK(refusal(path, 5) == path + ": larger than 5 bytes");
  CHECK(refusal(folder.file("b")) == folder.file("b") + ": No such file or directory");
  CHECK(refusal(folder.path()) == folder.path() + ": is no plain file");
  REQUIRE(symlink(path.c_str(), folder.file("link").c_str()) == 0);
  CHECK(refusal(folder.file("link")) ==
        folder.file("link") + ": is a link: put the file itself here");
  REQUIRE(mkfifo(folder.file("pipe").c_str(), 0600) == 0);
  CHECK(refusal(folder.file("pipe")) == folder.file("pipe") + ": is no plain file");
  if (geteuid() == 0) {  // only root can give a file away
    REQUIRE(chown(path.c_str(), 12345, 0) == 0);
    CHECK(refusal(path) ==
          path + ": belongs to the user 12345, who could change it: chown it to 0");
  }
}

}  // namespace swingover::tests
