// What speaks against an act of people or a step of a plan: rules, and the budget for what moves.

#include <fmt/format.h>

#include "server/control/control_loop.h"

namespace swingover::control {

/// Why the intent is refused. `is_asked`: by a person, now; else a plan of it goes on.
std::vector<std::string> Control::objections(const Intent& intent, bool is_asked) const {
  std::vector<std::string> words;
  // Until the first state is known, who seems to be down may only not have been seen.
  if (!is_first_state_known_) return words;
  const Rules rules(*snapshot_, steering_);
  const Act act = rules.act_of(intent, intents_);
  if (act.clusters.empty() && act.pools.empty()) return words;
  if (!setup_.model->rules.empty()) {
    const Act before = rules.acts_on_their_way(intents_, intent.target);
    for (const BrokenRule& one : rules.broken_by(act, before)) words.push_back(one.words);
  }
  if (is_asked && !intent.plan) {
    if (const auto why = over_budget(load_taken(act), false)) words.push_back(*why);
  }
  return words;
}

/// Why a plan makes no step that takes so much of what is left of its source.
std::vector<std::string> Control::objections_to_step(const Intent& intent, double part) const {
  if (!intent.override_reason.empty()) return {};
  std::vector<std::string> words = objections(intent, false);
  const Act act = Rules(*snapshot_, steering_).act_of(intent, intents_);
  if (const auto why = over_budget(load_taken(act) * part, true)) words.push_back(*why);
  return words;
}

/// Of all load that is steered.
double Control::load_taken(const Act& act) const {
  if (!steering_.budget().is_bounded()) return 0;
  double taken = 0;
  for (const zones::Service& service : setup_.model->services) {
    for (size_t i = 0; i < service.pools.size(); ++i) {
      const double left = act.of(service.pools[i]);
      if (left < 1) taken += (1 - left) * steering_.part_of_load(service.id, i);
    }
  }
  return taken;
}

/// What could be made in steps must be within the budget; the smallest of steps waits until nothing counts any more.
std::optional<std::string> Control::over_budget(double part, bool is_in_steps) const {
  const steering::MoveBudget& budget = steering_.budget();
  const MonotonicTime now = environment_.clock.now();
  if (part <= 0 || (is_in_steps ? budget.allows(part, now) : budget.fits(part, now)))
    return std::nullopt;
  std::string words =
      fmt::format("move_budget: it moves {:.1f} % of all load, of {:g} % are spent {:.1f} %",
                  part * 100, budget.rules().part * 100, budget.spent(now) * 100);
  if (part > budget.rules().part && !is_in_steps) return words + ": make it in steps";
  const WallTime free = environment_.clock.wall() + (budget.free_at(part, now) - now);
  return words + " until " + rfc3339(free);
}

}  // namespace swingover::control
