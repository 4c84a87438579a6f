#include "server/control/store_writer.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <iterator>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "base/log.h"
#include "base/loop/timer.h"

namespace swingover::control {

namespace {

using std::chrono::steady_clock;

constexpr size_t prune_slice = 1'000;
constexpr int watch_milliseconds = 100;
constexpr auto stall_after = std::chrono::seconds(2);

std::vector<double> duration_bounds() {
  return {0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5};
}

/// One commit() from its call to its callback.
struct Waiting {
  store::Batch changes;
  std::vector<store::JournalEntry> entries;
  store::Batch undo;
  std::function<void(Status)> done;  // control thread; empty once called
  steady_clock::time_point deadline;
  bool is_ended =
      false;  // guarded by the core's mutex: the disk has answered, `done` is on its way
  bool is_given_up = false;  // guarded by it too: `done` was told that the disk does not answer
};

/// What write() has left to store: by key, the newest wins.
struct Pending {
  std::map<std::pair<store::Table, std::string>, std::optional<std::string>> changes;
  std::deque<store::JournalEntry> entries;
  std::vector<LogLine> lines;

  bool empty() const { return changes.empty() && entries.empty() && lines.empty(); }
  size_t size() const { return changes.size() + entries.size(); }

  void add(const store::Batch& batch) {
    for (const store::Change& change : batch.changes()) {
      changes.insert_or_assign({change.table, change.key}, change.value);
    }
  }
  /// Puts back what could not be stored, beneath what came since.
  void put_back(Pending older) {
    for (auto& change : older.changes) changes.insert(std::move(change));
    entries.insert(entries.begin(), std::make_move_iterator(older.entries.begin()),
                   std::make_move_iterator(older.entries.end()));
  }
  /// Takes a commit back, beneath what came since.
  void add_undo(const store::Batch& undo) {
    for (const store::Change& change : undo.changes()) {
      changes.insert({{change.table, change.key}, change.value});
    }
  }
};

void add_to(store::Batch& batch, const store::Change& change) {
  if (change.value) {
    batch.put(change.table, change.key, *change.value);
  } else {
    batch.erase(change.table, change.key);
  }
}

/// What a commit that failed says to the person who asked for it.
Error refused(const std::string& problem) {
  return {ErrorCode::unavailable, "the store cannot write: " + problem};
}

}  // namespace

class StoreWriter::Core : public std::enable_shared_from_this<StoreWriter::Core> {
 public:
  Core(loop::Loop& loop, store::Store& store, store::Journal journal, Options options)
      : loop_(loop),
        store_(store),
        journal_(journal),
        options_(options),
        retry_(options.retry_first),
        watch_(std::make_unique<loop::Timer>(loop, [this] { watch(); })) {
    state_.revision = store.revision();
  }

  void start() {
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    thread_.join();
    watch_.reset();
    is_gone_ = true;
  }

  void write(const store::Batch& changes, Told told) {
    if (!watch_->is_active()) watch_->start_repeating(Milliseconds(watch_milliseconds));
    {
      std::lock_guard lock(mutex_);
      pending_.add(changes);
      for (auto& entry : told.entries) pending_.entries.push_back(std::move(entry));
      bound_journal();
      if (state_.healthy || is_telling_)
        std::ranges::move(std::exchange(told.lines, {}), std::back_inserter(pending_.lines));
    }
    work_.notify_all();
    write_lines(told.lines);
  }

  void commit(store::Batch changes, std::vector<store::JournalEntry> entries, store::Batch undo,
              std::function<void(Status)> done) {
    auto waiting = std::make_shared<Waiting>(
        Waiting{std::move(changes), std::move(entries), std::move(undo), std::move(done),
                steady_clock::now() + std::chrono::milliseconds(options_.commit_within.value)});
    open_.push_back(waiting);
    if (!watch_->is_active()) watch_->start_repeating(Milliseconds(watch_milliseconds));
    {
      std::lock_guard lock(mutex_);
      commits_.push_back(std::move(waiting));
    }
    work_.notify_all();
  }

  void prune_journal(WallTime before) {
    if (!watch_->is_active()) watch_->start_repeating(Milliseconds(watch_milliseconds));
    {
      std::lock_guard lock(mutex_);
      prune_before_ = before;
    }
    work_.notify_all();
  }

  /// What waits for a disk that may never answer.
  void tell_rest() {
    std::vector<LogLine> lines;
    {
      std::lock_guard lock(mutex_);
      lines = take_lines();
    }
    write_lines(lines);
  }

  bool flush(Milliseconds most) {
    std::unique_lock lock(mutex_);
    retry_at_ = {};
    work_.notify_all();
    return idle_.wait_for(lock, std::chrono::milliseconds(most.value), [this] {
      return pending_.empty() && commits_.empty() && !is_writing_ && !is_telling_;
    });
  }

  State state() const {
    std::lock_guard lock(mutex_);
    State state = state_;
    state.waiting = pending_.size() + commits_.size();
    return state;
  }

  Histogram durations() const {
    std::lock_guard lock(mutex_);
    return durations_;
  }

 private:
  // Control thread: notices a disk that gives no answer, and ends the commits that wait for it.
  void watch() {
    const auto now = steady_clock::now();
    std::vector<std::shared_ptr<Waiting>> given_up;
    std::vector<LogLine> lines;
    bool is_change = false;
    {
      std::lock_guard lock(mutex_);
      const bool is_stalled = is_writing_ && now - write_began_ > stall_after;
      if (is_stalled) {
        is_change = set_health(false, "the disk does not answer");
        lines = take_lines();
      }
      for (const auto& waiting : open_) {
        if (now < waiting->deadline || waiting->is_ended) continue;
        waiting->is_given_up = true;
        std::erase(commits_, waiting);
        given_up.push_back(waiting);
      }
      const bool is_idle = !is_writing_ && !prune_before_ && pending_.empty();
      if (is_idle && open_.size() == given_up.size()) watch_->stop();
    }
    write_lines(lines);
    if (is_change) tell_change();
    for (const auto& waiting : given_up) {
      const std::string problem =
          "the disk has not answered for " + duration_text(options_.commit_within);
      finish(waiting, refused(problem));
    }
  }

  // Control thread.
  void finish(const std::shared_ptr<Waiting>& waiting, Status status) {
    std::erase(open_, waiting);
    const auto done = std::exchange(waiting->done, nullptr);
    if (done) done(std::move(status));
  }

  bool set_health(bool healthy, const std::string& problem) {  // mutex_ held; true: a change
    state_.problem = problem;
    return std::exchange(state_.healthy, healthy) != healthy;
  }

  // Any thread; the callback and the log line once a change, on the control thread.
  void tell_change() {
    loop_.post([self = shared_from_this()] {
      const State now = self->state();
      if (self->is_gone_ || now.healthy == self->told_healthy_) return;
      self->told_healthy_ = now.healthy;
      if (now.healthy) {
        log_info("store writes again", {{"lost", std::to_string(now.journal_lost)}});
      } else {
        log_error("store cannot write", {{"reason", now.problem}});
      }
    });
  }

  /// All that wait for the disk.
  std::vector<LogLine> take_lines() {  // mutex_ held
    std::vector<LogLine> lines = std::exchange(lines_under_way_, {});
    std::ranges::move(std::exchange(pending_.lines, {}), std::back_inserter(lines));
    return lines;
  }

  void write_lines(const std::vector<LogLine>& lines) const {
    for (const LogLine& line : lines) options_.write_line(line);
  }

  void bound_journal() {         // mutex_ held
    if (state_.healthy) return;  // it takes them all, in a moment
    while (pending_.entries.size() > options_.journal_waiting_max) {
      pending_.entries.pop_front();
      ++state_.journal_lost;
    }
  }

  // While the disk fails, a batch is tried now and then though nothing waits: how else would it be known that
  // it is well again?
  bool may_write() const {  // mutex_ held
    if (!commits_.empty()) return true;
    if (stopping_) return !pending_.empty();
    return (!pending_.empty() || !state_.healthy) && steady_clock::now() >= retry_at_;
  }

  // The writer's thread, until stop().
  void run() {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (may_write()) {
        write_once(lock);
        continue;
      }
      if (stopping_) return;
      if (prune_before_ && pending_.empty() && state_.healthy) {
        prune_once(lock);
        continue;
      }
      idle_.notify_all();
      if (pending_.empty() && state_.healthy) {
        work_.wait(lock);
      } else {
        work_.wait_until(lock, retry_at_);
      }
    }
  }

  // Everything that waits, as one batch.
  void write_once(std::unique_lock<std::mutex>& lock) {
    Pending taken = std::exchange(pending_, {});
    std::vector<std::shared_ptr<Waiting>> commits(commits_.begin(), commits_.end());
    commits_.clear();
    lines_under_way_ = std::exchange(taken.lines, {});
    const bool is_well = state_.healthy;
    const store::Revision revision = state_.revision;
    is_writing_ = true;
    write_began_ = steady_clock::now();
    lock.unlock();

    store::Batch batch;
    for (const auto& [key, value] : taken.changes) add_to(batch, {key.first, key.second, value});
    for (const auto& waiting : commits) {
      for (const store::Change& change : waiting->changes.changes()) add_to(batch, change);
    }
    for (const auto& entry : taken.entries) journal_.append(batch, entry);
    for (const auto& waiting : commits) {
      for (const auto& entry : waiting->entries) journal_.append(batch, entry);
    }
    Result<store::Revision> stored = revision;
    if (!batch.empty() || !is_well) stored = commit_timed(batch);

    lock.lock();
    if (!stored) pending_.put_back(std::move(taken));
    end_commits(commits, stored);
    end_write(stored);
    tell(stored ? std::exchange(lines_under_way_, {}) : take_lines(), lock);
    if (!stored && stopping_) pending_ = {};  // the disk had its last chance
  }

  /// And, while the disk fails, what comes meanwhile, so that lines stay in their order.
  void tell(std::vector<LogLine> lines, std::unique_lock<std::mutex>& lock) {
    is_telling_ = true;
    while (!lines.empty()) {
      lock.unlock();
      write_lines(lines);
      lock.lock();
      lines.clear();
      if (!state_.healthy) lines = take_lines();
    }
    is_telling_ = false;
  }

  // A commit that failed may be on the disk all the same (see Store), and one that was given up is there: people
  // were told that it is not. It is taken back before anything later is stored, so that a second try of theirs
  // never ends up beneath it.
  void end_commits(const std::vector<std::shared_ptr<Waiting>>& commits,
                   const Result<store::Revision>& stored) {  // mutex_ held
    for (const auto& waiting : commits) {
      waiting->is_ended = true;
      if (!stored || waiting->is_given_up) pending_.add_undo(waiting->undo);
      if (waiting->is_given_up) continue;
      Status status = Done{};
      if (!stored) status = refused(stored.error().message);
      loop_.post([self = shared_from_this(), waiting, status]() {
        if (!self->is_gone_) self->finish(waiting, status);
      });
    }
  }

  void end_write(const Result<store::Revision>& stored) {  // mutex_ held
    is_writing_ = false;
    if (set_health(static_cast<bool>(stored), stored ? std::string() : stored.error().message)) {
      tell_change();
    }
    if (stored) {
      state_.revision = *stored;
      retry_ = options_.retry_first;
      retry_at_ = {};
      return;
    }
    bound_journal();
    retry_at_ = steady_clock::now() + std::chrono::milliseconds(retry_.value);
    retry_ = std::min(retry_ * 2, options_.retry_last);
  }

  Result<store::Revision> commit_timed(const store::Batch& batch) {
    const auto before = steady_clock::now();
    Result<store::Revision> stored = store_.commit(batch);
    const std::chrono::duration<double> took = steady_clock::now() - before;
    std::lock_guard lock(mutex_);
    durations_.observe(took.count());
    return stored;
  }

  void prune_once(std::unique_lock<std::mutex>& lock) {
    const WallTime before = *prune_before_;
    is_writing_ = true;
    write_began_ = steady_clock::now();
    lock.unlock();
    store::Batch batch;
    const Result<size_t> erased = store::Journal::prune(store_, before, prune_slice, batch);
    std::optional<Result<store::Revision>> stored;
    if (erased && *erased > 0) stored = commit_timed(batch);
    lock.lock();
    if (stored) {
      end_write(*stored);
    } else {
      is_writing_ = false;
    }
    const bool is_over = !erased || *erased < prune_slice || !*stored;
    if (is_over && prune_before_ == before) prune_before_.reset();
  }

  loop::Loop& loop_;
  store::Store& store_;
  store::Journal journal_;  // the writer's thread
  const Options options_;
  std::thread thread_;

  mutable std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable idle_;
  Pending pending_;                       // from here to retry_at_: guarded by mutex_
  std::vector<LogLine> lines_under_way_;  // of what is being stored
  std::deque<std::shared_ptr<Waiting>> commits_;
  std::optional<WallTime> prune_before_;
  bool stopping_ = false;
  bool is_writing_ = false;
  bool is_telling_ = false;  // lines are being written
  steady_clock::time_point write_began_{};
  State state_;
  Histogram durations_{duration_bounds()};
  Milliseconds retry_;
  steady_clock::time_point retry_at_{};

  std::vector<std::shared_ptr<Waiting>> open_;  // from here on: control thread
  std::unique_ptr<loop::Timer> watch_;
  bool told_healthy_ = true;
  bool is_gone_ = false;
};

StoreWriter::StoreWriter(loop::Loop& loop, store::Store& store, store::Journal journal,
                         Options options)
    : core_(std::make_shared<Core>(loop, store, journal, options)) {
  core_->start();
}

StoreWriter::~StoreWriter() {
  if (!core_->flush(Milliseconds(500))) core_->tell_rest();
  core_->stop();
}

void StoreWriter::write(const store::Batch& changes, Told told) {
  if (changes.empty() && told.entries.empty() && told.lines.empty()) return;
  core_->write(changes, std::move(told));
}

void StoreWriter::commit(store::Batch changes, std::vector<store::JournalEntry> entries,
                         store::Batch undo, std::function<void(Status)> done) {
  core_->commit(std::move(changes), std::move(entries), std::move(undo), std::move(done));
}

void StoreWriter::prune_journal(WallTime before) {
  core_->prune_journal(before);
}
bool StoreWriter::flush(Milliseconds most) {
  return core_->flush(most);
}
StoreWriter::State StoreWriter::state() const {
  return core_->state();
}
Histogram StoreWriter::durations() const {
  return core_->durations();
}

}  // namespace swingover::control
