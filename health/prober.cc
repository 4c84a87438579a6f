#include "health/prober.h"

#include <sys/resource.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/loop/loop.h"
#include "health/dns_probe.h"
#include "health/exec_probe.h"
#include "health/file_probe.h"
#include "health/http_probe.h"
#include "health/icmp_probe.h"
#include "health/probe_engine.h"
#include "health/stream_world.h"
#include "health/tcp_probe.h"
#include "health/udp_probe.h"

namespace swingover::health {

namespace {

// Half of the descriptors that this process may have (IPv6 and IPv4 side by side can take two a probe); of these
// probes take no more than one thread can serve.
ProbeEngine::Options engine_options(uint64_t seed) {
  constexpr rlim_t many = 1'000'000;
  constexpr uint32_t running_max = 4096;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = 512;
  const auto half = static_cast<uint32_t>(std::clamp<rlim_t>(limit.rlim_cur / 2, 16, many));
  return {.schedule = {.running_max = std::min(half, running_max), .seed = seed},
          .descriptors_max = half};
}

// Signals are the daemon's; and OpenSSL writes to sockets that the other end has closed.
void block_signals() {
  sigset_t all{};
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, nullptr);
}

DnsTargetOptions dns_options(const Check& check) {
  constexpr uint16_t dns_port = 53;
  const MonitorOptions& monitor = *check.monitor;
  auto name = encode_dns_name(monitor.query_name);  // the config is checked: see monitor_checks.cc
  return {.address = check.address,
          .port = monitor.port != 0 ? monitor.port : dns_port,
          .question = {.name = name ? *std::move(name) : std::string(1, '\0'),
                       .type = monitor.query_type},
          .expect_rcode = monitor.expect_rcode,
          .expect_answer = monitor.expect_answer,
          .timeout = monitor.timeout};
}

/// Of the probe thread.
struct LagCounts {
  std::vector<uint64_t> buckets = std::vector<uint64_t>(probe_lag_bounds().size() + 1);
  double sum_seconds = 0;
  void add(MonotonicTime due, MonotonicTime at) {
    const double seconds = static_cast<double>(at.nanoseconds - due.nanoseconds) / 1e9;
    const auto& bounds = probe_lag_bounds();
    ++buckets[static_cast<size_t>(std::ranges::lower_bound(bounds, seconds) - bounds.begin())];
    sum_seconds += std::max(seconds, 0.0);
  }
};

}  // namespace

class Prober::Core {
 public:
  Core(Deliver deliver, uint64_t seed)
      : thread_([this, deliver = std::move(deliver), seed] { run(deliver, seed); }) {}

  ~Core() {
    loop_.stop();
    thread_.join();
  }

  uint64_t replace(std::vector<Check> checks) {
    const uint64_t epoch = ++last_epoch_;
    loop_.post([this, checks = std::move(checks), epoch] { engine_->replace(checks, epoch); });
    return epoch;
  }

  void resume(std::vector<uint32_t> checks) {
    loop_.post([this, checks = std::move(checks)] { engine_->resume(checks); });
  }

  void set_exec_max(uint32_t most) {
    loop_.post([this, most] { exec_->set_running_max(most); });
  }

  void describe(std::vector<uint32_t> checks, std::function<void(std::vector<CheckDetails>)> done) {
    loop_.post([this, checks = std::move(checks), done = std::move(done)] {
      done(engine_->describe(checks));
    });
  }

  void pull(std::vector<Pull> pulls, Pulls::Deliver deliver) {
    loop_.post([this, pulls = std::move(pulls), deliver = std::move(deliver)]() mutable {
      if (!pulls_) pulls_.emplace(*streams_, std::move(deliver));
      pulls_->replace(std::move(pulls));
    });
  }

  std::vector<MonitorCounters> counters() const {
    const std::lock_guard lock(mutex_);
    std::vector<MonitorCounters> all;
    all.reserve(counters_.size());
    for (const auto& [name, counters] : counters_) all.push_back(counters);
    return all;
  }

  ProberLoad load() const {
    const std::lock_guard lock(mutex_);
    return load_;
  }

 private:
  void run(const Deliver& deliver, uint64_t seed);
  std::unique_ptr<Target> make_target(const Check& check);
  void count(const Check& check, const Finding& finding);

  loop::Loop loop_;
  // Of the probe thread, between its start and its end.
  std::optional<StreamWorld> streams_;
  std::optional<HttpProbes> http_;
  std::optional<IcmpProbes> icmp_;
  std::optional<ExecProbes> exec_;
  std::optional<FileProbes> file_;
  std::optional<Pulls> pulls_;
  std::optional<ProbeEngine> engine_;
  LagCounts lag_;

  mutable std::mutex mutex_;
  std::map<std::string, MonitorCounters> counters_;  // guarded by mutex_
  ProberLoad load_;                                  // guarded by mutex_

  uint64_t last_epoch_ = 0;  // the control thread's
  std::thread thread_;       // last: it uses all of the above
};

void Prober::Core::run(const Deliver& deliver, uint64_t seed) {
  block_signals();
  streams_.emplace(loop_);
  http_.emplace(*streams_);
  icmp_.emplace(loop_, streams_->resolver);
  exec_.emplace(loop_);
  file_.emplace(loop_);
  engine_.emplace(
      loop_, system_clock(), engine_options(seed),
      ProbeEngine::Hooks{
          .make_target = [this](const Check& check) { return make_target(check); },
          .deliver = deliver,
          .on_probe_end = [this](const Check& check, const Finding& f) { count(check, f); },
          .on_turn =
              [this](const Schedule& schedule, const Watch& watch) {
                const std::lock_guard lock(mutex_);
                load_ = {.running = schedule.running(),
                         .waiting = schedule.waiting(),
                         .delayed = schedule.counters().delayed,
                         .gaps = schedule.counters().gaps,
                         .watched = watch.counters().connected,
                         .watch_habits = watch.counters().habits,
                         .watch_alarms = watch.counters().alarms,
                         .exec_running = exec_->running(),
                         .exec_waiting = exec_->waiting(),
                         .exec_delayed = exec_->delayed(),
                         .lag_buckets = lag_.buckets,
                         .lag_sum_seconds = lag_.sum_seconds};
              },
          .on_start = [this](MonotonicTime due, MonotonicTime at) { lag_.add(due, at); }});
  loop_.run();
  engine_.reset();
  pulls_.reset();
  file_.reset();
  exec_.reset();
  icmp_.reset();
  http_.reset();
  streams_.reset();
}

std::unique_ptr<Target> Prober::Core::make_target(const Check& check) {
  const MonitorOptions& monitor = *check.monitor;
  switch (monitor.kind) {
    case MonitorKind::tcp:
    case MonitorKind::tls:
      return make_tcp_target(*streams_, check);
    case MonitorKind::http:
    case MonitorKind::https:
    case MonitorKind::grpc:
      return http_->make_target(check);
    case MonitorKind::dns:
      return make_dns_target(loop_, streams_->resolver, dns_options(check));
    case MonitorKind::udp:
      return make_udp_target(loop_, streams_->resolver,
                             {.address = check.address,
                              .port = monitor.port,
                              .send = monitor.send.value,
                              .expect = monitor.expect.value,
                              .timeout = monitor.timeout});
    case MonitorKind::icmp:
      return icmp_->make_target(check);
    case MonitorKind::exec:
      return exec_->make_target(check);
    case MonitorKind::file:
      return file_->make_target(check);
    case MonitorKind::push:
    case MonitorKind::calculated:  // never asked of a prober: see is_probed()
      break;
  }
  return nullptr;
}

void Prober::Core::count(const Check& check, const Finding& finding) {
  const double seconds = static_cast<double>(finding.duration_nanoseconds) / 1e9;
  const auto& bounds = probe_duration_bounds();
  const auto bucket = std::ranges::lower_bound(bounds, seconds) - bounds.begin();

  const std::lock_guard lock(mutex_);
  MonitorCounters& counters = counters_[check.monitor->name];
  if (counters.duration_buckets.empty()) {
    counters.monitor = check.monitor->name;
    counters.duration_buckets.resize(bounds.size() + 1);
  }
  ++(!finding.looked                    ? counters.blind
     : finding.verdict == Verdict::pass ? counters.passes
                                        : counters.failures);
  ++counters.duration_buckets[static_cast<size_t>(bucket)];
  counters.duration_sum_seconds += seconds;
}

const std::vector<double>& probe_duration_bounds() {
  static const std::vector<double> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                          0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  return bounds;
}

const std::vector<double>& probe_lag_bounds() {
  static const std::vector<double> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.02,
                                          0.05,   0.1,   0.25,   0.5,   1};
  return bounds;
}

Prober::Prober(Deliver deliver, uint64_t seed)
    : core_(std::make_unique<Core>(std::move(deliver), seed)) {}

Prober::~Prober() = default;

uint64_t Prober::replace(std::vector<Check> checks) {
  return core_->replace(std::move(checks));
}

void Prober::resume(std::vector<uint32_t> checks) {
  core_->resume(std::move(checks));
}

void Prober::set_exec_max(uint32_t most) {
  core_->set_exec_max(most);
}

void Prober::describe(std::vector<uint32_t> checks,
                      std::function<void(std::vector<CheckDetails>)> done) {
  core_->describe(std::move(checks), std::move(done));
}

void Prober::pull(std::vector<Pull> pulls, Pulls::Deliver deliver) {
  core_->pull(std::move(pulls), std::move(deliver));
}

std::vector<MonitorCounters> Prober::counters() const {
  return core_->counters();
}

ProberLoad Prober::load() const {
  return core_->load();
}

}  // namespace swingover::health
