#include "base/secret_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "base/descriptors.h"
#include "base/file.h"

namespace swingover {
namespace {

constexpr mode_t permission_bits = 07777;
constexpr mode_t others = S_IRWXG | S_IRWXO;

Status sync_folder_of(const std::string& path) {
  const std::string folder = std::filesystem::path(path).parent_path().string();
  const Descriptor opened(
      open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (opened.get() < 0 || fsync(opened.get()) != 0) return file_error(folder, errno);
  return Done{};
}

/// 0, or errno.
int write_whole(int file, Bytes content) {
  while (!content.empty()) {
    const ssize_t size = write(file, content.data(), content.size());
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno;
    content = content.subspan(static_cast<size_t>(size));
  }
  return fsync(file) == 0 ? 0 : errno;
}

}  // namespace

Result<Secret> read_secret_file(const std::string& path, size_t size_max) {
  const Descriptor file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (file.get() < 0 && errno == ELOOP)
    return Error{ErrorCode::invalid, path + ": is a link: put the file itself here"};
  if (file.get() < 0) return file_error(path, errno);
  struct stat status {};
  if (fstat(file.get(), &status) != 0) return file_error(path, errno);
  if (!S_ISREG(status.st_mode)) return Error{ErrorCode::invalid, path + ": is no plain file"};
  if (status.st_uid != geteuid() && status.st_uid != 0) {
    return Error{ErrorCode::invalid,
                 fmt::format("{}: belongs to the user {}, who could change it: chown it to {}",
                             path, status.st_uid, geteuid())};
  }
  if ((status.st_mode & others) != 0) {
    return Error{
        ErrorCode::invalid,
        fmt::format("{}: holds a secret and is open to others (mode {:04o}): chmod 600 it; "
                    "if somebody may have read it, it is no secret any more",
                    path, status.st_mode & permission_bits)};
  }
  if (static_cast<uint64_t>(status.st_size) > size_max)
    return Error{ErrorCode::invalid, fmt::format("{}: larger than {} bytes", path, size_max)};

  Secret content(static_cast<size_t>(status.st_size));
  size_t at = 0;
  while (at < content.size()) {
    const ssize_t size = read(file.get(), content.octets().data() + at, content.size() - at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return file_error(path, errno);
    if (size == 0) break;
    at += static_cast<size_t>(size);
  }
  content.shrink(at);
  return content;
}

Status write_new_file(const std::string& path, Bytes content, mode_t mode) {
  const std::string unfinished = path + ".new";
  unlink(unfinished.c_str());  // of somebody who was killed meanwhile
  int failed = 0;
  {
    const Descriptor file(
        open(unfinished.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode));
    if (file.get() < 0) return file_error(unfinished, errno);
    if (fchmod(file.get(), mode) != 0) failed = errno;  // whatever the umask
    if (failed == 0) failed = write_whole(file.get(), content);
  }
  // A link, since a rename would replace what is there.
  if (failed == 0 && link(unfinished.c_str(), path.c_str()) != 0) failed = errno;
  unlink(unfinished.c_str());
  if (failed != 0) return file_error(path, failed);
  const Status synced = sync_folder_of(path);
  if (!synced) unlink(path.c_str());
  return synced;
}

}  // namespace swingover
