#include "server/control/steering.h"

#include <algorithm>
#include <numeric>
#include <utility>

namespace swingover::control {

using steering::Problem;
using steering::Regime;

namespace {

constexpr Milliseconds slice_time{8};
constexpr size_t parts_a_slice = 64;
constexpr size_t services_a_look = 200;
constexpr size_t services_a_slice = 1'000;
/// A demand that is so much off is no good start for the next run; at most so often.
constexpr double stored_again = 0.05;
constexpr Milliseconds store_every{60'000};

}  // namespace

Steering::Steering(const Clock& clock, const LoadBoard& loads, AddAnswers add_answers,
                   Allocate allocate, NoteRows note_rows, IsFlapping is_flapping)
    : clock_(clock),
      loads_(loads),
      add_answers_(std::move(add_answers)),
      note_rows_(std::move(note_rows)),
      is_flapping_(std::move(is_flapping)),
      solutions_(std::move(allocate)) {}

Steering::Counters Steering::counters() const {
  Counters counters = counters_;
  counters.solved = solutions_.solved();
  counters.shared = solutions_.shared();
  return counters;
}

std::string_view word(ShareCause cause) {
  switch (cause) {
    case ShareCause::none:
      return "";
    case ShareCause::load:
      return "load";
    case ShareCause::ramp:
      return "ramp";
    case ShareCause::capacity:
      return "capacity";
    case ShareCause::health:
      return "health";
    case ShareCause::intent:
      return "intent";
    case ShareCause::reload:
      return "reload";
    case ShareCause::start:
      return "start";
  }
  return "";
}

// ---- what waits ----

bool Steering::is_busier(uint32_t one, uint32_t other) const {
  return states_[one].demand < states_[other].demand;
}

void Steering::mark(uint32_t group, ShareCause cause) {
  GroupState& state = states_[group];
  const bool waits = state.cause != ShareCause::none;
  state.cause = std::max(state.cause, cause);
  if (waits) return;
  waiting_.push_back(group);
  std::ranges::push_heap(waiting_, [this](uint32_t a, uint32_t b) { return is_busier(a, b); });
}

void Steering::touch(ServiceId service, ShareCause cause) {
  if (!snapshot_) return;
  if (const auto place = groups_.place_of(service)) mark(place->group, cause);
}

void Steering::tick() {
  if (!snapshot_) return;
  count_old_loads();
  for (auto at = coming_back_.begin(); at != coming_back_.end();) {
    const uint32_t place = *at;
    bool is_any_left = false;
    const auto look = [&](const Comeback& comeback) {
      const double part = comeback_part(groups_.groups()[place], comeback);
      if (part != comeback.factor && !comeback.is_out) mark(place, ShareCause::ramp);
      is_any_left = is_any_left || comeback.since.has_value();
    };
    for (const Comeback& comeback : states_[place].comebacks) look(comeback);
    for (const auto& one : states_[place].pool_comebacks) look(one.second);
    at = is_any_left ? std::next(at) : coming_back_.erase(at);
  }
  const Milliseconds gone = clock_.now() - looked_at_;
  const auto count = static_cast<int64_t>(states_.size());
  const int64_t due = std::min(count, count * gone.value / look_every.value);
  if (due == 0) return;
  looked_at_ = clock_.now();
  listen();
  weigh_services();
  for (int64_t i = 0; i < due; ++i) {
    mark(next_look_, ShareCause::load);
    next_look_ = (next_look_ + 1) % static_cast<uint32_t>(count);
  }
}

Steering::Slice Steering::work() {
  Slice slice;
  const MonotonicTime begin = clock_.now();
  for (size_t part = 0; part < parts_a_slice && !is_idle(); ++part) {
    if (part > 0 && is_long_next()) break;
    if (publishing_) {
      publish_part(slice);
    } else if (learning_) {
      learn_part(slice);
    } else if (waiting_.empty()) {
      store_part(slice);
    } else {
      take_next(slice);
    }
    if (clock_.now() - begin >= slice_time) break;
  }
  if (is_idle()) solutions_.forget();
  return slice;
}

// ---- one group ----

void Steering::take_next(Slice& slice) {
  std::ranges::pop_heap(waiting_, [this](uint32_t a, uint32_t b) { return is_busier(a, b); });
  const uint32_t group = waiting_.back();
  waiting_.pop_back();
  const ShareCause cause = std::exchange(states_[group].cause, ShareCause::none);
  if (cause != ShareCause::load) return solve(group, cause, slice);
  learn_bands(group);
  const std::vector<double> none(groups_.groups()[group].holders.size(), 0);
  learning_ = Learning{.group = group, .next = 0, .loads = none};
}

/// To pose the problem of thousands of services takes a slice of its own.
bool Steering::is_long_next() const {
  const auto is_long = [this](uint32_t group) {
    return groups_.groups()[group].members.size() > services_a_slice;
  };
  if (publishing_) return false;
  if (learning_)
    return is_long(learning_->group) &&
           learning_->next == groups_.groups()[learning_->group].members.size();
  return !waiting_.empty() && is_long(waiting_.front());
}

void Steering::learn_part(Slice& slice) {
  Learning& learning = *learning_;
  const std::vector<CapacityGroups::Member>& members = groups_.groups()[learning.group].members;
  const bool was_learnt = learning.next == members.size();
  for (size_t i = 0; i < services_a_look && learning.next < members.size(); ++i, ++learning.next) {
    learn_demand(model().services[members[learning.next].service.value]);
    add_loads(members[learning.next], learning.loads);
  }
  if (learning.next < members.size() || (!was_learnt && is_long_next())) return;
  const uint32_t group = learning.group;
  states_[group].loads = std::move(learning.loads);
  learning_.reset();
  solve(group, ShareCause::load, slice);
}

void Steering::solve(uint32_t group, ShareCause cause, Slice& slice) {
  GroupState& state = states_[group];
  const MonotonicTime last_by_load = state.last_by_load;
  const bool may_keep = std::exchange(state.keeps_rows, false) && !state.solved;
  if (state.waiting && state.waiting->until <= clock_.wall()) state.waiting.reset();
  const Comebacks comebacks{state.comebacks, state.pool_comebacks};
  const bool has_changed = look_at_comebacks(group);
  const bool was_needed = !state.needed.empty();
  if (was_needed) state.needed.assign(state.comebacks.size(), false);
  const GroupSolver::Usable usable = solver_.usable_of(group);
  if (look_at_pools(group, usable) || has_changed) store_later(group);
  Posed posed = solver_.pose(group, {.usable = &usable});
  state.demand = std::accumulate(posed.problem.demands.begin(), posed.problem.demands.end(), 0.0);
  const bool is_repaced = std::exchange(state.is_repaced, false);
  if (is_repaced) cause = std::max(cause, ShareCause::ramp);
  if (std::exchange(state.is_replanned, false)) {
    cause = std::max(cause, ShareCause::intent);
  } else if (is_repaced) {
    // What comes of the problem is another mean.
  } else if (state.solved && !was_needed && !spills(group) &&
             changes_nothing(*state.solved, posed.problem)) {
    // Of the frozen no problem knows.
    if (!solver_.has_frozen(group)) return;
    if (cause != ShareCause::load) note_loads(group);
    return note_frozen_regimes(group, slice);
  }
  if (cause == ShareCause::reload && state.solved &&
      differs_in_demand_alone(*state.solved, posed.problem)) {
    cause = ShareCause::load;
    note_loads(group);
  }
  if (cause == ShareCause::load && has_other_capacities(group, posed.problem))
    cause = ShareCause::capacity;
  const bool is_by_load = cause == ShareCause::load;
  const bool is_learnt = std::abs(state.demand - state.stored_demand) > stored_again * state.demand;
  if (is_learnt && clock_.now() - state.stored_at >= store_every) store_later(group);
  if (is_by_load && state.regime == Regime::normal && !was_needed &&
      !may_be_worth_it(group, posed.problem))
    return;
  GroupSolver::Settled settled = solver_.settle(group, std::move(posed), was_needed);
  state.needed = std::move(settled.needed);
  if (was_needed || !state.needed.empty()) tell_needed(group, slice);
  if (settled.lets_pools_in) let_pools_in(group);
  Outcome& best = settled.outcome;
  const Regime before = std::exchange(state.regime, GroupSolver::is_short(*best.solved)
                                                        ? Regime::overload
                                                        : best.solved->allocation.regime);
  // What does not fit is told, and goes where it is to go, however equal the shares are.
  const bool is_overload = before == Regime::overload || state.regime == Regime::overload;
  if (is_by_load && !is_worth_it(group, *best.solved) && !is_overload) {
    if (state.regime != before) note_regimes(group, best, slice);
    return;
  }
  const bool planned = is_planned(group, cause, *best.solved);
  if (planned && cause != ShareCause::intent && !may_move(group, *best.solved)) {
    state.last_by_load = last_by_load;
    pause_comebacks(group, comebacks);
    return;
  }
  if (!is_sound(group, best, state.is_refused, slice)) return;
  Publication next{.group = group,
                   .cause = cause,
                   .best = {},
                   .thawed = {},
                   .next = 0,
                   .loads = std::vector<double>(best.solved->problem.clusters(), 0),
                   .is_planned = planned,
                   .keeps_rows = may_keep && may_keep_rows(group, best)};
  state.solved = next.keeps_rows ? with_rows_kept(group, best) : best.solved;
  state.whole = best.whole;
  next.best = std::move(best);
  pass_ramps(group, *state.solved, next.best.aside);
  if (solver_.has_frozen(group)) {
    Posed thawed = solver_.pose(group, {.is_thawed = true});
    std::shared_ptr<const Solved> then = solutions_.of(thawed.problem);
    Outcome shadow = solver_.outcome(group, std::move(thawed), std::move(then));
    if (is_sound(group, shadow, state.is_thawed_refused, slice)) next.thawed = std::move(shadow);
  }
  state.waiting.reset();
  state.paced_at = clock_.now();
  publishing_ = std::move(next);
}

/// What was reported lately, else what the requests under way say, else what is configured.
double Steering::nominal_capacity(uint32_t place, size_t holder) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const CapacityGroups::Holder& h = group.holders[holder];
  const auto told = h.pool ? loads_.capacity(group.members.front().service, h.id, clock_.now())
                           : loads_.capacity(h.id, clock_.now());
  if (told) return *told;
  const std::vector<Band>& bands = states_[place].bands;
  if (!bands.empty() && banded_pool(h, group))
    return bands[holder].capacity.capacity(h.endpoints.size()).value_or(h.capacity);
  return h.capacity;
}

/// Whether more of it is in use than its way back would leave: that yielded to a shortage.
bool Steering::is_needed(uint32_t place, size_t holder) const {
  const GroupState& state = states_[place];
  const Comeback& comeback = state.comebacks[holder];
  if (!state.solved || comeback.factor >= 1 || comeback.waits_for_person || comeback.is_out)
    return false;
  return state.solved->allocation.loads[holder] > 0 &&
         state.whole[holder] > solver_.usable_capacity(place, holder);
}

/// By which the shares in force were worked out, for people: who is needed counts with what he was let in with.
double Steering::used_capacity(uint32_t place, size_t holder) const {
  return is_needed(place, holder) ? states_[place].whole[holder]
                                  : solver_.usable_capacity(place, holder);
}

/// Where load is above limits, or clients have nobody else, pools of last resort count, too, and no problem knows of them.
bool Steering::spills(uint32_t group) const {
  if (!GroupSolver::is_short(*states_[group].solved)) return false;
  return std::ranges::any_of(
      groups_.groups()[group].members, [this](const CapacityGroups::Member& member) {
        const zones::Service& service = model().services[member.service.value];
        return std::ranges::any_of(service.pools, &zones::Pool::last_resort);
      });
}

bool Steering::differs_in_demand_alone(const Solved& before, const Problem& problem) {
  const Problem& old = before.problem;
  return old.target == problem.target && old.limit == problem.limit && old.costs == problem.costs &&
         old.capacities == problem.capacities;
}

/// The same problem; or one in which only clusters that carry nothing can do less, while nobody is above the target: whoever
/// was best without them is so still.
bool Steering::changes_nothing(const Solved& before, const Problem& problem) {
  const Problem& old = before.problem;
  if (old == problem) return true;
  if (before.allocation.regime != Regime::normal || old.target != problem.target ||
      old.limit != problem.limit || old.demands != problem.demands ||
      old.capacities.size() != problem.capacities.size()) {
    return false;
  }
  const size_t clusters = problem.clusters();
  for (size_t c = 0; c < clusters; ++c) {
    const bool is_idle = before.allocation.loads[c] <= 0;
    const bool is_less = problem.capacities[c] < old.capacities[c];
    if (problem.capacities[c] != old.capacities[c] && !(is_idle && is_less)) return false;
    for (size_t l = 0; l < problem.localities(); ++l) {
      const double now = problem.cost(l, c);
      const bool is_out = now == steering::forbidden;
      // Without demand a locality's shares carry nothing, and still they lead its next client.
      const bool has_share = before.allocation.shares[l * clusters + c] != 0;
      if (is_less && has_share) return false;
      if (now != old.cost(l, c) && !(is_out && !has_share)) return false;
    }
  }
  return true;
}

// ---- for people ----

std::optional<Steering::ServiceView> Steering::view(ServiceId id) const {
  const auto place = groups_.place_of(id);
  if (!place) return std::nullopt;
  const ServiceState& state = *services_[id.value];
  const CapacityGroups::Group& group = groups_.groups()[place->group];
  const CapacityGroups::Member& member = group.members[place->member];
  const zones::Service& service = model().services[id.value];
  const std::shared_ptr<const Solved>& solved = states_[place->group].solved;
  const std::vector<double>& loads = states_[place->group].loads;
  ServiceView view{.regime = state.regime,
                   .demand = state.demand.total(),
                   .demands = state.demand.all(),
                   .target = group.target,
                   .limit = group.limit,
                   .waiting = states_[place->group].waiting,
                   .pools = {}};
  for (size_t pool = 0; pool < service.pools.size(); ++pool) {
    PoolView& out = view.pools.emplace_back();
    const uint32_t holder = member.holders[pool];
    if (holder == CapacityGroups::none) continue;
    out.is_ordinary = true;
    const Comeback& comeback = *comeback_of(id, service.pools[pool].id);
    out.capacity = nominal_capacity(place->group, holder);
    out.usable = used_capacity(place->group, holder);
    out.is_needed = is_needed(place->group, holder);
    out.comeback = comeback.factor;
    out.waits_for_person = comeback.waits_for_person;
    if (comeback.since && *comeback.since > clock_.now())
      out.held_until = clock_.wall() + (*comeback.since - clock_.now());
    if (!solved) continue;
    if (!loads.empty()) out.load = loads[holder];
    out.level = solved->allocation.levels[holder];
  }
  return view;
}

std::optional<Steering::Glance> Steering::glance() const {
  if (states_.empty()) return std::nullopt;
  Glance glance{.clusters = {}, .regimes = {}, .overloaded = {}};
  glance.clusters.resize(model().topology.clusters.size());
  for (uint32_t group = 0; group < states_.size(); ++group) {
    const std::vector<CapacityGroups::Holder>& holders = groups_.groups()[group].holders;
    const std::vector<double>& loads = states_[group].loads;
    for (size_t i = 0; i < holders.size(); ++i) {
      Glance::Cluster& cluster = glance.clusters[holders[i].id.value];
      cluster.is_steered = true;
      cluster.capacity += nominal_capacity(group, i);
      cluster.usable += used_capacity(group, i);
      if (!loads.empty()) cluster.load += loads[i];
    }
  }
  for (uint32_t id = 0; id < services_.size(); ++id) {
    if (!services_[id]) continue;
    const Regime regime = services_[id]->regime;
    ++glance.regimes[static_cast<size_t>(regime)];
    if (regime == Regime::overload) glance.overloaded.emplace_back(id);
  }
  return glance;
}

SteeringInputs Steering::inputs() const {
  SteeringInputs inputs;
  if (states_.empty()) return inputs;
  inputs.snapshot = snapshot_;
  inputs.rows = groups_.rows();
  for (uint32_t group = 0; group < states_.size(); ++group) {
    std::vector<SteeringInputs::Holder>& holders = inputs.holders.emplace_back();
    for (size_t i = 0; i < states_[group].comebacks.size(); ++i)
      holders.push_back({facts_.holder(group, i), used_capacity(group, i)});
    inputs.needed.push_back(states_[group].needed);
    inputs.returning.push_back(facts_.returning(group));
  }
  inputs.plans = plans_;
  inputs.demands.resize(services_.size() * inputs.rows);
  inputs.regimes.resize(services_.size());
  for (size_t place = 0; place < services_.size(); ++place) {
    if (!services_[place]) continue;
    inputs.regimes[place] = services_[place]->regime;
    for (size_t row = 0; row < inputs.rows; ++row)
      inputs.demands[place * inputs.rows + row] = services_[place]->demand.of(row);
  }
  inputs.eligibility.reserve(snapshot_->counts.endpoints);
  for (uint32_t i = 0; i < snapshot_->counts.endpoints; ++i)
    inputs.eligibility.push_back(snapshot_->eligibility->get(EndpointId(i)));
  // Only who is out, or needed, may be so for his flaps.
  const bool is_any_needed =
      std::ranges::any_of(inputs.needed, [](const auto& needed) { return !needed.empty(); });
  for (uint32_t i = 0; is_flapping_ && i < snapshot_->counts.endpoints; ++i) {
    const bool may_be = is_any_needed || inputs.eligibility[i] == zones::Eligibility::unknown;
    inputs.flapping.push_back(may_be && is_flapping_(EndpointId(i)));
  }
  return inputs;
}

}  // namespace swingover::control
