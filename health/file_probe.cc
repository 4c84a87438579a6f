#include "health/file_probe.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <unordered_map>
#include <utility>

#include "base/clock.h"
#include "base/loop/timer.h"
#include "base/printable.h"
#include "base/text.h"
#include "health/probe_words.h"

namespace swingover::health {

namespace {

constexpr size_t shown_max = 200;

struct FileOptions {
  std::string path;
  std::optional<Milliseconds> max_age;
  Milliseconds timeout{1000};
};

std::string shortened(std::string_view text) {
  return printable(text.substr(0, shown_max)) + (text.size() > shown_max ? "…" : "");
}

Finding failed(std::string reason, bool looked = true) {
  return {.verdict = Verdict::fail, .reason = std::move(reason), .looked = looked};
}

Finding unreadable(const FileOptions& options, int error) {
  const bool is_absent = error == ENOENT || error == ENOTDIR;
  if (is_absent) return failed("there is no file " + options.path);
  return failed(options.path + ": " + errno_words(error), false);
}

Finding judge_content(const FileOptions& options, std::string_view content) {
  const std::string_view line = trimmed(content.substr(0, content.find('\n')));
  const size_t end = line.find_first_of(" \t");
  const std::string word = lower(line.substr(0, end));
  if (word == "up") return {};
  if (word == "down") {
    const std::string_view why = end == line.npos ? std::string_view() : trimmed(line.substr(end));
    return failed(why.empty() ? "the file says down" : "the file says down: " + shortened(why));
  }
  if (line.empty()) return failed(options.path + " says nothing, wanted \"up\" or \"down\"");
  return failed(options.path + " says \"" + shortened(line) + "\", wanted \"up\" or \"down\"");
}

/// On the reading thread.
Finding look(const FileOptions& options) {
  // O_NONBLOCK: a pipe in its place must not be waited for.
  const int file = ::open(options.path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (file < 0) return unreadable(options, errno);
  struct stat about {};
  std::array<char, 4096> content;  // NOLINT: filled by the kernel
  ssize_t got = 0;
  int error = 0;
  if (::fstat(file, &about) != 0 || (got = ::read(file, content.data(), content.size())) < 0) {
    error = errno;
  }
  ::close(file);
  if (error == 0 && !S_ISREG(about.st_mode)) return failed(options.path + " is not a file");
  if (error != 0) return unreadable(options, error);

  if (options.max_age) {
    const WallTime written{about.st_mtim.tv_sec * 1000LL + about.st_mtim.tv_nsec / 1'000'000};
    const Milliseconds age = system_clock().wall() - written;
    if (age > *options.max_age) {
      // The limit, not the age: the same words from probe to probe.
      return failed(options.path + " was written longer ago than " +
                    duration_text(*options.max_age));
    }
  }
  return judge_content(options, {content.data(), static_cast<size_t>(got)});
}

}  // namespace

/// Hands files to the reading thread and findings back.
class FileProbes::Core {
 public:
  using Ticket = uint64_t;
  using OnFound = std::function<void(Finding)>;

  explicit Core(loop::Loop& loop) : loop_(loop), shared_(std::make_shared<Shared>()) {
    shared_->core = this;
    shared_->loop = &loop;
  }
  ~Core() {
    const std::lock_guard lock(shared_->mutex);
    shared_->loop = nullptr;
    shared_->core = nullptr;
    shared_->wanted.clear();
    shared_->changed.notify_all();
  }

  loop::Loop& loop() { return loop_; }

  /// False: no thread is to be had.
  std::optional<Ticket> read(const FileOptions& options, OnFound on_found) {
    if (!is_reading_) {
      try {
        std::thread([shared = shared_] { serve(shared); }).detach();
        is_reading_ = true;
      } catch (const std::system_error&) {
        return std::nullopt;
      }
    }
    pending_.emplace(++last_, std::move(on_found));
    const std::lock_guard lock(shared_->mutex);
    shared_->wanted.push_back({last_, options});
    shared_->changed.notify_one();
    return last_;
  }

  void forget(Ticket ticket) {
    pending_.erase(ticket);
    const std::lock_guard lock(shared_->mutex);
    std::erase_if(shared_->wanted, [&](const Wanted& one) { return one.ticket == ticket; });
  }

 private:
  struct Wanted {
    Ticket ticket;
    FileOptions options;
  };
  /// What the thread may still touch when this object and its loop are gone.
  struct Shared {
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Wanted> wanted;   // guarded by mutex
    loop::Loop* loop = nullptr;  // guarded by mutex; null: the end
    Core* core = nullptr;        // the loop's thread only
  };

  static void serve(const std::shared_ptr<Shared>& shared) {
    for (;;) {
      std::unique_lock lock(shared->mutex);
      shared->changed.wait(lock, [&] { return !shared->loop || !shared->wanted.empty(); });
      if (!shared->loop) return;
      const Wanted next = std::move(shared->wanted.front());
      shared->wanted.pop_front();
      lock.unlock();
      Finding finding = look(next.options);
      lock.lock();
      if (!shared->loop) return;
      shared->loop->post([shared, ticket = next.ticket, finding = std::move(finding)] {
        if (shared->core) shared->core->tell(ticket, finding);
      });
    }
  }

  void tell(Ticket ticket, const Finding& finding) {
    const auto at = pending_.find(ticket);
    if (at == pending_.end()) return;  // cancelled
    const OnFound on_found = std::move(at->second);
    pending_.erase(at);
    on_found(finding);
  }

  loop::Loop& loop_;
  std::shared_ptr<Shared> shared_;
  bool is_reading_ = false;
  Ticket last_ = 0;
  std::unordered_map<Ticket, OnFound> pending_;
};

namespace {

class FileProbe : public Probe {
 public:
  FileProbe(FileProbes::Core& core, const FileOptions& options, Done done)
      : core_(core),
        done_(std::move(done)),
        began_(system_clock().now()),
        timer_(core.loop(), [this, &options] {
          finish(failed(ticket_ ? timeout_words(options.timeout, "reading " + options.path)
                                : "no thread to read " + options.path,
                        false));
        }) {
    ticket_ = core_.read(options, [this](Finding finding) {
      ticket_.reset();
      finish(std::move(finding));
    });
    timer_.start_once(ticket_ ? options.timeout : Milliseconds(0));
  }
  ~FileProbe() override { forget(); }

 private:
  void forget() {
    if (ticket_) core_.forget(*std::exchange(ticket_, std::nullopt));
  }
  void finish(Finding finding) {
    timer_.stop();
    forget();
    finding.duration_nanoseconds = system_clock().now().nanoseconds - began_.nanoseconds;
    const Done done = std::move(done_);
    done(std::move(finding));
  }

  FileProbes::Core& core_;
  Done done_;
  MonotonicTime began_;
  loop::Timer timer_;
  std::optional<FileProbes::Core::Ticket> ticket_;
};

std::string with_address(std::string path, const std::string& address) {
  constexpr std::string_view mark = "{address}";
  for (size_t at = path.find(mark); at != path.npos; at = path.find(mark, at + address.size())) {
    path.replace(at, mark.size(), address);
  }
  return path;
}

class FileTarget : public Target {
 public:
  FileTarget(FileProbes::Core& core, const Check& check)
      : core_(core),
        options_{.path = with_address(check.monitor->file, check.address),
                 .max_age = check.monitor->max_age,
                 .timeout = check.monitor->timeout} {}

  std::unique_ptr<Probe> start(Probe::Done done) override {
    return std::make_unique<FileProbe>(core_, options_, std::move(done));
  }

 private:
  FileProbes::Core& core_;
  FileOptions options_;
};

}  // namespace

FileProbes::FileProbes(loop::Loop& loop) : core_(std::make_unique<Core>(loop)) {}

FileProbes::~FileProbes() = default;

std::unique_ptr<Target> FileProbes::make_target(const Check& check) {
  return std::make_unique<FileTarget>(*core_, check);
}

}  // namespace swingover::health
