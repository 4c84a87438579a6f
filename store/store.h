#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace swingover::store {

/// The rooms of the store; each is a column family in RocksDB. The names are on disk: never reuse one.
enum class Table : uint8_t { state, journal, config, registrations, keys, meta, past };
inline constexpr size_t tables = 7;
std::string_view name(Table table);

/// One change of a batch. No value: the key is deleted.
struct Change {
  Table table = Table::state;
  std::string key;
  std::optional<std::string> value;
};

/// Changes that happen together or not at all.
class Batch {
 public:
  void put(Table table, std::string key, std::string value) {
    changes_.push_back({table, std::move(key), std::move(value)});
  }
  void erase(Table table, std::string key) {
    changes_.push_back({table, std::move(key), std::nullopt});
  }
  void append(Batch other) {
    for (Change& change : other.changes_) changes_.push_back(std::move(change));
  }
  bool empty() const { return changes_.empty(); }
  const std::vector<Change>& changes() const { return changes_; }

 private:
  std::vector<Change> changes_;
};

/// Grows by one with every commit; never goes back, over restarts too.
using Revision = uint64_t;

enum class Direction { ascending, descending };

/// Durable bytes: what the daemon knows across restarts. Code sees this, never RocksDB.
///
/// Promise  When commit() has returned a revision, its batch survives kill -9 and power loss whole; a batch
///          whose commit() failed or never returned is there whole or not at all.
/// Errors   unavailable: no room, I/O error; the next commit() tries to recover by itself. corrupt.
/// Threads  Any, one commit() at a time; reads run beside it.
/// Cost     commit() waits for the disk (about 0.2 ms on a good one, unbounded on a bad one): never call it
///          on the control thread, see server/control/store_writer.h.
class Store {
 public:
  virtual ~Store() = default;

  virtual Result<std::optional<std::string>> get(Table table, std::string_view key) const = 0;

  /// Keys in [first, last), bytewise; an empty `last` is the end. `visit` returns false to stop; it must not
  /// call the store, and what it is given is good until it returns.
  using Visit = std::function<bool(std::string_view key, std::string_view value)>;
  virtual Status scan(Table table, std::string_view first, std::string_view last,
                      Direction direction, const Visit& visit) const = 0;

  virtual Result<Revision> commit(const Batch& batch) = 0;
  virtual Revision revision() const = 0;

  /// A consistent copy in `folder`, which must not exist yet; opens as a store of its own.
  virtual Status backup(const std::string& folder) = 0;
};

}  // namespace swingover::store
