#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "health/group_health.h"
#include "zones/service.h"
#include "zones/topology.h"

namespace swingover::control {

/// `min_healthy` and its kin of one pool or cluster: how many of its endpoints are healthy by themselves, and what that
/// makes of the group. What the group is never counts in it, so that nothing goes round in circles.
///
/// Cost     A changed member costs a few additions, however many there are.
/// Threads  One owner.
class HealthyFloor {
 public:
  explicit HealthyFloor(const zones::MinHealthy& bounds) : bounds_{bounds} {}

  /// One more member, of unknown health.
  void add(const zones::Endpoint& member);
  /// A member is another than before.
  void change(const zones::Endpoint& member, health::Standing before, health::Standing after);
  /// What the members add up to. To be called once all are added, and then after each change.
  health::Standing apply();

  /// Why it is not up: "2 of 8 endpoints up, min_healthy 50%"; empty while it is.
  std::string reason() const;

  /// Of the group in another generation, so that a reload forgets no missed bound.
  void remember(const HealthyFloor& before);

 private:
  enum Family : size_t { all, ipv4, ipv6, families };
  struct Bound {
    health::MinimumUp health;
    health::MinimumUp usable;
    health::Standing now;
  };

  std::optional<Portion> portion(Family family) const;
  Bound& bound(Family family);
  std::string words(Family family) const;

  zones::MinHealthy bounds_;
  std::array<health::Standings, families> members_{};
  std::array<std::optional<Bound>, families> now_{};
  struct Missed {
    bool health = false;
    bool usable = false;
  };
  std::array<Missed, families> was_missed_{};  // before the bounds were made
};

}  // namespace swingover::control
