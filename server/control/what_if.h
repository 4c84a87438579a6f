#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "server/control/capacity_groups.h"
#include "server/control/group_solver.h"
#include "server/control/solutions.h"
#include "server/control/steering_inputs.h"
#include "zones/steering/allocation.h"

namespace swingover::control {

/// Who carries how much, now or if. Loads and capacities in the services' unit of load.
struct Outlook {
  struct Cluster {
    double capacity = 0;        // what of it counts: healthy endpoints, ramps
    double load = 0;            // on what has a capacity
    double load_unbounded = 0;  // on pools of last resort without one
    double overflow = 0;        // load above the limits
    double fullest = 0;         // utilisation of its fullest capacity: its own, or a pool's
    double excess_part = 0;     // by how much its fullest capacity is above its limit: 0.12 is 12 %
    double utilisation() const;  // load / capacity; infinite where there is load and no capacity
  };
  struct Service {
    steering::Regime regime = steering::Regime::normal;
    bool is_out = false;  // no pool has an eligible endpoint
    double demand = 0;    // 0 where it is not steered within capacity
    double unserved = 0;  // of clients whose pools are all out
    double overflow = 0;  // its part of what is above limits
  };
  std::vector<Cluster> clusters;   // by ClusterId
  std::vector<Service> services;   // by ServiceId
  std::vector<double> pool_loads;  // by PoolId
  double load = 0;                 // of all services within capacity
  double unserved = 0;
  double overflow = 0;
  double crossing = 0;      // load that leaves its client's locality
  double monthly_cost = 0;  // of that, at the declared prices; 30.44 days
  /// Of the fullest cluster; infinite where one has load and no capacity.
  double worst_utilisation() const;
};

/// Who would carry how much if something were down, or demand were another: what the driver would work out, without its
/// doing anything.
///
/// Same      It is worked out by the driver's own solver (group_solver.h): with weights, planned swings and freezes as they
///           are in force, and with ramps and flap holds that yield to shortage. Not foreseen: that demand changes, that
///           plans go on, hold or turn back, and that health brakes keep what is down in answers. All is worked out anew,
///           without regard to what would not be worth a change: with nothing down, after() need not be now().
/// Limits    Services that are not steered within capacity have no known demand: of them it says only who has no
///           eligible endpoint left. Clients of no known locality count as load, never as crossing.
/// Threads   Any one. Cost: what solving the groups costs that are touched, equal ones once; the groups that are not are
///           solved at the first question alone.
/// Memory    4 octets a service, locality and pool, three times.
class WhatIf {
 public:
  /// `demand`: so many times what is asked for now.
  explicit WhatIf(SteeringInputs inputs, double demand = 1);
  WhatIf(const WhatIf&) = delete;
  WhatIf& operator=(const WhatIf&) = delete;

  /// Where asked often, a question can be given up: looked at before each group.
  using IsGivenUp = std::function<bool()>;

  /// By the shares in force and the demand of now, whatever `demand` is.
  const Outlook& now();
  /// With these endpoints down. Nothing: given up. It stands until the next question.
  const Outlook* after(const std::vector<EndpointId>& down, const IsGivenUp& is_given_up = {});

  /// Of what now() and the last after() came to: parts of the clients of one row, by pool, of a steered service. All 0:
  /// unserved, or only by `when_all_down`.
  std::span<const float> parts_now(ServiceId service, size_t row) const;
  std::span<const float> parts_after(ServiceId service, size_t row) const;

  const zones::Model& model() const { return *inputs_.snapshot->model; }
  const SteeringInputs& inputs() const { return inputs_; }
  bool is_steered(ServiceId service) const { return groups_.place_of(service).has_value(); }
  /// All endpoints of a cluster.
  std::vector<EndpointId> endpoints_of(ClusterId cluster) const;

 private:
  /// What has a capacity: a holder of a group, or a pool of last resort that says what it can carry.
  struct Account {
    ClusterId cluster;
    double limit = 1;
    double capacity = 0;  // of pools of last resort alone, as their endpoints
    std::vector<EndpointId> endpoints;
  };
  /// What is asked about, for the solver.
  class Facts final : public ShareFacts {
   public:
    explicit Facts(const WhatIf& what_if) : what_if_(what_if) {}
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
    const WhatIf& what_if_;
  };
  /// Of all services at one time.
  struct State {
    std::vector<float> parts;        // [first_part_ + row × pools + pool]
    std::vector<double> capacities;  // by account: what counts
    std::vector<double> levels;      // by service: of its fullest holder
  };

  void open_accounts();
  void measure_ways();
  void read_frozen();
  void ask_for(const std::vector<EndpointId>& down);
  void set(EndpointId id, zones::Eligibility as);
  void note_ways_back(uint32_t group);
  void solve(uint32_t group, State& state);
  void swing_flapping(uint32_t group, const std::vector<bool>* needed);
  void put(uint32_t group, const GroupSolver::Outcome& outcome, State& state) const;
  double put(const zones::Service& service, const CapacityGroups::Member& member,
             const std::vector<uint32_t>& rows, const GroupSolver::Outcome& outcome,
             State& state) const;
  void put_frozen(uint32_t group, State& state) const;
  void spill(std::span<float> row, std::span<const double> resorts,
             const CapacityGroups::Member& member, const Solved& solved) const;
  void read_shares(const zones::Service& service, const std::vector<bool>& usable, size_t row,
                   std::span<float> out) const;
  std::span<float> row_of(const zones::Service& service, size_t row, State& state) const;
  void open_last_resorts(State& state) const;
  bool solve_base(const IsGivenUp& is_given_up);
  void assess(const State& state, const std::vector<double>& demands, Outlook& out) const;

  SteeringInputs inputs_;
  CapacityGroups groups_;
  std::vector<double> demands_;  // as inputs_.demands, times `demand`
  size_t accounts_of_groups_ = 0;
  std::vector<Account> accounts_;               // those of holders first, group by group
  std::vector<size_t> first_account_;           // by group
  std::vector<std::optional<size_t>> account_;  // by PoolId
  std::vector<size_t> first_part_;              // by service
  std::vector<uint32_t> service_of_;            // by EndpointId
  std::vector<bool> crosses_;                   // [row × clusters + cluster]
  std::vector<double> prices_;                  // likewise: money for a GB
  std::vector<std::vector<uint16_t>> frozen_;   // by service: the shares that it keeps
  zones::EligibilityMap now_map_;               // what is in answers
  zones::EligibilityMap map_;                   // what would be, in the question that is answered
  const zones::EligibilityMap* in_answers_ = &map_;
  std::vector<std::pair<EndpointId, zones::Eligibility>> changed_;  // in it, and what they were
  std::vector<std::vector<ShareFacts::Holder>> holders_;            // by group: likewise
  std::vector<std::vector<bool>> needed_;                           // by group: likewise
  std::vector<std::vector<bool>> base_needed_;                      // with nothing down
  State now_state_;
  State base_;                     // with nothing down
  State state_;                    // of the last question
  std::vector<uint32_t> touched_;  // groups in which state_ differs from base_
  bool has_base_ = false;
  bool has_now_ = false;
  Outlook now_;
  Outlook after_;
  Facts facts_{*this};
  Solutions solutions_;
  GroupSolver solver_{groups_, facts_, solutions_};
};

/// The endpoints of what is named, such as "cluster/fra,locality/ams-a": targets (target.h) and localities, with commas
/// between. A locality: all clusters that run nowhere else. Errors: invalid, not_found.
Result<std::vector<EndpointId>> endpoints_of(const zones::Model& model, std::string_view targets);

/// What the clusters' limits come to, for people: "no cluster would be above its limit".
std::string limit_words(const zones::Model& model, const Outlook& outlook);

}  // namespace swingover::control
