#include "base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/descriptors.h"

namespace swingover {

Error file_error(const std::string& path, int number) {
  ErrorCode code = ErrorCode::system;
  if (number == ENOENT) code = ErrorCode::not_found;
  if (number == EEXIST) code = ErrorCode::conflict;
  if (number == ENOSPC || number == EDQUOT) code = ErrorCode::unavailable;
  return {code, path + ": " + std::strerror(number)};
}

Result<std::string> read_file(const std::string& path, size_t size_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (file.get() < 0) return file_error(path, errno);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return file_error(path, errno);
  if (S_ISDIR(status.st_mode)) return Error{ErrorCode::invalid, path + ": is a directory"};
  std::string content;
  if (status.st_size > 0) content.reserve(std::min(static_cast<size_t>(status.st_size), size_max));
  char part[65536];
  for (;;) {
    const ssize_t size = read(file.get(), part, sizeof part);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return file_error(path, errno);
    if (size == 0) return content;
    if (content.size() + static_cast<size_t>(size) > size_max) {
      return Error{ErrorCode::invalid,
                   path + ": larger than " + std::to_string(size_max) + " bytes"};
    }
    content.append(part, static_cast<size_t>(size));
  }
}

std::string path_beside(const std::string& from, const std::string& path) {
  const std::filesystem::path as_written(path);
  if (as_written.is_absolute()) return path;
  return (std::filesystem::path(from).parent_path() / as_written).lexically_normal().string();
}

}  // namespace swingover
