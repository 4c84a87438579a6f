#pragma once

#include <array>
#include <map>
#include <mutex>

#include "store/store.h"

namespace swingover::store {

/// The contract of store.h in memory, with faults on demand. For tests.
class MemoryStore : public Store {
 public:
  Result<std::optional<std::string>> get(Table table, std::string_view key) const override;
  Status scan(Table table, std::string_view first, std::string_view last, Direction direction,
              const Visit& visit) const override;
  Result<Revision> commit(const Batch& batch) override;
  Revision revision() const override;
  Status backup(const std::string& folder) override;

  /// While set, every commit() fails with this error and changes nothing.
  void fail_commits(std::optional<Error> error);

 private:
  mutable std::mutex mutex_;
  std::array<std::map<std::string, std::string, std::less<>>, tables> rows_;
  Revision revision_ = 0;
  std::optional<Error> fault_;
};

}  // namespace swingover::store
