#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "base/units.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// What a cluster says that it carries, as POST /v1/load or a pulled page has it. Names as people wrote them.
struct LoadReport {
  std::string cluster;
  std::string service;               // empty: the whole cluster's
  double load = 0;                   // offered, in the services' unit; 0 and above
  std::optional<double> capacity{};  // overrides the configured one while the report is fresh
  std::optional<double> in_flight{};
  std::vector<std::pair<std::string, double>> by_locality{};  // where the load came from
  std::optional<WallTime> at{};                               // when it was measured; absent: now
};

/// What became of a report. ahead and taken count, the others do not.
enum class LoadTaking : uint8_t { taken, ahead, older, too_old, unknown, senseless };
inline constexpr size_t load_takings = 6;
std::string_view word(LoadTaking taking);

/// The services of a model by name. Made on any thread.
class ServiceNames {
 public:
  explicit ServiceNames(std::shared_ptr<const zones::Model> model);
  std::optional<ServiceId> find(std::string_view name) const;
  const zones::Model& model() const { return *model_; }

 private:
  std::shared_ptr<const zones::Model> model_;
  std::vector<std::pair<size_t, uint32_t>> places_;  // hash of the name, place; ascending
};

/// The newest load of each service in each cluster, and how old it is.
///
/// Time      A report counts as of `at`. One that is older than what is known is not taken; one from the future counts as of
///           now, for a clock ahead is no reason to lose a load; both are said. One is fresh for `age_max`.
/// Silence   Past `age_max` a service's demand is to stay as it was (frozen), past `hold` to be at least its baseline (held).
///           A cluster that has reported, or that is asked, and of which nothing fresh is known is an event.
/// Cluster   A report without a service is split over the cluster's services by what is predicted for them; services that
///           report themselves keep their own, and the rest is split.
/// Capacity  One that a cluster reports of itself counts from a tenth to twice of what is configured, where that is: a unit
///           that was mixed up, or a zero too many, would have the cluster get what it cannot carry. 0 is taken as it
///           is: "send me nobody". That a report is bounded, and that it no longer is, is an event.
/// Start     Nothing is kept over a restart: a report is worth less than a minute. What was made of them, the demand, is
///           its owner's to keep. A reload keeps all of services and clusters whose names stay.
/// Memory    40 octets for each (service, cluster) that ever reported, and 4 for each locality of those that split.
/// Cost      A report some 0.5 µs, of a whole cluster 0.1 µs a service.
/// Threads   The control thread. Pure: reports and times in.
class LoadBoard {
 public:
  struct Rules {
    Milliseconds age_max{25'000};
    Milliseconds hold{600'000};
    double capacity_least = 0.10;  // of what is configured
    double capacity_most = 2;
  };
  struct Now {
    MonotonicTime now;
    WallTime wall;
  };

  /// From now on these services and clusters. `old_services`: by service, its place before; `pulled`: by cluster.
  void replace(std::shared_ptr<const ServiceNames> names,
               const std::vector<std::optional<uint32_t>>& old_services, std::vector<bool> pulled,
               const Rules& rules, Now now);

  struct Note {
    size_t index = 0;  // of the report
    LoadTaking taking = LoadTaking::taken;
    std::string words;
  };
  struct Outcome {
    size_t taken = 0;
    size_t ignored = 0;
    std::vector<Note> notes;  // on those that were not simply taken; notes_max at most
  };
  static constexpr size_t notes_max = 100;
  /// Takes what makes sense of each report, in order. Errors: not_found, when there is no service or no cluster that any
  /// of them names.
  Result<Outcome> take(std::span<const LoadReport> reports, Now now);

  /// How a pull ended; `problem` in words, or empty.
  void pulled(ClusterId cluster, const std::string& problem, Milliseconds took, Now now);

  /// What a service is expected to carry in a cluster, in its unit; 0 and above.
  using Predict = std::function<double(ServiceId, ClusterId)>;
  /// The services of which there is news since the last call, ascending; once a control period. Splits first what was
  /// reported for whole clusters.
  std::vector<ServiceId> take_new(const Predict& predict);

  struct Load {
    ClusterId cluster;
    double load = 0;
    MonotonicTime taken;
    bool is_split = false;               // of a whole cluster's
    std::span<const float> by_locality;  // one a locality, or empty; until the next take()
  };
  /// What is fresh of one service, one a cluster at most.
  std::vector<Load> fresh(ServiceId service, MonotonicTime now) const;
  /// As reported, while that is fresh; of the service itself, or of the whole cluster (no service).
  std::optional<double> capacity(ServiceId service, ClusterId cluster, MonotonicTime now) const;
  std::optional<double> capacity(ClusterId cluster, MonotonicTime now) const;
  std::optional<double> in_flight(ServiceId service, ClusterId cluster, MonotonicTime now) const;

  /// none: never reported. fresh: some cluster is. frozen, held: see Silence.
  enum class State : uint8_t { none, fresh, frozen, held };
  State state(ServiceId service, MonotonicTime now) const;
  static State state_of(const Rules& rules, std::optional<MonotonicTime> newest, MonotonicTime now);
  /// Whether anything fresh is known from the cluster: it lives, whatever its probes say.
  bool is_heard(ClusterId cluster, MonotonicTime now) const;

  struct Event {
    ClusterId cluster;
    State before = State::none;
    State after = State::none;
    std::string reason;
  };
  /// What silence has done since the last call: once a second or so.
  std::vector<Event> tick(Now now);
  /// A reported capacity that is no longer taken as it is, or is again.
  struct Bounding {
    std::string cluster;
    bool is_bounded = false;
    std::string reason;
  };
  /// What has become of them since the last call.
  std::vector<Bounding> take_boundings() { return std::exchange(boundings_, {}); }

  // For people and metrics.
  struct ClusterView {
    State state = State::none;
    std::optional<MonotonicTime> newest;  // when the newest report was measured
    std::optional<double> load;           // of the whole, as last reported
    std::optional<double> capacity;
    std::array<uint64_t, load_takings> takings{};  // by LoadTaking
    bool is_pulled = false;
    std::optional<MonotonicTime> last_pull;
    std::string pull_problem;
    Milliseconds pull_took{0};
    uint64_t pulls = 0;
    uint64_t failed_pulls = 0;
  };
  ClusterView cluster(ClusterId cluster, MonotonicTime now) const;
  struct CellView {
    ServiceId service;
    ClusterId cluster;
    double load = 0;
    MonotonicTime taken;
    bool is_split = false;
    std::optional<double> capacity;
    std::optional<double> in_flight;
    bool has_split = false;  // by locality
  };
  /// All that was ever reported, by service.
  void for_each(const std::function<void(const CellView&)>& look) const;
  std::optional<ServiceId> find(std::string_view service) const {
    return names_ ? names_->find(service) : std::nullopt;
  }
  const Rules& rules() const { return rules_; }
  bool is_empty() const { return !names_; }
  size_t octets() const;

 private:
  struct Cell {
    MonotonicTime taken;
    double load = 0;
    float capacity = -1;  // below 0: not told
    float in_flight = -1;
    uint32_t cluster = 0;
    bool is_split = false;
  };
  struct Cluster {
    std::optional<MonotonicTime> newest;
    std::optional<MonotonicTime> whole_taken;
    double whole = 0;
    double capacity = -1;
    bool must_split = false;
    State told = State::none;
    MonotonicTime expected_since{};  // of a pulled one: when silence begins to count
    ClusterView view;
  };

  LoadTaking take_one(const LoadReport& report, Now now, std::string& words, bool& is_known);
  std::optional<double> bounded(const LoadReport& report, std::optional<ServiceId> service,
                                uint32_t cluster, std::string& words);
  Cell& cell(uint32_t service, uint32_t cluster);
  const Cell* find_cell(uint32_t service, uint32_t cluster) const;
  void split(uint32_t cluster, const Predict& predict);
  void note_news(uint32_t service);
  State state_of(std::optional<MonotonicTime> newest, MonotonicTime now) const {
    return state_of(rules_, newest, now);
  }

  std::shared_ptr<const ServiceNames> names_;
  Rules rules_;
  std::unordered_map<std::string, uint32_t> clusters_by_name_;
  std::unordered_map<std::string, uint32_t> localities_by_name_;
  std::vector<Cluster> clusters_;
  std::vector<std::vector<Cell>> cells_;                     // by service; mostly one a pool
  std::unordered_map<uint64_t, std::vector<float>> splits_;  // by service << 32 | cluster
  std::vector<std::vector<uint32_t>> services_in_;           // by cluster, ascending
  std::vector<uint32_t> news_;
  std::vector<bool> is_news_;  // by service
  std::set<std::string>
      bounded_;  // whose capacity is bounded now: a cluster, or a cluster and a service, by name
  std::vector<Bounding> boundings_;
};

std::string_view word(LoadBoard::State state);

}  // namespace swingover::control
