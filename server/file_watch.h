#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace swingover::server {

/// What changes when a file is rewritten, or when another is renamed over it.
struct FileStamp {
  bool is_there = false;
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  int64_t modified_ns = 0;
  int64_t changed_ns = 0;
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};
FileStamp stamp_of(const std::string& path);

/// Notices files that changed, once they have come to rest. Looked at on a slow timer: one stat() a file, and no limit
/// on watches or events that could be lost. The control thread.
class FileWatch {
 public:
  struct File {
    std::string path;
    FileStamp seen;  // before it was read last
  };

  /// From now on these. What was told of a file and not followed since is not told again.
  void follow(std::vector<File> files);

  /// True once for each change: a file is not as it was read, and as it was at the last look. While one still changes
  /// nothing is told of the others either, so that files written one after the other are read together.
  bool look();

  size_t size() const { return files_.size(); }

 private:
  struct Followed {
    File file;
    FileStamp last;  // at the last look
  };
  std::vector<Followed> files_;
};

}  // namespace swingover::server
