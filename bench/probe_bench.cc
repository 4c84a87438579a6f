/// Measures the probe thread:
///   probe_bench detect [TRIALS] [--watch]   how long after a backend's death its `down` is delivered, interval 1 s, fall 3
///   probe_bench rate tcp|http N SECONDS   probes a second and CPU time a probe, N targets at an interval of 500 ms
/// The backends are children of this process; all is loopback.
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/ip.h"
#include "base/random.h"
#include "health/prober.h"

namespace {

using namespace swingover;
using namespace swingover::health;

/// Answers each request with a short 200, in a process of its own; quick enough not to be what is measured. Connections
/// that say nothing stay open.
pid_t start_backend(int listener) {
  const pid_t child = fork();
  if (child != 0) return child;
  signal(SIGPIPE, SIG_IGN);
  fcntl(listener, F_SETFL, O_NONBLOCK);  // several of these may wait for one connection
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
  const int ready = epoll_create1(0);
  const auto want = [&](int descriptor) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.fd = descriptor;
    epoll_ctl(ready, EPOLL_CTL_ADD, descriptor, &wanted);
  };
  want(listener);
  for (;;) {
    epoll_event events[64];
    const int count = epoll_wait(ready, events, 64, -1);
    for (int i = 0; i < count; ++i) {
      const int descriptor = events[i].data.fd;
      if (descriptor == listener) {
        const int connection = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK);
        if (connection >= 0) want(connection);
        continue;
      }
      char request[4096];
      if (read(descriptor, request, sizeof request) > 0) {
        (void)!write(descriptor, answer.data(), answer.size());
      }
      close(descriptor);
    }
  }
}

int listen_on(const IpAddress& address, uint16_t& port) {
  sockaddr_storage name{};
  socklen_t size = to_sockaddr(address, port, name);
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (bind(listener, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
      listen(listener, 4096) != 0) {
    std::perror("listening");
    std::exit(1);
  }
  getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
  port = from_sockaddr(reinterpret_cast<sockaddr&>(name)).port;
  return listener;
}

double seconds_now() {
  return static_cast<double>(system_clock().now().nanoseconds) / 1e9;
}

double percentile(std::vector<double> values, double share) {
  std::ranges::sort(values);
  return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
}

MonitorOptions monitor(MonitorKind kind, uint16_t port) {
  MonitorOptions options;
  options.name = "bench";
  options.kind = kind;
  options.port = port;
  return options;
}

int detect(int trials, bool watch) {
  std::mutex mutex;
  std::condition_variable arrived;
  double down_at = 0;
  double up_at = 0;
  Random random(random_seed());
  Prober prober(
      [&](std::vector<CheckUpdate> updates) {
        const std::lock_guard lock(mutex);
        for (const CheckUpdate& update : updates) {
          if (!update.changed) continue;
          if (update.health == Health::unknown) continue;
          (update.health == Health::up ? up_at : down_at) = seconds_now();
        }
        arrived.notify_all();
      },
      random.next());

  const IpAddress address = *parse_ip_address("127.3.1.1");
  uint16_t port = 0;
  int listener = listen_on(address, port);
  pid_t child = start_backend(listener);
  close(listener);
  MonitorOptions options = monitor(MonitorKind::http, port);
  options.interval = Milliseconds(1000);
  options.watch = watch;
  options.flap_half_life = Milliseconds(0);  // it does flap
  prober.replace(
      {{std::make_shared<const MonitorOptions>(options), "127.3.1.1", "a.test", Health::unknown}});

  std::vector<double> out;
  std::vector<double> back;
  const auto wait_for = [&](const double& what) {
    std::unique_lock lock(mutex);
    if (!arrived.wait_for(lock, std::chrono::seconds(10), [&] { return what > 0; })) std::exit(1);
    return what;
  };
  wait_for(up_at);
  for (int i = 0; i < trials; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1000 + random.below(1000)));
    down_at = up_at = 0;
    const double killed = seconds_now();
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    out.push_back(wait_for(down_at) - killed);
    std::this_thread::sleep_for(std::chrono::milliseconds(1000 + random.below(1000)));
    listener = listen_on(address, port);
    const double returned = seconds_now();
    child = start_backend(listener);
    close(listener);
    back.push_back(wait_for(up_at) - returned);
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  for (const auto& [name, values] : {std::pair{"down", out}, std::pair{"up", back}}) {
    std::printf("%-5s trials %zu  least %.3f s  median %.3f s  p90 %.3f s  most %.3f s\n", name,
                values.size(), percentile(values, 0), percentile(values, 0.5),
                percentile(values, 0.9), percentile(values, 1));
  }
  return 0;
}

/// CPU time of this process: the probe thread's, as this thread sleeps and backends are others.
double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

int rate(MonitorKind kind, int targets, int seconds) {
  uint16_t port = 0;
  const int listener = listen_on(*parse_ip_address("0.0.0.0"), port);
  std::vector<pid_t> children;
  for (int i = 0; i < 2; ++i) children.push_back(start_backend(listener));
  close(listener);
  MonitorOptions options = monitor(kind, port);
  options.interval = Milliseconds(500);
  const auto shared = std::make_shared<const MonitorOptions>(options);
  std::vector<Check> checks;
  for (int i = 0; i < targets; ++i) {
    checks.push_back({shared,
                      "127.4." + std::to_string(i / 250) + '.' + std::to_string(1 + i % 250),
                      "a.test", Health::unknown});
  }
  {
    Prober prober([](const std::vector<CheckUpdate>&) {}, 1);
    prober.replace(checks);
    std::this_thread::sleep_for(std::chrono::seconds(3));
    const auto before = prober.counters().at(0);
    const double cpu = cpu_seconds();
    const double began = seconds_now();
    std::this_thread::sleep_for(std::chrono::seconds(seconds));
    const auto after = prober.counters().at(0);
    const auto load = prober.load();
    const double used = cpu_seconds() - cpu;
    const double took = seconds_now() - began;
    const auto passes = static_cast<double>(after.passes - before.passes);
    const auto failures = static_cast<double>(after.failures - before.failures);
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    std::printf(
        "%d targets  %.0f probes/s  %.0f failed  %.1f us CPU a probe  %.0f %% of a core  mean %.2f "
        "ms  delayed %llu  "
        "gaps %llu  RSS max %ld MiB\n",
        targets, (passes + failures) / took, failures, used / (passes + failures) * 1e6,
        used / took * 100,
        (after.duration_sum_seconds - before.duration_sum_seconds) / (passes + failures) * 1e3,
        static_cast<unsigned long long>(load.delayed), static_cast<unsigned long long>(load.gaps),
        usage.ru_maxrss / 1024);
  }
  for (const pid_t child : children) {
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::string> words(arguments + 1, arguments + count);
  const bool watch = std::erase(words, "--watch") > 0;
  if (!words.empty() && words[0] == "detect")
    return detect(words.size() > 1 ? std::stoi(words[1]) : 30, watch);
  if (words.size() == 4 && words[0] == "rate" && (words[1] == "tcp" || words[1] == "http")) {
    return rate(words[1] == "tcp" ? MonitorKind::tcp : MonitorKind::http, std::stoi(words[2]),
                std::stoi(words[3]));
  }
  std::fprintf(
      stderr,
      "probe_bench detect [TRIALS] [--watch] | probe_bench rate tcp|http TARGETS SECONDS\n");
  return 2;
}
