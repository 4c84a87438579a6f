#include "health/exec_probe.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop/process.h"
#include "base/loop/timer.h"
#include "base/printable.h"
#include "base/text.h"
#include "health/probe_words.h"

namespace swingover::health {

namespace {

constexpr Milliseconds grace{500};  // from SIGTERM to SIGKILL
constexpr int niceness = 5;
constexpr size_t shown_max = 200;

/// ": " and the first line that says something; nothing if there is none.
std::string first_line(std::string_view output) {
  for (const std::string_view line : split(output, '\n')) {
    const std::string_view words = trimmed(line);
    if (words.empty()) continue;
    return ": " + printable(words.substr(0, shown_max)) + (words.size() > shown_max ? "…" : "");
  }
  return {};
}

std::string path_variable() {
  const char* const path = std::getenv("PATH");
  return std::string("PATH=") +
         (path ? path : "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
}

}  // namespace

class ExecProbe;
struct ExecOptions;

/// Who waits, and what runs: a command outlives its probe while it is being ended.
class ExecProbes::Core {
 public:
  struct Job {
    ExecProbe* probe = nullptr;       // null once nobody wants to know
    const ExecOptions* of = nullptr;  // says whose it is; the target may be gone
    std::unique_ptr<loop::Process> process;
    std::optional<loop::Timer> kill_timer;
  };
  using Place = std::list<Job>::iterator;

  explicit Core(loop::Loop& loop) : loop_(loop) {}

  loop::Loop& loop() { return loop_; }
  uint32_t running() const { return static_cast<uint32_t>(jobs_.size()); }
  void set_running_max(uint32_t running_max) {
    running_max_ = running_max;
    start_waiting();
  }

  /// There is room, and the target's last command has ended.
  bool may_run(const ExecOptions& options) const {
    return jobs_.size() < running_max_ &&
           std::ranges::find(jobs_, &options, &Job::of) == jobs_.end();
  }
  void wait(ExecProbe& probe) {
    waiting_.push_back(&probe);
    ++delayed_;
  }
  size_t waiting() const { return waiting_.size(); }
  uint64_t delayed() const { return delayed_; }
  void stop_waiting(ExecProbe& probe) { std::erase(waiting_, &probe); }
  Result<Place> run(ExecProbe& probe, const ExecOptions& options);
  /// Nobody wants to know any more: ended politely, then not.
  void abandon(Place job);

 private:
  void on_end(Place job, const loop::Process::End& end);
  void start_waiting();

  loop::Loop& loop_;
  uint32_t running_max_ = running_max_default;
  std::list<Job> jobs_;
  std::deque<ExecProbe*> waiting_;  // in the order of their starts
  uint64_t delayed_ = 0;
};

struct ExecOptions {
  std::string monitor;
  std::string address;
  loop::Process::Options process;
  Milliseconds timeout{1000};
};

class ExecProbe : public Probe {
 public:
  ExecProbe(ExecProbes::Core& core, const ExecOptions& options, Done done)
      : core_(core),
        options_(options),
        done_(std::move(done)),
        began_(system_clock().now()),
        timer_(core.loop(), [this] { on_time(); }) {
    timer_.start_once(options_.timeout);
    core_.may_run(options_) ? start() : core_.wait(*this);
  }
  ~ExecProbe() override {
    core_.stop_waiting(*this);
    if (job_) core_.abandon(*std::exchange(job_, std::nullopt));
  }

  const ExecOptions& options() const { return options_; }

  /// It may run.
  void start() {
    began_ = system_clock().now();
    timer_.start_once(options_.timeout);
    auto job = core_.run(*this, options_);
    if (job) {
      job_ = *job;
      return;
    }
    // This host could not look: that says nothing of the target.
    unstarted_ = "cannot run " + job.error().message;
    timer_.start_once(Milliseconds(0));
  }

  void on_end(const loop::Process::End& end) {
    job_.reset();
    log_output(end.output);
    if (end.signal == 0 && end.exit_status == 0) return finish({});
    std::string reason = end.signal != 0 ? "ended by signal " + std::to_string(end.signal) + " (" +
                                               strsignal(end.signal) + ")"
                                         : "exit status " + std::to_string(end.exit_status);
    finish({.verdict = Verdict::fail, .reason = reason + first_line(end.output)});
  }

 private:
  void on_time() {
    Finding finding = {.verdict = Verdict::fail, .reason = {}};
    if (job_) {
      const std::string output = (*job_)->process->output();
      log_output(output);
      finding = timed_out(options_.timeout, "running");
      finding.reason += first_line(output);
      core_.abandon(*std::exchange(job_, std::nullopt));
    } else {
      finding.looked = false;
      finding.reason = unstarted_.empty()
                           ? "not run within " + duration_text(options_.timeout) +
                                 ": as many commands as may run at once are running (exec_max), or "
                                 "its last run is still being ended"
                           : unstarted_;
    }
    finish(std::move(finding));
  }

  void finish(Finding finding) {
    timer_.stop();
    core_.stop_waiting(*this);
    finding.duration_nanoseconds = system_clock().now().nanoseconds - began_.nanoseconds;
    const Done done = std::move(done_);
    done(std::move(finding));
  }

  void log_output(const std::string& output) const {
    if (output.empty()) return;
    log_debug("command output",
              {{"monitor", options_.monitor}, {"address", options_.address}, {"output", output}});
  }

  ExecProbes::Core& core_;
  const ExecOptions& options_;  // of the target, which outlives its probes
  Done done_;
  MonotonicTime began_;
  loop::Timer timer_;
  std::optional<ExecProbes::Core::Place> job_;
  std::string unstarted_;
};

namespace {

class ExecTarget : public Target {
 public:
  ExecTarget(ExecProbes::Core& core, const Check& check) : core_(core) {
    const MonitorOptions& monitor = *check.monitor;
    options_.monitor = monitor.name;
    options_.address = check.address;
    options_.timeout = monitor.timeout;
    options_.process.nice = niceness;
    for (const Argument& argument : monitor.command) {
      options_.process.command.push_back(argument.value);
    }
    options_.process.environment = {
        path_variable(),
        "SWINGOVER_MONITOR=" + monitor.name,
        "SWINGOVER_ADDRESS=" + check.address,
        "SWINGOVER_HOST=" + check.host,
        "SWINGOVER_TIMEOUT_MS=" + std::to_string(monitor.timeout.value),
    };
    if (monitor.port != 0) {
      options_.process.environment.push_back("SWINGOVER_PORT=" + std::to_string(monitor.port));
    }
  }

  std::unique_ptr<Probe> start(Probe::Done done) override {
    return std::make_unique<ExecProbe>(core_, options_, std::move(done));
  }

 private:
  ExecProbes::Core& core_;
  ExecOptions options_;
};

}  // namespace

Result<ExecProbes::Core::Place> ExecProbes::Core::run(ExecProbe& probe,
                                                      const ExecOptions& options) {
  const Place job = jobs_.emplace(jobs_.end());
  job->probe = &probe;
  job->of = &options;
  auto process = loop::Process::start(
      loop_, options.process, [this, job](const loop::Process::End& end) { on_end(job, end); });
  if (!process) {
    jobs_.erase(job);
    return process.error();
  }
  job->process = *std::move(process);
  return job;
}

void ExecProbes::Core::abandon(Place job) {
  job->probe = nullptr;
  job->process->signal(SIGTERM);
  job->kill_timer.emplace(loop_, [job] { job->process->signal(SIGKILL); });
  job->kill_timer->start_once(grace);
}

void ExecProbes::Core::on_end(Place job, const loop::Process::End& end) {
  ExecProbe* const probe = job->probe;
  jobs_.erase(job);
  start_waiting();
  if (probe) probe->on_end(end);  // last: may destroy probes
}

void ExecProbes::Core::start_waiting() {
  const auto may = [this](const ExecProbe* probe) { return may_run(probe->options()); };
  for (auto next = std::ranges::find_if(waiting_, may); next != waiting_.end();
       next = std::ranges::find_if(waiting_, may)) {
    ExecProbe* const probe = *next;
    waiting_.erase(next);
    probe->start();
  }
}

ExecProbes::ExecProbes(loop::Loop& loop) : core_(std::make_unique<Core>(loop)) {}

ExecProbes::~ExecProbes() = default;

std::unique_ptr<Target> ExecProbes::make_target(const Check& check) {
  return std::make_unique<ExecTarget>(*core_, check);
}

void ExecProbes::set_running_max(uint32_t running_max) {
  core_->set_running_max(running_max);
}

uint32_t ExecProbes::running() const {
  return core_->running();
}

size_t ExecProbes::waiting() const {
  return core_->waiting();
}

uint64_t ExecProbes::delayed() const {
  return core_->delayed();
}

}  // namespace swingover::health
