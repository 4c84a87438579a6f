#pragma once

#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/result.h"
#include "server/control/records.h"
#include "store/store.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// What the last run left in the store.
struct Remembered {
  std::unordered_map<std::string, HealthRecord> health;  // by Check::key()
  std::vector<Intent> intents;
  std::vector<std::pair<std::string, KeptRecord>> kept;      // by target
  std::unordered_map<std::string, SteeringRecord> steering;  // by service
  zones::Serials serials;
  GenerationRecord generation;  // all zero on the first start
};

/// Reads it all, once, before anything answers. Errors: unavailable; corrupt, naming the key: what people
/// asked for must not be dropped in silence. Everything else that cannot be read is left out: probes, zone files
/// and the next allocation find it anew.
Result<Remembered> restore(const store::Store& store);

}  // namespace swingover::control
