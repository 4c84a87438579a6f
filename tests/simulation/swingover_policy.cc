#include "tests/simulation/swingover_policy.h"

#include <algorithm>

#include "zones/steering/corroboration.h"
#include "zones/steering/leaving.h"
#include "zones/steering/ramp.h"
#include "zones/steering/silence.h"
#include "zones/steering/swing_shares.h"

namespace swingover::simulation {
namespace {

constexpr Milliseconds period{10'000};
constexpr Milliseconds age_max{25'000};  // of a load report, since it came

}  // namespace

SwingoverPolicy::SwingoverPolicy(const Configured& configured, std::optional<PlannedSwing> swing)
    : configured_(configured),
      size_(configured.capacities.size()),
      ttl_(static_cast<int64_t>(configured.ttl_seconds * 1000)),
      wanted_(std::move(swing)),
      service_(*configured.scenario, configured.ttl_seconds),
      demand_(size_, size_,
              {.ttl = ttl_,
               .connection_life = Milliseconds(
                   static_cast<int64_t>(configured.scenario->told_connection_life * 1'000))}),
      clusters_(size_) {
  demand_.baseline(configured.demands);
  for (size_t i = 0; i < size_; ++i) {
    for (size_t j = 0; j < size_; ++j) costs_.push_back(configured.scenario->cost(i, j));
  }
}

void SwingoverPolicy::look(const Told& told) {
  now_ = told.now;
  if (begun_ == MonotonicTime{}) begun_ = now_;
  for (const LoadReport& report : told.reports) {
    clusters_[report.cluster].report = report;
    clusters_[report.cluster].reported = now_;
  }
  judge(told.seen);
  estimate();
  steer();
}

/// What is told of health, as far as it is believed; when a cluster comes back its ramp begins.
void SwingoverPolicy::judge(std::span<const Seen> seen) {
  std::vector<steering::Suspect> suspects(size_);
  for (size_t j = 0; j < size_; ++j) {
    suspects[j] = {configured_.capacities[j], !seen[j].is_up, seen[j].is_hard,
                   clusters_[j].reported};
  }
  const std::vector<bool> down = steering::believed_down(suspects, now_, {.age_max = age_max});
  for (size_t j = 0; j < size_; ++j) {
    Cluster& cluster = clusters_[j];
    const bool was_usable = cluster.is_usable();
    cluster.is_up = !down[j];
    cluster.is_held = seen[j].is_held;
    // The probes of one that is kept against them say nothing of its endpoints either.
    cluster.healthy = seen[j].is_up ? seen[j].healthy : 1;
    if (cluster.is_usable() && !was_usable) cluster.recovered = now_;
    if (!cluster.is_usable()) cluster.recovered.reset();
  }
}

/// Whether a report that came in this second is not to wait.
bool SwingoverPolicy::is_sudden() const {
  for (size_t j = 0; j < size_; ++j) {
    const Cluster& cluster = clusters_[j];
    if (cluster.reported != now_) continue;
    const double room = configured_.capacities[j] * cluster.healthy;
    const double expected = demand_.expected(j, cluster.report->taken);
    if (cluster.is_up && steering::Demand::is_sudden(cluster.report->load, expected, room))
      return true;
  }
  return false;
}

void SwingoverPolicy::estimate() {
  const bool is_due = now_ >= next_estimate_;
  if (!is_due && !is_sudden()) return;
  if (is_due) next_estimate_ = now_ + period;
  std::vector<steering::ClusterLoad> fresh;
  for (const Cluster& cluster : clusters_) {
    if (!cluster.reported || now_ >= *cluster.reported + age_max) continue;
    fresh.push_back({.cluster = static_cast<uint32_t>(cluster.report->cluster),
                     .load = cluster.report->load,
                     .taken = cluster.report->taken});
  }
  demand_.update(fresh);
  is_time_to_decide_ = true;
}

steering::Problem SwingoverPolicy::pose() const {
  steering::Problem problem{.demands = demand_.all(), .capacities = {}, .costs = costs_};
  std::vector<std::optional<MonotonicTime>> reported;
  for (const Cluster& cluster : clusters_) reported.push_back(cluster.reported);
  const std::vector<double> heard = steering::silence_factors(reported, now_, age_max);
  std::vector<steering::Yielding> soft;
  for (size_t j = 0; j < size_; ++j) {
    const Cluster& cluster = clusters_[j];
    const double whole = configured_.capacities[j] * cluster.healthy * heard[j];
    double part = cluster.is_usable() ? 1 : 0;
    if (cluster.recovered) part = steering::ramp_factor(now_ - *cluster.recovered, {.ttl = ttl_});
    problem.capacities.push_back(whole * part);
    if (!cluster.is_up || part == 1) continue;
    soft.push_back({.cluster = static_cast<uint32_t>(j),
                    .kind = cluster.is_held ? steering::SoftExclusion::flap_hold
                                            : steering::SoftExclusion::ramp,
                    .capacity = whole});
  }
  steering::yield_to_shortage(problem, soft, steering::allocate);
  return problem;
}

/// What `problem` comes to with so much of the planned swing.
steering::Allocation SwingoverPolicy::allocate(const steering::Problem& problem,
                                               uint16_t moved) const {
  steering::Allocation best = steering::allocate(problem);
  if (!plan_ || moved == 0) return best;
  if (!wanted_->to) {
    const steering::Leaving leaving{static_cast<uint32_t>(wanted_->from), {}, moved};
    return steering::allocate_leaving(problem, std::span(&leaving, 1), steering::allocate);
  }
  for (size_t i = 0; i < size_; ++i) {
    steering::swing_row(std::span(best.shares).subspan(i * size_, size_), wanted_->from,
                        *wanted_->to, moved);
  }
  best.loads = steering::predicted_loads(problem, best.shares);
  return best;
}

/// Asks the plan; true if it moved something.
bool SwingoverPolicy::swing(const steering::Problem& problem) {
  if (!wanted_) return false;
  const auto time = static_cast<double>((now_ - begun_).value) / 1000;
  if (!plan_) {
    if (time < wanted_->at) return false;
    plan_.emplace(wanted_->rules, now_, WallTime{});
  }
  const auto utilisation = [&](const steering::Allocation& allocation) {
    double highest = 0;
    for (size_t j = 0; j < size_; ++j) {
      const bool may_gain = wanted_->to ? j == *wanted_->to : j != wanted_->from;
      if (!may_gain || problem.capacities[j] <= 0) continue;
      highest = std::max(highest, allocation.loads[j] / problem.capacities[j]);
    }
    return highest;
  };
  steering::SwingGates gates;
  if (wanted_->to && !clusters_[*wanted_->to].is_up) gates.target = steering::SwingTarget::down;
  if (wanted_->to && clusters_[*wanted_->to].is_held) gates.target = steering::SwingTarget::held;
  gates.utilisation_now = utilisation(allocate(problem, plan_->moved()));
  gates.utilisation_next = utilisation(allocate(problem, plan_->next()));
  return plan_->apply(gates, now_).change != steering::SwingChange::none;
}

void SwingoverPolicy::steer() {
  const steering::Problem problem = pose();
  for (size_t j = 0; j < size_; ++j) {
    service_.set_eligible(j, clusters_[j].is_up && problem.capacities[j] > 0);
  }
  const bool changed = swing(problem) | (problem.capacities != problem_.capacities);
  if (!changed && !is_time_to_decide_) return;
  is_time_to_decide_ = false;
  const steering::PublishRules rules{.ttl = ttl_};
  const steering::InForce in_force{shares_, changed, last_by_load_};
  if (!steering::may_publish(problem, in_force, now_, rules)) return;
  const steering::Allocation best = allocate(problem, plan_ ? plan_->moved() : uint16_t{0});
  const auto verdict = steering::decide(problem, in_force, best, now_, rules);
  if (verdict.reason == steering::PublishReason::none) return;
  if (verdict.reason != steering::PublishReason::changed) last_by_load_ = now_;
  problem_ = problem;
  allocation_ = best;
  shares_ = best.shares;
  service_.set_shares(shares_);
  std::vector<uint32_t> broken;
  for (uint32_t j = 0; j < size_; ++j) {
    if (!clusters_[j].is_up) broken.push_back(j);
  }
  demand_.in_force(shares_, now_, broken);
  ++tables_;
}

std::unique_ptr<Policy> make_swingover(const Configured& configured, uint64_t) {
  return std::make_unique<SwingoverPolicy>(configured);
}

}  // namespace swingover::simulation
