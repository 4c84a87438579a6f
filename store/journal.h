#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "store/store.h"

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
/// Order    Keys are (time, sequence): entries of one millisecond keep their order, and a clock that jumps
///          back never overwrites: the time of a key is at least that of the newest entry.
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
  };
  /// Newest first. Cost: decodes every entry from the newest back to `since`, or to the `most`th found.
  static Result<std::vector<JournalEntry>> read(const Store& store, const Query& query);

  /// Erases into `batch` up to `most` entries whose keys are older than `before`, the oldest first; returns
  /// how many. Fewer than `most`: there is nothing more to prune. Commit before the next slice.
  static Result<size_t> prune(const Store& store, WallTime before, size_t most, Batch& batch);

 private:
  WallTime newest_{};
  uint32_t sequence_ = 0;
  bool is_empty_ = true;
};

}  // namespace swingover::store
