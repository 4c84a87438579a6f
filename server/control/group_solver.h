#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "server/control/capacity_groups.h"
#include "server/control/share_facts.h"
#include "server/control/share_plans.h"
#include "server/control/solutions.h"
#include "zones/snapshot.h"
#include "zones/steering/leaving.h"

namespace swingover::control {

/// From facts to who gets what of a group's capacities: the one way for shares in force and for forecasts, so that what
/// was foreseen is what comes.
///
/// Order    pose() makes the problem of a group as things stand: health, ramps, weights, who is frozen. settle() solves it;
///          where the demand does not fit, ramps and then flap holds yield; and what plans and pools on their way back
///          leave is mixed in (zones/steering/leaving.h).
/// Cost     pose(): O(members × rows + endpoints). settle(): a solution (solutions.h) a part of the mean, and one for each
///          who is asked to yield.
/// Threads  One at a time, also for what is const; that of the facts.
class GroupSolver {
 public:
  using Usable = std::vector<std::vector<bool>>;  // by member, by pool

  /// All outlive it; what they refer to may change in between.
  GroupSolver(const CapacityGroups& groups, const ShareFacts& facts, Solutions& solutions)
      : groups_(groups), facts_(facts), solutions_(solutions) {}

  // ---- who counts ----

  /// By pool: whether an endpoint of it is eligible. `needed`: as ShareFacts::needed(), which it is without one.
  std::vector<bool> usable(const zones::Service& service) const;
  Usable usable_of(uint32_t group, const std::vector<bool>* needed = nullptr) const;
  size_t eligible_count(uint32_t group, size_t holder) const;
  /// What counts of a capacity without regard to its way back, and with it.
  double ready_capacity(uint32_t group, size_t holder) const;
  double usable_capacity(uint32_t group, size_t holder) const;
  bool has_flapping(uint32_t group) const;
  bool has_frozen(uint32_t group) const;
  /// The shares in force as queries have them: of pools that are out they are the others' of the row, and where these have
  /// none, of the tier that answers. A row that nobody can serve is as it is. Valid until the next call.
  std::span<const uint16_t> reached(const zones::Service& service,
                                    const std::vector<bool>& usable) const;
  bool serves(const zones::Service& service, size_t pool, size_t row) const;
  /// By pool: what of last resort is there for the clients of a row, and the weight by which each takes of what comes; all
  /// 0: none is.
  std::vector<double> resorts(const zones::Service& service, const std::vector<bool>& usable,
                              size_t row) const;

  // ---- one group ----

  struct Posed : CapacityGroups::Posed {
    std::vector<double>
        whole;  // capacities by holder, of which the problem has what the frozen leave
    std::vector<double> aside;  // by holder: what these take of it; maybe more than all
  };
  struct PoseAs {
    bool is_thawed =
        false;  // else who is frozen keeps his shares, and the others get what he leaves
    const SwingParts* more = nullptr;           // what another plan would take
    const Usable* usable = nullptr;             // usable_of(), where it is known
    const std::vector<bool>* needed = nullptr;  // instead of the facts'
  };
  Posed pose(uint32_t group, const PoseAs& as) const;
  Posed pose(uint32_t group) const { return pose(group, PoseAs{}); }

  /// What a group comes to.
  struct Outcome {
    std::shared_ptr<const Solved> solved;
    std::vector<std::vector<uint32_t>> rows;  // as CapacityGroups::Posed
    std::vector<steering::Leaving> leaving;
    std::vector<std::shared_ptr<const Solved>> parts;  // that it is mixed from; itself alone
    std::vector<double> whole;                         // as Posed
    std::vector<double> aside;
  };
  struct Settled {
    Outcome outcome;
    std::vector<bool> needed;    // by holder: its flap hold yields; empty: nobody's do
    bool lets_pools_in = false;  // those on their way back are needed at once
  };
  /// `was_needed`: flap holds yielded so far. They are let go once the others carry all with something to spare, lest they
  /// went in and out with every report.
  Settled settle(uint32_t group, Posed posed, bool was_needed);
  /// Without anybody yielding: of who leaves, all have left by so much.
  Outcome outcome(uint32_t group, Posed posed, std::shared_ptr<const Solved> solved,
                  bool lets_pools_in = false);

  /// Demand that nobody can serve is a shortage, too.
  static bool is_short(const Solved& solved);

  // ---- plans ----

  /// One pool of a member, as its rows of the problem have it.
  static steering::Leaving leaving_rows(const CapacityGroups::Member& member,
                                        const std::vector<uint32_t>& rows,
                                        const SharePlans::Move& move);
  /// A swing to one pool may be carried out: both have capacities, and the other one can serve.
  static bool may_move(const zones::Service& service, const CapacityGroups::Member& member,
                       const std::vector<bool>& usable, const SharePlans::Move& move);
  /// Calls `take` for all that swings to one pool take from rows, in parts of 10,000 of what `from` has there. What that
  /// pool itself gives up of what would come is left out.
  using Take = std::function<void(size_t row, uint32_t from, uint32_t to, uint16_t parts)>;
  void for_each_move(const zones::Service& service, const CapacityGroups::Member& member,
                     const std::vector<uint32_t>& rows, std::span<const steering::Leaving> leaving,
                     const Take& take) const;

 private:
  const zones::Model& model() const { return groups_.model(); }
  bool is_eligible(EndpointId id) const {
    return facts_.eligibility().get(id) == zones::Eligibility::eligible;
  }
  bool counts(EndpointId id, const std::vector<bool>& needed, size_t holder) const;
  std::vector<bool> usable_of(const CapacityGroups::Member& member,
                              const std::vector<bool>& needed) const;
  struct Capacity {
    double ready = 0;
    double usable = 0;
    bool is_ramping = false;
    bool may_yield = false;
  };
  Capacity capacity(uint32_t group, size_t holder, const std::vector<bool>& needed) const;
  double weight_part(uint32_t group, size_t holder) const;
  bool is_cut(uint32_t group, size_t holder) const;
  std::vector<double> set_aside_frozen(uint32_t group, const Usable& usable,
                                       std::span<double> demands) const;
  std::vector<uint32_t> apart(uint32_t group, const SwingParts* more) const;
  std::vector<steering::Leaving> leaving(uint32_t group,
                                         const std::vector<std::vector<uint32_t>>& rows,
                                         bool lets_pools_in) const;
  std::vector<bool> yield(uint32_t group, bool was_needed, Posed& posed);

  const CapacityGroups& groups_;
  const ShareFacts& facts_;
  Solutions& solutions_;
  mutable std::vector<uint16_t> reached_;  // see reached()
};

}  // namespace swingover::control
