#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
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
#include "server/control/answer_ledger.h"
#include "server/control/capacity_groups.h"
#include "server/control/group_solver.h"
#include "server/control/load_board.h"
#include "server/control/records.h"
#include "server/control/share_facts.h"
#include "server/control/share_plans.h"
#include "server/control/solutions.h"
#include "server/control/steering_inputs.h"
#include "server/control/swing_forecast.h"
#include "server/control/told.h"
#include "store/store.h"
#include "zones/snapshot.h"
#include "zones/steering/allocation.h"
#include "zones/steering/demand.h"
#include "zones/steering/load_band.h"
#include "zones/steering/move_budget.h"
#include "zones/steering/publish_rule.h"
#include "zones/steering/ramp.h"

namespace swingover::control {

/// Why shares were worked out anew; the strongest of several counts.
enum class ShareCause : uint8_t { none, load, ramp, capacity, health, intent, reload, start };
inline constexpr size_t share_causes = 8;
std::string_view word(ShareCause cause);

/// Keeps the shares of all services within capacity, as health, intents and demand have it now.
///
/// Order    Eligibility has swung before any of this: who is masked gets no answer, whatever his share. The new shares
///          say who takes the surplus, the busiest groups first.
/// Slices   work() does a bounded part, some milliseconds, so that the control thread serves others in between. A
///          group whose capacities and costs are as before, or that lost only what carried nothing, is not solved. Equal
///          problems are solved once.
/// Load     What clusters report moves the estimates of demand once in `look_every`; shares follow where that is worth it.
///          Answers tell where clients are as long as nobody reports, never how much they ask: a cache asks once a TTL,
///          however many clients are behind it.
///          Of a cluster that no longer reports, a part of the capacity counts (zones/steering/silence.h).
/// Safety   Every allocation is checked against the invariants before it is published; one that fails is not, the shares
///          before it stay, and an event says why.
/// Told     Each change of a service's shares is a journal entry of kind "shares", exact (share_text.h); the regime of a
///          service (normal, tight, overload) one of kind "regime". Shares and demand are stored with them, so
///          that a restart goes on where it was.
/// Threads  The control thread.
class Steering {
 public:
  /// Adds what was answered of a service in this generation: by row, by pool, modulo 2^32.
  using AddAnswers = std::function<void(ServiceId, std::span<uint32_t> sums)>;
  /// Whether the endpoint is up, and out or needed for its flaps alone.
  using IsFlapping = std::function<bool(EndpointId)>;
  using Allocate = Solutions::Allocate;

  /// Told before the rows of a service are set.
  using NoteRows = std::function<void(ServiceId)>;
  /// `loads` is what clusters report; it outlives this.
  Steering(const Clock& clock, const LoadBoard& loads, AddAnswers add_answers = {},
           Allocate allocate = {}, NoteRows note_rows = {}, IsFlapping is_flapping = {});
  Steering(const Steering&) = delete;
  Steering& operator=(const Steering&) = delete;

  using Memory = std::unordered_map<std::string, SteeringRecord>;  // by service

  /// The first generation: its rows get the shares of `memory`, of the last run. `groups`: of the snapshot's model.
  void start(std::shared_ptr<const zones::Snapshot> snapshot, CapacityGroups groups,
             const Memory& memory = {});
  /// A generation that takes over from the one before; its rows have the shares of then already (carried_shares.h).
  /// `old_services`: by service, its place before. A service whose pools, localities and TTL are as they were keeps
  /// all that is known of it; else its demand and its comebacks, by name. Groups that ask for the same as before
  /// are left as they are: a reload by itself moves nobody. Cost: O(1) for each service that is as it was, else O(rows × pools).
  void reload(std::shared_ptr<const zones::Snapshot> snapshot, CapacityGroups groups,
              std::span<const std::optional<uint32_t>> old_services);

  /// The eligibility of an endpoint of the service has changed. Cheap.
  void touch(ServiceId service, ShareCause cause);

  /// There is news of the load of these services: a group is looked at without waiting for its turn when what is reported
  /// of a cluster is above its limit, and more than was expected (steering::Demand::is_sudden). Where more than 1,000
  /// services share capacities they wait for their turn. Cost: their groups' reports × localities.
  void hear(std::span<const ServiceId> news);

  /// What comes by time: steps of ramps, and a look at the load of each group every `look_every`. Cheap.
  void tick();
  static constexpr Milliseconds look_every{10'000};

  /// The pools of the service that are back and wait for a person (failback = "manual").
  std::vector<PoolId> waiting_for_person(ServiceId service) const;
  /// A person lets it come back; false: it does not wait for one.
  bool resume(ServiceId service, PoolId pool);
  /// What is to be stored of the service before it is said that these came back.
  SteeringRecord record_with(ServiceId service, std::span<const PoolId> resumed) const;

  /// What people have in force that moves shares; of this generation, so anew after each follow(). Whoever is concerned
  /// is worked out anew.
  void plan(SharePlans plans);
  const SharePlans& plans() const { return plans_; }
  const CapacityGroups& groups() const { return groups_; }
  /// What moving these shares would come to, one case a group, as things stand now.
  std::vector<SwingCase> swing_cases(const SwingParts& parts) const;
  SwingState state_of(const SwingParts& parts) const;
  /// Of a frozen service: what thawing would put in force; null: what is.
  const std::vector<uint16_t>* shadow(ServiceId service) const;
  /// The shares in force, by row, by pool; null: it is not within capacity.
  const std::vector<uint16_t>* shares(ServiceId service) const;
  /// Of the service's load, how much thawing would move: 0 to 1.
  double difference(ServiceId service) const;

  /// Whether work() has anything to do.
  bool is_idle() const {
    return waiting_.empty() && !learning_ && !publishing_ && to_store_.empty();
  }
  /// What a slice of it comes to: for the store, and for people.
  struct Slice {
    store::Batch batch;
    Told told;
    std::vector<ServiceId> moved;  // they have other shares now
    /// Whose flap holds yield to a shortage from now on (true), or no longer.
    std::vector<std::pair<EndpointId, bool>> needed;
  };
  Slice work();

  /// What the service's clients bring to that cluster with the shares in force; 0 where they are not known.
  double expected_load(ServiceId service, ClusterId cluster) const;

  /// What of the service's clients each pool is to get, by the shares in force; empty: not known.
  std::vector<double> parts(ServiceId service) const;

  /// Of the capacities that services share, by cluster; those who have pools of their own are not in it.
  struct SharedCapacity {
    std::vector<double> capacities;  // reported lately, else configured
    std::vector<double> usable;      // what of them counts now
    double demand = 0;               // of the services that take from them
  };
  SharedCapacity shared_capacity() const;

  /// What a pool has of all load that is steered, by the shares in force; while no demand is known at all each service
  /// counts alike.
  double part_of_load(ServiceId service, size_t pool) const;
  /// What people, plans, ramps and traffic on its way home moved lately, and may move.
  const steering::MoveBudget& budget() const { return budget_; }

  /// Load that may still follow old answers of a service, by pool, as parts of its demand; until when. Of a group of more
  /// than 1,000 services it is added up over 5 s, some at each tick(); until that is done once, no ramp steps on there.
  using OldParts = std::function<std::optional<OldAnswers>(ServiceId)>;
  void count_old_answers(OldParts old_parts) { old_parts_ = std::move(old_parts); }

  /// Why a group's shares are not those that are best now.
  struct Waiting {
    std::string reason;
    WallTime until;
  };

  /// A service within capacity as it stands now.
  struct PoolView {
    bool is_ordinary = false;  // not last_resort
    double capacity = 0;       // reported lately, else configured
    double usable = 0;         // what of it counts now: healthy endpoints, ramps
    double comeback = 1;       // the part that a ramp leaves of it
    bool waits_for_person = false;
    std::optional<WallTime> held_until{};  // it is back, and counts from then on
    bool is_needed = false;  // and until then all of it does: the others cannot carry the demand
    double load =
        0;  // predicted with the shares in force; of all services, where the capacity is shared
    double level = 0;
  };
  struct ServiceView {
    steering::Regime regime = steering::Regime::normal;
    double demand = 0;
    std::vector<double> demands;  // by row
    double target = 0;
    double limit = 0;
    std::optional<Waiting> waiting{};
    std::vector<PoolView> pools;
  };
  std::optional<ServiceView> view(ServiceId service) const;

  /// All that is steered at a glance. O(services + endpoints).
  struct Glance {
    /// What counts of a cluster's capacities, and the load there by the shares in force.
    struct Cluster {
      bool is_steered = false;  // some service within capacity has a pool there
      double capacity = 0;
      double usable = 0;
      double load = 0;
    };
    std::vector<Cluster> clusters;      // by cluster
    std::array<size_t, 3> regimes{};    // services, by steering::Regime
    std::vector<ServiceId> overloaded;  // those of them, in their order
  };
  /// Nothing: no service is steered.
  std::optional<Glance> glance() const;

  /// What all of it goes by now, for what-if questions on another thread; empty where nothing is steered.
  /// 10,000 services of 50 localities take some milliseconds.
  SteeringInputs inputs() const;

  struct Counters {
    uint64_t solved = 0;                                // problems
    uint64_t shared = 0;                                // taken from an equal one
    std::array<uint64_t, share_causes> published_by{};  // services that got other shares, by cause
    uint64_t refused = 0;                               // allocations that broke an invariant
  };
  Counters counters() const;

 private:
  using Outcome = GroupSolver::Outcome;
  using Posed = GroupSolver::Posed;
  /// A holder whose endpoints were all out, and are back.
  struct Comeback {
    bool is_out = false;
    bool waits_for_person = false;
    std::optional<MonotonicTime>
        since;          // from here on its part grows; it may lie ahead; none: all of it counts
    double factor = 1;  // as the shares in force have it
  };
  /// What is learnt of a capacity from the requests under way.
  struct Band {
    steering::BandCapacity capacity;
    MonotonicTime taken{INT64_MIN};  // the newest report that it has
  };
  using PoolPlace = std::pair<uint32_t, uint32_t>;  // member of a group, its pool
  struct GroupState {
    ShareCause cause = ShareCause::none;  // none: nothing to do
    double demand = 0;                    // in all, when it was looked at last
    std::shared_ptr<const Solved> solved;
    std::vector<double> whole;        // by holder: GroupSolver::Outcome::whole of that
    std::vector<Comeback> comebacks;  // by holder
    std::map<PoolPlace, Comeback>
        pool_comebacks;       // of those that share a holder, and were out alone
    bool is_repaced = false;  // one of these has another part now
    std::vector<Band> bands;  // by holder; empty: no pool of the group has one
    MonotonicTime last_by_load{INT64_MIN / 2};
    std::vector<bool> needed;        // by holder: its flap holds yield; empty: nobody's do
    bool is_replanned = false;       // what people ask of it has changed
    std::optional<Waiting> waiting;  // ramps or traffic on its way home
    bool comes_home = false;         // what load makes worth it
    bool keeps_rows = false;         // not solved yet, but for who came or left as before
    MonotonicTime paced_at{};        // when its shares changed last, or its ramps were paused
    bool is_refused = false;         // the newest allocation was; it is told
    bool is_thawed_refused = false;  // likewise what thawing would come to
    steering::Regime regime = steering::Regime::normal;  // of the newest solution
    std::vector<double> loads;  // by holder: with the shares in force and demand as it is
    double stored_demand = 0;
    MonotonicTime stored_at{INT64_MIN / 2};
  };
  struct ServiceState {
    std::vector<uint16_t> shares;  // by row, by pool: in force
    steering::Demand demand;
    std::vector<uint32_t> counted;  // answers by row, at the last look
    std::vector<double> asked;      // by row: answers of the last minute or so
    steering::Regime regime = steering::Regime::normal;
    std::vector<uint16_t> shadow{};  // while it is frozen: what would be in force; empty: the same
  };
  /// An outcome on its way to the services of its group.
  struct Publication {
    uint32_t group = 0;
    ShareCause cause = ShareCause::none;
    Outcome best;
    std::optional<Outcome> thawed;  // were nobody frozen; none: nobody is
    size_t next = 0;                // member
    std::vector<double>
        loads{};              // of those before it, with what they have now: as GroupState has them
    bool is_planned = false;  // counts for the budget
    bool keeps_rows = false;  // for who has none yet
  };

  /// A group whose services' reports are being looked at.
  struct Learning {
    uint32_t group = 0;
    size_t next = 0;            // member
    std::vector<double> loads;  // of those before it: as GroupState has them
  };

  const zones::Model& model() const { return *snapshot_->model; }
  /// What is, for the solver.
  class Facts final : public ShareFacts {
   public:
    explicit Facts(const Steering& steering) : steering_(steering) {}
    const zones::Snapshot& snapshot() const override;
    const zones::EligibilityMap& eligibility() const override;
    bool is_flapping(EndpointId id) const override;
    bool may_flap() const override;
    const std::vector<bool>& needed(uint32_t group) const override;
    Holder holder(uint32_t group, size_t holder) const override;
    std::vector<ReturningPool> returning(uint32_t group) const override;
    void read_demands(ServiceId service, std::span<double> rows) const override;
    std::span<const uint16_t> shares_in_force(ServiceId service) const override;
    const SharePlans& plans() const override;

   private:
    const Steering& steering_;
  };
  struct HolderPlace {
    uint32_t group = 0;
    uint32_t holder = 0;
  };
  /// What a reload takes over from.
  struct Generation {
    std::shared_ptr<const zones::Snapshot> snapshot;
    CapacityGroups groups;
    std::vector<GroupState> states;
    std::vector<std::unique_ptr<ServiceState>> services;
    std::optional<uint32_t> publishing{};  // the group of which not all have their new shares
    std::vector<double> heard{};           // by cluster
    std::vector<std::optional<uint32_t>> row_of{};  // by row of now: the row then
    bool has_same_rows = false;                     // and estimates go by the same rules
  };
  Generation begin_generation(std::shared_ptr<const zones::Snapshot> snapshot,
                              CapacityGroups groups);
  void note_rows(Generation& before) const;
  void carry_heard(const Generation& before);
  bool keeps_all(const zones::Service& service, const zones::Service& was,
                 const Generation& before) const;
  void carry_service(const zones::Service& service, uint32_t old, Generation& before);
  void carry_comeback(HolderPlace holder, const Comeback& was);
  bool has_new_neighbours(uint32_t group, std::span<const std::optional<uint32_t>> old_services,
                          const Generation& before) const;
  bool may_keep_rows(uint32_t group, const Outcome& best) const;
  std::shared_ptr<const Solved> with_rows_kept(uint32_t group, const Outcome& best) const;
  void carry_group(uint32_t group, std::span<const std::optional<uint32_t>> old_services,
                   Generation& before);
  std::unique_ptr<ServiceState> new_state(const zones::Service& service) const;
  std::optional<HolderPlace> holder_of(ServiceId service, PoolId pool) const;
  const Comeback* comeback_of(ServiceId service, PoolId pool) const;
  PoolPlace pool_place(ServiceId service, PoolId pool) const;
  void take_over(const zones::Service& service, const SteeringRecord& memory);
  SteeringRecord record_of(const zones::Service& service) const;
  void mark(uint32_t group, ShareCause cause);
  bool is_busier(uint32_t one, uint32_t other) const;
  void take_next(Slice& slice);
  bool is_long_next() const;
  void learn_part(Slice& slice);
  void solve(uint32_t group, ShareCause cause, Slice& slice);
  bool is_sound(uint32_t group, const Outcome& outcome, bool& is_refused, Slice& slice);
  bool are_rows_sound(const zones::Service& service, const Outcome& outcome, size_t member,
                      std::span<const uint16_t> shares, Slice& slice);
  void refuse(const zones::Service& service, const std::string& problem, Slice& slice);
  std::vector<std::string> locality_names(uint32_t group,
                                          const std::vector<std::vector<uint32_t>>& rows,
                                          size_t localities) const;
  bool is_sudden(uint32_t group) const;
  void learn_demand(const zones::Service& service);
  void listen();
  void learn_bands(uint32_t group);
  void learn_where_clients_are(const zones::Service& service, ServiceState& state);
  const zones::Pool* banded_pool(const CapacityGroups::Holder& holder,
                                 const CapacityGroups::Group& group) const;
  double nominal_capacity(uint32_t group, size_t holder) const;
  bool is_needed(uint32_t group, size_t holder) const;
  double used_capacity(uint32_t group, size_t holder) const;
  void note_loads(uint32_t group);
  void add_loads(const CapacityGroups::Member& member, std::vector<double>& loads) const;
  void store_later(uint32_t group);
  void store_part(Slice& slice);
  bool look_at_comebacks(uint32_t group);
  bool is_shared(uint32_t group, uint32_t holder) const;
  bool look_at_pools(uint32_t group, std::span<const std::vector<bool>> usable);
  bool look_at_pool(uint32_t group, PoolPlace at, bool is_usable);
  void let_pools_in(uint32_t group);
  void carry_pool(PoolId pool, ServiceId service, const Comeback& was);
  double comeback_part(const CapacityGroups::Group& group, const Comeback& comeback) const;
  steering::PublishRules publish_rules(uint32_t group) const;
  steering::InForce in_force(uint32_t group) const;
  bool has_same_shape(uint32_t group, const steering::Problem& problem) const;
  bool has_other_capacities(uint32_t group, const steering::Problem& problem) const;
  bool may_be_worth_it(uint32_t group, const steering::Problem& problem) const;
  bool is_worth_it(uint32_t group, const Solved& best);
  steering::RampRules ramp_rules(const CapacityGroups::Group& group) const;
  void pass_ramps(uint32_t group, const Solved& solved, std::span<const double> aside);
  void tell_needed(uint32_t group, Slice& slice) const;
  bool is_planned(uint32_t group, ShareCause cause, const Solved& solved) const;
  struct Comebacks {
    std::vector<Comeback> holders;
    std::map<PoolPlace, Comeback> pools;
  };
  void pause_comebacks(uint32_t group, const Comebacks& before);
  bool may_move(uint32_t group, const Solved& solved);
  double moved_part(uint32_t group, const Solved& solved) const;
  double weight_of(ServiceId service) const;
  void begin_budget();
  void weigh_services();
  double difference_of(const ServiceState& state, const std::vector<uint16_t>& then) const;
  struct OldLoads {
    std::vector<double> loads;  // by holder
    std::optional<WallTime> until;
  };
  /// Of a group of many services, some of them at a time.
  struct OldCount {
    std::optional<OldLoads> whole{};  // of the newest round that is over; none is yet
    OldLoads so_far{};
    size_t next = 0;  // member
    MonotonicTime looked_at{};
  };
  OldLoads no_old_loads(uint32_t group) const;
  void add_old_loads(const CapacityGroups::Member& member, OldLoads& to) const;
  std::optional<OldLoads> old_loads(uint32_t group) const;
  void count_old_loads();
  bool spills(uint32_t group) const;
  static bool differs_in_demand_alone(const Solved& before, const steering::Problem& problem);
  static bool changes_nothing(const Solved& before, const steering::Problem& problem);
  void publish_part(Slice& slice);
  std::vector<uint16_t> shares_of(const zones::Service& service,
                                  const CapacityGroups::Member& member,
                                  const std::vector<uint32_t>& rows, const Solved& solved) const;
  void spill(std::span<uint16_t> row, size_t place, const zones::Service& service,
             const CapacityGroups::Member& member, const Solved& solved) const;
  void publish(const zones::Service& service, std::vector<uint16_t> shares, Slice& slice);
  void note_regime(const zones::Service& service, const CapacityGroups::Member& member,
                   const Outcome& outcome, size_t place, Slice& slice);
  void note_regimes(uint32_t group, const Outcome& outcome, Slice& slice);
  void note_frozen_regimes(uint32_t group, Slice& slice);
  /// Why a service has a regime.
  struct Strain {
    double level = 0;     // of the fullest of its clusters
    double excess = 0;    // units above their limits
    double unserved = 0;  // units that nobody can serve
  };
  void tell_regime(const zones::Service& service, steering::Regime of_level, const Strain& strain,
                   Slice& slice);
  void replan(uint32_t group);
  SwingCase swing_case(uint32_t group, const SwingParts& parts) const;
  void add_to_case(const CapacityGroups::Member& member, const std::vector<uint32_t>& rows,
                   const SharePlans::Move& move, std::optional<uint16_t> moved,
                   SwingCase& out) const;
  bool has_resort(const zones::Service& service, size_t row) const;
  std::vector<uint32_t> broken_pools(const zones::Service& service) const;
  void set_rows(ServiceId service) const;
  void note_in_force(const zones::Service& service) const;
  void read_rows(ServiceId service) const;

  const Clock& clock_;
  const LoadBoard& loads_;
  AddAnswers add_answers_;
  NoteRows note_rows_;
  std::shared_ptr<const zones::Snapshot> snapshot_;
  CapacityGroups groups_;
  std::vector<GroupState> states_;                       // by group
  std::vector<std::unique_ptr<ServiceState>> services_;  // by service; null: not within capacity
  std::vector<uint32_t> waiting_;                        // groups, a heap: the busiest on top
  std::optional<Publication> publishing_;
  std::optional<Learning> learning_;
  struct ToStore {
    uint32_t group = 0;
    size_t next = 0;  // member
  };
  std::vector<ToStore> to_store_;   // what is known of them, for the next start
  std::vector<double> heard_;       // by cluster: what of its capacity counts while it is silent
  std::set<uint32_t> coming_back_;  // groups with a holder whose part grows
  uint32_t next_look_ = 0;          // group
  MonotonicTime looked_at_{};
  IsFlapping is_flapping_;  // empty: nothing ever flaps
  Facts facts_{*this};
  Solutions solutions_;  // of this burst
  GroupSolver solver_{groups_, facts_, solutions_};
  Counters counters_;
  SharePlans plans_;
  steering::MoveBudget budget_;
  OldParts old_parts_;
  std::map<uint32_t, OldCount> old_counts_;  // by group: of many services
  double all_demand_ = 0;                    // of all services, at the last look
  size_t steered_ = 0;                       // services
};

}  // namespace swingover::control
