#include "base/loop/process.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <optional>

namespace swingover::loop {
namespace {

constexpr int patience = 10'000;  // milliseconds

struct Runner {
  Loop loop;
  std::optional<Process::End> end;
  std::unique_ptr<Process> process;

  void start(Process::Options options) {
    auto made = Process::start(loop, options, [this](const Process::End& told) { end = told; });
    INFO((made ? "" : made.error().message));
    REQUIRE(made);
    process = *std::move(made);
    CHECK_FALSE(end);  // never within start()
  }
  void shell(const std::string& script) { start({.command = {"/bin/sh", "-c", script}}); }
  Process::End wait() {
    REQUIRE(loop.run_until([this] { return end.has_value(); }, patience));
    return *end;
  }
  /// Until it has written `text`: then it has done what came before.
  void wait_for_output(std::string_view text) {
    REQUIRE(loop.run_until([&] { return process->output().find(text) != std::string::npos; },
                           patience));
  }
};

bool is_gone(pid_t pid) {
  return kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

TEST_CASE("a child's exit status and output are told", "[process]") {
  Runner runner;
  runner.shell("echo one; echo two >&2; exit 3");
  const Process::End end = runner.wait();
  CHECK(end.signal == 0);
  CHECK(end.exit_status == 3);
  CHECK(end.output == "one\ntwo\n");
  CHECK(is_gone(runner.process->pid()));
}

TEST_CASE("a child's exit status is told also by a process that was started to ignore its children",
          "[process]") {
  const auto before = std::signal(SIGCHLD, SIG_IGN);
  Runner runner;
  runner.shell("exit 3");
  const Process::End end = runner.wait();
  CHECK(end.signal == 0);
  CHECK(end.exit_status == 3);
  std::signal(SIGCHLD, before);
}

TEST_CASE("a child's arguments are what the list holds, without a shell", "[process]") {
  Runner runner;
  runner.start({.command = {"printf", "<%s>", "a b", "", "$HOME;*"}});
  CHECK(runner.wait().output == "<a b><><$HOME;*>");
}

TEST_CASE("a child has the given environment and nothing else", "[process]") {
  Runner runner;
  runner.start({.command = {"/usr/bin/env"}, .environment = {"A=1", "B=two words"}});
  CHECK(runner.wait().output == "A=1\nB=two words\n");
}

TEST_CASE("a child inherits no descriptor, also none without O_CLOEXEC", "[process]") {
  const int leaky = open("/dev/null", O_RDONLY);
  REQUIRE(leaky >= 0);
  Runner runner;
  runner.start({.command = {"/bin/ls", "/proc/self/fd"}});
  // The fourth is ls's own, of the folder that it reads.
  CHECK(runner.wait().output == "0\n1\n2\n3\n");
  close(leaky);
}

TEST_CASE("a child starts with no signal blocked or ignored", "[process]") {
  sigset_t all{};
  sigset_t before{};
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);
  signal(SIGPIPE, SIG_IGN);
  Runner runner;
  runner.start({.command = {"/bin/grep", "-E", "^Sig(Blk|Ign)", "/proc/self/status"}});
  const Process::End end = runner.wait();
  signal(SIGPIPE, SIG_DFL);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  unsigned long long blocked = 1;
  unsigned long long ignored = 1;
  REQUIRE(std::sscanf(end.output.c_str(), "SigBlk: %llx SigIgn: %llx", &blocked, &ignored) == 2);
  CHECK(blocked == 0);
  // Those above are the C library's own, which it lets ignore until it needs them.
  CHECK((ignored & 0x7fffffff) == 0);
}

TEST_CASE("a child's standard input is empty, its folder is the one given", "[process]") {
  Runner runner;
  runner.start({.command = {"/bin/sh", "-c", "cat; pwd"}, .folder = "/usr"});
  CHECK(runner.wait().output == "/usr\n");
}

TEST_CASE("a child is as nice as asked", "[process]") {
  Runner runner;
  runner.start({.command = {"/bin/sh", "-c", "sleep 60 & echo started; wait"}, .nice = 3});
  CHECK(getpriority(PRIO_PROCESS, static_cast<id_t>(runner.process->pid())) ==
        getpriority(PRIO_PROCESS, 0) + 3);
}

TEST_CASE("a program that is not there, or is none, is an error", "[process]") {
  Runner runner;
  const auto start = [&](const std::string& program) {
    return Process::start(runner.loop, {.command = {program}}, [](const Process::End&) {});
  };
  CHECK(start("/nowhere/at/all").error().message == "/nowhere/at/all: No such file or directory");
  CHECK(start("/etc/passwd").error().message == "/etc/passwd: Permission denied");
}

TEST_CASE("a signal reaches a child and what it started", "[process]") {
  Runner runner;
  runner.shell("sleep 60 & echo $! ready; wait");
  runner.wait_for_output("ready");
  const pid_t grandchild = std::stoi(runner.process->output());
  runner.process->signal(SIGTERM);
  const Process::End end = runner.wait();
  CHECK(end.signal == SIGTERM);
  CHECK(runner.loop.run_until([&] { return is_gone(grandchild); }, patience));
}

TEST_CASE("what a child leaves running in its group ends with it", "[process]") {
  Runner runner;
  runner.shell("sleep 60 & echo $!");
  const Process::End end = runner.wait();
  CHECK(end.exit_status == 0);
  const pid_t grandchild = std::stoi(end.output);
  CHECK(runner.loop.run_until([&] { return is_gone(grandchild); }, patience));
}

TEST_CASE("a child that outlives its object is killed and reaped", "[process]") {
  Runner runner;
  runner.shell("trap '' TERM; echo ready; while :; do sleep 60; done");
  runner.wait_for_output("ready");
  const pid_t child = runner.process->pid();
  runner.process.reset();
  CHECK(runner.loop.run_until([&] { return is_gone(child); }, patience));
  CHECK_FALSE(runner.end);
}

TEST_CASE("output beyond the most that is kept is read and dropped", "[process]") {
  Runner runner;
  runner.start({.command = {"/bin/sh", "-c", "yes | head -c 1000000; exit 7"}, .output_max = 5});
  const Process::End end = runner.wait();
  CHECK(end.exit_status == 7);
  CHECK(end.output == "y\ny\ny");
}

TEST_CASE("a hundred children leave no descriptor and no zombie behind", "[process]") {
  Runner runner;
  const auto open_descriptors = [] {
    int count = 0;
    for (int i = 0; i < 1024; ++i) count += fcntl(i, F_GETFD) >= 0 ? 1 : 0;
    return count;
  };
  const int before = open_descriptors();
  for (int i = 0; i < 100; ++i) {
    runner.end.reset();
    runner.start({.command = {"/bin/true"}});
    runner.wait();
  }
  runner.process.reset();
  runner.loop.run_until([] { return false; }, 5);  // handles are closed a turn later
  CHECK(open_descriptors() == before);
  CHECK(waitpid(-1, nullptr, WNOHANG) == -1);  // no child at all is left
}

}  // namespace swingover::loop
