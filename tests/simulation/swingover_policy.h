#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "tests/simulation/policy.h"
#include "tests/simulation/steered_service.h"
#include "zones/steering/allocation.h"
#include "zones/steering/demand.h"
#include "zones/steering/publish_rule.h"
#include "zones/steering/swing_plan.h"

namespace swingover::simulation {

/// A swing that a person asks for.
struct PlannedSwing {
  double at = 900;  // seconds
  size_t from = 0;
  std::optional<size_t> to{};  // none: wherever is best
  steering::SwingRules rules{};
};

/// Ours, of the parts that the daemon runs: corroboration, estimate, shortage, ramp, allocation, publish rule, swing
/// plan, share rows and the pick of an answer. Only their wiring is the simulation's.
class SwingoverPolicy final : public Policy {
 public:
  explicit SwingoverPolicy(const Configured& configured, std::optional<PlannedSwing> swing = {});

  void look(const Told& told) override;
  size_t pick(size_t locality, uint64_t source) override { return service_.pick(locality, source); }
  uint64_t tables() const override { return tables_; }

  /// The newest allocation that was published, and what it was for; shares after a swing.
  const steering::Problem& problem() const { return problem_; }
  const steering::Allocation& allocation() const { return allocation_; }
  const std::vector<uint16_t>& shares() const { return shares_; }
  const steering::Demand& demand() const { return demand_; }
  const steering::SwingPlan* swing() const { return plan_ ? &*plan_ : nullptr; }

 private:
  struct Cluster {
    std::optional<LoadReport> report;
    std::optional<MonotonicTime> reported;
    bool is_up = true;
    bool is_held = false;
    double healthy = 1;
    std::optional<MonotonicTime> recovered;  // since when it ramps
    bool is_usable() const { return is_up && !is_held; }
  };

  void judge(std::span<const Seen> seen);
  bool is_sudden() const;
  void estimate();
  steering::Problem pose() const;
  void steer();
  bool swing(const steering::Problem& problem);
  steering::Allocation allocate(const steering::Problem& problem, uint16_t moved) const;

  Configured configured_;
  size_t size_;
  Milliseconds ttl_;
  std::vector<double> costs_;
  std::optional<PlannedSwing> wanted_;
  std::optional<steering::SwingPlan> plan_;
  SteeredService service_;
  steering::Demand demand_;
  std::vector<Cluster> clusters_;
  MonotonicTime begun_{};
  MonotonicTime now_{};
  MonotonicTime next_estimate_{};
  MonotonicTime last_by_load_{INT64_MIN / 2};
  bool is_time_to_decide_ = true;
  steering::Problem problem_;
  steering::Allocation allocation_;
  std::vector<uint16_t> shares_;
  uint64_t tables_ = 0;
};

}  // namespace swingover::simulation
