#pragma once

#include <string>
#include <unordered_map>

#include "base/clock.h"
#include "store/store.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// Why endpoints were as they were, in the words of the history: the newest entries about them before an instant. They
/// explain; what was answered does not hang on them.
///
/// Cost   Reads the journal back to the `entries_max`th entry before then: off the control thread.
class PastReasons {
 public:
  static constexpr size_t entries_max = 5'000;

  PastReasons(const store::Store& store, WallTime at);

  /// Empty: nothing is told of it.
  std::string of(const zones::Model& model, EndpointId id) const;

 private:
  std::string intent_on(const std::string& target) const;
  std::string health_of(const std::string& target) const;

  std::unordered_map<std::string, std::string> intents_;  // by target: the newest word on it
  std::unordered_map<std::string, std::string> health_;
};

}  // namespace swingover::control
