#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/loop/loop.h"
#include "base/loop/timer.h"
#include "health/prober.h"
#include "server/control/answer_ledger.h"
#include "server/control/brake.h"
#include "server/control/intents.h"
#include "server/control/join.h"
#include "server/control/load_board.h"
#include "server/control/load_pull.h"
#include "server/control/n1_watch.h"
#include "server/control/next_change.h"
#include "server/control/past.h"
#include "server/control/planned_swings.h"
#include "server/control/push.h"
#include "server/control/restore.h"
#include "server/control/rules.h"
#include "server/control/signed_zone.h"
#include "server/control/state_log.h"
#include "server/control/steering.h"
#include "server/control/store_writer.h"
#include "server/control/teller.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// One configuration, read and compiled: what a start or a reload puts in force.
struct Setup {
  std::shared_ptr<const zones::Model> model;
  Join::Monitors monitors;
  Brake::Rules brake{};
  std::vector<health::Check> self_checks{};
  Milliseconds self_check_window{30'000};
  std::shared_ptr<const zones::Snapshot> snapshot;  // of `model`
  std::string config_text;                          // without its secrets
  std::string config_path{};
  std::vector<ReadFile> files{};                 // that it was made of; dropped once they are kept
  std::vector<SignedZone> signed_zones{};        // for people
  std::vector<std::string> failed_zones;         // that answer SERVFAIL; at start only
  std::vector<std::string> failed_client_files;  // that are left out; at start only
  std::vector<std::string> needs_restart;        // keys whose new values take a restart
  std::string warnings;                          // for people; whole lines
  std::function<void()> also_put_in_force;       // of a reload: what is not Control's to know
  Milliseconds journal_keep{90LL * 24 * 3600 * 1000};
  LoadBoard::Rules loads{};
};

/// What a reload finds: a Setup, or every problem that speaks against one.
struct Loaded {
  std::optional<Setup> setup;
  std::string problems;
};

/// The one place where decisions are made: verdicts and intents in, eligibility out.
///
/// Health   All updates of one delivery (of a large one, a part) are one tick: folded, their eligibility bytes flipped at once, then
///          handed to the store writer as one batch with their journal entries. The disk is
///          never waited for. Of a tick that changes many, the states are stored at once, and it is told part by
///          part (Teller), with the admin address served in between. People read of a change in the journal and the
///          log once it is synced, or the disk has failed; metrics and the state of services show it at once, as
///          answers do.
/// Intents  Stored and synced before they are in force and before `done` is called.
/// Reload   Read, checked and compiled off this thread, then put in force whole, or not at all: any error, of
///          the config or of any zone file, leaves everything as it was.
/// Threads  The control thread.
class Control {
 public:
  struct Environment {
    loop::Loop& loop;
    const Clock& clock;
    const store::Store& store;  // read for history alone
    StoreWriter& writer;
    std::function<uint64_t(std::vector<health::Check>)> replace_checks;
    /// What is known of these of the checks last given; `done` on the control thread, later.
    using Described = std::vector<health::CheckDetails>;
    std::function<void(std::vector<uint32_t>, std::function<void(Described)> done)>
        describe_checks{};
    /// From now on these pages are read, and come to on_pulled(); empty: nobody to read them.
    std::function<void(std::vector<health::Pull>)> pull{};
    std::function<void(std::shared_ptr<const zones::Snapshot>)> publish;
    /// Adds what all workers answered of a steered service of the generation published last, row by row, one place a
    /// pool, modulo 2^32; see query::Serving::add_answers. Cheap enough for the services that are asked for.
    std::function<void(ServiceId, std::span<uint32_t> sums)> add_answers{};
    /// Likewise by pool alone, of any service.
    AnswerLedger::AddAnswers add_pool_answers{};
    /// Whether a worker takes this client (PickKey::client) for many caches now.
    std::function<bool(ServiceId, uint64_t client)> is_many_caches{};
    /// Any thread: reads everything anew, for this generation; `previous` lends what did not change.
    std::function<Loaded(uint64_t generation, const zones::Snapshot* previous)> load;
    std::function<void(bool is_reloading)> on_reload;
    /// Runs the first off this thread, then the second on it; empty: on the loop's pool, as everything else.
    std::function<void(std::function<void()> work, std::function<void()> done)> offload{};
    /// Lets these checks (places of the newest replace_checks) come back; empty: nobody to tell.
    std::function<void(std::vector<uint32_t>)> resume_checks{};
    /// Any thread: compiles a generation that is past; empty: nobody can.
    BuildPast build_past{};
    std::string identity;
    std::string version;
    uint64_t seed = 0;
    Milliseconds housekeeping_every{250};  // what ends by time: intents, silences, doubt
  };

  explicit Control(Environment environment);
  ~Control();
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;

  /// Puts the first setup in force with what the last run left, publishes it and starts the probes.
  void start(Setup setup, Remembered remembered);

  void on_updates(std::vector<health::CheckUpdate> updates);

  struct IntentSet {
    Intent intent;
    std::optional<Intent> replaced;
  };
  void set_intent(const IntentRequest& request, std::function<void(Result<IntentSet>)> done);
  /// What set_intent() would put in force, checked as it would be, and the steps that it would make; nothing changes.
  struct IntentTried {
    Intent intent;
    std::vector<PlannedSwings::Step> steps;
    std::vector<std::string> objections;  // for which it would be refused, unless it overrides them
  };
  void try_intent(const IntentRequest& request, std::function<void(Result<IntentTried>)> done);
  /// `owner` and `reason` are the journal's; empty: those of the intent.
  void cancel_intent(const std::string& id, const std::string& owner, const std::string& reason,
                     std::function<void(Result<Intent>)> done);

  struct BrakeRequest {
    std::string action;  // release, keep
    std::string owner;
    std::string reason;
  };
  /// release: what is kept goes down as its probes say. keep: it stays, by a person's word, until its probes agree. The
  /// brake is free again after either. Stored before it is in force; `done` hears how many. Errors: invalid, conflict.
  void steer_brake(const BrakeRequest& request, std::function<void(Result<size_t>)> done);
  const Brake& brake() const { return brake_; }
  const SelfDoubt& self_doubt() const { return doubt_; }

  struct ResumeRequest {
    std::string target;
    std::string owner;
    std::string reason;
  };
  struct Resumed {
    size_t checks = 0;  // whose holds have ended
    size_t pools = 0;   // that were back and waited
    size_t plans = 0;   // that had stopped
  };
  /// A person lets the target's plan go on when it has stopped, else come back what is held below the target: resume,
  /// flapping, settling, pools that wait. Stored and synced before it is in force and `done` is called.
  /// Errors: invalid, not_found, conflict (nothing is held).
  void resume(const ResumeRequest& request, std::function<void(Result<Resumed>)> done);

  /// A target reports itself; in force at once. The number of checks that it is about.
  Result<size_t> push(const PushReport& report);
  const PushBoard& pushes() const { return pushes_; }

  /// Clusters say what they carry; on the board at once. Errors: see LoadBoard::take().
  Result<LoadBoard::Outcome> report_loads(std::span<const LoadReport> reports);
  /// A page of a cluster's load was read, or could not be; it is looked through off this thread.
  void on_pulled(health::Pulled pulled);
  /// Whoever estimates demand takes from it what is new.
  LoadBoard& loads() { return loads_; }
  const LoadBoard& loads() const { return loads_; }

  struct ReloadResult {
    bool reloaded = false;
    uint64_t generation = 0;
    WallTime at{};
    std::string problems;  // errors, or warnings of a reload that went well
    std::vector<std::string> needs_restart;
  };
  /// Several callers during one reload share a second one that follows it.
  void reload(std::function<void(const ReloadResult&)> done);

  /// Whether the metrics and the store writer have all that answers have.
  bool is_all_told() const { return arrived_.empty() && teller_.is_done(); }

  /// Why /readyz is not 200; empty: ready.
  std::vector<std::string> problems() const;

  /// When the service's answers may next be others, as their TTL has it.
  NextChange next_change(ServiceId service) const;

  const Join& join() const { return *join_; }
  std::shared_ptr<const Join> shared_join() const { return join_; }
  const Steering& steering() const { return steering_; }
  const RuleWatch& rules() const { return rule_watch_; }
  const AnswerLedger& answers() const { return answers_; }
  /// Of the service's answers that caches may hold, those that would lead elsewhere now; nothing: nobody counts.
  std::optional<OldAnswers> old_answers(const zones::Service& service) const;
  /// What would have no room if a cluster died; null: not known yet, or nothing is steered within capacity.
  const std::shared_ptr<const N1Report>& n1() const { return n1_.report(); }
  const Intents& intents() const { return intents_; }
  const PlannedSwings& planned_swings() const { return planned_swings_; }
  const zones::Snapshot& snapshot() const { return *snapshot_; }
  std::shared_ptr<const zones::Snapshot> shared_snapshot() const { return snapshot_; }
  const Setup& setup() const { return setup_; }
  const Environment& environment() const { return environment_; }
  std::map<SwingKey, uint64_t> swings() const { return teller_.swings(); }
  const std::vector<Teller::SwingCounts>& swing_counts() const { return teller_.swing_counts(); }
  const Histogram& swing_durations() const { return teller_.swing_durations(); }
  uint64_t reload_failures() const { return reload_failures_; }
  const std::optional<ReloadResult>& last_reload() const { return last_reload_; }
  /// Calls `done` when all that answers came from until now is stored, so that it can be read: see Past.
  void when_past_is_stored(std::function<void(Status)> done) {
    state_log_.when_stored(std::move(done));
  }
  MonotonicTime started() const { return started_; }

 private:
  using Entries = std::vector<store::JournalEntry>;
  using Keys = std::shared_ptr<const std::vector<std::string>>;  // of checks, by place
  struct Tick {
    WallTime at{};
    std::string cause;  // of swings; empty: health, told by the direction of the change
    store::Batch batch;
    Told told;
  };

  /// What a reload works out off this thread, beside the setup: how it follows from what is in force.
  struct Prepared {
    Loaded loaded;
    std::shared_ptr<Join> join;                       // of the setup; no health and no intents yet
    std::vector<std::optional<uint32_t>> old_checks;  // by check: its place in the join before
    std::vector<std::string> gone;                    // keys of the checks that are no more
    std::vector<std::optional<Teller::Old>> old_services;
    CapacityGroups groups;              // of its model
    Steering::Memory steering{};        // at start: of the last run
    std::vector<health::Check> checks;  // the join's
    Keys keys;
    std::shared_ptr<const ServiceNames> names;
    std::string config_hash;

    void follow(const Join& before);
    /// Whatever the join and the setup alone tell.
    void read_off();
  };

  void put_in_force(Prepared prepared, Tick& tick);
  bool is_stored(EndpointId id) const;
  void set_eligibility(EndpointId id);
  void keep_shares(const zones::Snapshot& before,
                   const std::vector<std::optional<Teller::Old>>& old_services);
  void mark_all_stored();
  void start_probes(std::vector<health::Check> checks, Keys keys);
  std::optional<uint32_t> place_of(const health::CheckUpdate& update) const;
  void fold(uint32_t place, const health::CheckUpdate& update, Tick& tick);
  std::set<uint32_t> held_checks(const Target& target, const FoundTarget& found) const;
  /// Of one service, those that are back and wait for a person.
  struct WaitingPools {
    ServiceId service;
    std::vector<PoolId> pools;
  };
  size_t resume_pools(const std::vector<std::pair<std::string, std::string>>& waiting);
  std::vector<WaitingPools> waiting_pools(const Target& target, const FoundTarget& found) const;
  void let_come_back(const std::vector<std::string>& keys);
  void apply_pushed(const std::vector<health::CheckUpdate>& updates);
  void tick_pushes();
  void tick_loads();
  void take_pulled(const health::Pulled& pulled, const LoadPage& page);
  void replace_loads(std::shared_ptr<const ServiceNames> names,
                     const std::vector<std::optional<uint32_t>>& old_services);
  LoadBoard::Now load_now() const { return {environment_.clock.now(), environment_.clock.wall()}; }
  PushBoard::Now push_now() const { return {environment_.clock.now(), environment_.clock.wall()}; }
  void apply_updates();
  void settle(Tick& tick);
  Join::Changes settle_braked(Tick& tick);
  void keep_remembered(const Remembered& remembered, Join& join);
  void free_unbounded_brake(Join& join, Tick& tick);
  void forget_kept(const std::vector<std::string>& before, const Join& join, Tick& tick);
  void configure_brake(Join& join);
  void look_at_self(Join::Changes& changes, Tick& tick);
  /// Whose probes say `down` and are not believed, by cluster.
  struct Doubts {
    bool is_other = false;  // than what is in force
    std::vector<bool> clusters;
    double down = 0;  // the part of all capacity that seems so
  };
  void weigh_clusters();
  Doubts doubts();
  void corroborate(Join::Changes& changes, Tick& tick);
  void tell_doubt(ClusterId id, const Doubts& doubts, Tick& tick);
  void note_self_check(uint32_t check, const CheckState& before, Tick& tick) const;
  void note_brake(bool was_engaged, const Join::Changes& changes, const Join& join, Tick& tick);
  void store_kept(const Join::Changes& changes, const Join& join, Tick& tick);
  void touch_users(uint32_t check);
  void touch(uint32_t service);
  void set_change_times(WallTime now);
  void prune(WallTime before);
  bool may_steer() const;
  void steer();
  void tell_clusters(const Join::Changes& changes, Tick& tick);
  static void leave_out_known(Join::Changes& changes);
  void go_on();
  bool is_store_behind() const;
  void do_part();
  void tell_rest();
  void intents_changed(Tick& tick);
  void follow_intents();
  std::optional<AnswersLeft> count_answers_left(const Intent& intent);
  std::vector<std::string> objections(const Intent& intent, bool is_asked) const;
  std::vector<std::string> objections_to_step(const Intent& intent, double part) const;
  double load_taken(const Act& act) const;
  std::optional<std::string> over_budget(double part, bool is_in_steps) const;
  void tick_swings();
  bool resume_swing(const ResumeRequest& request, const std::string& target,
                    const std::function<void(Result<Resumed>)>& done);
  void housekeeping();
  void expire_intents();
  bool is_awaited(uint32_t place) const;
  void note_first_state();
  void begin_reload();
  void finish_reload(Prepared prepared);
  Tick new_tick(std::string cause) const;
  static store::JournalEntry intent_entry(const Intent& intent, WallTime at, std::string actor,
                                          std::string before, std::string after,
                                          std::string reason);

  Environment environment_;
  Setup setup_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  std::shared_ptr<Join> join_;
  Intents intents_;
  std::set<std::string> intents_on_their_way_;  // targets with a commit that has not ended
  std::vector<EndpointId> confirmed_;  // in this tick: a check of theirs is no longer as stored
  std::vector<uint32_t> touched_;      // services whose next change may be another now
  std::vector<bool> is_touched_;       // by service
  mutable ChangeFinder change_finder_;
  PushBoard pushes_;
  LoadBoard loads_;
  PulledLoads pulled_loads_;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // for what is read off this thread
  Brake brake_;
  SelfDoubt doubt_;
  std::vector<double> capacities_;        // by cluster, as declared
  std::vector<std::string> kept_before_;  // by the last run; until the first setup is in force
  std::deque<std::pair<MonotonicTime, EndpointId>> left_;  // went down lately; of this generation
  struct Epoch {
    uint64_t number = 0;
    Keys keys;
  };
  std::deque<Epoch> epochs_;  // newest last: updates may still be on their way from those before
  struct Arrived {
    std::vector<health::CheckUpdate> updates;
    size_t applied = 0;
  };
  std::deque<Arrived> arrived_;
  size_t applied_ = 0;  // updates, in this turn of the loop
  bool is_first_state_known_ = false;
  uint32_t first_unknown_ = 0;  // every check in front of it is, or was, known
  bool is_loading_ = false;
  std::vector<std::function<void(const ReloadResult&)>> waiting_;    // for the reload that runs
  std::vector<std::function<void(const ReloadResult&)>> following_;  // for the one after it
  StateLog state_log_;
  bool is_pruning_ = false;
  AnswerLedger answers_;
  Steering steering_;
  PlannedSwings planned_swings_;
  RuleWatch rule_watch_;
  N1Watch n1_;
  Teller teller_;
  std::function<void()>
      when_told_;  // a reload that waits until all of the generation before is told
  uint64_t reload_failures_ = 0;
  std::optional<ReloadResult> last_reload_;
  MonotonicTime started_{};
  MonotonicTime pruned_{};
  loop::Timer housekeeping_;
  loop::Timer next_part_;
};

}  // namespace swingover::control
