#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/portion.h"
#include "base/units.h"
#include "health/dns_message.h"
#include "health/health_rules.h"
#include "health/pattern.h"

namespace swingover::health {

enum class MonitorKind : uint8_t {
  tcp,
  tls,
  http,
  https,
  grpc,
  dns,
  udp,
  icmp,
  exec,
  file,
  push,
  calculated
};

enum class HttpMethod : uint8_t { get, head, post, options };
enum class HttpVersion : uint8_t { one, two };

/// "Name: value".
struct HttpHeader {
  std::string name;
  std::string value;
  friend bool operator==(const HttpHeader&, const HttpHeader&) = default;
};

/// Who lets a target that went down come back.
enum class Resume : uint8_t { by_itself, by_hand };

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

/// How many of a calculated monitor's children must be up: all, any, 2, "50%".
struct Need {
  Portion portion{100, true};
  friend bool operator==(const Need&, const Need&) = default;
};

/// One argument of a command: any text, also an empty one, also twice in a list.
struct Argument {
  std::string value;
  friend bool operator==(const Argument&, const Argument&) = default;
};

/// One [[monitor]] of the config file. Its rows (key, field, bounds, help) stand in monitor_file.h.
struct MonitorOptions {  // NOLINT(clang-analyzer-optin.performance.Padding): in the manual's order
  std::string name;
  MonitorKind kind = MonitorKind::http;
  std::string address;  // an IP address or a name to look at; empty: the endpoint's own
  uint16_t port = 0;    // 0: the kind's own, 80, 443 or 53; the others need one
  HttpMethod method = HttpMethod::get;
  std::string path = "/";
  std::string host;  // Host header and SNI; empty: the service's name without its final dot
  std::vector<HttpHeader> headers;  // of the request, beside its own
  std::string body;                 // of the request
  std::vector<StatusRange> expect_status{{200, 299}};
  std::string expect_body;  // must occur in the first 64 KiB; empty: not looked at
  Pattern expect_body_regex;
  uint32_t redirects = 0;  // how many are followed
  HttpVersion http_version = HttpVersion::one;
  bool keep_alive = false;   // asks on the connection of the probe before, while that stands
  std::string grpc_service;  // empty: the server as a whole
  bool tls = false;          // of grpc
  Octets send;    // of tcp and tls, once the connection stands, and of udp; empty: nothing
  Octets expect;  // must occur in the first 64 KiB that come back; empty: not waited for
  bool tls_verify = true;
  std::string tls_ca_file;                                    // PEM; empty: the system's
  Milliseconds expiry_warning{int64_t{14} * 24 * 3'600'000};  // of a certificate; 0: never
  Milliseconds expiry_min{0};                                 // with less left it fails
  std::string query_name;
  DnsType query_type{};
  std::vector<DnsRcode> expect_rcode{DnsRcode::noerror};
  std::string expect_answer;      // data of one record; empty: not looked at
  std::vector<Argument> command;  // of exec: the program and its arguments
  std::string file;               // of file, with {address} as it was written
  std::optional<Milliseconds> max_age;
  Milliseconds interval{5000};
  Milliseconds timeout{1000};
  std::optional<Milliseconds> confirm_interval;  // absent: a tenth of the interval, at least 50 ms
  uint32_t rise = 2;
  uint32_t fall = 3;
  std::optional<uint32_t> fall_hard;     // absent: half of fall, rounded up, at least 2
  std::optional<uint32_t> flaky_fall;    // absent: 5, or fall where that is more; 0: off
  std::optional<uint32_t> flaky_window;  // absent: twice flaky_fall
  Milliseconds flap_half_life{300'000};  // 0: off
  uint32_t flap_suppress = 2500;
  uint32_t flap_reuse = 1000;
  Milliseconds flap_hold_max{1'800'000};
  Milliseconds hold_up{0};
  Resume resume = Resume::by_itself;
  std::optional<Milliseconds> stale_after;  // absent: three intervals and the timeout
  bool watch = false;                       // an idle connection tells of its death; see watch.h

  std::vector<std::string> of;    // what a calculated monitor is made of
  Need need;                      // of them
  bool inverted = false;          // up when that is not so
  Milliseconds deadline{30'000};  // of push: each so often somebody must report

  Milliseconds confirm() const {
    if (confirm_interval) return *confirm_interval;
    return std::max(Milliseconds(interval.value / 10), Milliseconds(50));
  }
  /// How long a target may be without a verdict before nothing is known of it.
  Milliseconds silence_max() const { return stale_after ? *stale_after : interval * 3 + timeout; }
  HealthRules rules() const;
  friend bool operator==(const MonitorOptions&, const MonitorOptions&) = default;
};

// A refused or reset connection is no lost packet: it takes fewer of them, at half the confirm interval, 100 ms at
// most. `fall` stays the measure of how patient people want it.
//
// Of ten verdicts five failures, not six: one that fails every second probe has five among any ten. Where each probe
// is lost with 5 % the rule of five strikes a quarter as often as three failures in a row do, and at 10 % as often.
inline HealthRules MonitorOptions::rules() const {
  const uint32_t flaky = flaky_fall.value_or(std::max(5U, fall));
  return {.rise = rise,
          .fall = fall,
          .fall_hard = fall_hard.value_or(std::max(2U, (fall + 1) / 2)),
          .flaky_fall = flaky,
          .flaky_window = flaky_window.value_or(flaky * 2),
          .flap_half_life = flap_half_life,
          .flap_suppress = flap_suppress,
          .flap_reuse = flap_reuse,
          .flap_hold_max = flap_hold_max,
          .hold_up = hold_up,
          .resumes_by_hand = resume == Resume::by_hand,
          .confirm = confirm(),
          .confirm_hard =
              std::clamp(Milliseconds(confirm().value / 2), Milliseconds(1), Milliseconds(100))};
}

}  // namespace swingover::health
