#pragma once

#include <string>

#include "base/ip.h"
#include "zones/snapshot.h"

namespace swingover::zones {

/// Why the map of `model` puts this address where it does, or nowhere, in words. Looks through all that people listed:
/// milliseconds for a million prefixes. Control path.
std::string client_reason(const Model& model, const IpAddress& client);

}  // namespace swingover::zones
