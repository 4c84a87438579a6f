#include "server/systemd.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>

#include "base/log.h"

namespace swingover::server::systemd {

namespace {

uint64_t monotonic_microseconds() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1'000;
}

/// A status is one line: a newline in it would begin another field.
std::string one_line(std::string_view text) {
  std::string line(text);
  for (char& c : line) {
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  }
  return line;
}

std::optional<SocketAddress> address_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0) {
    return std::nullopt;
  }
  if (storage.ss_family == AF_UNIX) {
    SocketAddress address;
    address.unix_path = reinterpret_cast<const sockaddr_un&>(storage).sun_path;
    if (address.unix_path.empty()) return std::nullopt;
    return address;
  }
  if (storage.ss_family != AF_INET && storage.ss_family != AF_INET6) return std::nullopt;
  return from_sockaddr(reinterpret_cast<const sockaddr&>(storage));
}

}  // namespace

void ready(std::string_view status) {
  sd_notify(0, ("READY=1\nSTATUS=" + one_line(status)).c_str());
}

void reloading() {
  const std::string state =
      "RELOADING=1\nMONOTONIC_USEC=" + std::to_string(monotonic_microseconds());
  sd_notify(0, state.c_str());
}

void stopping() {
  sd_notify(0, "STOPPING=1");
}

void status(std::string_view text) {
  sd_notify(0, ("STATUS=" + one_line(text)).c_str());
}

void watchdog() {
  sd_notify(0, "WATCHDOG=1");
}

Milliseconds watchdog_interval() {
  uint64_t microseconds = 0;
  if (sd_watchdog_enabled(0, &microseconds) <= 0) return Milliseconds(0);
  return Milliseconds(static_cast<int64_t>(microseconds / 2'000));
}

std::vector<Socket> handed_sockets() {
  std::vector<Socket> sockets;
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    Socket socket;
    socket.descriptor = SD_LISTEN_FDS_START + i;
    if (names && names[i]) {
      socket.name = names[i];
      free(names[i]);  // NOLINT: libsystemd's malloc
    }
    const auto address = address_of(socket.descriptor);
    socket.is_udp = sd_is_socket(socket.descriptor, AF_UNSPEC, SOCK_DGRAM, -1) > 0;
    const bool is_listening = sd_is_socket(socket.descriptor, AF_UNSPEC, SOCK_STREAM, 1) > 0;
    if (!address || (!socket.is_udp && !is_listening)) {
      log_warning("a handed-over socket is of no use here", {{"name", socket.name}});
      close(socket.descriptor);
      continue;
    }
    const int flags = fcntl(socket.descriptor, F_GETFL);
    fcntl(socket.descriptor, F_SETFL, flags | O_NONBLOCK);
    socket.address = *address;
    sockets.push_back(std::move(socket));
  }
  free(names);  // NOLINT: libsystemd's malloc
  return sockets;
}

}  // namespace swingover::server::systemd
