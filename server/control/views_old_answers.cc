#include "server/control/views_old_answers.h"

#include <fmt/format.h>

#include "server/control/target.h"

namespace swingover::control {

void add_old_answers(const Control& control, zones::Explanation& explanation) {
  const Result<Target> target = parse_target("service/" + explanation.service);
  if (!target) return;
  const Result<FoundTarget> found = find_target(control.join().model(), *target);
  if (!found || !found->service) return;
  const std::optional<OldAnswers> old = control.old_answers(*found->service);
  if (!old || !old->until) return;
  std::string where;
  for (size_t i = 0; i < old->by_pool.size(); ++i) {
    if (old->by_pool[i] <= 0) continue;
    where += fmt::format("{}{:.1f} % at {}", where.empty() ? "" : ", ", old->by_pool[i] * 100,
                         found->service->pools[i].cluster_name);
  }
  explanation.steps.push_back(
      {"caches", fmt::format("{:.1f} % elsewhere", old->part * 100),
       "may still follow old answers, until " + rfc3339(*old->until) + ": " + where});
}

}  // namespace swingover::control
