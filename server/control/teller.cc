#include "server/control/teller.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "server/control/target.h"
#include "zones/explain.h"

namespace swingover::control {

namespace {

constexpr size_t logged_max = 1'000;  // of each kind, within a second
constexpr std::string_view ourselves = "swingoverd";

std::vector<double> swing_bounds() {
  return {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.5, 2, 3, 5, 10, 30, 60};
}

std::vector<std::string> pool_names(const zones::Service& service,
                                    const std::set<uint32_t>& places) {
  std::vector<std::string> names;
  names.reserve(places.size());
  for (const uint32_t place : places) names.push_back(service.pools[place].cluster_name);
  return names;
}

std::string in_words(const std::vector<std::string>& names) {
  return names.empty() ? "none" : joined(names, ",");
}

/// What it is worth beside its health. Held, it answers when nothing better can; held out, it is as one that is down.
std::string_view hold_word(const Join::EndpointState& state) {
  const bool is_kept = state.keeper() != KeptBy::nobody;
  if (state.usable == (is_kept ? health::Health::up : state.health)) return "";
  return state.usable == health::Health::down ? "held out" : "held";
}

std::string_view until_words(KeptBy by) {
  switch (by) {
    case KeptBy::nobody:
      break;
    case KeptBy::brake:
    case KeptBy::person:
      return "until its probes agree or a person releases it";
    case KeptBy::doubt:
      return "until its probes agree or this edge no longer doubts itself";
    case KeptBy::reports:
      return "until its probes agree, its cluster reports no load, or less than half is down";
  }
  return "";
}

/// Why it is kept, and until when; or why no longer.
std::string kept_reason(KeptBy from, KeptBy to, health::Health health, const Intent* intent,
                        const std::string& cause, const std::string& why) {
  if (to != KeptBy::nobody) {
    const std::string until(until_words(to));
    return why.empty() ? until : until + "; " + why;
  }
  if (health == health::Health::up) return "its probes agree again";
  if (health == health::Health::unknown) return "its probes no longer say that it is down";
  if (intent && intent->kind != IntentKind::force_up) return Join::reason(*intent);
  const std::string who = from == KeptBy::doubt     ? "this edge no longer doubts itself"
                          : from == KeptBy::reports ? "its probes are believed again"
                          : cause == "brake"        ? "a person released it"
                                                    : "the configuration has no bound any more";
  return who + "; " + why;
}

bool are_alike(const zones::Pool& one, const zones::Pool& other) {
  return one.cluster == other.cluster && one.cluster_name == other.cluster_name &&
         one.priority == other.priority && one.weight == other.weight &&
         one.last_resort == other.last_resort &&
         std::ranges::equal(one.endpoints, other.endpoints, {}, &zones::Endpoint::address,
                            &zones::Endpoint::address);
}

bool are_as_eligible(const zones::Service& one, const zones::EligibilityMap& now,
                     const zones::Service& before, const zones::EligibilityMap& then) {
  for (size_t p = 0; p < one.pools.size(); ++p) {
    for (size_t e = 0; e < one.pools[p].endpoints.size(); ++e) {
      if (now.get(one.pools[p].endpoints[e].id) != then.get(before.pools[p].endpoints[e].id))
        return false;
    }
  }
  return true;
}

}  // namespace

Teller::Teller(const Clock& clock) : clock_(clock), swing_durations_(swing_bounds()) {}

bool Teller::are_alike(const zones::Service& one, const zones::Service& other) {
  return one.policy == other.policy && one.answers == other.answers && one.sticky == other.sticky &&
         one.when_all_down == other.when_all_down &&
         std::ranges::equal(one.pools, other.pools, [](const zones::Pool& a, const zones::Pool& b) {
           return control::are_alike(a, b);
         });
}

bool Teller::are_alike(const zones::Topology& one, const zones::Topology& other) {
  const auto same_locality = [](const zones::Locality& a, const zones::Locality& b) {
    return a.name == b.name && a.region == b.region;
  };
  const auto same_cluster = [](const zones::Cluster& a, const zones::Cluster& b) {
    return a.name == b.name && a.localities == b.localities && a.capacity == b.capacity;
  };
  return std::ranges::equal(one.localities, other.localities, same_locality) &&
         std::ranges::equal(one.clusters, other.clusters, same_cluster);
}

void Teller::follow(const zones::Snapshot& snapshot, const Join& join,
                    const zones::Snapshot* before, const std::vector<std::optional<Old>>& old,
                    WallTime at, const std::string& cause) {
  assert(is_done());
  std::vector<std::optional<Pools>> chosen_before = std::exchange(chosen_, {});
  const std::vector<SwingCounts> counts_before = std::exchange(swing_counts_, {});
  snapshot_ = &snapshot;
  join_ = &join;
  names_before_.clear();
  const std::vector<zones::Service>& services = snapshot.model->services;
  chosen_.resize(services.size());
  swing_counts_.resize(services.size());
  Story story{.at = at, .cause = cause};
  for (uint32_t i = 0; i < services.size(); ++i) {
    if (before && i < old.size() && old[i]) {
      swing_counts_[i] = counts_before[old[i]->place];
      const zones::Service& was = before->model->services[old[i]->place];
      std::optional<Pools>& known = chosen_before[old[i]->place];
      if (old[i]->is_alike) {
        chosen_[i] = std::move(known);
        if (chosen_[i] &&
            are_as_eligible(services[i], *snapshot.eligibility, was, *before->eligibility))
          continue;
      } else if (known) {
        names_before_[i] = pool_names(was, *known);
      }
    }
    story.services.push_back({i});
  }
  if (!story.services.empty()) stories_.push_back(std::move(story));
}

void Teller::add(WallTime at, const std::string& cause, const Join::Changes& changes) {
  Story story{.at = at, .cause = cause};
  for (const Join::PoolChange& change : changes.pools) {
    story.pools.push_back(
        {change.service, change.pool, change.before, change.after, change.reason});
  }
  for (const Join::EndpointChange& change : changes.endpoints) {
    const bool is_other = change.before.health != change.after.health;
    const std::string_view held_before = hold_word(change.before);
    const std::string_view held_now = hold_word(change.after);
    // An intent has its own entry, and so has who keeps it.
    if (!is_other && held_before == held_now) continue;
    const std::string reason = join_->health_reason(change.id);
    if (is_other)
      story.endpoints.push_back({change.id, change.before.health, change.after.health, reason});
    if (held_before != held_now)
      story.holds.push_back({change.id, held_before, held_now, change.after.health, reason});
  }
  add_kept(story, changes);
  add_services(story, changes);
  if (!story.is_over()) stories_.push_back(std::move(story));
}

void Teller::add_kept(Story& story, const Join::Changes& changes) const {
  const auto add = [&](std::string target, KeptBy from, KeptBy to, const auto& after,
                       const std::string& why) {
    story.kept.push_back({std::move(target), from, to,
                          kept_reason(from, to, after.health, after.intent, story.cause, why)});
  };
  for (const Join::ClusterChange& change : changes.clusters) {
    if (change.before.kept == change.after.kept) continue;
    add(cluster_target(join_->model().topology.clusters[change.id.value].name), change.before.kept,
        change.after.kept, change.after, join_->health_reason(change.id));
  }
  for (const Join::EndpointChange& change : changes.endpoints) {
    const KeptBy from = change.before.keeper();
    const KeptBy to = change.after.keeper();
    if (from == to) continue;
    add(endpoint_target(join_->service_of(change.id), join_->endpoint_of(change.id)), from, to,
        change.after, join_->health_reason(change.id));
  }
}

void Teller::add_services(Story& story, const Join::Changes& changes) const {
  const MonotonicTime now = clock_.now();
  for (const Join::EndpointChange& change : changes.endpoints) {
    if (change.before.eligibility == change.after.eligibility) continue;
    ServiceStory service{join_->service_of(change.id).id.value};
    if (change.after.eligibility < change.before.eligibility) {
      service.is_worse = true;
      const auto since = join_->first_failure(change.id);
      if (since) service.took = static_cast<double>((now - *since).value) / 1000;
    }
    story.services.push_back(service);
  }
  std::ranges::stable_sort(story.services, {}, &ServiceStory::place);
  // Of each service one: worse if any endpoint got worse, and as long as the longest took.
  size_t kept = 0;
  for (const ServiceStory& service : story.services) {
    if (kept == 0 || story.services[kept - 1].place != service.place) {
      story.services[kept++] = service;
      continue;
    }
    ServiceStory& one = story.services[kept - 1];
    one.is_worse = one.is_worse || service.is_worse;
    one.took = std::max(one.took, service.took);
  }
  story.services.resize(kept);
}

void Teller::tell_part(Told& told, size_t most) {
  for (size_t i = 0; i < most && !stories_.empty(); ++i) {
    Story& story = stories_.front();
    if (story.pools_told < story.pools.size()) {
      tell(story, story.pools[story.pools_told++], told);
    } else if (story.endpoints_told < story.endpoints.size()) {
      tell(story, story.endpoints[story.endpoints_told++], told);
    } else if (story.holds_told < story.holds.size()) {
      tell(story, story.holds[story.holds_told++], told);
    } else if (story.kept_told < story.kept.size()) {
      tell(story, story.kept[story.kept_told++], told);
    } else if (story.services_told < story.services.size()) {
      tell(story, story.services[story.services_told++], told);
    }
    if (story.is_over()) stories_.pop_front();
  }
  sum_up(clock_.now(), told);
}

bool Teller::Logged::may_name() {
  const bool may = named < logged_max;
  ++(may ? named : unnamed);
  return may;
}

void Teller::sum_up(MonotonicTime now, Told& told) {
  const bool is_over = now - logged_since_ >= Milliseconds(1'000);
  if (!is_over && !is_done()) return;
  for (const auto& [logged, text] : {std::pair(&pools_logged_, "more pools changed"),
                                     std::pair(&endpoints_logged_, "more endpoints changed"),
                                     std::pair(&holds_logged_, "more holds changed"),
                                     std::pair(&kept_logged_, "more are kept or let go"),
                                     std::pair(&swings_logged_, "more services swung")}) {
    if (logged->unnamed > 0)
      told.lines.push_back({LogLevel::info, text, {{"count", std::to_string(logged->unnamed)}}});
    logged->unnamed = 0;
    if (is_over) logged->named = 0;
  }
  if (is_over) logged_since_ = now;
}

void Teller::tell(const Story& story, const PoolStory& pool, Told& told) {
  const std::string from(word(pool.from));
  const std::string to(word(pool.to));
  if (pools_logged_.may_name()) {
    told.lines.push_back({LogLevel::info,
                          "pool changed",
                          {{"service", service_text(*pool.service)},
                           {"cluster", pool.pool->cluster_name},
                           {"from", from},
                           {"to", to},
                           {"reason", pool.reason}}});
  }
  told.entries.push_back({story.at, "health", pool_target(*pool.service, *pool.pool),
                          std::string(ourselves), from, to, pool.reason});
}

void Teller::tell(const Story& story, const EndpointStory& endpoint, Told& told) {
  const zones::Service& service = join_->service_of(endpoint.id);
  const std::string from(word(endpoint.from));
  const std::string to(word(endpoint.to));
  if (endpoints_logged_.may_name()) {
    told.lines.push_back({LogLevel::info,
                          "endpoint changed",
                          {{"service", service_text(service)},
                           {"cluster", join_->pool_of(endpoint.id).cluster_name},
                           {"endpoint", join_->endpoint_of(endpoint.id).text()},
                           {"from", from},
                           {"to", to},
                           {"reason", endpoint.reason}}});
  }
  told.entries.push_back({story.at, "health",
                          endpoint_target(service, join_->endpoint_of(endpoint.id)),
                          std::string(ourselves), from, to, endpoint.reason});
}

void Teller::tell(const Story& story, const HoldStory& hold, Told& told) {
  const zones::Service& service = join_->service_of(hold.id);
  const zones::Endpoint& endpoint = join_->endpoint_of(hold.id);
  if (holds_logged_.may_name()) {
    told.lines.push_back({LogLevel::info,
                          hold.to.empty() ? "endpoint no longer held" : "endpoint held",
                          {{"service", service_text(service)},
                           {"cluster", join_->pool_of(hold.id).cluster_name},
                           {"endpoint", endpoint.text()},
                           {"health", std::string(word(hold.health))},
                           {"reason", hold.reason}}});
  }
  told.entries.push_back({story.at, "hold", endpoint_target(service, endpoint),
                          std::string(ourselves), std::string(hold.from), std::string(hold.to),
                          hold.reason});
}

void Teller::tell(const Story& story, const KeptStory& kept, Told& told) {
  const std::string from(word(kept.from));
  const std::string to(word(kept.to));
  if (kept_logged_.may_name()) {
    LogLine line{LogLevel::info,
                 to.empty() ? "no longer kept in answers" : "kept in answers",
                 {{"target", kept.target}, {"by", to.empty() ? from : to}}};
    line.fields.push_back({"reason", kept.reason});
    told.lines.push_back(std::move(line));
  }
  told.entries.push_back(
      {story.at, "kept", kept.target, std::string(ourselves), from, to, kept.reason});
}

void Teller::tell(const Story& story, const ServiceStory& swing, Told& told) {
  const zones::Service& service = snapshot_->model->services[swing.place];
  const Pools now = chosen_pools(swing.place);
  const std::optional<Pools> known = std::exchange(chosen_[swing.place], now);
  if (known == now) return;
  const std::vector<std::string> after = pool_names(service, now);
  std::vector<std::string> before;
  if (known) {
    before = pool_names(service, *known);
  } else {
    const auto reloaded = names_before_.find(swing.place);
    if (reloaded == names_before_.end()) return;  // new: nothing to compare with
    before = std::move(reloaded->second);
    names_before_.erase(reloaded);
    if (std::set(before.begin(), before.end()) == std::set(after.begin(), after.end())) return;
  }
  std::string cause = story.cause;
  if (cause.empty()) cause = swing.is_worse ? "failover" : "failback";
  const auto known_cause = std::ranges::find(swing_causes, cause);
  assert(known_cause != swing_causes.end());
  if (known_cause != swing_causes.end())
    ++swing_counts_[swing.place][static_cast<size_t>(known_cause - swing_causes.begin())];
  if (cause == "failover" && swing.took) swing_durations_.observe(*swing.took);
  if (swings_logged_.may_name()) {
    told.lines.push_back({LogLevel::info,
                          "service swung",
                          {{"service", service_text(service)},
                           {"from", in_words(before)},
                           {"to", in_words(after)},
                           {"cause", cause}}});
  }
  told.entries.push_back({story.at, "swing", service_target(service), std::string(ourselves),
                          in_words(before), in_words(after), cause});
}

std::map<SwingKey, uint64_t> Teller::swings() const {
  std::map<SwingKey, uint64_t> all;
  for (size_t place = 0; place < swing_counts_.size(); ++place) {
    const std::string service = service_text(snapshot_->model->services[place]);
    for (size_t cause = 0; cause < swing_causes.size(); ++cause) {
      const uint64_t count = swing_counts_[place][cause];
      if (count > 0) all[{service, std::string(swing_causes[cause])}] += count;
    }
  }
  return all;
}

Teller::Pools Teller::chosen_pools(uint32_t service) const {
  const zones::ServicePlan& plan = snapshot_->plans[service];
  Pools chosen;
  const auto add = [&](LocalityId locality) {
    for (const auto& pool :
         zones::pool_shares(plan, *snapshot_->shares, locality, *snapshot_->eligibility)) {
      chosen.insert(pool.place);
    }
  };
  add(no_locality);
  const size_t localities = snapshot_->model->topology.localities.size();
  for (uint32_t i = 0; plan.is_by_locality() && i < localities; ++i) add(LocalityId(i));
  return chosen;
}

}  // namespace swingover::control
