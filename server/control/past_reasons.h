#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/clock.h"
#include "store/store.h"
#include "zones/snapshot.h"

namespace swingover::control {

/// Why endpoints were as they were, in the words of the history: the newest entries about them before an instant. They
/// explain; what was answered does not hang on them.
///
/// Intent  What people asked for is told where it decided, as the endpoint's eligibility of then says: a drain of one
///         that was excluded, a force of one that was up or down. Else it is health.
/// Cost    Of the first endpoint of a service, the journal back from then: to the `entries_max`th entry about the service,
///         or the `looked_at_max`th of all, half a second. Off the control thread.
class PastReasons {
 public:
  static constexpr size_t entries_max = 5'000;
  static constexpr size_t looked_at_max = 1'000'000;

  /// `snapshot`: of then.
  PastReasons(const store::Store& store, WallTime at, const zones::Snapshot& snapshot)
      : store_(store), at_(at), snapshot_(snapshot) {}

  /// Empty: nothing is told of it.
  std::string of(EndpointId id);

 private:
  /// The newest word on a target by a person; empty: it was taken back, or is over.
  struct Asked {
    std::string kind;  // as word(IntentKind) has it
    std::string words;
  };
  void read(const zones::Service& service);
  std::string intent_on(const zones::Service& service, const zones::Pool& pool,
                        const zones::Endpoint& endpoint) const;
  std::string health_of(const std::string& target) const;

  const store::Store& store_;
  const WallTime at_;
  const zones::Snapshot& snapshot_;
  std::unordered_set<uint32_t> read_;               // services
  std::unordered_map<std::string, Asked> intents_;  // by target
  std::unordered_map<std::string, std::string> health_;
};

}  // namespace swingover::control
