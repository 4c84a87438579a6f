#pragma once

#include "server/control/control_loop.h"
#include "zones/explain.h"

namespace swingover::control {

/// A step that says how much of the service's load may still follow other answers than this one, where any may.
void add_old_answers(const Control& control, zones::Explanation& explanation);

}  // namespace swingover::control
