#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "health/prober.h"
#include "server/control/control_loop.h"
#include "server/control/notifier.h"

namespace swingover::control {

/// What the query threads counted since the start; filled by server/, which knows them.
struct Traffic {
  std::array<std::array<uint64_t, 24>, 3> queries{};  // by transport (udp, tcp, tls) and RCODE
  std::array<uint64_t, 257> types{};                  // by QTYPE; 256: all larger ones
  struct Answers {
    std::string service;
    std::string pool;
    uint64_t count = 0;
  };
  std::vector<Answers> answers;
  struct Dropped {
    std::string reason;
    uint64_t count = 0;
  };
  std::vector<Dropped> dropped;
  std::array<uint64_t, 4> transfers{};  // whole, incremental, SOA alone; broken off
  uint64_t truncated = 0;
  uint64_t slipped = 0;      // over the rate limit: answered with TC or BADCOOKIE
  uint64_t proof_asked = 0;  // the same, of heavy networks under load
  uint64_t under_load = 0;   // workers that get more than they can carry
  uint64_t tcp_accepted = 0;
  uint64_t tcp_open = 0;  // TLS included
  uint64_t tls_open = 0;
  std::vector<std::pair<std::string, uint64_t>> tls_handshakes;  // by result
};

/// Everything that the metrics page shows, copied at one moment, so that it can be written out elsewhere.
struct MetricsPage {
  Traffic traffic;
  std::vector<health::MonitorCounters> monitors;
  struct Endpoint {
    std::string service;
    std::string pool;
    std::string endpoint;
    bool is_up = false;
  };
  std::vector<Endpoint> endpoints;
  struct Pool {
    std::string service;
    std::string pool;
    bool is_eligible = false;
  };
  std::vector<Pool> pools;
  std::vector<std::pair<std::string, bool>> clusters;  // name, is up
  std::vector<std::pair<std::string, uint32_t>> ttls;  // service, seconds
  struct Report {
    std::string monitor;
    std::string from;
    double load = 0;
    double at_seconds = 0;  // Unix time
  };
  std::vector<Report> reports;  // of push monitors, with a load figure
  struct Held {
    std::string service;
    std::string pool;
    std::string endpoint;
    std::string hold;
  };
  std::vector<Held> held;
  std::vector<std::pair<std::string, uint64_t>> warnings;  // monitor, checks that pass with one
  health::ProberLoad load;                                 // filled by who has the prober
  std::map<SwingKey, uint64_t> swings;
  Notifier::Counts notify;                                // filled by who has the notifier
  std::vector<std::pair<std::string, uint32_t>> serials;  // of the zones that secondaries have
  Histogram swing_durations{{}};
  Histogram store_durations{{}};
  bool is_store_healthy = true;
  uint64_t journal_lost = 0;
  uint64_t generation = 0;
  uint64_t reload_failures = 0;
  size_t intents = 0;
  bool is_brake_engaged = false;
  size_t kept = 0;  // in answers although they are down
  bool is_in_self_doubt = false;
  bool is_ready = false;
  double start_time_seconds = 0;
  std::string version;
};

MetricsPage collect_metrics(const Control& control, Traffic traffic,
                            std::vector<health::MonitorCounters> monitors);

/// The page in Prometheus text format 0.0.4. Any thread. About 2 us a series.
std::string metrics_text(const MetricsPage& page);

}  // namespace swingover::control
