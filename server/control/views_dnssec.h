#pragma once

#include <span>
#include <string>

#include "base/result.h"
#include "server/control/signed_zone.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// What GET /v1/dnssec answers: `signed_zones`, or the one named `only`, if that is not empty. Errors: invalid: it is no
/// name; not_found: `model` has no such zone, or has it unsigned.
Result<std::string> dnssec_json(std::span<const SignedZone> signed_zones, const zones::Model& model,
                                const std::string& only);

}  // namespace swingover::control
