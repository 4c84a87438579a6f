#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/file.h"
#include "base/result.h"

namespace swingover {

/// The same on every host and in every release; tells texts apart, protects nothing.
uint64_t content_hash(std::string_view text);

/// Where files are read from: the disk, or what somebody kept of it. Any one thread.
class Files {
 public:
  Files() = default;
  virtual ~Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;

  /// As read_file().
  virtual Result<std::string> read(const std::string& path, size_t size_max = size_t{1} << 30) {
    return read_file(path, size_max);
  }
  /// A device or a pipe, which would be read for ever.
  virtual bool is_special(const std::string& path) const;

  static Files& on_disk();
};

/// A file as somebody found it.
struct ReadFile {
  std::string path;
  uint64_t size = 0;
  uint64_t hash = 0;                             // content_hash()
  std::shared_ptr<const std::string> content{};  // null: it could not be read, or is too large
  bool is_missing = false;
};

/// The disk, and a note of each file that was read there.
class NotedFiles : public Files {
 public:
  /// No larger content is noted.
  static constexpr size_t noted_max = size_t{16} << 20;

  Result<std::string> read(const std::string& path, size_t size_max) override;
  std::vector<ReadFile> take() { return std::move(read_); }

 private:
  std::vector<ReadFile> read_;
  std::unordered_set<std::string> noted_;  // their paths
};

}  // namespace swingover
