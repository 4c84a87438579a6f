#include "server/control/intent_words.h"

#include <algorithm>

#include "server/control/planned_swings.h"
#include "server/control/target.h"

namespace swingover::control {

std::vector<const Intent*> intents_on(const Intents& intents, const zones::Service& service) {
  std::vector<const Intent*> all;
  if (intents.size() == 0) return all;
  const auto add = [&](const std::string& target) {
    for (const IntentFamily family :
         {IntentFamily::moves, IntentFamily::weight, IntentFamily::freeze}) {
      const Intent* intent = intents.of_target(target, family);
      if (intent && std::ranges::find(all, intent) == all.end()) all.push_back(intent);
    }
  };
  add(std::string(everything));
  add(service_target(service));
  for (const zones::Pool& pool : service.pools) {
    add(cluster_target(pool.cluster_name));
    add(pool_target(service, pool));
    for (const zones::Endpoint& endpoint : pool.endpoints) add(endpoint_target(service, endpoint));
  }
  return all;
}

std::string what_words(const Intent& intent) {
  std::string words(word(intent.kind));
  if (intent.kind == IntentKind::weight) words += " " + std::to_string(intent.weight);
  words += " of " + intent.target;
  if (intent.kind == IntentKind::swing && intent.plan)
    words += " from " + intent.plan->from + " to " + intent.plan->to;
  return words;
}

std::string words_of(const Intent& intent) {
  std::string words = "by " + intent.owner + ": " + intent.reason;
  if (const std::string progress = progress_words(intent); !progress.empty())
    words += "; " + progress;
  return words + "; until " + (intent.expires ? rfc3339(*intent.expires) : "cancelled");
}

zones::Explanation::Step step_of(const Intent& intent) {
  return {"intent " + intent.id, what_words(intent), words_of(intent)};
}

}  // namespace swingover::control
