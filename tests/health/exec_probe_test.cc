#include "health/exec_probe.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <fstream>

#include "base/file.h"
#include "probe_runner.h"
#include "tests/support/temporary_folder.h"

namespace swingover::health {

namespace {

struct Commands : ProbeRunner {
  std::unique_ptr<Target> target(const std::vector<std::string>& command, int timeout = 10'000,
                                 uint16_t port = 0) {
    MonitorOptions monitor;
    monitor.name = "own";
    monitor.kind = MonitorKind::exec;
    monitor.port = port;
    monitor.timeout = Milliseconds(timeout);
    for (const std::string& argument : command) monitor.command.push_back({argument});
    return probes.make_target(
        {std::make_shared<const MonitorOptions>(monitor), "192.0.2.1", "shop.test", {}});
  }
  Finding run_shell(const std::string& script, int timeout = 10'000) {
    return run(*target({"/bin/sh", "-c", script}, timeout));
  }
  bool wait_until_idle() {
    return loop.run_until([&] { return probes.running() == 0; }, 10'000);
  }
  tests::TemporaryFolder folder;
  ExecProbes probes{loop};
};

std::string content(const std::string& path) {
  const auto text = read_file(path);
  return text ? *text : std::string();
}

}  // namespace

TEST_CASE("a command that exits with 0 passes", "[exec_probe]") {
  Commands commands;
  const Finding found = commands.run(*commands.target({"/bin/true"}));
  CHECK(found.reason.empty());
  CHECK(found.verdict == Verdict::pass);
  CHECK(found.duration_nanoseconds > 0);
  CHECK(commands.probes.running() == 0);
}

TEST_CASE("a command that fails says so with its first words", "[exec_probe]") {
  Commands commands;
  const auto reason = [&](const std::string& script) {
    const Finding found = commands.run_shell(script);
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::soft);
    CHECK(found.looked);
    return found.reason;
  };
  CHECK(reason("exit 7") == "exit status 7");
  CHECK(reason("echo; echo ' no lock '; echo more; exit 1") == "exit status 1: no lock");
  CHECK(reason("echo oops >&2; exit 1") == "exit status 1: oops");
  CHECK(reason("printf 'a\\033[2Jb'; exit 1") == "exit status 1: a\\x1b[2Jb");
  CHECK(reason("kill -9 $$") == "ended by signal 9 (Killed)");
  const std::string shown(200, 'x');
  CHECK(reason("head -c 300 /dev/zero | tr '\\0' x; exit 1") == "exit status 1: " + shown + "…");
}

TEST_CASE("a command knows what it looks at, and nothing else of the daemon", "[exec_probe]") {
  Commands commands;
  setenv("SWINGOVER_TEST_SECRET", "x", 1);
  setenv("NOTIFY_SOCKET", "/nowhere", 1);
  const std::string out = commands.folder.path() + "/env";
  const auto target = commands.target({"/bin/sh", "-c", "env | sort >" + out}, 9000, 8080);
  CHECK(commands.run(*target).reason.empty());
  unsetenv("SWINGOVER_TEST_SECRET");
  unsetenv("NOTIFY_SOCKET");
  std::string shown = content(out);
  CHECK(
      shown.find("\nSWINGOVER_ADDRESS=192.0.2.1\nSWINGOVER_HOST=shop.test\nSWINGOVER_MONITOR=own\n"
                 "SWINGOVER_PORT=8080\nSWINGOVER_TIMEOUT_MS=9000\n") != std::string::npos);
  CHECK(shown.find("SECRET") == std::string::npos);
  CHECK(shown.find("NOTIFY") == std::string::npos);
}

TEST_CASE("a program that cannot be run says nothing of the target", "[exec_probe]") {
  Commands commands;
  const Finding found = commands.run(*commands.target({"/nowhere/program"}));
  CHECK(found.verdict == Verdict::fail);
  CHECK_FALSE(found.looked);
  CHECK(found.reason == "cannot run /nowhere/program: No such file or directory");
}

TEST_CASE("a command that takes too long fails at its timeout and is ended, whatever it does",
          "[exec_probe]") {
  Commands commands;
  const std::string pids = commands.folder.path() + "/pids";
  // It starts another, and neither wants to hear of SIGTERM.
  const Finding found =
      commands.run_shell("trap '' TERM; echo working; sh -c 'echo $$ >>" + pids +
                             "; while :; do sleep 1; done' & echo $$ >>" + pids + "; wait; wait",
                         1000);
  CHECK(found.verdict == Verdict::fail);
  CHECK(found.looked);
  CHECK(found.reason == "timed out after 1s while running: working");
  CHECK(commands.probes.running() == 1);  // being ended, and counted until it has
  CHECK(commands.wait_until_idle());
  std::ifstream lines(pids);
  int seen = 0;
  for (pid_t pid = 0; lines >> pid; ++seen) {
    CHECK(commands.loop.run_until([&] { return kill(pid, 0) != 0 && errno == ESRCH; }, 5000));
  }
  CHECK(seen == 2);
}

TEST_CASE("a command that is asked to end has time to clean up", "[exec_probe]") {
  Commands commands;
  const std::string done = commands.folder.path() + "/done";
  commands.run_shell("trap 'echo cleaned >" + done + "; exit 0' TERM; while :; do sleep 0.01; done",
                     300);
  CHECK(commands.wait_until_idle());
  CHECK(content(done) == "cleaned\n");
}

TEST_CASE("no more commands run at once than may, and those that wait have their turn",
          "[exec_probe]") {
  Commands commands;
  commands.probes.set_running_max(3);
  const std::string log = commands.folder.path() + "/log";
  // Each says when it begins and ends: the log tells how many ran at once.
  const std::string script = "echo + >>" + log + "; sleep 0.05; echo - >>" + log;
  constexpr int count = 12;
  int passed = 0;
  std::vector<std::unique_ptr<Target>> targets;
  std::vector<std::unique_ptr<Probe>> probes;
  for (int i = 0; i < count; ++i) {
    targets.push_back(commands.target({"/bin/sh", "-c", script}));
    probes.push_back(targets.back()->start(
        [&](const Finding& found) { passed += found.verdict == Verdict::pass ? 1 : 0; }));
    CHECK(commands.probes.running() <= 3);
  }
  CHECK(commands.probes.waiting() == count - 3);
  CHECK(commands.loop.run_until([&] { return passed == count; }, 10'000));
  int running = 0;
  int most = 0;
  for (const char c : content(log)) {
    running += c == '+' ? 1 : c == '-' ? -1 : 0;
    most = std::max(most, running);
  }
  CHECK(most <= 3);
  CHECK(running == 0);
  CHECK(commands.probes.waiting() == 0);
  CHECK(commands.probes.delayed() == count - 3);
}

TEST_CASE("a command never meets its last run, though that ignores being asked to end",
          "[exec_probe]") {
  Commands commands;
  const std::string pids = commands.folder.path() + "/pids";
  const std::string met = commands.folder.path() + "/met";
  const auto target = commands.target(
      {"/bin/sh", "-c",
       "trap '' TERM; for p in $(cat " + pids + " 2>/dev/null); do kill -0 $p && echo $p >> " +
           met + "; done; echo $$ >> " + pids + "; sleep 5"},
      800);
  CHECK(commands.run(*target).looked);
  CHECK(commands.run(*target).looked);
  CHECK(std::ranges::count(content(pids), '\n') == 2);
  CHECK(content(met).empty());
  CHECK(commands.wait_until_idle());
}

TEST_CASE("a command that never had its turn has not looked", "[exec_probe]") {
  Commands commands;
  commands.probes.set_running_max(1);
  const auto slow = commands.target({"/bin/sleep", "60"});
  auto first = slow->start([](const Finding&) {});
  const auto target = commands.target({"/bin/true"}, 100);
  const Finding found = commands.run(*target);
  CHECK_FALSE(found.looked);
  CHECK(found.reason ==
        "not run within 100ms: as many commands as may run at once are running (exec_max), or its "
        "last run is still being ended");
  // More room is used at once.
  std::optional<Finding> next;
  const auto patient = commands.target({"/bin/true"});
  auto waiting = patient->start([&](Finding told) { next = std::move(told); });
  commands.probes.set_running_max(2);
  CHECK(commands.loop.run_until([&] { return next.has_value(); }, 10'000));
  CHECK(next->verdict == Verdict::pass);
}

TEST_CASE("a cancelled command is ended and silent", "[exec_probe]") {
  Commands commands;
  bool told = false;
  const auto target = commands.target({"/bin/sleep", "60"});
  auto probe = target->start([&](const Finding&) { told = true; });
  CHECK(commands.probes.running() == 1);
  probe.reset();
  CHECK(commands.wait_until_idle());
  CHECK_FALSE(told);
}

TEST_CASE("what still runs when all probes end is killed", "[exec_probe]") {
  loop::Loop loop;
  const tests::TemporaryFolder folder;
  const std::string out = folder.path() + "/pid";
  pid_t pid = 0;
  {
    MonitorOptions monitor;
    monitor.name = "own";
    monitor.kind = MonitorKind::exec;
    monitor.command = {
        {"/bin/sh"}, {"-c"}, {"trap '' TERM; echo $$ >" + out + "; while :; do sleep 1; done"}};
    ExecProbes probes(loop);
    const auto target =
        probes.make_target({std::make_shared<const MonitorOptions>(monitor), "192.0.2.1", {}, {}});
    auto probe = target->start([](const Finding&) {});
    REQUIRE(loop.run_until([&] { return content(out).ends_with('\n'); }, 10'000));
    pid = std::stoi(content(out));
    probe.reset();
  }
  CHECK(loop.run_until([&] { return kill(pid, 0) != 0 && errno == ESRCH; }, 10'000));
}

}  // namespace swingover::health
