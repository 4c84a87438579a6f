#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "health/prober.h"
#include "server/control/control_loop.h"
#include "server/control/n1.h"
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
  /// Of each pool of each service, worked out where the page is written: tens of milliseconds for 80,000. Any thread.
  std::function<std::vector<Answers>()> answers;
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

/// Everything that the metrics page shows, copied at one moment, so that it can be written out elsewhere. Of what there
/// is one for each endpoint or check a few octets are copied, and the names are read where they never change: 50,000
/// services take the control thread some milliseconds.
struct MetricsPage {
  Traffic traffic;
  std::vector<health::MonitorCounters> monitors;
  std::shared_ptr<const zones::Snapshot> snapshot;  // of its services' names, and their TTLs
  std::shared_ptr<const Join> join;                 // its checks() alone: the rest goes on changing
  WallTime at{};
  struct Endpoint {
    health::Health health = health::Health::unknown;
    health::Hold hold = health::Hold::none;  // kept out although it is up
    KeptBy kept = KeptBy::nobody;            // kept in although it is down
    std::optional<IntentKind> intent;        // that decides
    bool is_eligible = false;
  };
  std::vector<Endpoint> endpoints;  // by EndpointId
  struct Cluster {
    health::Health health = health::Health::unknown;
    KeptBy kept = KeptBy::nobody;
    std::optional<IntentKind> intent;  // on this very cluster
  };
  std::vector<Cluster> clusters;  // by ClusterId
  struct Check {
    health::Health health = health::Health::unknown;
    bool has_warning = false;
  };
  std::vector<Check> checks;                // by place in join->checks()
  std::vector<Teller::SwingCounts> swings;  // by service
  struct Report {
    std::string monitor;
    std::string from;
    double load = 0;
    double at_seconds = 0;  // Unix time
  };
  std::vector<Report> reports;                       // of push monitors, with a load figure
  std::vector<LoadBoard::CellView> loads;            // that clusters report
  std::vector<LoadBoard::ClusterView> load_sources;  // by ClusterId
  MonotonicTime looked_at{};                         // what their ages count to
  SteeringInputs steering;                           // who carries how much is worked out of it
  std::array<uint64_t, share_causes> shares_published{};  // by ShareCause
  uint64_t shares_refused = 0;
  std::vector<std::pair<std::string, bool>> rules;  // name, broken
  std::optional<double> moved;                      // of all load, within the budget's window
  struct OldPart {
    PoolId pool;
    double part = 0;
  };
  std::vector<OldPart> old_answers;                // in the order of services and their pools
  std::shared_ptr<const N1Report> n1;              // null: not known
  std::vector<std::pair<size_t, WallTime>> heard;  // place of a push monitor's check, last report
  health::ProberLoad load;                         // filled by who has the prober
  Notifier::Counts notify;                         // filled by who has the notifier
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

/// The name and type of every metric that the page can show, such as "swingover_ready gauge", with or without a series
/// now. docs/metrics.md says what they mean.
std::vector<std::string> metric_names();

}  // namespace swingover::control
