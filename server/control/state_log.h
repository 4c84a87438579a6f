#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "base/files.h"
#include "server/control/state_records.h"
#include "server/control/store_writer.h"
#include "store/store.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// Writes down what answers come from, so that an answer can be explained when all that is long gone: the values of the
/// eligibility map, of the times of changes and of the shares, each time that one is set; and for each generation the
/// config and the files that it was made of, each distinct text once.
///
/// Exact     What workers read is recorded itself, not what led to it. A change bears the milliseconds before its first
///           and after its last value was set: an answer between them may be of either side, no other.
/// Order     That of the control thread. Told of a change before its first value is set, and at the end of the turn,
///           at the latest.
/// Cycles    After so many octets of changes all values are told again, part by part, so that whoever asks for an
///           instant reads a bounded piece of the log.
/// Crash     Once in `alive_every` it is stored that all until then is stored. Killed, the log ends there, or at its
///           newest record; killed within the moment that the values of a new generation are written in, it says that what
///           came next is not known.
/// Store     While the disk fails at most `waiting_octets_max` wait for it; then the log has a gap, and says so.
/// Clock     That the wall clock was set, by more than `clock_step`, is a record too. One that went back far begins an
///           epoch (store::TimeKey), so that nothing stays ahead of its time.
/// Secrets   Of the config the text without its secrets; no file but those of zones and [clients]. The key of sticky
///           picks (Snapshot::pick_secret), since without it nobody can tell what a client stuck to: of past
///           processes, and, while this one runs, of this one. Whoever reads the store could aim queries at one pool.
/// Cost      A change: some 20 octets, and a microsecond. A generation: a copy of its values, once; they are written down by
///           `offload`. 10,000 services of 8 pools and 50 localities: 5.6 ms here, 18 ms there (state_log_bench).
/// Threads   The control thread; `offload` runs its first argument elsewhere, and then the other one here.
class StateLog {
 public:
  static constexpr Milliseconds alive_every{10'000};
  static constexpr Milliseconds clock_step{20};
  static constexpr size_t waiting_octets_max = size_t{8} << 20;
  static constexpr size_t texts_octets_max = size_t{256} << 20;
  static constexpr size_t cycle_octets_min = size_t{64} << 10;
  static constexpr size_t values_a_part = 20'000;

  using Offload = std::function<void(std::function<void()> work, std::function<void()> done)>;
  StateLog(const Clock& clock, StoreWriter& writer, std::string version, Offload offload)
      : clock_(clock),
        writer_(writer),
        version_(std::move(version)),
        offload_(std::move(offload)) {}

  /// What the last run left, before the first begin(). Errors: corrupt, unavailable; the log then begins anew.
  Status open(const store::Store& store);

  /// The snapshot has been published, since `from` at the earliest.
  void begin(std::shared_ptr<const zones::Snapshot> snapshot, WallTime from,
             const std::string& config_path, const std::string& config_hash,
             const std::vector<ReadFile>& files);

  /// This value is about to be set, or was in this turn.
  void note(EndpointId id) { note_in(endpoints_, id.value); }
  void note_change_time(ServiceId id) { note_in(changes_, id.value); }
  void note_rows(ServiceId id) { note_in(rows_, id.value); }
  /// All of them are set.
  void end_turn();

  /// What comes by time. To be called some times a second.
  void look();

  /// No answer comes from this process any more.
  void end();

  /// Calls `done` when all that was so until now is stored. Errors: unavailable.
  void when_stored(std::function<void(Status)> done);
  /// Whether a generation's values are being put into octets.
  bool is_beginning() const { return beginning_ != nullptr; }

  /// What is older than the history and needed by none of it.
  struct Old {
    std::vector<std::string> records;  // keys of table past
    std::vector<std::string> texts;    // keys of table config
    bool is_all = true;                // else there is more
  };
  /// At most `most` records; any thread. Texts when these are all.
  static Result<Old> find_old(const store::Store& store, WallTime before, size_t most);
  void erase(const Old& old);

 private:
  void note_in(std::vector<uint32_t>& list, uint32_t place) {
    if (!snapshot_) return;
    if (!first_note_) first_note_ = clock_.wall();
    list.push_back(place);
  }
  /// A generation's values as they were when it began, on their way to the store.
  struct Beginning {
    StateRecord record;  // nobody writes to it any more
    StateKey key{};
    std::string bytes{};
  };

  StateKey next_key(WallTime time);
  StateKey push(const StateRecord& record, store::Batch& batch);
  void push(const StateRecord& record);
  void put(StateKey key, std::string bytes, store::Batch& batch);
  void look_at_clock();
  void tell_clock(WallTime from, WallTime to);
  void keep_texts(const std::string& config_path, const std::string& config_hash,
                  const std::vector<ReadFile>& files, store::Batch& batch);
  void begin_whole(WallTime from, store::Batch batch);
  void finish_beginning(std::string bytes);
  void drop_beginning();
  void store_alive(std::function<void(Status)> done);
  void begin_cycle();
  void tell_part();
  void close_cycle(StateKey first, StateKey last, store::Batch& batch) const;
  StateValues::Rows rows_of(ServiceId id) const;
  int64_t offset() const;

  const Clock& clock_;
  StoreWriter& writer_;
  const std::string version_;
  const Offload offload_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  StateCycle cycle_;  // `first` but for a generation: of the newest that is whole
  std::unordered_map<std::string, uint64_t> texts_;  // octets, by key: what is stored
  std::unordered_set<std::string> used_;  // keys of table config that this generation needs
  uint64_t texts_octets_ = 0;
  std::optional<StateRecord> left_open_;  // by the last run
  StateKey newest_{};
  std::vector<uint32_t> endpoints_;  // noted in this turn, as the next two
  std::vector<uint32_t> changes_;
  std::vector<uint32_t> rows_;
  std::optional<WallTime> first_note_;
  size_t whole_octets_ = 0;  // that all values took last
  size_t octets_ = 0;        // of changes since then
  struct Telling {
    StateKey first{};
    uint32_t service = 0;  // the next
    bool has_begun = false;
    size_t octets = 0;
  };
  std::optional<Telling> telling_;        // all values again
  std::shared_ptr<Beginning> beginning_;  // null: the generation's values are with the writer
  std::vector<std::function<void(Status)>> wait_for_beginning_;
  std::optional<int64_t> offset_;  // of the wall clock to the steady one, in milliseconds
  MonotonicTime alive_told_{};
  size_t waiting_octets_ = 0;                                   // while the disk fails
  std::optional<WallTime> lost_since_;                          // they were too many
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is worked out elsewhere
};

}  // namespace swingover::control
