#include "server/control/rules.h"

#include <fmt/format.h>

#include <algorithm>

#include "server/control/target.h"
#include "zones/found_tier.h"

namespace swingover::control {

using zones::Eligibility;

namespace {

constexpr double noise = 1e-9;
constexpr std::string_view ourselves = "swingoverd";

double found_or_all(const std::map<uint32_t, double>& parts, uint32_t key) {
  const auto found = parts.find(key);
  return found == parts.end() ? 1 : found->second;
}

void take_least(std::map<uint32_t, double>& parts, uint32_t key, double part) {
  const auto [at, is_new] = parts.emplace(key, part);
  if (!is_new) at->second = std::min(at->second, part);
}

bool leaves_at_its_end(const Intent& intent) {
  return intent.kind == IntentKind::drain && intent.plan && !decides_endpoints(intent);
}

/// Every bound of the rule that the measure does not reach.
void add_broken(const zones::Rule& rule, const RuleMeasure& measured,
                std::vector<BrokenRule>& broken) {
  const std::string whose = measured.service.empty() ? "" : " of " + measured.service;
  const auto add = [&](std::string_view bound, double value, const std::string& words) {
    broken.push_back(
        {rule.name, measured.service, "rule " + rule.name + ": " + words, value, bound});
  };
  if (rule.min_clusters) {
    const size_t least = rule.min_clusters->least_of(measured.clusters_of);
    if (measured.clusters < least) {
      add("min_clusters", static_cast<double>(measured.clusters),
          fmt::format("{} of {} clusters{} eligible, {} are the least", measured.clusters,
                      measured.clusters_of, whose, least));
    }
  }
  const auto add_capacity = [&](std::string_view bound, double least, const std::string& what) {
    if (measured.capacity >= least * (1 - noise)) return;
    add(bound, measured.capacity,
        fmt::format("capacity{} {:g} of {:g}, {:g} is the least ({})", whose, measured.capacity,
                    measured.capacity_of, least, what));
  };
  if (rule.min_capacity) add_capacity("min_capacity", *rule.min_capacity, "min_capacity");
  if (rule.min_capacity_part) {
    add_capacity("min_capacity_part", *rule.min_capacity_part * measured.capacity_of,
                 fmt::format("{:g} % of all", *rule.min_capacity_part * 100));
  }
  if (rule.covers_demand) {
    add_capacity(
        "covers_demand", *rule.covers_demand * measured.demand,
        fmt::format("{:g} times the demand of {:g}", *rule.covers_demand, measured.demand));
  }
}

}  // namespace

// ---- acts ----

double Act::of(ClusterId cluster) const {
  return found_or_all(clusters, cluster.value);
}

double Act::of(const zones::Pool& pool) const {
  return std::min(of(pool.cluster), found_or_all(pools, pool.id.value));
}

void Act::join(const Act& other) {
  for (const auto& [cluster, part] : other.clusters) take_least(clusters, cluster, part);
  for (const auto& [pool, part] : other.pools) take_least(pools, pool, part);
}

Act Rules::act_of(const Intent& intent, const Intents& intents) const {
  Act act;
  if (intent.kind == IntentKind::freeze || intent.kind == IntentKind::force_up) return act;
  const Result<Target> target = parse_target(intent.target);
  if (!target) return act;
  const Result<FoundTarget> found = find_target(*snapshot_.model, *target);
  if (!found) return act;
  if (intent.kind == IntentKind::swing) {
    for (const zones::Pool& pool : found->service->pools) {
      if (intent.plan && pool.cluster_name == intent.plan->from) act.pools[pool.id.value] = 0;
    }
    return act;
  }
  if (intent.kind == IntentKind::weight) {
    uint32_t before = 1;
    for (const zones::Pool& pool : found->service->pools)
      before = std::max(before, pool.weight.value);
    const Intent* there = intents.of_target(intent.target, IntentFamily::weight);
    if (there) before = there->weight;
    // What was taken out by its weight is not usable: nothing can be taken from it.
    if (intent.weight < before)
      act.pools[found->pool->id.value] = double{1} * intent.weight / before;
    return act;
  }
  if (found->endpoint) {
    const auto is_eligible = [&](const zones::Endpoint& endpoint) {
      return snapshot_.eligibility->get(endpoint.id) == Eligibility::eligible;
    };
    for (const zones::Pool& pool : found->service->pools) {
      const auto same = [&](const zones::Endpoint& endpoint) {
        return endpoint.id == found->endpoint->id;
      };
      if (std::ranges::none_of(pool.endpoints, same) || !is_eligible(*found->endpoint)) continue;
      const auto eligible = std::ranges::count_if(pool.endpoints, is_eligible);
      act.pools[pool.id.value] = static_cast<double>(eligible - 1) / static_cast<double>(eligible);
    }
  } else if (found->pool) {
    act.pools[found->pool->id.value] = 0;
  } else if (found->service) {
    for (const zones::Pool& pool : found->service->pools) act.pools[pool.id.value] = 0;
  } else {
    act.clusters[found->cluster->value] = 0;
  }
  return act;
}

Act Rules::acts_on_their_way(const Intents& intents, const std::string& but) const {
  Act all;
  for (const Intent* intent : intents.list()) {
    if (intent->target != but && leaves_at_its_end(*intent)) all.join(act_of(*intent, intents));
  }
  return all;
}

// ---- what is measured ----

RuleMeasure Rules::of_service(const zones::Rule& rule, ServiceId id, const Act& act) const {
  const zones::Service& service = snapshot_.model->services[id.value];
  const std::optional<Steering::ServiceView> view = steering_.view(id);
  RuleMeasure out{.service = service_text(service)};
  if (view) out.demand = view->demand;
  for (uint32_t i = 0; i < service.pools.size(); ++i) {
    const zones::Pool& pool = service.pools[i];
    if (pool.last_resort || !rule.counts(pool.cluster_name)) continue;
    ++out.clusters_of;
    if (view) out.capacity_of += view->pools[i].capacity;
    const double part = act.of(pool);
    if (part <= 0 ||
        !has_endpoint(snapshot_.plans[id.value], i, Eligibility::eligible, *snapshot_.eligibility))
      continue;
    ++out.clusters;
    if (view) out.capacity += view->pools[i].usable * part;
  }
  return out;
}

RuleMeasure Rules::of_clusters(const zones::Rule& rule, const Act& act) const {
  const auto& clusters = snapshot_.model->topology.clusters;
  RuleMeasure out;
  std::vector<bool> counts(clusters.size());
  for (size_t i = 0; i < clusters.size(); ++i) {
    counts[i] = rule.counts(clusters[i].name);
    if (counts[i]) ++out.clusters_of;
  }
  std::vector<bool> eligible(clusters.size());
  for (const zones::Service& service : snapshot_.model->services) {
    if (out.clusters == out.clusters_of) break;
    for (uint32_t i = 0; i < service.pools.size(); ++i) {
      const zones::Pool& pool = service.pools[i];
      if (!counts[pool.cluster.value] || eligible[pool.cluster.value] || act.of(pool) <= 0)
        continue;
      if (!has_endpoint(snapshot_.plans[service.id.value], i, Eligibility::eligible,
                        *snapshot_.eligibility))
        continue;
      eligible[pool.cluster.value] = true;
      ++out.clusters;
    }
  }
  if (!rule.is_of_capacity()) return out;
  const Steering::SharedCapacity shared = steering_.shared_capacity();
  out.demand = shared.demand;
  for (uint32_t i = 0; i < clusters.size(); ++i) {
    if (!counts[i]) continue;
    out.capacity_of += shared.capacities[i];
    out.capacity += shared.usable[i] * act.of(ClusterId(i));
  }
  return out;
}

std::vector<RuleMeasure> Rules::measure(const zones::Rule& rule, const Act& act) const {
  if (rule.services.empty()) return {of_clusters(rule, act)};
  std::vector<RuleMeasure> all;
  for (const ServiceId id : rule.service_ids) all.push_back(of_service(rule, id, act));
  return all;
}

std::vector<BrokenRule> Rules::broken(const Act& act) const {
  std::vector<BrokenRule> broken;
  for (const zones::Rule& rule : snapshot_.model->rules) {
    for (const RuleMeasure& measured : measure(rule, act)) add_broken(rule, measured, broken);
  }
  return broken;
}

std::vector<BrokenRule> Rules::broken_by(const Act& next, const Act& before) const {
  Act both = before;
  both.join(next);
  std::vector<BrokenRule> after = broken(both);
  if (after.empty()) return after;
  const std::vector<BrokenRule> already = broken(before);
  // Who breaks nothing further is not to blame: the last cluster of three may be forced up again, and its neighbour drained.
  std::erase_if(after, [&](const BrokenRule& one) {
    return std::ranges::any_of(already, [&](const BrokenRule& other) {
      return other.rule == one.rule && other.service == one.service && other.bound == one.bound &&
             other.value <= one.value * (1 + noise);
    });
  });
  return after;
}

// ---- what is told ----

std::optional<Told> RuleWatch::tick(const zones::Snapshot& snapshot, const Steering& steering) {
  if (clock_.now() < next_) return std::nullopt;
  next_ = clock_.now() + every;
  std::map<std::string, std::string> broken;
  for (const BrokenRule& one : Rules(snapshot, steering).broken({}))
    broken.emplace(one.rule, one.words);
  std::optional<Told> told;
  const auto tell = [&](const std::string& rule, bool is_broken, const std::string& words) {
    if (!told) told.emplace();
    told->entries.push_back({clock_.wall(), "rule", "rule/" + rule, std::string(ourselves),
                             is_broken ? "holds" : "broken", is_broken ? "broken" : "holds",
                             words});
    told->lines.push_back({is_broken ? LogLevel::warning : LogLevel::info,
                           is_broken ? "rule broken" : "rule holds again",
                           {{"rule", rule}, {"reason", words}}});
  };
  for (const auto& [rule, words] : broken) {
    if (!broken_.contains(rule)) tell(rule, true, words);
  }
  for (const auto& [rule, words] : broken_) {
    if (!broken.contains(rule)) tell(rule, false, "");
  }
  broken_ = std::move(broken);
  return told;
}

}  // namespace swingover::control
