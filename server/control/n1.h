#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "server/control/what_if.h"

namespace swingover::control {

/// What would have no room if any one cluster died now (N-1), or any two (N-2).
struct N1Report {
  struct Case {
    std::vector<ClusterId> down;
    double overflow = 0;  // load above limits
    double unserved = 0;  // load of clients all of whose pools would be out
    double worst_utilisation = 0;
    size_t services = 0;  // within capacity, with load above limits or unserved
    size_t services_out =
        0;  // those without known demand that would have no eligible endpoint, and have now
    std::string words;
    double homeless() const { return overflow + unserved; }
  };
  std::shared_ptr<const zones::Model> model;
  std::vector<Case> cases;  // in the order of clusters; those alone that something runs in
  size_t depth = 1;
  bool is_complete = true;  // false: given up before the last case
  double homeless_now = 0;  // with nothing down, by the shares in force
  WallTime at{};            // what it goes by is of then
  Milliseconds took{0};

  double worst_utilisation() const;
};

/// Threads  Any. Cost: what `depth` of clusters at once take of WhatIf::after(), each.
N1Report n1_report(WhatIf& what_if, size_t depth, const WhatIf::IsGivenUp& is_given_up);

}  // namespace swingover::control
