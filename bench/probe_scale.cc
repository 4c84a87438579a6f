/// What many probes cost, and how evenly and punctually they start:
///   probe_scale run http|tcp|mixed N SECONDS INTERVAL-LEAST-MS INTERVAL-MOST-MS
///       N targets, ten intervals between the two in turn (mixed: every second one tcp); one line of `key=value`
///   probe_scale serve
///       the backends alone, for others to probe: prints the port, then, for each line that it reads, the connections so far
/// The backends are processes of their own, on other CPUs than the probes where there are any; all is loopback.
#include <netinet/in.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <vector>

#include "base/ip.h"
#include "base/loop/loop.h"
#include "health/http_probe.h"
#include "health/probe_engine.h"
#include "health/stream_world.h"
#include "health/tcp_probe.h"

namespace {

using namespace swingover;
using namespace swingover::health;

using Count = std::atomic<uint64_t>;

/// Answers each request with a short 200; a connection that asks nothing is closed.
[[noreturn]] void serve(int listener, Count& connections) {
  signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok";
  for (;;) {
    const int connection = accept(listener, nullptr, nullptr);
    if (connection < 0) continue;
    connections.fetch_add(1, std::memory_order_relaxed);
    const timeval patience{1, 0};
    setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    char request[4096];
    if (read(connection, request, sizeof request) > 0) {
      (void)!write(connection, answer.data(), answer.size());
    }
    close(connection);
  }
}

/// Two backend processes on one port of all addresses; they end with this object.
class Backends {
 public:
  Backends() {
    void* const shared =
        mmap(nullptr, sizeof(Count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    connections_ = new (shared) Count(0);
    const int listener = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in name{};
    name.sin_family = AF_INET;
    socklen_t size = sizeof name;
    if (bind(listener, reinterpret_cast<sockaddr*>(&name), size) != 0 ||
        listen(listener, 4096) != 0) {
      std::perror("listening");
      std::exit(1);
    }
    getsockname(listener, reinterpret_cast<sockaddr*>(&name), &size);
    port_ = ntohs(name.sin_port);
    for (int i = 0; i < 2; ++i) {
      const pid_t child = fork();
      if (child == 0) {
        leave_cpu();
        serve(listener, *connections_);
      }
      children_.push_back(child);
    }
    close(listener);
  }
  ~Backends() {
    for (const pid_t child : children_) {
      kill(child, SIGKILL);
      waitpid(child, nullptr, 0);
    }
  }
  Backends(const Backends&) = delete;
  Backends& operator=(const Backends&) = delete;

  uint16_t port() const { return port_; }
  uint64_t connections() const { return connections_->load(); }

 private:
  /// To all CPUs but the one that this process was pinned to, if it was.
  static void leave_cpu() {
    cpu_set_t mine{};
    sched_getaffinity(0, sizeof mine, &mine);
    const long cpus = sysconf(_SC_NPROCESSORS_ONLN);
    if (CPU_COUNT(&mine) >= cpus) return;
    cpu_set_t others{};
    for (long cpu = 0; cpu < cpus; ++cpu) {
      if (!CPU_ISSET(static_cast<size_t>(cpu), &mine)) CPU_SET(static_cast<size_t>(cpu), &others);
    }
    sched_setaffinity(0, sizeof others, &others);
  }

  Count* connections_;
  uint16_t port_ = 0;
  std::vector<pid_t> children_;
};

struct Plan {
  std::string kinds;  // http, tcp, mixed
  uint32_t targets = 0;
  int seconds = 0;
  int64_t interval_least = 0;  // milliseconds
  int64_t interval_most = 0;
};

std::vector<Check> checks_of(const Plan& plan, uint16_t port) {
  constexpr int64_t intervals = 10;
  std::vector<std::shared_ptr<const MonitorOptions>> monitors;
  for (int64_t i = 0; i < intervals; ++i) {
    for (const MonitorKind kind : {MonitorKind::http, MonitorKind::tcp}) {
      MonitorOptions options;
      options.name = "m" + std::to_string(monitors.size());
      options.kind = kind;
      options.port = port;
      options.interval = Milliseconds(
          plan.interval_least + (plan.interval_most - plan.interval_least) * i / (intervals - 1));
      options.timeout = std::min(Milliseconds(1000), options.interval);
      monitors.push_back(std::make_shared<const MonitorOptions>(options));
    }
  }
  std::vector<Check> checks;
  for (uint32_t i = 0; i < plan.targets; ++i) {
    const bool is_tcp = plan.kinds == "tcp" || (plan.kinds == "mixed" && i % 2 == 1);
    const auto& monitor = monitors[size_t{2} * (i / 2 % intervals) + (is_tcp ? 1 : 0)];
    const std::string address = "127." + std::to_string(4 + i / 62'500) + '.' +
                                std::to_string(i / 250 % 250) + '.' + std::to_string(1 + i % 250);
    checks.push_back(make_check(monitor, address, "host-" + std::to_string(i) + ".bench.test"));
  }
  return checks;
}

size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  size_t all = 0;
  size_t resident = 0;
  file >> all >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

struct Seen {
  bool counts = false;  // after the warm-up
  std::vector<int64_t> starts;
  std::vector<int64_t> lags;
  uint64_t passed = 0;
  uint64_t failed = 0;
  std::map<std::string, uint64_t> failures;  // by reason
  uint32_t running_most = 0;
  uint64_t delayed = 0;
};

/// The deviation of starts in 10 ms, over that of a Poisson process of the same rate.
double against_poisson(const std::vector<int64_t>& starts, int64_t from, int64_t until) {
  constexpr int64_t slice = 10'000'000;
  std::vector<double> counts(static_cast<size_t>((until - from) / slice));
  for (const int64_t at : starts) {
    const auto place = static_cast<size_t>((at - from) / slice);
    if (at >= from && place < counts.size()) counts[place] += 1;
  }
  double sum = 0;
  double squares = 0;
  for (const double count : counts) {
    sum += count;
    squares += count * count;
  }
  const double mean = sum / static_cast<double>(counts.size());
  const double variance = squares / static_cast<double>(counts.size()) - mean * mean;
  return std::sqrt(std::max(variance, 0.0) / mean);
}

double percentile_milliseconds(std::vector<int64_t>& values, double share) {
  if (values.empty()) return 0;
  std::ranges::sort(values);
  return static_cast<double>(
             values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))]) /
         1e6;
}

int run(const Plan& plan) {
  const Backends backends;
  std::vector<Check> checks = checks_of(plan, backends.port());
  Seen seen;
  const auto expected = static_cast<size_t>(1000.0 / static_cast<double>(plan.interval_least) *
                                            plan.targets * (plan.seconds + 1));
  seen.starts.reserve(expected);
  seen.lags.reserve(expected);

  loop::Loop loop;
  StreamWorld streams(loop);
  HttpProbes http(streams);
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  const auto running_max = static_cast<uint32_t>(
      std::clamp<rlim_t>(files.rlim_cur / 2, 16, 4096));  // as the daemon has it
  ProbeEngine engine(
      loop, system_clock(),
      {.schedule = {.running_max = running_max, .seed = 1}, .descriptors_max = running_max},
      {.make_target =
           [&](const Check& check) {
             return check.monitor->kind == MonitorKind::tcp ? make_tcp_target(streams, check)
                                                            : http.make_target(check);
           },
       .deliver = [](const std::vector<CheckUpdate>&) {},
       .on_probe_end =
           [&](const Check&, const Finding& finding) {
             if (!seen.counts) return;
             ++(finding.verdict == Verdict::pass ? seen.passed : seen.failed);
             if (finding.verdict != Verdict::pass) ++seen.failures[finding.reason];
           },
       .on_turn =
           [&](const Schedule& schedule, const Watch&) {
             seen.running_most = std::max(seen.running_most, schedule.running());
             seen.delayed = schedule.counters().delayed;
           },
       .on_start =
           [&](MonotonicTime due, MonotonicTime at) {
             if (!seen.counts || seen.starts.size() == seen.starts.capacity()) return;
             seen.starts.push_back(at.nanoseconds);
             seen.lags.push_back(at.nanoseconds - due.nanoseconds);
           }});
  const size_t before = resident_bytes();
  engine.replace(std::move(checks), 1);
  // First looks come 5,000 a second; then one longest interval, so that all stand on their beats.
  const int warm_up = static_cast<int>(plan.targets / 5 + plan.interval_most + 1000);
  loop.run_until([] { return false; }, warm_up);
  const size_t at_rest = resident_bytes() - before;

  const uint64_t delayed_before = seen.delayed;
  seen.running_most = 0;
  const double cpu = cpu_seconds();
  const int64_t began = system_clock().now().nanoseconds;
  seen.counts = true;
  loop.run_until([] { return false; }, plan.seconds * 1000);
  const int64_t ended = system_clock().now().nanoseconds;
  const double used = cpu_seconds() - cpu;
  const double took = static_cast<double>(ended - began) / 1e9;
  const auto probes = static_cast<double>(seen.passed + seen.failed);
  std::printf(
      "targets=%u probes_per_second=%.0f failed=%llu cpu_us=%.2f core=%.3f spread=%.3f "
      "lag_p50_ms=%.2f "
      "lag_p99_ms=%.2f lag_max_ms=%.2f octets_per_target=%.0f running_most=%u running_max=%u "
      "queued=%llu\n",
      plan.targets, probes / took, static_cast<unsigned long long>(seen.failed),
      used / probes * 1e6, used / took, against_poisson(seen.starts, began, ended),
      percentile_milliseconds(seen.lags, 0.5), percentile_milliseconds(seen.lags, 0.99),
      percentile_milliseconds(seen.lags, 1), static_cast<double>(at_rest) / plan.targets,
      seen.running_most, running_max,
      static_cast<unsigned long long>(seen.delayed - delayed_before));
  for (const auto& [reason, count] : seen.failures)
    std::fprintf(stderr, "failed %llu times: %s\n", static_cast<unsigned long long>(count),
                 reason.c_str());
  return 0;
}

int serve_others() {
  const Backends backends;
  std::printf("%u\n", backends.port());
  std::fflush(stdout);
  while (std::getchar() != EOF) {
    std::printf("%llu\n", static_cast<unsigned long long>(backends.connections()));
    std::fflush(stdout);
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string> words(arguments + 1, arguments + count);
  if (words.size() == 1 && words[0] == "serve") return serve_others();
  if (words.size() == 6 && words[0] == "run") {
    return run({.kinds = words[1],
                .targets = static_cast<uint32_t>(std::stoul(words[2])),
                .seconds = std::stoi(words[3]),
                .interval_least = std::stoll(words[4]),
                .interval_most = std::stoll(words[5])});
  }
  std::fputs(
      "probe_scale run http|tcp|mixed TARGETS SECONDS LEAST-MS MOST-MS | probe_scale serve\n",
      stderr);
  return 2;
}
