// What may move by plan: within the budget, and with room for who still follows old answers.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <utility>

#include "server/control/steering.h"

namespace swingover::control {

namespace {

// Of as many services what is old is added up at once; more of them are counted over so long, as many a tick at most.
// One of 8 pools and 50 localities takes 2 us when it has old answers.
constexpr size_t members_counted_max = 1'000;
constexpr Milliseconds count_every{5'000};

/// Of a row's clients the part that would be sent elsewhere.
double moved_of(std::span<const uint16_t> now, std::span<const uint16_t> then) {
  int change = 0;
  for (size_t i = 0; i < now.size(); ++i) change += std::abs(int{then[i]} - int{now[i]});
  return change / 2.0 / steering::share_parts;
}

}  // namespace

/// Of a generation.
void Steering::begin_budget() {
  budget_.configure({.part = model().steering.move_budget, .window = model().steering.move_window});
  weigh_services();
  for (GroupState& state : states_) state.paced_at = clock_.now();
  old_counts_.clear();
  for (uint32_t place = 0; old_parts_ && place < states_.size(); ++place) {
    if (groups_.groups()[place].members.size() <= members_counted_max) continue;
    old_counts_[place] = {.so_far = no_old_loads(place), .looked_at = clock_.now()};
  }
}

void Steering::weigh_services() {
  all_demand_ = 0;
  steered_ = 0;
  for (const auto& state : services_) {
    if (!state) continue;
    ++steered_;
    all_demand_ += state->demand.total();
  }
}

/// Of all load that is steered.
double Steering::weight_of(ServiceId service) const {
  if (!services_[service.value] || steered_ == 0) return 0;
  if (all_demand_ <= 0) return 1 / static_cast<double>(steered_);
  return services_[service.value]->demand.total() / all_demand_;
}

double Steering::part_of_load(ServiceId service, size_t pool) const {
  const std::vector<double> of_service = parts(service);
  return of_service.empty() ? 0 : weight_of(service) * of_service[pool];
}

/// Of the service's load what moves.
double Steering::difference_of(const ServiceState& state, const std::vector<uint16_t>& then) const {
  const size_t pools = then.size() / groups_.rows();
  const double total = state.demand.total();
  double moved = 0;
  double whole = 0;
  for (size_t row = 0; row < groups_.rows(); ++row) {
    // Without any demand all localities count alike.
    const double weight = total > 0 ? state.demand.of(row) : 1;
    whole += weight;
    moved += weight * moved_of(std::span(state.shares).subspan(row * pools, pools),
                               std::span(then).subspan(row * pools, pools));
  }
  return whole > 0 ? moved / whole : 0;
}

Steering::SharedCapacity Steering::shared_capacity() const {
  const size_t clusters = model().topology.clusters.size();
  SharedCapacity out{.capacities = std::vector<double>(clusters),
                     .usable = std::vector<double>(clusters),
                     .demand = 0};
  for (uint32_t place = 0; place < states_.size(); ++place) {
    const CapacityGroups::Group& group = groups_.groups()[place];
    bool is_any = false;
    for (size_t i = 0; i < group.holders.size(); ++i) {
      const CapacityGroups::Holder& holder = group.holders[i];
      if (holder.pool) continue;
      is_any = true;
      out.capacities[holder.id.value] += nominal_capacity(place, i);
      out.usable[holder.id.value] += solver_.usable_capacity(place, i);
    }
    for (const CapacityGroups::Member& member : group.members) {
      if (is_any) out.demand += services_[member.service.value]->demand.total();
    }
  }
  return out;
}

/// Whether what moves counts for the budget: what people and plans ask, ramps, traffic on its way home.
bool Steering::is_planned(uint32_t place, ShareCause cause, const Solved& solved) const {
  const GroupState& state = states_[place];
  if (!state.solved) return false;
  if (cause == ShareCause::intent) return true;
  const bool is_home = cause == ShareCause::load && state.comes_home;
  if (cause != ShareCause::ramp && !is_home) return false;
  // Who would be too hot with what is in force is relieved at once.
  if (!has_same_shape(place, solved.problem)) return false;
  const std::vector<double> loads =
      steering::predicted_loads(solved.problem, state.solved->allocation.shares);
  const double high = publish_rules(place).high;
  for (size_t i = 0; i < loads.size(); ++i) {
    if (loads[i] > solved.problem.capacities[i] * high) return false;
  }
  return true;
}

/// Of all load, what these shares would move.
double Steering::moved_part(uint32_t place, const Solved& solved) const {
  const Solved& before = *states_[place].solved;
  const size_t clusters = solved.problem.clusters();
  double moved = 0;
  double whole = 0;
  for (size_t row = 0; row < solved.problem.localities(); ++row) {
    const auto row_of = [&](const Solved& of) {
      return std::span(of.allocation.shares).subspan(row * clusters, clusters);
    };
    moved += solved.problem.demands[row] * moved_of(row_of(before), row_of(solved));
    whole += solved.problem.demands[row];
  }
  if (whole <= 0) return 0;
  double weight = 0;
  for (const CapacityGroups::Member& member : groups_.groups()[place].members)
    weight += weight_of(member.service);
  return weight * moved / whole;
}

Steering::OldLoads Steering::no_old_loads(uint32_t place) const {
  return {.loads = std::vector<double>(groups_.groups()[place].holders.size()), .until = {}};
}

void Steering::add_old_loads(const CapacityGroups::Member& member, OldLoads& to) const {
  const std::optional<OldAnswers> old = old_parts_(member.service);
  if (!old || !old->until) return;
  const double demand = services_[member.service.value]->demand.total();
  for (size_t pool = 0; pool < old->by_pool.size(); ++pool) {
    const uint32_t holder = member.holders[pool];
    if (holder != CapacityGroups::none) to.loads[holder] += demand * old->by_pool[pool];
  }
  to.until = std::max(to.until, old->until);
}

/// Nothing: they have not been counted yet.
std::optional<Steering::OldLoads> Steering::old_loads(uint32_t place) const {
  OldLoads out = no_old_loads(place);
  if (!old_parts_) return out;
  if (const auto counted = old_counts_.find(place); counted != old_counts_.end()) {
    const std::optional<OldLoads>& whole = counted->second.whole;
    return whole && whole->until <= clock_.wall() ? out : whole;
  }
  for (const CapacityGroups::Member& member : groups_.groups()[place].members)
    add_old_loads(member, out);
  return out;
}

void Steering::count_old_loads() {
  const MonotonicTime now = clock_.now();
  for (auto& [place, count] : old_counts_) {
    const std::vector<CapacityGroups::Member>& members = groups_.groups()[place].members;
    const auto size = static_cast<int64_t>(members.size());
    const int64_t due = size * (now - count.looked_at).value / count_every.value;
    if (due == 0) continue;
    count.looked_at = now;
    const size_t end = count.next + std::min(static_cast<size_t>(due), members_counted_max);
    for (; count.next < std::min(end, members.size()); ++count.next)
      add_old_loads(members[count.next], count.so_far);
    if (count.next < members.size()) continue;
    count.whole = std::exchange(count.so_far, no_old_loads(place));
    count.next = 0;
  }
}

/// A ramp that may not go on stands still, so that it goes on in steps when it may.
void Steering::pause_comebacks(uint32_t place, const Comebacks& before) {
  GroupState& state = states_[place];
  const MonotonicTime now = clock_.now();
  const auto pause = [&](const Comeback& was, Comeback& comeback) {
    if (!was.since || *was.since > now) return;
    comeback = was;
    comeback.since = *comeback.since + (now - std::max(state.paced_at, *comeback.since));
  };
  for (size_t i = 0; i < before.holders.size(); ++i) pause(before.holders[i], state.comebacks[i]);
  for (const auto& [at, was] : before.pools) {
    const auto found = state.pool_comebacks.find(at);
    if (found != state.pool_comebacks.end()) pause(was, found->second);
  }
  state.paced_at = now;
}

/// Who comes back waits as long as the budget is spent, and as long as those who still follow old answers would make a
/// cluster that gains too hot.
bool Steering::may_move(uint32_t place, const Solved& solved) {
  GroupState& state = states_[place];
  const std::optional<OldLoads> counted = old_loads(place);
  if (!counted) {
    state.waiting =
        Waiting{"who may still follow old answers is being counted", clock_.wall() + count_every};
    return false;
  }
  const OldLoads& old = *counted;
  const std::vector<double> before =
      steering::predicted_loads(solved.problem, state.solved->allocation.shares);
  const double high = publish_rules(place).high;
  for (size_t i = 0; old.until && i < old.loads.size(); ++i) {
    const double capacity = solved.problem.capacities[i];
    const double load = solved.allocation.loads[i] + old.loads[i];
    if (solved.allocation.loads[i] <= before[i] || load <= capacity * high) continue;
    state.waiting = Waiting{
        fmt::format("{} would be at {:.0f} % with the {:g} units that may still follow old answers",
                    groups_.groups()[place].holders[i].cluster, load / capacity * 100,
                    old.loads[i]),
        *old.until};
    return false;
  }
  const double part = moved_part(place, solved);
  const MonotonicTime now = clock_.now();
  if (budget_.allows(part, now)) return true;
  state.waiting = Waiting{
      fmt::format("{:.1f} % of all load would move; of the move_budget of {:g} % so much is spent: "
                  "{:.1f} %",
                  part * 100, budget_.rules().part * 100, budget_.spent(now) * 100),
      clock_.wall() + (budget_.free_at(part, now) - now)};
  return false;
}

}  // namespace swingover::control
