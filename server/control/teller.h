#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "server/control/histogram.h"
#include "server/control/join.h"
#include "server/control/told.h"
#include "zones/snapshot.h"

namespace swingover::control {

inline constexpr std::array<std::string_view, 6> swing_causes{"failover", "failback", "intent",
                                                              "brake",    "reload",   "start"};

/// The pools that a service's answers come from have changed.
struct SwingKey {
  std::string service;
  std::string cause;  // one of swing_causes
  friend auto operator<=>(const SwingKey&, const SwingKey&) = default;
};

/// Tells people what has changed already: journal entries, the log lines that belong to them, counted swings.
///
/// Parts    A cluster of 50,000 endpoints that fails takes longer to tell than anybody at the admin address should
///          wait. So changes wait here, in their order, and are told part by part. Each part is bounded; answers
///          had the change before.
/// Whole    The journal gets every change. The log names 1,000 endpoints and services a second, and says how many
///          more there were.
/// Swings   A service is looked at when its turn comes: one that left its pools and is back by then has not swung.
/// Reload   Services that stay as they were, with endpoints as eligible as before, are known to answer as before;
///          the others are looked at in parts too.
/// Threads  The control thread.
class Teller {
 public:
  /// Changes told at a time: some 1 to 5 ms.
  static constexpr size_t part_size = 200;

  explicit Teller(const Clock& clock);

  /// A service of the generation before.
  struct Old {
    uint32_t place = 0;
    bool is_alike = false;  // whatever of it decides which pools answer is the same
  };
  /// Whatever of both services decides which pools answer, but for their endpoints' eligibility, is the same.
  static bool are_alike(const zones::Service& one, const zones::Service& other);
  static bool are_alike(const zones::Topology& one, const zones::Topology& other);

  /// From now on changes are of this generation, which stays until the next one; nothing may be left to tell.
  /// `before`: the last one, whose services `old` finds; null at start, when nothing has swung.
  void follow(const zones::Snapshot& snapshot, const Join& join, const zones::Snapshot* before,
              const std::vector<std::optional<Old>>& old, WallTime at, const std::string& cause);

  /// `cause` of swings; empty: health, told by the direction of the change.
  void add(WallTime at, const std::string& cause, const Join::Changes& changes);

  bool is_done() const { return stories_.empty(); }
  /// Adds what is to be told next.
  void tell_part(Told& told, size_t most = part_size);

  /// Of the services of this generation, by place: how often each swung by each of swing_causes. A service that stays
  /// goes on counting.
  using SwingCounts = std::array<uint64_t, swing_causes.size()>;
  const std::vector<SwingCounts>& swing_counts() const { return swing_counts_; }
  /// The same by name, without those that never did. O(services).
  std::map<SwingKey, uint64_t> swings() const;
  const Histogram& swing_durations() const { return swing_durations_; }

 private:
  using Pools = std::set<uint32_t>;  // places in Service::pools

  struct EndpointStory {
    EndpointId id;
    health::Health from;
    health::Health to;
    std::string reason;  // as it was then
  };
  /// What makes an endpoint worth less than its health: that alone would not explain the answers.
  struct HoldStory {
    EndpointId id;
    std::string_view from;
    std::string_view to;
    health::Health health;
    std::string reason;
  };
  /// Who keeps an endpoint or a cluster in answers although its checks say that it is down.
  struct KeptStory {
    std::string target;
    KeptBy from;
    KeptBy to;
    std::string reason;  // until when and why, or why no longer
  };
  struct PoolStory {
    const zones::Service* service;  // of the generation's model, as its pool
    const zones::Pool* pool;
    health::Health from;
    health::Health to;
    std::string reason;
  };
  struct ServiceStory {
    uint32_t place = 0;
    bool is_worse = false;
    std::optional<double> took{};  // seconds since the failure began
  };
  /// What one tick changed.
  struct Story {
    WallTime at{};
    std::string cause;
    std::vector<PoolStory> pools{};
    std::vector<EndpointStory> endpoints{};
    std::vector<HoldStory> holds{};
    std::vector<KeptStory> kept{};
    std::vector<ServiceStory> services{};
    size_t pools_told = 0;
    size_t endpoints_told = 0;
    size_t holds_told = 0;
    size_t kept_told = 0;
    size_t services_told = 0;
    bool is_over() const {
      return pools_told == pools.size() && endpoints_told == endpoints.size() &&
             holds_told == holds.size() && kept_told == kept.size() &&
             services_told == services.size();
    }
  };
  /// What the log names of one kind within a second.
  struct Logged {
    size_t named = 0;
    size_t unnamed = 0;
    bool may_name();
  };

  void add_kept(Story& story, const Join::Changes& changes) const;
  void add_services(Story& story, const Join::Changes& changes) const;
  void tell(const Story& story, const PoolStory& pool, Told& told);
  void tell(const Story& story, const EndpointStory& endpoint, Told& told);
  void tell(const Story& story, const HoldStory& hold, Told& told);
  void tell(const Story& story, const KeptStory& kept, Told& told);
  void tell(const Story& story, const ServiceStory& service, Told& told);
  void sum_up(MonotonicTime now, Told& told);
  Pools chosen_pools(uint32_t service) const;

  const Clock& clock_;
  const zones::Snapshot* snapshot_ = nullptr;
  const Join* join_ = nullptr;
  std::deque<Story> stories_;
  Logged pools_logged_;
  Logged endpoints_logged_;
  Logged holds_logged_;
  Logged kept_logged_;
  Logged swings_logged_;
  MonotonicTime logged_since_{};
  std::vector<std::optional<Pools>> chosen_;  // by service: what answers now; absent: not known yet
  std::map<uint32_t, std::vector<std::string>>
      names_before_;  // of reloaded services: not known yet
  std::vector<SwingCounts> swing_counts_;
  Histogram swing_durations_;
};

}  // namespace swingover::control
