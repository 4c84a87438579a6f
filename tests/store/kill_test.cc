#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <chrono>
#include <csignal>
#include <string>
#include <thread>

#include "base/random.h"
#include "base/text.h"
#include "store/rocks_store.h"
#include "tests/support/temporary_folder.h"

extern char** environ;

namespace swingover::store {
namespace {

enum class From { start, first_commit };

/// Runs the committer for so long, kills it, and gives the last revision that it had acknowledged; 0: none.
Revision commit_and_kill(const std::string& folder, From from, std::chrono::microseconds life) {
  int output[2];
  REQUIRE(pipe2(output, O_CLOEXEC) == 0);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  std::string program = STORE_COMMITTER;
  std::string argument = folder;
  std::array<char*, 3> arguments{program.data(), argument.data(), nullptr};
  pid_t child = 0;
  REQUIRE(posix_spawn(&child, program.c_str(), &actions, nullptr, arguments.data(), environ) == 0);
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);

  std::string printed;
  std::array<char, 4096> part{};
  if (from == From::first_commit) {
    const ssize_t size = read(output[0], part.data(), part.size());
    REQUIRE(size > 0);
    printed.assign(part.data(), static_cast<size_t>(size));
  }
  std::this_thread::sleep_for(life);
  kill(child, SIGKILL);
  for (ssize_t size = 0; (size = read(output[0], part.data(), part.size())) > 0;) {
    printed.append(part.data(), static_cast<size_t>(size));
  }
  close(output[0]);
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  REQUIRE(WIFSIGNALED(status));  // it never ends by itself: a failed opening or commit would

  const auto lines = split(printed, '\n');
  return lines.size() < 2 ? 0 : *parse_number(lines[lines.size() - 2]);
}

}  // namespace

TEST_CASE("no acknowledged commit is lost, and none is there by half, after kill -9 at any instant",
          "[kill]") {
  const tests::TemporaryFolder folder;
  const uint64_t seed = random_seed();
  INFO("seed " << seed);
  Random random(seed);
  Revision before = 0;
  Revision acknowledged_ever = 0;
  for (int round = 0; round < 20; ++round) {
    // Half of the kills hit the opening and what it takes over from the last one, half the commits.
    const std::chrono::microseconds life(random.below(60'000));
    const From from = round % 2 == 0 ? From::start : From::first_commit;
    const Revision acknowledged = commit_and_kill(folder.path(), from, life);
    acknowledged_ever = std::max(acknowledged_ever, acknowledged);

    const auto store = open_rocks_store(folder.path());
    REQUIRE(store);
    const Revision found = (*store)->revision();
    CHECK(found >= acknowledged_ever);
    CHECK(found >= before);
    if (acknowledged > 0) CHECK(found <= acknowledged + 1);
    before = found;

    const auto newest = (*store)->get(Table::state, "newest");
    const auto twin = (*store)->get(Table::journal, "newest");
    REQUIRE(newest);
    REQUIRE(twin);
    REQUIRE(newest->has_value() == twin->has_value());
    if (newest->has_value()) CHECK(**newest == trimmed(**twin));
    if (acknowledged > 0) {
      const std::string number = std::to_string(acknowledged);
      CHECK(*(*store)->get(Table::state, "row/" + number) == number);
    }
  }
  CHECK(acknowledged_ever >= 10);
}

}  // namespace swingover::store
