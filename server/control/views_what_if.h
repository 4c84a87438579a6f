#pragma once

#include <functional>
#include <optional>
#include <string>

#include "server/control/n1.h"
#include "server/control/what_if.h"

namespace swingover::control {

/// What GET /v1/what-if was asked.
struct WhatIfAsked {
  std::string down;  // as typed
  double demand = 1;
  std::string
      service;        // this one alone, with its shares by locality; empty: those that are affected
  size_t limit = 20;  // services at most
  WallTime at{};      // the inputs are of then
};

/// Reads the arguments of GET /v1/what-if. Errors: invalid.
Result<WhatIfAsked> parse_what_if(const std::string& down, const std::string& demand,
                                  const std::string& service, const std::string& limit);

/// Answers it. Any thread, and meant for another than the control thread. Errors: invalid, not_found; unavailable when
/// it was given up.
Result<std::string> what_if_json(SteeringInputs inputs, const WhatIfAsked& asked,
                                 const WhatIf::IsGivenUp& is_given_up);

/// What GET /v1/n1 answers; null: there is none yet. Any thread.
std::string n1_json(const N1Report* report);

}  // namespace swingover::control
