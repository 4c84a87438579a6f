#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

namespace swingover {
namespace {

Error from_errno(const std::string& path) {
  const ErrorCode code = errno == ENOENT   ? ErrorCode::not_found
                         : errno == ENOSPC ? ErrorCode::unavailable
                                           : ErrorCode::system;
  return {code, path + ": " + std::strerror(errno)};
}

class Descriptor {
 public:
  explicit Descriptor(int number) : number_(number) {}
  ~Descriptor() {
    if (number_ >= 0) close(number_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return number_; }

 private:
  int number_;
};

bool write_whole(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<size_t>(written));
  }
  return true;
}

}  // namespace

Result<std::string> read_file(const std::string& path, size_t size_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return from_errno(path);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return from_errno(path);
  if (S_ISDIR(status.st_mode)) return Error{ErrorCode::invalid, path + ": is a directory"};
  std::string content;
  if (status.st_size > 0) content.reserve(std::min(static_cast<size_t>(status.st_size), size_max));
  char part[65536];
  for (;;) {
    const ssize_t size = read(file.get(), part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return from_errno(path);
    if (size == 0) return content;
    if (content.size() + static_cast<size_t>(size) > size_max) {
      return Error{ErrorCode::invalid,
                   path + ": larger than " + std::to_string(size_max) + " bytes"};
    }
    content.append(part, static_cast<size_t>(size));
  }
}

Status replace_file(const std::string& path, std::string_view content, unsigned mode) {
  std::string temporary = path + ".XXXXXX";
  const Descriptor file(mkostemp(temporary.data(), O_CLOEXEC));
  if (file.get() < 0) return from_errno(path);
  const bool written = write_whole(file.get(), content) && fchmod(file.get(), mode) == 0 &&
                       fsync(file.get()) == 0 && rename(temporary.c_str(), path.c_str()) == 0;
  if (!written) {
    const Error problem = from_errno(path);
    unlink(temporary.c_str());
    return problem;
  }
  // The rename itself is durable only when the folder is synced.
  std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty()) folder = ".";
  const Descriptor parent(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (parent.get() < 0 || fsync(parent.get()) != 0) return from_errno(folder);
  return Done{};
}

std::string path_beside(const std::string& from, const std::string& path) {
  const std::filesystem::path as_written(path);
  if (as_written.is_absolute()) return path;
  return (std::filesystem::path(from).parent_path() / as_written).lexically_normal().string();
}

}  // namespace swingover
