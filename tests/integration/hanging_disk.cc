// Preloaded into the daemon: while the file that HANGING_DISK_WHILE names is there, the disk gives no answer.

#include <dlfcn.h>
#include <unistd.h>

#include <cstdlib>

namespace {

int synced(const char* call, int descriptor) {
  const char* file = std::getenv("HANGING_DISK_WHILE");  // NOLINT(concurrency-mt-unsafe): only read
  while (file != nullptr && access(file, F_OK) == 0) usleep(10'000);
  return reinterpret_cast<int (*)(int)>(dlsym(RTLD_NEXT, call))(descriptor);
}

}  // namespace

extern "C" int fsync(int descriptor) {
  return synced("fsync", descriptor);
}
extern "C" int fdatasync(int descriptor) {
  return synced("fdatasync", descriptor);
}
