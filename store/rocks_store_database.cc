#include "store/rocks_store_database.h"

#include <fcntl.h>
#include <rocksdb/cache.h>
#include <rocksdb/listener.h>
#include <rocksdb/table.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdio>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace swingover::store {
namespace {

constexpr size_t mebibyte = size_t{1} << 20;

/// RocksDB's words without files of their own: what went wrong goes to our log, all else nowhere.
class ErrorsToLog : public rocksdb::Logger {
 public:
  ErrorsToLog() : rocksdb::Logger(rocksdb::InfoLogLevel::ERROR_LEVEL) {}
  using rocksdb::Logger::Logv;
  void Logv(const char* format, va_list arguments) override {  // NOLINT: RocksDB's name
    std::array<char, 512> text{};
    std::vsnprintf(text.data(), text.size(), format, arguments);
    log_warning("store database", {{"message", text.data()}});
  }
};

/// RocksDB would mend a full disk by itself, flushing one table after the other behind our back. A crash in
/// the middle leaves a failed batch in the old log for some tables and not for others: half of it would come
/// back. So it is told not to, and the store reopens it instead.
class NoSelfHealing : public rocksdb::EventListener {
 public:
  explicit NoSelfHealing(std::shared_ptr<std::atomic<bool>> failed) : failed_(std::move(failed)) {}
  void OnBackgroundError(rocksdb::BackgroundErrorReason, rocksdb::Status*) override {  // NOLINT
    *failed_ = true;
  }
  void OnErrorRecoveryBegin(rocksdb::BackgroundErrorReason, rocksdb::Status,  // NOLINT
                            bool* auto_recovery) override {
    *auto_recovery = false;
  }

 private:
  std::shared_ptr<std::atomic<bool>> failed_;
};

rocksdb::DBOptions database_options(rocksdb::Env& environment,
                                    std::shared_ptr<std::atomic<bool>> failed) {
  rocksdb::DBOptions options;
  options.env = &environment;
  options.create_if_missing = true;
  options.create_missing_column_families = true;
  options.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  options.listeners = {std::make_shared<NoSelfHealing>(std::move(failed))};
  options.max_bgerror_resume_count = 0;
  options.info_log = std::make_shared<ErrorsToLog>();
  // Small: 100,000 endpoints are some 10 MB of state, of which a batch changes little.
  options.max_background_jobs = 2;
  options.max_open_files = 64;
  options.db_write_buffer_size = 4 * mebibyte;
  options.max_total_wal_size = 2 * mebibyte;
  options.max_manifest_file_size = mebibyte;
  options.stats_dump_period_sec = 0;
  options.stats_persist_period_sec = 0;
  return options;
}

rocksdb::ColumnFamilyOptions table_options() {
  rocksdb::BlockBasedTableOptions blocks;
  blocks.block_cache = rocksdb::NewLRUCache(4 * mebibyte);
  blocks.format_version = 5;
  rocksdb::ColumnFamilyOptions options;
  options.table_factory.reset(rocksdb::NewBlockBasedTableFactory(blocks));
  options.write_buffer_size = mebibyte;
  options.target_file_size_base = 8 * mebibyte;
  options.compression = rocksdb::kLZ4Compression;
  return options;
}

/// A lost CURRENT looks to RocksDB like a folder without a store, and it would start an empty one in it.
bool lost_its_root(const std::string& folder) {
  std::error_code ignored;
  if (std::filesystem::exists(folder + "/CURRENT", ignored)) return false;
  for (const auto& file : std::filesystem::directory_iterator(folder, ignored)) {
    const auto kind = file.path().extension();
    if (kind == ".sst" || (kind == ".log" && file.file_size(ignored) > 0)) return true;
  }
  return false;
}

Error damaged(const std::string& folder, const std::string& why) {
  return {ErrorCode::corrupt,
          "the store in " + folder + " is damaged (" + why +
              "): restore a backup in its place, or move the folder away to start "
              "without what it knew"};
}

/// Who holds the lock, as far as the kernel tells: not across process namespaces. Never asked of a lock that
/// this process holds, since closing any descriptor of the file would give that lock up.
std::string lock_holder(const std::string& folder) {
  const int file = open((folder + "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return {};
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool known = fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK && lock.l_pid > 0;
  close(file);
  return known ? " (process " + std::to_string(lock.l_pid) + ")" : std::string();
}

Error opening_error(const std::string& folder, const rocksdb::Status& status) {
  const std::string words = status.ToString();
  const auto says = [&](std::string_view part) { return words.find(part) != std::string::npos; };
  if (says("lock hold by current process")) {
    return {ErrorCode::conflict, folder + " is in use by this swingoverd already"};
  }
  if (says("While lock file") && (says("Resource temporarily") || says("Permission denied"))) {
    return {ErrorCode::conflict, folder + " is in use by another swingoverd" + lock_holder(folder)};
  }
  if (status.IsCorruption() || status.IsPathNotFound() || status.IsInvalidArgument()) {
    return damaged(folder, words);
  }
  return to_error(status).within("cannot open the store in " + folder);
}

}  // namespace

RocksDatabase::~RocksDatabase() {
  if (!db) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  const rocksdb::Status closed =
      db->Close();  // every commit was synced: nothing is lost if it fails
  if (!closed.ok()) log_debug("store not closed cleanly", {{"error", closed.ToString()}});
}

Result<std::unique_ptr<RocksDatabase>> open_database(const std::string& folder, RocksAccess access,
                                                     rocksdb::Env& environment) {
  if (lost_its_root(folder)) return damaged(folder, "the file CURRENT is missing");

  auto database = std::make_unique<RocksDatabase>();
  database->background_error = std::make_shared<std::atomic<bool>>(false);
  const rocksdb::DBOptions options = database_options(environment, database->background_error);

  std::vector<std::string> names = {rocksdb::kDefaultColumnFamilyName};
  for (size_t i = 0; i < tables; ++i) names.emplace_back(name(static_cast<Table>(i)));
  // A newer program may have made more tables. They are opened too, so that its format number can be read
  // and said. An error here means that there is no store yet, or is told better by the opening below.
  std::vector<std::string> present;
  if (rocksdb::DB::ListColumnFamilies(options, folder, &present).ok()) {
    for (const std::string& one : present) {
      if (std::ranges::find(names, one) == names.end()) names.push_back(one);
    }
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  const rocksdb::ColumnFamilyOptions shared = table_options();  // one cache for all tables
  for (const std::string& one : names) families.emplace_back(one, shared);

  rocksdb::DB* db = nullptr;
  const rocksdb::Status opened =
      access == RocksAccess::read_write
          ? rocksdb::DB::Open(options, folder, families, &database->handles, &db)
          : rocksdb::DB::OpenForReadOnly(options, folder, families, &database->handles, &db);
  if (!opened.ok()) return opening_error(folder, opened);
  database->db.reset(db);
  db->DestroyColumnFamilyHandle(database->handles.front());  // RocksDB's default family stays empty
  database->handles.erase(database->handles.begin());
  return database;
}

Status prepare_folder(const std::string& folder) {
  std::error_code problem;
  const bool made = std::filesystem::create_directories(folder, problem);
  if (!problem && !std::filesystem::is_directory(folder, problem)) {
    problem = std::make_error_code(std::errc::not_a_directory);
  }
  if (problem) {
    return Error{ErrorCode::unavailable,
                 "cannot make the folder " + folder + ": " + problem.message()};
  }
  if (made) std::filesystem::permissions(folder, std::filesystem::perms::owner_all, problem);
  if (access(folder.c_str(), R_OK | W_OK | X_OK) != 0) {
    return Error{ErrorCode::unavailable, "cannot write into the folder " + folder + ": " +
                                             std::generic_category().message(errno)};
  }
  return Done{};
}

Status try_disk(const std::string& folder, rocksdb::Env& environment) {
  // Reopening writes the logs' content into new files and begins a log and a manifest.
  uint64_t needed = mebibyte;
  std::vector<rocksdb::Env::FileAttributes> files;
  if (environment.GetChildrenFileAttributes(folder, &files).ok()) {
    for (const auto& file : files) {
      if (file.name.ends_with(".log")) needed += file.size_bytes;
    }
  }
  const std::string trial = folder + "/trial.tmp";
  const rocksdb::Status written =
      rocksdb::WriteStringToFile(&environment, std::string(needed, 't'), trial, true);
  const rocksdb::Status removed = environment.DeleteFile(trial);
  if (!written.ok()) return to_error(written).within("the disk of " + folder + " takes no writes");
  if (!removed.ok()) return to_error(removed).within("the disk of " + folder + " takes no writes");
  return Done{};
}

Error to_error(const rocksdb::Status& status) {
  const ErrorCode code = status.IsCorruption() ? ErrorCode::corrupt : ErrorCode::unavailable;
  return {code, status.IsNoSpace() ? "no space left on the disk (" + status.ToString() + ")"
                                   : status.ToString()};
}

}  // namespace swingover::store
