// What caches may still hold of answers given, as the control thread asks for it.

#include <algorithm>

#include "server/control/control_loop.h"
#include "zones/explain.h"

namespace swingover::control {

/// Anew: the counters are looked at now.
std::optional<AnswersLeft> Control::count_answers_left(const Intent& intent) {
  for (const zones::Service* service : services_of(intent, *setup_.model))
    answers_.look(service->id);
  return answers_left(intent, *setup_.model, answers_);
}

std::optional<OldAnswers> Control::old_answers(const zones::Service& service) const {
  const size_t pools = service.pools.size();
  const zones::ServicePlan& plan = snapshot_->plans[service.id.value];
  std::vector<double> parts = steering_.parts(service.id);
  if (parts.empty()) {
    // By tiers. Where these depend on the client's locality, whoever may be answered there is not sent elsewhere: one
    // pool or the other, nobody can say which of a locality's answers were counted.
    parts.assign(pools, 0);
    const bool is_by_locality = plan.is_by_locality();
    const size_t rows = is_by_locality ? setup_.model->topology.localities.size() + 1 : 1;
    for (size_t row = 0; row < rows; ++row) {
      const LocalityId locality =
          row == 0 ? no_locality : LocalityId(static_cast<uint16_t>(row - 1));
      for (const zones::PoolShare& share :
           zones::pool_shares(plan, *snapshot_->shares, locality, *snapshot_->eligibility)) {
        const bool is_whole = is_by_locality || service.policy == zones::Policy::all;
        parts[share.place] = is_whole ? 1 : share.share;
      }
    }
  }
  return control::old_answers(service, parts, answers_);
}

}  // namespace swingover::control
