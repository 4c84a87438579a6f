#include "health/icmp_probe.h"

#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdlib>
#include <exception>
#include <fstream>

#include "probe_runner.h"

namespace swingover::health {

namespace {

/// Runs `test` in a network of its own, on a thread of its own; false without the right to make one.
bool in_own_network(const std::function<void()>& test) {
  bool could = false;
  std::exception_ptr problem;
  std::thread([&] {
    if (unshare(CLONE_NEWNET) != 0) return;
    could = std::system("ip link set lo up") == 0;
    try {
      if (could) test();
    } catch (...) {  // a REQUIRE of the test's
      problem = std::current_exception();
    }
  }).join();
  if (problem) std::rethrow_exception(problem);
  if (!could) WARN("no right to make a network: not tested here");
  return could;
}

void allow_groups(const char* range) {
  std::ofstream("/proc/sys/net/ipv4/ping_group_range") << range << '\n';
}

/// Another network at the other end of a cable to the test's own: a router at 10.9.0.1 that says of
/// 192.0.2.0/24 that there is no way, and nothing of 198.51.100.0/24.
class Router {
 public:
  Router() {
    int ready[2];
    REQUIRE(pipe(ready) == 0);
    child_ = fork();
    if (child_ == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      (void)!write(ready[1], "x", 1);
      for (;;) pause();
    }
    char go = 0;
    REQUIRE(read(ready[0], &go, 1) == 1);
    close(ready[0]);
    close(ready[1]);
    const std::string pid = std::to_string(child_);
    const std::string inside = "nsenter --net=/proc/" + pid + "/ns/net ";
    const std::string script =
        "ip link add veth0 type veth peer name veth1 netns " + pid +
        " && ip address add 10.9.0.2/24 dev veth0 && ip link set veth0 up"
        " && ip route add default via 10.9.0.1 && " +
        inside +
        "sh -c 'ip address add 10.9.0.1/24 dev veth1 && ip link set veth1 up && "
        "ip link set lo up && echo 1 >/proc/sys/net/ipv4/ip_forward && "
        "echo 0 >/proc/sys/net/ipv4/icmp_ratelimit && "
        "ip route add unreachable 192.0.2.0/24 && ip route add blackhole 198.51.100.0/24'";
    REQUIRE(std::system(script.c_str()) == 0);
  }
  ~Router() {
    kill(child_, SIGKILL);
    waitpid(child_, nullptr, 0);
  }
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

 private:
  pid_t child_;
};

struct Pinger : ProbeRunner {
  std::unique_ptr<Target> target(const std::string& address, int timeout = 2000) {
    MonitorOptions monitor;
    monitor.name = "ping";
    monitor.kind = MonitorKind::icmp;
    monitor.timeout = Milliseconds(timeout);
    return probes.make_target({std::make_shared<const MonitorOptions>(monitor), address, {}, {}});
  }
  Finding ping(const std::string& address, int timeout = 2000) {
    return run(*target(address, timeout));
  }
  IcmpProbes probes{loop, resolver};
};

}  // namespace

TEST_CASE("an ICMP probe passes when the host answers, through either kind of socket",
          "[icmp_probe]") {
  const std::string address = GENERATE("127.3.4.1", "::1", "localhost");
  const char* const groups = GENERATE("0 2147483647", "1 0");  // a ping socket; only a raw one
  in_own_network([&] {
    allow_groups(groups);
    Pinger pinger;
    for (int i = 0; i < 3; ++i) {
      const Finding found = pinger.ping(address);
      CHECK(found.reason.empty());
      CHECK(found.verdict == Verdict::pass);
      CHECK(found.duration_nanoseconds > 0);
    }
  });
}

TEST_CASE("many ICMP probes under way at once share a socket and find each its own reply",
          "[icmp_probe]") {
  in_own_network([&] {
    allow_groups("0 2147483647");
    Pinger pinger;
    constexpr int count = 300;
    std::vector<std::unique_ptr<Target>> targets;
    std::vector<std::unique_ptr<Probe>> probes(count);
    int passed = 0;
    int ended = 0;
    for (int i = 0; i < count; ++i) {
      targets.push_back(pinger.target("127.3.5." + std::to_string(i % 250 + 1)));
      probes[static_cast<size_t>(i)] = targets.back()->start([&](const Finding& found) {
        ++ended;
        passed += found.verdict == Verdict::pass ? 1 : 0;
      });
    }
    pinger.loop.run_until([&] { return ended == count; }, 10'000);
    CHECK(passed == count);
  });
}

TEST_CASE("a host that a router cannot reach is an ICMP probe's hard failure, and nobody else's",
          "[icmp_probe]") {
  const char* const groups = GENERATE("0 2147483647", "1 0");
  in_own_network([&] {
    allow_groups(groups);
    const Router router;
    Pinger pinger;
    const auto good = pinger.target("10.9.0.1");
    for (int i = 0; i < 3; ++i) {
      const Finding bad = pinger.ping("192.0.2.1");
      CHECK(bad.verdict == Verdict::fail);
      CHECK(bad.failure == Failure::hard);
      CHECK(bad.looked);
      CHECK(bad.reason == "icmp: no route to host");
      CHECK(pinger.run(*good).reason.empty());
    }
    // Both at once: the error of one must not be taken for the other's.
    std::optional<Finding> first;
    const auto nowhere = pinger.target("192.0.2.2");
    auto probe = nowhere->start([&](Finding found) { first = std::move(found); });
    CHECK(pinger.run(*good).verdict == Verdict::pass);
    CHECK(pinger.loop.run_until([&] { return first.has_value(); }, 5000));
    CHECK(first->reason == "icmp: no route to host");
  });
}

TEST_CASE("no route from this host on is a hard failure too", "[icmp_probe]") {
  in_own_network([&] {
    Pinger pinger;
    const Finding found = pinger.ping("192.0.2.1");
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::hard);
    CHECK(found.reason == "send: network is unreachable");
  });
}

TEST_CASE("a host that stays silent fails an ICMP probe after the timeout", "[icmp_probe]") {
  in_own_network([&] {
    const Router router;
    Pinger pinger;
    const Finding found = pinger.ping("198.51.100.1", 150);
    CHECK(found.verdict == Verdict::fail);
    CHECK(found.failure == Failure::silent);
    CHECK(found.reason == "timed out after 150ms while waiting for an echo reply");
  });
}

TEST_CASE("without the right to ping an ICMP probe blames this host, and tries again",
          "[icmp_probe]") {
  in_own_network([&] {
    allow_groups("1 0");
    Pinger pinger;
    // This thread gives up what root may do, and only as long as this lasts.
    const auto set_user = [](uid_t user) { syscall(SYS_setresuid, -1, user, -1); };
    set_user(65534);
    const Finding found = pinger.ping("127.3.4.1");
    set_user(0);
    CHECK_FALSE(found.looked);
    CHECK(found.reason ==
          "no right to send echo requests: set net.ipv4.ping_group_range, or give CAP_NET_RAW");
    CHECK(pinger.ping("127.3.4.1").verdict == Verdict::pass);
  });
}

TEST_CASE("a cancelled ICMP probe is silent", "[icmp_probe]") {
  in_own_network([&] {
    Pinger pinger;
    const auto target = pinger.target("127.3.4.1");
    bool told = false;
    auto probe = target->start([&](const Finding&) { told = true; });
    probe.reset();
    pinger.loop.run_until([&] { return told; }, 50);
    CHECK_FALSE(told);
  });
}

}  // namespace swingover::health
