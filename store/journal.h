#pragma once

#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"
#include "store/time_key.h"

namespace swingover::store {

/// One thing that happened: who, when, why, before, after. Written once, never changed.
struct JournalEntry {
  WallTime at{};
  std::string kind;  // "health", "intent", "reload", "start", "store", …
  std::string
      target;  // cluster/fra, pool/shop.svc.example.com./fra, endpoint/…, service/…, or empty
  std::string actor;  // a person as they named themselves, or "swingoverd"
  std::string before;
  std::string after;
  std::string reason;
  friend bool operator==(const JournalEntry&, const JournalEntry&) = default;
};

/// An entry as stored: a version byte, then its time and texts. Errors: corrupt.
std::string encode_entry(const JournalEntry& entry);
Result<JournalEntry> decode_entry(std::string_view bytes);

/// The journal table: time-ordered, appended with the state it tells of, pruned by age.
///
/// Order    That in which they were written, whatever the clock does: see TimeKey.
/// Threads  One owner; the Store beneath may be read by others.
class Journal {
 public:
  /// Reads the newest key, so that what follows sorts behind it.
  static Result<Journal> open(const Store& store);

  /// Adds the entry to `batch`, to be committed with what it describes.
  void append(Batch& batch, const JournalEntry& entry);

  struct Query {
    std::optional<WallTime> since;
    std::optional<WallTime> until;
    std::string target;  // exact, or a prefix that ends in "/"; empty: all
    size_t most = 1000;
    std::vector<std::string> kinds{};    // any of them; none: all
    std::vector<std::string> targets{};  // any of them, each as `target` is; none: all
    size_t looked_at_most = std::numeric_limits<size_t>::max();
  };
  /// Newest first. Cost: looks at every entry from `until`, or the newest, back to `since`, or to the `most`th found, or to
  /// the `looked_at_most`th; decodes those asked for.
  static Result<std::vector<JournalEntry>> read(const Store& store, const Query& query);

  /// Erases into `batch` up to `most` entries that were written before `before`, the oldest first; returns how many. Fewer than `most`: there is nothing more to prune. Commit before the next slice.
  static Result<size_t> prune(const Store& store, WallTime before, size_t most, Batch& batch);

 private:
  TimeKey newest_{};
};

}  // namespace swingover::store
