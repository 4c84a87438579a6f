#include <utility>

#include "health/prober.h"

namespace swingover::health {

namespace {

/// Whether what a kind asks has a host's name in it, so that it is another question for another service.
bool asks_for_host(MonitorKind kind) {
  switch (kind) {
    case MonitorKind::push:
    case MonitorKind::tcp:
    case MonitorKind::dns:
    case MonitorKind::udp:
    case MonitorKind::icmp:
    case MonitorKind::file:
      return false;
    case MonitorKind::tls:
    case MonitorKind::http:
    case MonitorKind::https:
    case MonitorKind::grpc:
    case MonitorKind::exec:
    case MonitorKind::calculated:
      return true;
  }
  return true;
}

}  // namespace

Check make_check(std::shared_ptr<const MonitorOptions> monitor, std::string endpoint,
                 std::string host_default) {
  const bool elsewhere = !monitor->address.empty();
  Check check{.monitor = std::move(monitor), .address = std::move(endpoint), .host = {}};
  if (elsewhere) check.address = check.monitor->address;
  if (!asks_for_host(check.monitor->kind)) return check;
  // By default another address is asked for by its own name, not by that of each service behind it.
  check.host = elsewhere ? check.address : std::move(host_default);
  if (!check.monitor->host.empty()) check.host = check.monitor->host;
  return check;
}

std::string Check::key() const {
  return monitor->name + ' ' + address + ' ' + host;
}

}  // namespace swingover::health
