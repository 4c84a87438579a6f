#include "store/memory_store.h"

#include "store/format.h"

namespace swingover::store {

Result<std::optional<std::string>> MemoryStore::get(Table table, std::string_view key) const {
  std::lock_guard lock(mutex_);
  const auto& rows = rows_[static_cast<size_t>(table)];
  const auto row = rows.find(key);
  if (row == rows.end()) return std::optional<std::string>();
  return std::optional(row->second);
}

Status MemoryStore::scan(Table table, std::string_view first, std::string_view last,
                         Direction direction, const Visit& visit) const {
  std::lock_guard lock(mutex_);
  const auto& rows = rows_[static_cast<size_t>(table)];
  const auto from = rows.lower_bound(first);
  auto to = last.empty() ? rows.end() : rows.lower_bound(last);
  if (!last.empty() && last <= first) return Done{};

  if (direction == Direction::ascending) {
    for (auto row = from; row != to && visit(row->first, row->second);) ++row;
    return Done{};
  }
  while (to != from) {
    --to;
    if (!visit(to->first, to->second)) break;
  }
  return Done{};
}

Result<Revision> MemoryStore::commit(const Batch& batch) {
  std::lock_guard lock(mutex_);
  if (fault_) return *fault_;
  for (const Change& change : batch.changes()) {
    auto& rows = rows_[static_cast<size_t>(change.table)];
    if (change.value) {
      rows.insert_or_assign(change.key, *change.value);
    } else {
      rows.erase(change.key);
    }
  }
  rows_[static_cast<size_t>(Table::meta)].insert_or_assign(std::string(revision_key),
                                                           encode_number(++revision_));
  return revision_;
}

Revision MemoryStore::revision() const {
  std::lock_guard lock(mutex_);
  return revision_;
}

Status MemoryStore::backup(const std::string& folder) {
  return Error{ErrorCode::invalid, "a store in memory has no files to copy to " + folder};
}

void MemoryStore::fail_commits(std::optional<Error> error) {
  std::lock_guard lock(mutex_);
  fault_ = std::move(error);
}

}  // namespace swingover::store
