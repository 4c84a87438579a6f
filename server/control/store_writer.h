#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/loop/loop.h"
#include "server/control/histogram.h"
#include "server/control/told.h"
#include "store/journal.h"
#include "store/store.h"

namespace swingover::control {

/// A thread in front of the store, so that no disk ever holds up the control thread.
///
/// Two ways  write() is for what shows before it is stored (health): it never fails, and while the disk
///           does, waiting changes of one key become one and the journal's entries are bounded. commit()
///           is for what may not show before it is stored (intents): it succeeds or fails, within a bound.
/// Lines     Log lines of a write() are written once its changes and entries are synced; at once while the disk
///           fails, after some 2 s where it gives no answer.
/// Order     Everything of one commit() or write() goes into one store batch; later calls never end up
///           behind earlier ones, except that a failed commit() is gone.
/// Failure   A batch that fails is tried again after 0.25 s, then ever later, at most 5 s, an empty one if need
///           be, so that it is noticed when the disk is well; a new commit() tries at once. Said once in the log when it begins and once when it is over.
/// Threads   All calls, and the callbacks: the control thread.
class StoreWriter {
 public:
  struct Options {
    Milliseconds commit_within{5'000};  // a commit() that took longer has failed
    Milliseconds retry_first{250};
    Milliseconds retry_last{5'000};
    size_t journal_waiting_max = 10'000;
    /// On the writer's thread, or the control thread where the disk fails.
    std::function<void(const LogLine&)> write_line = [](const LogLine& line) { log(line); };
  };
  struct State {
    bool healthy = true;
    std::string problem;  // in words, when not
    store::Revision revision = 0;
    uint64_t journal_lost = 0;  // entries that found no room while the disk failed
    size_t waiting = 0;         // changes and entries not yet stored
    friend bool operator==(const State&, const State&) = default;
  };

  StoreWriter(loop::Loop& loop, store::Store& store, store::Journal journal, Options options);
  /// flush()es for a moment, and writes the log lines that are left; then joins: waits for a commit that hangs in the
  /// disk.
  ~StoreWriter();
  StoreWriter(const StoreWriter&) = delete;
  StoreWriter& operator=(const StoreWriter&) = delete;

  void write(const store::Batch& changes, Told told);

  /// `done` hears Done once the batch is synced, or unavailable: it is not in force. What the disk may hold of
  /// it all the same, after an error or an answer that came too late, `undo` takes back before anything later is
  /// stored. Killed before that, a restart may find what was refused.
  void commit(store::Batch changes, std::vector<store::JournalEntry> entries, store::Batch undo,
              std::function<void(Status)> done);

  /// Erases journal entries older than `before`, in slices, between other work.
  void prune_journal(WallTime before);

  /// Waits until everything is stored or `most` has gone; true if it is. For the stop.
  bool flush(Milliseconds most);

  State state() const;
  Histogram durations() const;  // seconds of each store commit

 private:
  class Core;
  std::shared_ptr<Core> core_;
};

}  // namespace swingover::control
