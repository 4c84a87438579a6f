#pragma once

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <array>
#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "store/store.h"

namespace swingover::store {

/// One opening of the RocksDB of a store: the database and a handle for each table. Closes in order.
struct RocksDatabase {
  RocksDatabase() = default;
  ~RocksDatabase();
  RocksDatabase(const RocksDatabase&) = delete;
  RocksDatabase& operator=(const RocksDatabase&) = delete;

  rocksdb::ColumnFamilyHandle* handle(Table table) const {
    return handles[static_cast<size_t>(table)];
  }

  /// Set by RocksDB's own threads when a flush or compaction failed; it never heals by itself, see .cc.
  std::shared_ptr<std::atomic<bool>> background_error;
  std::unique_ptr<rocksdb::DB> db;
  std::vector<rocksdb::ColumnFamilyHandle*>
      handles;  // by Table; behind them those of unknown tables
};

enum class RocksAccess { read_write, read_only };

/// Read-only takes no lock and writes nothing, so that it opens on a full disk.
Result<std::unique_ptr<RocksDatabase>> open_database(const std::string& folder, RocksAccess access,
                                                     rocksdb::Env& environment);

/// Makes the folder if need be, and checks that it can be written.
Status prepare_folder(const std::string& folder);

/// Whether the folder takes what reopening writes: writes and syncs that much and removes it again.
Status try_disk(const std::string& folder, rocksdb::Env& environment);

/// RocksDB's status as an error of ours.
Error to_error(const rocksdb::Status& status);

}  // namespace swingover::store
