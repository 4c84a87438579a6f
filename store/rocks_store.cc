#include "store/rocks_store.h"

#include <rocksdb/utilities/checkpoint.h>
#include <rocksdb/write_batch.h>

#include <filesystem>
#include <mutex>
#include <shared_mutex>
#include <system_error>
#include <utility>

#include "base/log.h"
#include "store/format.h"
#include "store/rocks_store_database.h"

namespace swingover::store {
namespace {

rocksdb::Slice slice(std::string_view bytes) {
  return {bytes.data(), bytes.size()};
}
std::string_view view(const rocksdb::Slice& bytes) {
  return {bytes.data(), bytes.size()};
}

Result<Revision> stored_revision(const RocksDatabase& database) {
  std::string bytes;
  const auto read = database.db->Get({}, database.handle(Table::meta), slice(revision_key), &bytes);
  if (read.IsNotFound()) return Revision{0};
  if (!read.ok()) return to_error(read).within("reading the store's revision");
  const auto number = decode_number(bytes);
  if (!number) return Error{ErrorCode::corrupt, "the store's revision number is damaged"};
  return *number;
}

class RocksStore : public Store {
 public:
  RocksStore(std::string folder, rocksdb::Env& environment, std::unique_ptr<RocksDatabase> database,
             Revision revision)
      : folder_(std::move(folder)),
        environment_(environment),
        database_(std::move(database)),
        revision_(revision) {}

  Result<std::optional<std::string>> get(Table table, std::string_view key) const override;
  Status scan(Table table, std::string_view first, std::string_view last, Direction direction,
              const Visit& visit) const override;
  Result<Revision> commit(const Batch& batch) override;
  Revision revision() const override { return revision_; }
  Status backup(const std::string& folder) override;

 private:
  Status reopen();
  /// Files that were removed take writes for as long as they are open: what was acknowledged would be lost.
  bool is_gone() const {
    std::error_code ignored;
    return !std::filesystem::exists(folder_ + "/CURRENT", ignored);
  }
  Error closed() const {
    return {ErrorCode::unavailable, "the store in " + folder_ + " cannot be read at present"};
  }

  const std::string folder_;
  rocksdb::Env& environment_;

  std::mutex commit_mutex_;  // taken before database_mutex_
  mutable std::shared_mutex
      database_mutex_;  // exclusive only to replace database_; readers never wait
  std::unique_ptr<RocksDatabase> database_;  // none: neither writing nor reading could be reopened
  bool is_writable_ = true;                  // guarded by commit_mutex_
  std::atomic<Revision> revision_;
};

Result<std::optional<std::string>> RocksStore::get(Table table, std::string_view key) const {
  const std::shared_lock lock(database_mutex_, std::try_to_lock);
  if (!lock || !database_) return closed();
  std::string value;
  const auto read = database_->db->Get({}, database_->handle(table), slice(key), &value);
  if (read.IsNotFound()) return std::optional<std::string>();
  if (!read.ok()) return to_error(read);
  return std::optional(std::move(value));
}

Status RocksStore::scan(Table table, std::string_view first, std::string_view last,
                        Direction direction, const Visit& visit) const {
  if (!last.empty() && last <= first) return Done{};
  const std::shared_lock lock(database_mutex_, std::try_to_lock);
  if (!lock || !database_) return closed();
  const rocksdb::Slice lower = slice(first);
  const rocksdb::Slice upper = slice(last);
  rocksdb::ReadOptions options;
  options.iterate_lower_bound = &lower;
  if (!last.empty()) options.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> row(
      database_->db->NewIterator(options, database_->handle(table)));

  const bool forward = direction == Direction::ascending;
  for (forward ? row->SeekToFirst() : row->SeekToLast(); row->Valid();
       forward ? row->Next() : row->Prev()) {
    if (!visit(view(row->key()), view(row->value()))) return Done{};
  }
  if (!row->status().ok()) return to_error(row->status());
  return Done{};
}

Result<Revision> RocksStore::commit(const Batch& batch) {
  std::lock_guard writer(commit_mutex_);
  if (!is_writable_ || *database_->background_error) {
    is_writable_ = false;
    const auto reopened = reopen();
    if (!reopened) return reopened.error();
  }
  if (is_gone()) {
    return Error{
        ErrorCode::unavailable,
        "the store in " + folder_ +
            " is gone: someone removed or moved it; put it back, or restart to begin anew"};
  }

  const Revision next = revision_ + 1;
  rocksdb::WriteBatch changes;
  rocksdb::Status status;
  for (const Change& change : batch.changes()) {
    auto* const handle = database_->handle(change.table);
    status = change.value ? changes.Put(handle, change.key, *change.value)
                          : changes.Delete(handle, change.key);
    if (!status.ok()) return to_error(status).within("making the batch");
  }
  status = changes.Put(database_->handle(Table::meta), slice(revision_key), encode_number(next));
  if (!status.ok()) return to_error(status).within("making the batch");

  rocksdb::WriteOptions options;
  options.sync = true;
  status = database_->db->Write(options, &changes);
  if (!status.ok()) {
    is_writable_ = false;
    return to_error(status).within("writing to the store in " + folder_);
  }
  revision_ = next;
  return next;
}

/// Closes and opens again, with commit_mutex_ held. The disk is tried before, since a database that is still
/// open can be read and one that cannot be opened cannot.
Status RocksStore::reopen() {
  auto tried = try_disk(folder_, environment_);
  if (!tried) return tried;

  std::unique_lock lock(database_mutex_);
  database_.reset();
  auto opened = open_database(folder_, RocksAccess::read_write, environment_);
  auto revision = opened ? stored_revision(**opened) : Result<Revision>(opened.error());
  if (!revision) {
    if (opened) opened->reset();
    auto frozen = open_database(folder_, RocksAccess::read_only, environment_);
    if (frozen) database_ = *std::move(frozen);
    return revision.error("reopening the store");
  }
  database_ = *std::move(opened);
  if (*revision < revision_) {
    return Error{ErrorCode::corrupt, "the store in " + folder_ + " fell back from revision " +
                                         std::to_string(revision_) + " to " +
                                         std::to_string(*revision)};
  }
  revision_ = *revision;
  is_writable_ = true;
  log_info("store reopened", {{"folder", folder_}, {"revision", std::to_string(*revision)}});
  return Done{};
}

Status RocksStore::backup(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder, ignored)) {
    return Error{ErrorCode::conflict, folder + " exists already: a backup makes its own folder"};
  }
  const std::shared_lock lock(database_mutex_, std::try_to_lock);
  if (!lock || !database_) return closed();
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(database_->db.get(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok()) status = checkpoint->CreateCheckpoint(folder);
  if (!status.ok()) return to_error(status).within("backing up to " + folder);
  return Done{};
}

}  // namespace

Result<std::unique_ptr<Store>> open_rocks_store(const std::string& folder) {
  return open_rocks_store(folder, *rocksdb::Env::Default());
}

Result<std::unique_ptr<Store>> open_rocks_store(const std::string& folder,
                                                rocksdb::Env& environment) {
  const auto prepared = prepare_folder(folder);
  if (!prepared) return prepared.error();
  auto database = open_database(folder, RocksAccess::read_write, environment);
  if (!database) return database.error();
  const auto revision = stored_revision(**database);
  if (!revision) return revision.error(folder);

  std::unique_ptr<Store> store =
      std::make_unique<RocksStore>(folder, environment, *std::move(database), *revision);
  const auto ready = bring_up_to_date(*store);
  if (!ready) return ready.error(folder);
  return store;
}

}  // namespace swingover::store
