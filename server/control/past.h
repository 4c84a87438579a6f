#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/result.h"
#include "server/control/state_records.h"
#include "store/store.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// The config and the files of a generation that is past.
class PastTexts {
 public:
  PastTexts(const store::Store& store, FileList list, std::string config_text)
      : store_(store), list_(std::move(list)), config_text_(std::move(config_text)) {}

  const std::string& config_path() const { return list_.config_path; }
  const std::string& config_text() const { return config_text_; }
  /// What was read from this path then. One that was too large to be kept is read from the disk, if it is that one still.
  /// Errors: not_found, it could not be read then; conflict, it was not kept and is another by now.
  Result<std::string> read(const std::string& path) const;

 private:
  const store::Store& store_;
  FileList list_;
  std::string config_text_;
};

/// What a past generation is compiled to.
struct PastGeneration {
  std::shared_ptr<const zones::Snapshot> snapshot;
  std::vector<zones::Name> lost_zones;  // whose files nobody has any more
};
using BuildPast = std::function<Result<PastGeneration>(const PastTexts&, const StateCycle&)>;

/// What answers came from at instants of the history, from the log of states (StateLog).
///
/// Exact     As the log is: within `from` and `to` of a change either side may have been answered, and since times are
///           whole milliseconds, in that millisecond too.
/// Cost      Of the first instant of a generation: that of a reload without its waiting, for it is compiled anew. Of
///           another: what the log has from the last cycle on, or from the instant before, when that is older. The newest
///           generation asked for stays in memory, unless it is large.
/// Killed    From the last moment of a run of which all is known until the next run begins nobody knows how long it
///           answered, nor a change of its last milliseconds that was not stored yet: it is told as it was last, as unsure.
/// Threads   One at a time, any: it reads the disk. Nothing here is shared with the daemon that answers.
class Past {
 public:
  static constexpr uint32_t kept_services_max = 10'000;

  Past(const store::Store& store, BuildPast build) : store_(store), build_(std::move(build)) {}

  struct Instant {
    WallTime at{};
    WallTime since{};               // nothing was another, from here on at the latest
    std::optional<WallTime> until;  // until here; nothing: until now
    bool is_changing = false;       // a change was under way: either side may have been answered
    std::string unsure{};           // why that may not be all that was so, in words
    uint64_t generation = 0;
  };
  /// Puts what held then into snapshot(), which stays until the next call. Errors: not_found, nothing is known of
  /// then, and why; conflict, the clock was set and this instant came twice, or the texts are not there any more.
  Result<Instant> seek(WallTime at);

  const zones::Snapshot& snapshot() const { return *generation_.snapshot; }
  const std::vector<zones::Name>& lost_zones() const { return generation_.lost_zones; }
  /// Frees what is large.
  void rest();

 private:
  Result<uint16_t> epoch_of(WallTime at) const;
  Result<StateCycle> cycle_at(StateKey end) const;
  Status build(const StateCycle& cycle);
  Result<Instant> read_on(StateKey first, StateKey end, WallTime at);
  Status apply(const StateValues& values) const;

  const store::Store& store_;
  const BuildPast build_;
  std::optional<StateCycle> cycle_;  // that generation_ is built of
  PastGeneration generation_{};
  std::optional<StateKey> read_to_;  // in it
  WallTime since_{};
};

}  // namespace swingover::control
