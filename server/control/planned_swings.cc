#include "server/control/planned_swings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/text.h"
#include "server/control/target.h"

namespace swingover::control {

using steering::SwingChange;
using steering::SwingEvent;
using steering::SwingGates;
using steering::SwingPhase;
using steering::SwingReason;
using steering::SwingTarget;

namespace {

constexpr Milliseconds look_every{1'000};
// A look at a plan of ten thousand services takes 7 to 14 ms: what does not fit waits for the next tick.
constexpr Milliseconds tick_time{5};
constexpr Milliseconds forecast_every{10'000};
constexpr Milliseconds settle_time{1'000};
constexpr std::string_view ourselves = "swingoverd";

steering::SwingRules rules_of(const PlannedSwing& plan) {
  steering::SwingRules rules;
  rules.every = plan.every;
  rules.lead = plan.lead;
  return rules;
}

/// Each group has marks of its own, and the fullest now may be of another than the fullest then.
steering::SwingRules with_marks(steering::SwingRules rules, const Utilisation& now,
                                const Utilisation& then) {
  const double above_high = steering::SwingRules().overheats - steering::SwingRules().high;
  rules.high = then.high;
  rules.overheats = now.high + above_high;
  return rules;
}

std::string percent(double part) {
  return fmt::format("{:.1f} %", part * 100);
}

std::string words_of(SwingPhase phase, uint16_t moved) {
  return fmt::format("{}, {:g} %", steering::word(phase), moved / 100.0);
}

std::string words_of(const Utilisation& of) {
  if (of.cluster.empty()) return "nobody's load";
  if (!std::isfinite(of.utilisation)) return of.cluster + ", which has no capacity now,";
  return fmt::format("{} at {} of its capacity", of.cluster, percent(of.utilisation));
}

std::string_view title(const SwingEvent& event) {
  switch (event.change) {
    case SwingChange::none:
      return "";
    case SwingChange::stepped:
      return "planned swing stepped";
    case SwingChange::held:
      return "planned swing held";
    case SwingChange::done:
      return "planned swing done";
    case SwingChange::went_back:
      return "planned swing went back a step and stopped";
    case SwingChange::reversed:
      return "planned swing reversed";
  }
  return "";
}

}  // namespace

std::string progress_words(const Intent& intent) {
  if (!intent.plan) return "";
  if (intent.plan->is_empty) return "empty";
  const steering::SwingRules rules;
  const uint32_t made = intent.plan->progress.steps_made;
  return words_of(intent.plan->progress.phase, made == 0 ? uint16_t{0} : rules.steps[made - 1]);
}

// ---- what is in force ----

void PlannedSwings::follow(const Intents& intents,
                           const std::shared_ptr<const zones::Snapshot>& snapshot) {
  const bool is_new = std::exchange(snapshot_, snapshot) != snapshot;
  std::erase_if(found_, [&](const auto& one) { return is_new || !intents.find(one.first); });
  std::map<std::string, Plan> before = std::exchange(plans_, {});
  for (const Intent* intent : intents.list()) {
    if (!intent->plan) continue;
    const auto found = before.find(intent->id);
    if (found != before.end()) {
      Plan& plan = plans_.emplace(intent->id, std::move(found->second)).first->second;
      plan.intent = *intent;
      if (!is_new) continue;
      plan.parts = parts_of(*intent);
      plan.is_fresh = false;
      continue;
    }
    plans_.emplace(intent->id,
                   Plan{.intent = *intent,
                        .parts = parts_of(*intent),
                        .swing = steering::SwingPlan(rules_of(*intent->plan), clock_.now(),
                                                     clock_.wall(), intent->plan->progress)});
  }
  note_ttls();
  steering_.plan(share_plans(intents));
}

SwingParts PlannedSwings::parts_of(const Intent& intent) const {
  SwingParts parts;
  const Result<Target> target = parse_target(intent.target);
  if (!target || target->kind == Target::Kind::endpoint) return parts;
  const Result<FoundTarget> found = find_target(*snapshot_->model, *target);
  if (!found) return parts;
  const std::vector<const zones::Service*> services = services_of(intent, *snapshot_->model);
  Leavers leaving;
  for (const zones::Service* service : services) {
    parts.services.push_back(service->id.value);
    if (!steering_.groups().place_of(service->id)) continue;
    for (uint32_t pool = 0; pool < service->pools.size(); ++pool) {
      const zones::Pool& one = service->pools[pool];
      if (one.last_resort || !leaves(one, intent, *found)) continue;  // that one has no share
      if (intent.kind != IntentKind::swing) {
        const CapacityGroups::Place place = *steering_.groups().place_of(service->id);
        const auto& holders =
            steering_.groups().groups()[place.group].members[place.member].holders;
        leaving[{place.group, holders[pool]}].emplace_back(service->id.value, pool);
        continue;
      }
      const auto to =
          std::ranges::find(service->pools, intent.plan->to, &zones::Pool::cluster_name);
      if (to == service->pools.end()) continue;  // a reload removed it
      parts.moves[service->id.value].push_back(
          {.from = pool, .to = static_cast<uint32_t>(to - service->pools.begin()), .moved = 0});
      parts.groups.push_back(steering_.groups().place_of(service->id)->group);
    }
  }
  for (const auto& [holder, pools] : leaving) add_holder(holder.first, holder.second, pools, parts);
  std::ranges::sort(parts.groups);
  parts.groups.erase(std::unique(parts.groups.begin(), parts.groups.end()), parts.groups.end());
  return parts;
}

/// The holder itself where all who take from it leave; else the services' rows.
void PlannedSwings::add_holder(uint32_t group, uint32_t holder,
                               const std::vector<std::pair<uint32_t, uint32_t>>& leaving,
                               SwingParts& parts) const {
  parts.groups.push_back(group);
  if (leaving.size() == steering_.groups().groups()[group].holders[holder].takers) {
    parts.cuts[group].push_back(holder);
    return;
  }
  for (const auto& [service, pool] : leaving)
    parts.moves[service].push_back({.from = pool, .to = SharePlans::best, .moved = 0});
}

SharePlans PlannedSwings::share_plans(const Intents& intents) {
  SharePlans all;
  for (const auto& [id, plan] : plans_) {
    const uint16_t moved = plan.swing.moved();
    for (const auto& [group, holders] : plan.parts.cuts) {
      for (const uint32_t holder : holders) all.cuts[group].push_back({holder, moved});
    }
    for (const auto& [service, moves] : plan.parts.moves) {
      for (SharePlans::Move move : moves) {
        move.moved = moved;
        all.moves[service].push_back(move);
      }
    }
  }
  for (const Intent* intent : intents.list()) {
    if (intent->kind != IntentKind::weight && intent->kind != IntentKind::freeze) continue;
    auto known = found_.find(intent->id);
    if (known == found_.end()) known = found_.emplace(intent->id, find(*intent)).first;
    const Found& found = known->second;
    if (found.holder) all.weights[found.holder->first][found.holder->second] = found.weight;
    if (!found.frozen.empty()) all.frozen.resize(snapshot_->model->services.size(), false);
    for (const uint32_t service : found.frozen) all.frozen[service] = true;
  }
  return all;
}

/// What a weight or a freeze is about. To look for it goes over all services: once for each generation.
PlannedSwings::Found PlannedSwings::find(const Intent& intent) const {
  Found out;
  if (intent.kind == IntentKind::freeze) {
    for (const zones::Service* service : services_of(intent, *snapshot_->model)) {
      if (steering_.groups().place_of(service->id)) out.frozen.push_back(service->id.value);
    }
    return out;
  }
  const Result<Target> target = parse_target(intent.target);
  if (!target) return out;
  const Result<FoundTarget> found = find_target(*snapshot_->model, *target);
  if (!found || !found->pool) return out;
  const auto place = steering_.groups().place_of(found->service->id);
  if (!place || found->pool->last_resort || !found->pool->has_own_capacity) return out;
  uint32_t greatest = 1;
  for (const zones::Pool& pool : found->service->pools)
    greatest = std::max(greatest, pool.weight.value);
  const auto pool = static_cast<size_t>(found->pool - found->service->pools.data());
  out.holder = {place->group,
                steering_.groups().groups()[place->group].members[place->member].holders[pool]};
  // A reload may have made the greatest less than it was.
  out.weight = std::min(double{1} * intent.weight / greatest, 1.0);
  return out;
}

void PlannedSwings::note_ttls() {
  std::vector<bool> lowered(snapshot_->model->services.size(), false);
  for (const auto& [id, plan] : plans_) {
    if (plan.swing.phase() != SwingPhase::moving) continue;
    for (const uint32_t service : plan.parts.services) lowered[service] = true;
  }
  touched_.clear();
  lowered_.resize(lowered.size(), false);
  for (uint32_t i = 0; i < lowered.size(); ++i) {
    if (lowered[i] != lowered_[i]) touched_.push_back(i);
  }
  lowered_ = std::move(lowered);
}

// ---- how it goes on ----

std::vector<PlannedSwings::Change> PlannedSwings::tick(const Allowed& allowed) {
  std::vector<Change> changes;
  const MonotonicTime begin = clock_.now();
  auto at = plans_.lower_bound(std::exchange(go_on_at_, {}));
  for (size_t left = plans_.size(); left > 0; --left) {
    if (at == plans_.end()) at = plans_.begin();
    if (clock_.now() - begin >= tick_time) {
      go_on_at_ = at->first;
      break;
    }
    if (std::optional<Change> one = look_at(at->second, allowed)) changes.push_back(*one);
    ++at;
  }
  return changes;
}

std::optional<PlannedSwings::Change> PlannedSwings::look_at(Plan& plan, const Allowed& allowed) {
  const PlannedSwing& stored = *plan.intent.plan;
  if (stored.is_empty || (allowed.is_busy && allowed.is_busy(plan.intent.target)))
    return std::nullopt;
  const auto why = why_empty(plan, allowed);
  if (!why) return go_on(plan, allowed);
  const std::string before = progress_words(plan.intent);
  plan.intent.plan->is_empty = true;
  return change(plan, before, {}, *why);
}

/// Of a drain whose endpoints are out: why nobody is sent there any more; nothing: somebody may be.
std::optional<std::string> PlannedSwings::why_empty(Plan& plan, const Allowed& allowed) const {
  const PlannedSwing& stored = *plan.intent.plan;
  if (!stored.empty_at || clock_.now() - plan.counted_at < look_every) return std::nullopt;
  plan.counted_at = clock_.now();
  const WallTime now = clock_.wall();
  const bool is_ttl_over = *stored.empty_at <= now;
  const auto left = allowed.left ? allowed.left(plan.intent) : std::nullopt;
  if (!left) {
    if (!is_ttl_over) return std::nullopt;
    return fmt::format(
        "no answer from before can be left: the last step is {} s ago, the longest TTL there",
        stored.lead.value / 1'000);
  }
  // A batch that began before the endpoints left is counted by then.
  const bool is_counted = now - *stored.empty_at >= settle_time - stored.lead;
  if (left->answers > 0 || !is_counted || (left->whole_at && !is_ttl_over)) return std::nullopt;
  return std::string("by count: of all answers that led there the TTL has run out");
}

std::optional<PlannedSwings::Change> PlannedSwings::go_on(Plan& plan, const Allowed& allowed) {
  const MonotonicTime now = clock_.now();
  steering::SwingPlan& swing = plan.swing;
  const auto due = swing.next_step();
  const bool is_due = due && *due <= now;
  const bool is_in_effect = swing.moved() > 0;
  const bool is_quiet = !plan.is_fresh && (!is_due || plan.asked != 0);
  if (is_quiet && (!is_in_effect || now - plan.looked_at < look_every)) return std::nullopt;
  plan.looked_at = now;

  const SwingState state = steering_.state_of(plan.parts);
  const Plan* const other = comes_after(plan);
  // A reload took its pools, or their capacities: what it had moved is where it was, and must not come back at once.
  const bool is_lost = plan.parts.cuts.empty() && plan.parts.moves.empty();
  if (is_due && plan.is_fresh) plan.objection = objection_to(plan, allowed);
  SwingGates gates{
      .target = is_lost ? SwingTarget::down : state.target,
      .utilisation_now = plan.now.utilisation,
      .utilisation_next = plan.then.utilisation,
      .may_step = allowed.why_not.empty() && !state.is_frozen && !other && plan.objection.empty()};
  const bool is_broken = is_in_effect && gates.target == SwingTarget::down;
  if (!plan.is_fresh && !is_broken) {
    const bool is_old = is_in_effect && now - plan.forecast_at >= forecast_every;
    if (plan.asked == 0 && (is_due || is_old)) ask(plan);
    return std::nullopt;
  }
  const std::string before = progress_words(plan.intent);
  const uint16_t moved = swing.moved();
  plan.is_fresh = false;
  swing.go_by(with_marks(swing.rules(), plan.now, plan.then));
  const SwingEvent event = swing.apply(gates, now);
  const std::string why = reason_words(plan, {state, other, is_lost, moved}, allowed);
  const bool is_stuck = swing.phase() != SwingPhase::moving && swing.phase() != SwingPhase::done;
  // What broke it is told as it was then; a gate that is open again is looked at anew when the step is due.
  const bool is_news = swing.phase() == SwingPhase::held || event.change != SwingChange::none;
  if (!is_stuck) {
    plan.why.clear();
  } else if (is_news && !why.empty()) {
    plan.why = why;
  }
  if (event.change == SwingChange::none) return std::nullopt;
  return change(plan, before, event, why);
}

/// Why it did what it just did, or does not go on.
std::string PlannedSwings::reason_words(const Plan& plan, const Looked& looked,
                                        const Allowed& allowed) {
  switch (plan.swing.reason()) {
    case SwingReason::none:
      if (plan.then.cluster.empty()) return "no load is known that would go elsewhere";
      return "the fullest that gains by it is " + words_of(plan.then);
    case SwingReason::target_held:
      return "whoever would take it is not in new answers: drained, held or not seen yet";
    case SwingReason::target_down:
      return looked.is_lost ? "a reload took its pools or their capacities away"
                            : "whoever would take it is down";
    case SwingReason::would_overheat:
      return fmt::format("the next step would have {}; {} is the most", words_of(plan.then),
                         percent(plan.swing.rules().high));
    case SwingReason::overheats:
      return fmt::format("with {:g} % moved it has {}; {} is too much", looked.moved / 100.0,
                         words_of(plan.now), percent(plan.swing.rules().overheats));
    case SwingReason::not_now:
      if (looked.state.is_frozen) return "a service of it is frozen";
      if (looked.first)
        return fmt::format("the plan of {} ({}) began before, and takes from the same capacities",
                           looked.first->intent.target, looked.first->intent.id);
      return plan.objection.empty() ? allowed.why_not : plan.objection;
  }
  return {};
}

std::string PlannedSwings::objection_to(const Plan& plan, const Allowed& allowed) {
  if (!allowed.objections) return {};
  const steering::SwingPlan& swing = plan.swing;
  const double left = steering::share_parts - swing.moved();
  if (left <= 0) return {};
  return joined(allowed.objections(plan.intent, (swing.next() - swing.moved()) / left), "; ");
}

/// The plan that goes first; null: none does.
const PlannedSwings::Plan* PlannedSwings::comes_after(const Plan& plan) const {
  const auto order = [](const Plan& p) { return std::pair(p.swing.begun_at(), p.intent.id); };
  for (const auto& entry : plans_) {
    const Plan& other = entry.second;
    if (&other == &plan || !other.swing.next_step() || !(order(other) < order(plan))) continue;
    const auto is_in_both = [&](uint32_t group) {
      return std::ranges::binary_search(other.parts.groups, group);
    };
    if (std::ranges::any_of(plan.parts.groups, is_in_both)) return &other;
  }
  return nullptr;
}

/// Works out what is moved and what the next step would come to, for a later tick.
void PlannedSwings::ask(Plan& plan) {
  struct Work {
    std::vector<SwingCase> cases;
    Utilisation now{};
    Utilisation then{};
  };
  auto work = std::make_shared<Work>(Work{steering_.swing_cases(plan.parts)});
  plan.asked = ++asked_;
  offload_(
      [work, moved = plan.swing.moved(), next = plan.swing.next()] {
        work->now = forecast(work->cases, moved);
        work->then = forecast(work->cases, next);
      },
      [this, work, id = plan.intent.id, asked = plan.asked, snapshot = snapshot_,
       alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        const auto found = plans_.find(id);
        if (found == plans_.end() || found->second.asked != asked) return;
        Plan& of = found->second;
        of.asked = 0;
        if (snapshot != snapshot_) return;  // of a generation that is no more
        of.now = std::move(work->now);
        of.then = std::move(work->then);
        of.forecast_at = clock_.now();
        of.is_fresh = true;
      });
}

PlannedSwings::Change PlannedSwings::change(Plan& plan, const std::string& before, SwingEvent event,
                                            const std::string& why) const {
  const WallTime wall = clock_.wall();
  PlannedSwing& stored = *plan.intent.plan;
  stored.progress = plan.swing.stored(clock_.now(), wall);
  const bool is_out =
      plan.intent.kind == IntentKind::drain && plan.swing.phase() == SwingPhase::done;
  if (!is_out) stored.empty_at.reset();
  if (is_out && !stored.empty_at) stored.empty_at = wall + stored.lead;
  const std::string after = progress_words(plan.intent);
  const bool is_bad =
      event.change == SwingChange::went_back || event.change == SwingChange::reversed;
  const std::string_view what = stored.is_empty ? "planned drain is empty" : title(event);
  return {plan.intent,
          {wall, "plan", plan.intent.target, std::string(ourselves), before, after, why},
          {is_bad ? LogLevel::warning : LogLevel::info,
           what,
           {{"id", plan.intent.id},
            {"target", plan.intent.target},
            {"progress", after},
            {"reason", why}}}};
}

std::optional<PlannedSwings::Change> PlannedSwings::resumed(const std::string& target,
                                                            const std::string& owner) const {
  for (const auto& [id, plan] : plans_) {
    if (plan.intent.target != target) continue;
    Plan tried = plan;
    return let_go_on(tried, owner);
  }
  return std::nullopt;
}

std::optional<PlannedSwings::Change> PlannedSwings::resume(const std::string& target,
                                                           const std::string& owner) {
  for (auto& [id, plan] : plans_) {
    if (plan.intent.target == target) return let_go_on(plan, owner);
  }
  return std::nullopt;
}

std::optional<PlannedSwings::Change> PlannedSwings::let_go_on(Plan& plan,
                                                              const std::string& owner) const {
  const std::string before = progress_words(plan.intent);
  if (!plan.swing.resume(clock_.now())) return std::nullopt;
  plan.why.clear();
  Change resumed = change(plan, before, {}, "a person lets it go on");
  resumed.entry.actor = owner;
  resumed.line.event = "planned swing resumed";
  return resumed;
}

// ---- for people ----

std::optional<PlannedSwings::View> PlannedSwings::view(const std::string& id) const {
  const auto found = plans_.find(id);
  if (found == plans_.end()) return std::nullopt;
  const Plan& plan = found->second;
  const MonotonicTime now = clock_.now();
  View view{.phase = plan.swing.phase(),
            .reason = plan.swing.reason(),
            .moved = plan.swing.moved(),
            .next = plan.swing.next(),
            .why = plan.why,
            .every = plan.swing.rules().every,
            .until_step = {},
            .time_left = plan.swing.time_left(now),
            .now = plan.now,
            .then = plan.then};
  if (const auto due = plan.swing.next_step())
    view.until_step = std::max(*due - now, Milliseconds(0));
  return view;
}

void PlannedSwings::dry_run(const Intent& intent,
                            std::function<void(std::vector<Step>)> done) const {
  std::vector<Step> steps;
  if (intent.plan) {
    const steering::SwingRules rules = rules_of(*intent.plan);
    Milliseconds after = rules.lead;
    for (size_t i = intent.plan->progress.steps_made; i < rules.steps.size(); ++i) {
      steps.push_back({after, rules.steps[i], {}});
      after = after + rules.every;
    }
  } else if (intent.kind == IntentKind::drain) {
    steps.push_back({Milliseconds(0), uint16_t{steering::share_parts}, {}});
  }
  struct Work {
    std::vector<SwingCase> cases;
    std::vector<Step> steps;
  };
  auto work = std::make_shared<Work>(Work{{}, std::move(steps)});
  if (!work->steps.empty()) work->cases = steering_.swing_cases(parts_of(intent));
  offload_(
      [work] {
        for (Step& step : work->steps) step.utilisation = forecast(work->cases, step.moved);
      },
      [work, done = std::move(done)] { done(std::move(work->steps)); });
}

}  // namespace swingover::control
