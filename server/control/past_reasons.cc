#include "server/control/past_reasons.h"

#include "server/control/intents.h"
#include "server/control/target.h"
#include "store/journal.h"

namespace swingover::control {

namespace {

/// The kind of intent that makes an endpoint what it is, whatever its health.
std::string_view deciding_kind(zones::Eligibility eligibility) {
  switch (eligibility) {
    case zones::Eligibility::excluded:
      return word(IntentKind::drain);
    case zones::Eligibility::down:
      return word(IntentKind::force_down);
    case zones::Eligibility::eligible:
      return word(IntentKind::force_up);
    case zones::Eligibility::unknown:
      break;
  }
  return {};
}

/// The kind that an entry tells of, its first word; empty: one that never decides over endpoints.
std::string_view told_kind(const store::JournalEntry& entry, bool is_over) {
  const std::string_view words = is_over ? entry.before : entry.after;
  const std::string_view kind = words.substr(0, words.find(' '));
  for (const IntentKind one : {IntentKind::drain, IntentKind::force_down, IntentKind::force_up}) {
    if (kind == word(one)) return word(one);
  }
  return {};
}

}  // namespace

void PastReasons::read(const zones::Service& service) {
  const std::string name = service_text(service);
  store::Journal::Query query;
  query.until = at_;
  query.most = entries_max;
  query.looked_at_most = looked_at_max;
  // One publication of shares writes an entry for each service: these must not hide what people look for.
  query.kinds = {"intent", "health", "hold", "kept"};
  query.targets = {service_target(service), "pool/" + name + "/", "endpoint/" + name + "/"};
  for (const zones::Pool& pool : service.pools)
    query.targets.push_back(cluster_target(pool.cluster_name));
  const auto entries = store::Journal::read(store_, query);
  if (!entries) return;
  for (const store::JournalEntry& entry : *entries) {
    if (entry.kind == "intent") {
      const bool is_over = entry.after == "cancelled" || entry.after == "expired";
      const std::string_view kind = told_kind(entry, is_over);
      if (kind.empty()) continue;
      Asked asked{std::string(kind), {}};
      if (!is_over) {
        asked.words =
            entry.after + " by " + entry.actor + " at " + rfc3339(entry.at) + ": " + entry.reason;
      }
      intents_.emplace(entry.target, std::move(asked));
    } else {
      std::string words = entry.after.empty() ? "no longer " + entry.before : entry.after;
      words += " since " + rfc3339(entry.at);
      if (!entry.reason.empty()) words += ": " + entry.reason;
      health_.emplace(entry.target, std::move(words));
    }
  }
}

/// Of several of a kind that of the narrowest target, as Intents has it.
std::string PastReasons::intent_on(const zones::Service& service, const zones::Pool& pool,
                                   const zones::Endpoint& endpoint) const {
  const std::string_view kind = deciding_kind(snapshot_.eligibility->get(endpoint.id));
  for (const std::string& target : {endpoint_target(service, endpoint), pool_target(service, pool),
                                    service_target(service), cluster_target(pool.cluster_name)}) {
    const auto found = intents_.find(target);
    if (found != intents_.end() && found->second.kind == kind && !found->second.words.empty())
      return found->second.words;
  }
  return {};
}

std::string PastReasons::health_of(const std::string& target) const {
  const auto found = health_.find(target);
  return found == health_.end() ? std::string() : found->second;
}

std::string PastReasons::of(EndpointId id) {
  for (const zones::Service& service : snapshot_.model->services) {
    for (const zones::Pool& pool : service.pools) {
      for (const zones::Endpoint& endpoint : pool.endpoints) {
        if (endpoint.id != id) continue;
        if (read_.insert(service.id.value).second) read(service);
        if (std::string words = intent_on(service, pool, endpoint); !words.empty()) return words;
        const std::string cluster = cluster_target(pool.cluster_name);
        std::string words = health_of(endpoint_target(service, endpoint));
        const std::string of_cluster = health_of(cluster);
        if (!of_cluster.empty()) words += (words.empty() ? "" : "; ") + cluster + " " + of_cluster;
        return words;
      }
    }
  }
  return {};
}

}  // namespace swingover::control
