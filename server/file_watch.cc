#include "server/file_watch.h"

#include <sys/stat.h>

#include <utility>

namespace swingover::server {

FileStamp stamp_of(const std::string& path) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return {};
  const auto nanoseconds = [](const timespec& time) {
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
  };
  return {.is_there = true,
          .device = status.st_dev,
          .inode = status.st_ino,
          .size = status.st_size,
          .modified_ns = nanoseconds(status.st_mtim),
          .changed_ns = nanoseconds(status.st_ctim)};
}

void FileWatch::follow(std::vector<File> files) {
  files_.clear();
  for (File& file : files) {
    const FileStamp seen = file.seen;
    files_.push_back({std::move(file), seen});
  }
}

bool FileWatch::look() {
  bool any_changed = false;
  bool all_rest = true;
  for (Followed& followed : files_) {
    const FileStamp now = stamp_of(followed.file.path);
    any_changed |= now != followed.file.seen;
    all_rest &= now == followed.last;
    followed.last = now;
  }
  if (!any_changed || !all_rest) return false;
  // Whether the reload goes well or not, it is worth no second one until something changes again.
  for (Followed& followed : files_) followed.file.seen = followed.last;
  return true;
}

}  // namespace swingover::server
