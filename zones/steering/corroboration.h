#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/clock.h"
#include "base/units.h"

namespace swingover::steering {

/// What speaks for and against a cluster's being down.
struct Suspect {
  double capacity = 0;   // declared
  bool is_down = false;  // by its probes
  bool is_hard = false;  // its hosts themselves said so: refused, reset, unreachable
  std::optional<MonotonicTime>
      reported{};  // when its newest load report came; none: it never reports
};

/// The part of all capacity that is down by its probes, 0 to 1; of the number of clusters, where none has a capacity.
double part_down(std::span<const Suspect> clusters);

struct CorroborationRules {
  double from = 0.50;            // the part_down() from which on probes alone are not believed
  Milliseconds age_max{25'000};  // of a load report
};

/// Which of those whose probes say `down` are to be taken out, by place; the others are kept in answers.
///
/// Rule     While `from` or more of all capacity is down, it is as likely that the probes are wrong as that the clusters
///          are: a soft `down` (timeouts) then counts only once the cluster's own reports are `age_max` old too. Hard
///          failures need nothing more, nor does a cluster that never reported.
/// Measured Two of three clusters that seem down and serve: nothing dropped in 90 minutes, 3 % or more without (bench/steering).
/// Time     What it says may change with `now` alone: ask again each second while it keeps anything.
/// Pure; O(clusters), one allocation.
std::vector<bool> believed_down(std::span<const Suspect> clusters, MonotonicTime now,
                                const CorroborationRules& rules);

}  // namespace swingover::steering
