#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "server/control/records.h"
#include "server/control/target.h"

namespace swingover::control {

/// An intent as a person asks for it; empty texts are missing ones.
struct IntentRequest {
  std::string kind;  // as word(IntentKind) has them
  std::string target;
  std::string owner;
  std::string reason;
  std::string
      expires;  // RFC 3339, or a duration from now such as "2h"; empty: until it is taken back
  std::string over{};  // of a swing, or a drain in steps: from its first step to its last
  std::string from{};  // of a swing: the cluster of the pool that it leaves
  std::string to{};
  std::optional<double> weight{};
  std::string override_reason{};  // why rules and the move budget are not to bind it
  bool dry_run = false;  // it is checked, and what it would come to is told; nothing changes
};

std::string_view word(IntentKind kind);  // drain, force_up, force_down, swing, freeze, weight

/// Whether it decides over endpoints now: a drain in steps does so once all of them are made; the kinds that move shares
/// alone never do.
bool decides_endpoints(const Intent& intent);
/// Whether the one that decides takes it out of answers, whatever its health; null: none does.
inline bool takes_out(const Intent* intent) {
  return intent && intent->kind != IntentKind::force_up;
}

/// A target has one intent of each: what takes endpoints out or in and moves shares; how much of a pool counts; what is
/// pinned. In the order in which they are shown.
enum class IntentFamily : uint8_t { moves, weight, freeze };
IntentFamily family_of(IntentKind kind);

/// The target of a freeze of all services.
inline constexpr std::string_view everything = "everything";
/// The services that the intent is about, those with a pool there: of an endpoint its service, of `everything` all.
std::vector<const zones::Service*> services_of(const Intent& intent, const zones::Model& model);
/// Whether a drain or a swing takes this pool's share; `found`: its target, which is no endpoint.
bool leaves(const zones::Pool& pool, const Intent& intent, const FoundTarget& found);

/// What people asked for and has neither expired nor been taken back.
///
/// Shape    A target has at most one intent of each family. The same kind again replaces the one that is there (new
///          reason, owner and expiry, new id); another kind of the family is a conflict, which the person resolves
///          first: a drain that silently became a force, or the reverse, is how a cluster comes back by surprise.
/// Beside   a freeze a plan waits: no step is made while one of its services is frozen, and it goes on where it is
///          afterwards. What takes endpoints out or in does so at once, frozen or not, and a weight shows in the shadow.
/// Force    Of several that cover one endpoint, a drain counts before any force, and of forces the one with
///          the narrowest target: a person who drained a cluster for work on it is never overruled.
/// Expiry   By the wall clock, as it was promised: a clock that jumps ahead expires at once, one that jumps
///          back prolongs; what has expired never returns.
/// Steps    A plan that is asked for again goes on where it is, at its new pace. Steps need services within capacity;
///          the others of a cluster leave at the last one.
/// Threads  One owner. Pure: what is prepared here is stored by the caller, then put() in force.
class Intents {
 public:
  explicit Intents(uint64_t seed) : random_(seed) {}

  struct Prepared {
    Intent intent;
    std::optional<Intent> replaces;
  };
  /// Checks a request against what is configured and in force. Nothing changes yet.
  /// Errors: invalid (with the field's name), not_found (the target), conflict.
  Result<Prepared> prepare(const IntentRequest& request, const zones::Model& model, WallTime now);

  void put(const Intent& intent);  // in force, instead of another of the same target
  std::optional<Intent> erase(std::string_view id);

  /// Takes out and returns those whose time has come.
  std::vector<Intent> expire(WallTime now);
  std::optional<WallTime> next_expiry() const;

  const Intent* find(std::string_view id) const;
  const Intent* of_target(const std::string& target, IntentFamily family) const;
  const Intent* of_target(const std::string& target) const;  // of the first family that has one
  std::vector<const Intent*> list() const;                   // oldest first
  size_t size() const { return by_target_.size(); }

 private:
  std::map<std::pair<std::string, IntentFamily>, Intent> by_target_;
  Random random_;
};

/// The time that `text` names: RFC 3339, or a duration counted from `now` (`forward`) or back from it.
Result<WallTime> parse_when(std::string_view text, WallTime now, bool forward);

}  // namespace swingover::control
