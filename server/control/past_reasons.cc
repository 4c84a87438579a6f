#include "server/control/past_reasons.h"

#include "server/control/intents.h"
#include "server/control/target.h"
#include "store/journal.h"

namespace swingover::control {

namespace {

/// Of an intent's entry: whether it is of a kind that takes endpoints out or in, as its first word says.
bool decides_endpoints(std::string_view words) {
  const std::string_view kind = words.substr(0, words.find(' '));
  return kind == word(IntentKind::drain) || kind == word(IntentKind::force_up) ||
         kind == word(IntentKind::force_down);
}

}  // namespace

PastReasons::PastReasons(const store::Store& store, WallTime at) {
  store::Journal::Query query;
  query.until = at;
  query.most = entries_max;
  const auto entries = store::Journal::read(store, query);
  if (!entries) return;
  for (const store::JournalEntry& entry : *entries) {
    if (entry.kind == "intent") {
      const bool is_over = entry.after == "cancelled" || entry.after == "expired";
      if (!decides_endpoints(is_over ? entry.before : entry.after)) continue;
      intents_.emplace(entry.target, is_over ? std::string()
                                             : entry.after + " by " + entry.actor + " at " +
                                                   rfc3339(entry.at) + ": " + entry.reason);
    } else if (entry.kind == "health" || entry.kind == "hold" || entry.kind == "kept") {
      std::string words = entry.after.empty() ? "no longer " + entry.before : entry.after;
      words += " since " + rfc3339(entry.at);
      if (!entry.reason.empty()) words += ": " + entry.reason;
      health_.emplace(entry.target, std::move(words));
    }
  }
}

std::string PastReasons::intent_on(const std::string& target) const {
  const auto found = intents_.find(target);
  return found == intents_.end() ? std::string() : found->second;
}

std::string PastReasons::health_of(const std::string& target) const {
  const auto found = health_.find(target);
  return found == health_.end() ? std::string() : found->second;
}

std::string PastReasons::of(const zones::Model& model, EndpointId id) const {
  for (const zones::Service& service : model.services) {
    for (const zones::Pool& pool : service.pools) {
      for (const zones::Endpoint& endpoint : pool.endpoints) {
        if (endpoint.id != id) continue;
        const std::string own = endpoint_target(service, endpoint);
        const std::string cluster = cluster_target(pool.cluster_name);
        for (const std::string& target :
             {own, pool_target(service, pool), service_target(service), cluster}) {
          if (std::string words = intent_on(target); !words.empty()) return words;
        }
        std::string words = health_of(own);
        const std::string of_cluster = health_of(cluster);
        if (!of_cluster.empty()) words += (words.empty() ? "" : "; ") + cluster + " " + of_cluster;
        return words;
      }
    }
  }
  return {};
}

}  // namespace swingover::control
