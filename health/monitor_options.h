#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/units.h"

namespace swingover::health {

enum class MonitorKind : uint8_t { tcp, tls, http, https };

/// HTTP statuses that count as a pass: first to last.
struct StatusRange {
  uint16_t first = 200;
  uint16_t last = 299;
  friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

/// What is sent or looked for as it is: any octets. How people write them: Form<Octets> in monitor_file.h.
struct Octets {
  std::string value;
  bool empty() const { return value.empty(); }
  friend bool operator==(const Octets&, const Octets&) = default;
};

/// One [[monitor]] of the config file. Its rows (key, field, bounds, help) stand in monitor_file.h.
struct MonitorOptions {
  std::string name;
  MonitorKind kind = MonitorKind::http;
  std::string address;  // an IP address or a name to look at; empty: the endpoint's own
  uint16_t port = 0;    // 0: the kind's own, 80 or 443; the others need one
  std::string path = "/";
  std::string host;  // Host header and SNI; empty: the service's name without its final dot
  std::vector<StatusRange> expect_status{{200, 299}};
  std::string expect_body;  // must occur in the first 64 KiB; empty: not looked at
  Octets send;              // of tcp and tls, once the connection stands; empty: nothing
  Octets expect;            // must occur in the first 64 KiB that come back; empty: not waited for
  bool tls_verify = true;
  std::string tls_ca_file;                                    // PEM; empty: the system's
  Milliseconds expiry_warning{int64_t{14} * 24 * 3'600'000};  // of a certificate; 0: never
  Milliseconds expiry_min{0};                                 // with less left it fails
  Milliseconds interval{5000};
  Milliseconds timeout{1000};
  std::optional<Milliseconds> confirm_interval;  // absent: a tenth of the interval, at least 50 ms
  uint32_t rise = 2;
  uint32_t fall = 3;

  Milliseconds confirm() const {
    if (confirm_interval) return *confirm_interval;
    return std::max(Milliseconds(interval.value / 10), Milliseconds(50));
  }
  friend bool operator==(const MonitorOptions&, const MonitorOptions&) = default;
};

}  // namespace swingover::health
