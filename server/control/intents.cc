#include "server/control/intents.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/text.h"

namespace swingover::control {

namespace {

constexpr size_t text_size_max = 1'000;

std::optional<IntentKind> kind_of(std::string_view text) {
  for (const IntentKind kind : {IntentKind::drain, IntentKind::force_up, IntentKind::force_down,
                                IntentKind::swing, IntentKind::freeze, IntentKind::weight}) {
    if (word(kind) == text) return kind;
  }
  return std::nullopt;
}

Status check_text(std::string_view field, std::string_view text) {
  const std::string name(field);
  if (trimmed(text).empty()) return Error{ErrorCode::invalid, name + ": needed, and not blank"};
  if (text.size() > text_size_max) {
    return Error{ErrorCode::invalid, name + ": at most 1000 octets"};
  }
  return Done{};
}

Result<IntentKind> check_kind(const std::string& text) {
  if (const auto kind = kind_of(text)) return *kind;
  return Error{
      ErrorCode::invalid,
      "kind: one of drain, force_up, force_down, swing, freeze, weight, not \"" + text + "\""};
}

constexpr Milliseconds over_max{7LL * 24 * 3600 * 1000};

Error invalid(std::string message) {
  return {ErrorCode::invalid, std::move(message)};
}

/// What belongs to no intent of this kind is a slip, not something to drop in silence.
Status check_fields(const IntentRequest& request, IntentKind kind) {
  const bool is_swing = kind == IntentKind::swing;
  const bool has_steps = is_swing || kind == IntentKind::drain;
  if (!request.over.empty() && !has_steps) return invalid("over: belongs to drain and swing");
  if (request.over.empty() && is_swing) return invalid("over: needed, such as 10m");
  if (!request.from.empty() != is_swing)
    return invalid(is_swing ? "from: needed, the cluster of a pool" : "from: belongs to swing");
  if (!request.to.empty() != is_swing)
    return invalid(is_swing ? "to: needed, the cluster of a pool" : "to: belongs to swing");
  const bool is_weight = kind == IntentKind::weight;
  if (request.weight.has_value() != is_weight)
    return invalid(is_weight ? "weight: needed" : "weight: belongs to weight");
  return Done{};
}

Status check_target(Target::Kind target, IntentKind kind, const IntentRequest& request) {
  using Kind = Target::Kind;
  const bool is_service = target == Kind::service;
  if (kind == IntentKind::drain && is_service)
    return invalid("target: a service as a whole has nowhere to go; drain its pools instead");
  if (kind == IntentKind::drain && target == Kind::endpoint && !request.over.empty())
    return invalid("over: an endpoint has no share of its own to take in steps; drain its pool");
  if (kind == IntentKind::swing && !is_service) return invalid("target: a swing is of a service");
  if (kind == IntentKind::weight && target != Kind::pool)
    return invalid("target: a weight is of a pool");
  if (kind == IntentKind::freeze && !is_service && target != Kind::cluster)
    return invalid("target: a freeze is of a cluster, a service, or everything");
  return Done{};
}

/// From the steps that plans have, the pace at which they take `over` in all.
Result<PlannedSwing> plan_of(const Intent& intent, const IntentRequest& request,
                             const zones::Model& model, WallTime now) {
  const auto over = parse_duration(request.over);
  if (!over) return over.error("over");
  if (over->value <= 0 || *over > over_max) return invalid("over: above 0, at most 7d");
  const std::vector<const zones::Service*> services = services_of(intent, model);
  if (std::ranges::none_of(services, [](const auto* s) { return s->is_steered(); }))
    return invalid(
        "over: steps are of shares within capacity, and the shares of no service there follow "
        "capacity (see `steered`)");
  PlannedSwing plan{.from = request.from, .to = request.to};
  Ttl ttl{0};
  for (const zones::Service* service : services) ttl = std::max(ttl, service->ttl);
  const auto gaps = static_cast<int64_t>(steering::SwingRules().steps.size()) - 1;
  plan.every = steering::swing_every(Milliseconds(std::max<int64_t>(over->value / gaps, 1)), ttl);
  plan.lead = Milliseconds(int64_t{ttl.value} * 1'000);
  plan.progress = {.begun_at = now, .turned_at = now};
  return plan;
}

Status check_pools(const zones::Service& service, const PlannedSwing& plan) {
  for (const auto& [field, name] : {std::pair("from", &plan.from), std::pair("to", &plan.to)}) {
    const auto pool = std::ranges::find(service.pools, *name, &zones::Pool::cluster_name);
    if (pool == service.pools.end())
      return invalid(std::string(field) + ": the service has no pool in a cluster " + *name);
    if (pool->last_resort)
      return invalid(std::string(field) + ": " + *name + " is of last resort, and has no share");
  }
  if (plan.from == plan.to) return invalid("to: the same as from");
  return Done{};
}

/// The capacity that a weight stands for is weight / the greatest weight of the service.
Result<uint32_t> check_weight(double weight, const zones::Service& service,
                              const zones::Pool& pool) {
  uint32_t greatest = 0;
  for (const zones::Pool& one : service.pools) greatest = std::max(greatest, one.weight.value);
  if (!service.is_steered())
    return invalid(
        "target: a weight by intent cuts a capacity, and shares of this service do not follow "
        "capacity: set `weight` in the config and reload");
  if (pool.last_resort) return invalid("target: a pool of last resort has no share to cut");
  if (!pool.has_own_capacity)
    return invalid(
        "target: a weight by intent cuts the pool's own `capacity`, and this one takes from its "
        "cluster's with others: give the pool a `capacity` of its own, or move a part of its share "
        "with drain --over or swing");
  if (weight != std::floor(weight) || weight > greatest)
    return invalid("weight: a whole number up to " + std::to_string(greatest) +
                   ", the greatest weight of the service's pools");
  return static_cast<uint32_t>(weight);
}

/// What the same kind on the same target was, goes on in what replaces it.
Status go_on(PlannedSwing& plan, const Intent& before) {
  if (!before.plan)
    return Error{ErrorCode::conflict, "over: " + before.target + " is drained already, at once"};
  if (before.plan->from != plan.from || before.plan->to != plan.to)
    return Error{ErrorCode::conflict, before.target + " has the intent " + before.id +
                                          " (swing from " + before.plan->from + " to " +
                                          before.plan->to + "); take it back first"};
  const WallTime now = plan.progress.turned_at;
  plan.progress = before.plan->progress;
  using steering::SwingPhase;
  // Who asks again has looked at what stopped it.
  SwingPhase& phase = plan.progress.phase;
  if (phase == SwingPhase::stopped || phase == SwingPhase::reversed) {
    phase = SwingPhase::moving;
    plan.progress.reason = steering::SwingReason::none;
    plan.progress.turned_at = now;
  }
  plan.empty_at = before.plan->empty_at;
  plan.is_empty = before.plan->is_empty;
  return Done{};
}

}  // namespace

std::string_view word(IntentKind kind) {
  switch (kind) {
    case IntentKind::drain:
      return "drain";
    case IntentKind::force_up:
      return "force_up";
    case IntentKind::force_down:
      return "force_down";
    case IntentKind::swing:
      return "swing";
    case IntentKind::freeze:
      return "freeze";
    case IntentKind::weight:
      return "weight";
  }
  return "";
}

IntentFamily family_of(IntentKind kind) {
  switch (kind) {
    case IntentKind::drain:
    case IntentKind::force_up:
    case IntentKind::force_down:
    case IntentKind::swing:
      return IntentFamily::moves;
    case IntentKind::weight:
      return IntentFamily::weight;
    case IntentKind::freeze:
      return IntentFamily::freeze;
  }
  return IntentFamily::moves;
}

bool decides_endpoints(const Intent& intent) {
  switch (intent.kind) {
    case IntentKind::drain:
      return !intent.plan || intent.plan->progress.phase == steering::SwingPhase::done;
    case IntentKind::force_up:
    case IntentKind::force_down:
      return true;
    case IntentKind::swing:
    case IntentKind::freeze:
    case IntentKind::weight:
      return false;
  }
  return false;
}

std::vector<const zones::Service*> services_of(const Intent& intent, const zones::Model& model) {
  std::vector<const zones::Service*> all;
  const auto add_if = [&](const auto& wanted) {
    for (const zones::Service& service : model.services) {
      if (wanted(service)) all.push_back(&service);
    }
  };
  if (intent.target == everything) {
    add_if([](const zones::Service&) { return true; });
    return all;
  }
  const Result<Target> target = parse_target(intent.target);
  if (!target) return all;
  const Result<FoundTarget> found = find_target(model, *target);
  if (!found) return all;
  if (found->service) return {found->service};
  add_if([&](const zones::Service& service) {
    return std::ranges::count(service.pools, *found->cluster, &zones::Pool::cluster) > 0;
  });
  return all;
}

bool leaves(const zones::Pool& pool, const Intent& intent, const FoundTarget& found) {
  if (intent.kind == IntentKind::swing) return pool.cluster_name == intent.plan->from;
  return found.pool ? pool.id == found.pool->id : pool.cluster == *found.cluster;
}

Result<WallTime> parse_when(std::string_view text, WallTime now, bool forward) {
  if (const auto time = parse_rfc3339(text)) return *time;
  const auto duration = parse_duration(text);
  if (!duration) {
    return Error{ErrorCode::invalid, "\"" + std::string(text) +
                                         "\" is neither a time such as 2026-11-22T08:00:00Z nor a "
                                         "duration such as 2h"};
  }
  return forward ? now + *duration : now + Milliseconds(-duration->value);
}

Result<Intents::Prepared> Intents::prepare(const IntentRequest& request, const zones::Model& model,
                                           WallTime now) {
  const Result<IntentKind> kind = check_kind(request.kind);
  if (!kind) return kind.error();
  if (Status owner = check_text("owner", request.owner); !owner) return owner.error();
  if (Status reason = check_text("reason", request.reason); !reason) return reason.error();
  if (Status fields = check_fields(request, *kind); !fields) return fields.error();

  if (request.override_reason.size() > text_size_max)
    return invalid("override: at most 1000 octets");

  Prepared prepared;
  Intent& intent = prepared.intent;
  intent = {{}, *kind, request.target, request.owner, request.reason, now};
  intent.override_reason = request.override_reason;
  if (request.target != everything || *kind != IntentKind::freeze) {
    const Result<Target> target = parse_target(request.target);
    if (!target) return target.error("target");
    const Result<FoundTarget> found = find_target(model, *target);
    if (!found) return found.error("target");
    if (Status fits = check_target(target->kind, *kind, request); !fits) return fits.error();
    intent.target = target->text();
    if (*kind == IntentKind::weight) {
      const auto weight = check_weight(*request.weight, *found->service, *found->pool);
      if (!weight) return weight.error();
      intent.weight = *weight;
    }
  }
  if (*kind == IntentKind::freeze &&
      std::ranges::none_of(services_of(intent, model), &zones::Service::is_steered)) {
    return invalid(
        "target: a freeze pins shares that follow capacity, and no service there has such: give "
        "its "
        "pools a `capacity` each, or hold what must stay with `force up`");
  }
  if (!request.over.empty()) {
    Result<PlannedSwing> plan = plan_of(intent, request, model, now);
    if (!plan) return plan.error();
    if (*kind == IntentKind::swing) {
      Status pools = check_pools(*services_of(intent, model).front(), *plan);
      if (!pools) return pools.error();
    }
    intent.plan = std::move(*plan);
  }
  if (!request.expires.empty()) {
    const Result<WallTime> expires = parse_when(request.expires, now, true);
    if (!expires) return expires.error("expires");
    if (*expires <= now) return Error{ErrorCode::invalid, "expires: lies in the past"};
    intent.expires = *expires;
  }
  if (const Intent* there = of_target(intent.target, family_of(*kind))) {
    if (there->kind != *kind) {
      return Error{ErrorCode::conflict, there->target + " has the intent " + there->id + " (" +
                                            std::string(word(there->kind)) + " by " + there->owner +
                                            "); take it back first"};
    }
    if (intent.plan) {
      if (Status goes = go_on(*intent.plan, *there); !goes) return goes.error();
    }
    prepared.replaces = *there;
  }
  do {
    static constexpr std::string_view digits = "0123456789abcdef";
    prepared.intent.id.clear();
    for (uint64_t bits = random_.next(), i = 0; i < 8; ++i, bits >>= 4) {
      prepared.intent.id += digits[bits & 15];
    }
  } while (find(prepared.intent.id));
  return prepared;
}

void Intents::put(const Intent& intent) {
  by_target_.insert_or_assign({intent.target, family_of(intent.kind)}, intent);
}

std::optional<Intent> Intents::erase(std::string_view id) {
  const auto found = std::find_if(by_target_.begin(), by_target_.end(),
                                  [&](const auto& entry) { return entry.second.id == id; });
  if (found == by_target_.end()) return std::nullopt;
  Intent intent = std::move(found->second);
  by_target_.erase(found);
  return intent;
}

std::vector<Intent> Intents::expire(WallTime now) {
  std::vector<Intent> expired;
  for (auto at = by_target_.begin(); at != by_target_.end();) {
    if (at->second.expires && *at->second.expires <= now) {
      expired.push_back(std::move(at->second));
      at = by_target_.erase(at);
    } else {
      ++at;
    }
  }
  return expired;
}

std::optional<WallTime> Intents::next_expiry() const {
  std::optional<WallTime> next;
  for (const auto& [target, intent] : by_target_) {
    if (intent.expires && (!next || *intent.expires < *next)) next = intent.expires;
  }
  return next;
}

const Intent* Intents::find(std::string_view id) const {
  for (const auto& [target, intent] : by_target_) {
    if (intent.id == id) return &intent;
  }
  return nullptr;
}

const Intent* Intents::of_target(const std::string& target, IntentFamily family) const {
  const auto found = by_target_.find({target, family});
  return found == by_target_.end() ? nullptr : &found->second;
}

const Intent* Intents::of_target(const std::string& target) const {
  const auto found = by_target_.lower_bound({target, IntentFamily::moves});
  return found == by_target_.end() || found->first.first != target ? nullptr : &found->second;
}

std::vector<const Intent*> Intents::list() const {
  std::vector<const Intent*> all;
  for (const auto& [target, intent] : by_target_) all.push_back(&intent);
  std::stable_sort(all.begin(), all.end(),
                   [](const Intent* a, const Intent* b) { return a->created < b->created; });
  return all;
}

}  // namespace swingover::control
