#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip.h"
#include "base/units.h"

namespace swingover::server {

/// What the service manager is told and hands over. Without one, every call is a quiet no.
///
/// Source   sd_notify(3), sd_listen_fds(3), sd_watchdog_enabled(3).
/// Threads  The control thread.
namespace systemd {

void ready(std::string_view status);
void reloading();
void stopping();
void status(std::string_view text);
void watchdog();

/// How often watchdog() is due: half of what the unit asks for; 0: never.
Milliseconds watchdog_interval();

struct Socket {
  int descriptor = -1;
  bool is_udp = false;
  SocketAddress address;
  std::string name;  // FileDescriptorName=; "admin": the admin address, "tls": DNS over TLS
};
/// Once, at start: the sockets of the socket unit, non-blocking and close-on-exec. Others are closed.
std::vector<Socket> handed_sockets();

}  // namespace systemd

}  // namespace swingover::server
