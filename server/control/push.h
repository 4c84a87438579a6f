#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "health/endpoint_health.h"
#include "health/prober.h"

namespace swingover::control {

/// What POST /v1/push says; empty texts are missing ones.
struct PushReport {
  std::string monitor;
  std::string address;  // of the endpoint that reports; or
  std::string cluster;  // the cluster that does; or neither, where only one can
  std::string health;   // up, down
  std::string reason;
  std::optional<double> load;
};

/// The machines of push monitors: a heartbeat is a verdict, and so is one that does not come.
///
/// Pass      A report of `up`. Fail: one of `down` (a hard one: the target itself says so), and each `deadline` that
///           goes by without any report (a soft one).
/// Start     A stored state holds until the deadline has passed once; so does the state before a reload.
/// Late      From half of the deadline on a silent target that is up is late, and the deadline (the last one that `fall`
///           asks for) is told as the next instant at which it could change. Not before: who reports in time, twice a
///           deadline at least, never makes a TTL short. No habit is learnt, so that a rule of one line tells people
///           what to expect.
/// Next      While reports confirm a change the next one is expected as long after the last one as that came after the
///           one before, and at the deadline at the latest; silence confirms deadline by deadline.
/// Pause     While this process stood still nobody was silent: all deadlines move by as much.
/// Load      The last figure reported and its time; kept while the check is, not over a restart.
/// Threads   One owner. Pure: reports and times in, updates out, whose `check` is the place given to replace().
class PushBoard {
 public:
  struct Now {
    MonotonicTime now;
    WallTime wall;
  };
  struct Load {
    double value = 0;
    WallTime at{};
  };
  struct Entry {
    uint32_t place = 0;
    health::Check check;
    std::optional<WallTime> last_report;
    std::optional<Load> load;
    health::EndpointHealth machine;
    MonotonicTime deadline{};
    MonotonicTime last_heard{};  // the start, or the last report
    Milliseconds gap{0};         // between the last two reports, the deadline at most
    bool is_silent = false;      // a deadline has gone by since the last report
    std::optional<MonotonicTime>
        change_told{};  // when a change was said to be possible; nothing: not soon
    health::Verdict verdict = health::Verdict::pass;
    health::Failure failure = health::Failure::soft;  // of the newest that is none
    WallTime verdict_at{};                            // 0: none yet
    std::string reason;
    bool is_told = false;  // an update of it has gone out since it is here
  };

  /// From now on exactly these; what was there under an equal key goes on.
  void replace(const std::vector<std::pair<uint32_t, health::Check>>& checks, Now now);

  /// The keys of the checks that a report is about. Errors: invalid, not_found.
  Result<std::vector<std::string>> find(const PushReport& report) const;
  /// `keys` are find()'s.
  void apply(const std::vector<std::string>& keys, const PushReport& report, Now now,
             std::vector<health::CheckUpdate>& out);
  /// To be called a few times a second: what is overdue, and holds that have ended.
  void tick(Now now, std::vector<health::CheckUpdate>& out);
  /// A person lets it come back; nothing happens to a key that is not here.
  void resume(const std::string& key, Now now, std::vector<health::CheckUpdate>& out);

  const std::map<std::string, Entry>& entries() const { return entries_; }  // by Check::key()

 private:
  static std::optional<MonotonicTime> next_change(const Entry& entry, MonotonicTime now);
  static bool is_change_told(const Entry& entry, MonotonicTime now);
  static void tell(Entry& entry, Now now, bool changed, std::vector<health::CheckUpdate>& out);

  std::map<std::string, Entry> entries_;
  MonotonicTime ticked_{};  // the last tick() or replace()
};

/// The address of the one check that a push monitor of a cluster has.
std::string push_address(std::string_view cluster);  // cluster/fra

}  // namespace swingover::control
