#include "base/loop/process.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "base/loop/poll.h"

namespace swingover::loop {

namespace {

/// Closes what it holds.
class Descriptor {
 public:
  explicit Descriptor(int number = -1) : number_(number) {}
  ~Descriptor() { close(); }
  Descriptor(Descriptor&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    close();
    number_ = std::exchange(other.number_, -1);
    return *this;
  }
  int number() const { return number_; }
  void close() {
    if (number_ >= 0) ::close(std::exchange(number_, -1));
  }

 private:
  int number_;
};

Error system_error(std::string_view what, int error) {
  return {ErrorCode::system, std::string(what) + ": " + std::generic_category().message(error)};
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> out;
  for (const std::string& text : texts) out.push_back(const_cast<char*>(text.c_str()));
  out.push_back(nullptr);
  return out;
}

struct SpawnActions {
  posix_spawn_file_actions_t actions{};
  posix_spawnattr_t attributes{};
  SpawnActions() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnActions() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
};

/// 0 and `child`, or an errno.
int spawn(const Process::Options& options, int output, pid_t& child) {
  SpawnActions how;
  posix_spawn_file_actions_addopen(&how.actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&how.actions, output, STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&how.actions, output, STDERR_FILENO);
  // A library's descriptor without O_CLOEXEC must not reach a stranger's program.
  posix_spawn_file_actions_addclosefrom_np(&how.actions, STDERR_FILENO + 1);
  posix_spawn_file_actions_addchdir_np(&how.actions, options.folder.c_str());

  sigset_t all{};
  sigset_t none{};
  sigfillset(&all);
  sigemptyset(&none);
  posix_spawnattr_setsigdefault(&how.attributes, &all);
  posix_spawnattr_setsigmask(&how.attributes, &none);
  constexpr int flags = POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSID;
  posix_spawnattr_setflags(&how.attributes, static_cast<short>(flags));

  const std::vector<char*> arguments = pointers(options.command);
  const std::vector<char*> environment = pointers(options.environment);
  return posix_spawnp(&child, arguments[0], &how.actions, &how.attributes, arguments.data(),
                      environment.data());
}

/// A process that was started with SIGCHLD ignored is not told how its children end: each would seem to end well.
void hear_of_children() {
  struct sigaction now {};
  if (sigaction(SIGCHLD, nullptr, &now) == 0 && now.sa_handler == SIG_IGN) {
    std::signal(SIGCHLD, SIG_DFL);
  }
}

/// For a killed child that has not gone yet: it may hang in the kernel for as long as a disk does, and nobody waits.
void reap_aside(pid_t child) {
  try {
    std::thread([child] {
      while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
      }
    }).detach();
  } catch (const std::system_error&) {  // it stays a zombie until this process ends
  }
}

}  // namespace

struct Process::Core {
  pid_t child = 0;
  bool is_reaped = false;
  size_t output_max = 0;
  OnEnd on_end;
  End end;
  Descriptor handle;  // a pidfd: readable once the child has ended
  Descriptor pipe;
  std::optional<Poll> on_exit;
  std::optional<Poll> on_output;

  ~Core() {
    on_exit.reset();
    on_output.reset();
    if (is_reaped) return;
    ::kill(-child, SIGKILL);
    if (waitpid(child, nullptr, WNOHANG) == 0) reap_aside(child);
  }

  /// False at the end of the output, or when nothing is there now.
  bool read_some() {
    std::array<char, 4096> octets;  // NOLINT: filled by the kernel
    const ssize_t got = ::read(pipe.number(), octets.data(), octets.size());
    if (got > 0) {
      const size_t room = output_max - end.output.size();
      end.output.append(octets.data(), std::min(static_cast<size_t>(got), room));
      return true;
    }
    if (got == 0) on_output.reset();
    return false;
  }

  void finish() {
    constexpr int reads_max =
        64;  // what is left in a pipe, and not what a grandchild goes on writing
    for (int i = 0; i < reads_max && read_some(); ++i) {
    }
    on_output.reset();
    on_exit.reset();
    // Before it is reaped, as only until then nobody else can have its number.
    ::kill(-child, SIGKILL);
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    is_reaped = true;
    if (WIFSIGNALED(status)) {
      end.signal = WTERMSIG(status);
    } else {
      end.exit_status = WEXITSTATUS(status);
    }
    const OnEnd tell = std::move(on_end);  // may destroy this
    const End told = std::move(end);
    tell(told);
  }
};

Result<std::unique_ptr<Process>> Process::start(Loop& loop, const Options& options, OnEnd on_end) {
  hear_of_children();
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return system_error(options.command[0] + ": pipe", errno);
  auto core = std::make_unique<Core>();
  core->is_reaped = true;  // until there is one
  core->pipe = Descriptor(ends[0]);
  Descriptor output(ends[1]);
  (void)::fcntl(ends[0], F_SETFL, O_NONBLOCK);  // the child's end stays as programs expect it

  if (const int error = spawn(options, ends[1], core->child); error != 0) {
    return system_error(options.command[0], error);
  }
  output.close();
  core->is_reaped = false;
  core->output_max = options.output_max;
  core->on_end = std::move(on_end);
  core->handle = Descriptor(static_cast<int>(::syscall(SYS_pidfd_open, core->child, 0U)));
  if (core->handle.number() < 0) return system_error(options.command[0] + ": pidfd", errno);
  if (options.nice != 0) {
    (void)setpriority(PRIO_PROCESS, static_cast<id_t>(core->child),
                      getpriority(PRIO_PROCESS, 0) + options.nice);
  }
  Core* const raw = core.get();
  core->on_output.emplace(loop, core->pipe.number(), [raw](Poll::Ready) { raw->read_some(); });
  core->on_output->watch({.readable = true});
  core->on_exit.emplace(loop, core->handle.number(), [raw](Poll::Ready) { raw->finish(); });
  core->on_exit->watch({.readable = true});
  return std::unique_ptr<Process>(new Process(std::move(core)));
}

Process::Process(std::unique_ptr<Core> core) : core_(std::move(core)) {}

Process::~Process() = default;

pid_t Process::pid() const {
  return core_->child;
}

void Process::signal(int number) {
  if (!core_->is_reaped) ::kill(-core_->child, number);
}

const std::string& Process::output() const {
  return core_->end.output;
}

}  // namespace swingover::loop
