#include "server/query/overload.h"

#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace swingover::query {
namespace {

/// 0 when the kernel does not say, which then is a worker that is never overloaded.
uint32_t drops_of(int descriptor) {
  std::array<uint32_t, SK_MEMINFO_VARS> info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, SOL_SOCKET, SO_MEMINFO, info.data(), &size) != 0) return 0;
  return info[SK_MEMINFO_DROPS];
}

}  // namespace

void Overload::watch(int descriptor, bool is_counted) {
  sockets_.push_back({descriptor, is_counted, drops_of(descriptor)});
}

uint64_t Overload::look() {
  uint64_t counted = 0;
  bool dropped = false;
  for (Watched& socket : sockets_) {
    const uint32_t now = drops_of(socket.descriptor);
    const uint32_t fresh = now - socket.drops;
    socket.drops = now;
    dropped = dropped || fresh > 0;
    if (socket.is_counted) counted += fresh;
  }
  pressure_ = std::clamp(pressure_ + (dropped ? 1 : -1), 0, most);
  is_on_ = pressure_ >= (is_on_ ? 1 : on_at);
  return counted;
}

}  // namespace swingover::query
