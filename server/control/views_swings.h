#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>

#include "server/control/control_loop.h"

namespace swingover::control {

// JSON of intents and of what they ask of shares: docs/admin-api.md says what is in it.

/// One intent, with `plan` of one in steps and `difference` of a freeze; otherwise null.
nlohmann::ordered_json intent_value(const Control& control, const Intent& intent);
/// What a dry run says: the intent as it would be, and its steps.
std::string tried_json(const Control::IntentTried& tried);

}  // namespace swingover::control
