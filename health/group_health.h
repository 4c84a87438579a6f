#pragma once

#include <cstddef>
#include <cstdint>

#include "health/health.h"

namespace swingover::health {

/// Members to the health of their group, three-valued: `up` and `down` are said only when no
/// answer of an unknown member could make them wrong. Pure.

/// How many members of a group are what.
struct Tally {
  uint32_t up = 0;
  uint32_t unknown = 0;
  uint32_t down = 0;

  constexpr size_t all() const { return size_t{up} + unknown + down; }
  constexpr void add(Health health) { ++count(health); }
  constexpr void remove(Health health) { --count(health); }

 private:
  constexpr uint32_t& count(Health health) {
    return health == Health::up ? up : health == Health::down ? down : unknown;
  }
};

/// Up with at least `minimum` members up; down when not even the unknown ones could make it so
/// many. A minimum of 0 is always up; one above the number of members always down.
Health at_least_up(const Tally& members, size_t minimum);
/// Up while one member is; no members: down.
Health any_up(const Tally& members);
/// Up while every member is; no members: up, since nothing speaks against it.
Health all_up(const Tally& members);
/// Down when more than half of the votes are; up when not even the unknown ones could make it so. No votes: up.
Health voted(const Tally& votes);

constexpr int rank(Health health) {
  return health == Health::up ? 2 : health == Health::unknown ? 1 : 0;
}
/// What an "all of" two is, and an "any of".
constexpr Health worse(Health a, Health b) {
  return rank(a) < rank(b) ? a : b;
}
constexpr Health better(Health a, Health b) {
  return rank(a) > rank(b) ? a : b;
}

/// What a held target is worth to those who choose: up targets that settle or flap are as good as unknown ones, one
/// that waits for a person is as bad as a down one.
constexpr Health usable(Health health, Hold hold) {
  if (health != Health::up || hold == Hold::none) return health;
  return hold == Hold::resume ? Health::down : Health::unknown;
}

/// What verdicts add up to, and what that is worth while holds last. Groups are formed of each apart.
struct Standing {
  Health health = Health::unknown;
  Health usable = Health::unknown;
  friend bool operator==(const Standing&, const Standing&) = default;
};
constexpr Standing worse(Standing a, Standing b) {
  return {worse(a.health, b.health), worse(a.usable, b.usable)};
}
constexpr Standing better(Standing a, Standing b) {
  return {better(a.health, b.health), better(a.usable, b.usable)};
}

struct Standings {
  Tally health;
  Tally usable;
  constexpr void add(Standing standing) {
    health.add(standing.health);
    usable.add(standing.usable);
  }
  constexpr void remove(Standing standing) {
    health.remove(standing.health);
    usable.remove(standing.usable);
  }
};

/// A bound on how many members must be up, with memory: once fewer were than `down_below`, it is up again from
/// `up_from` on. Three-valued as at_least_up().
class MinimumUp {
 public:
  struct Bounds {
    size_t down_below = 0;
    size_t up_from = 0;  // at least down_below
  };
  explicit MinimumUp(Bounds bounds) : bounds_(bounds) {}

  Health apply(const Tally& members);

  bool was_missed() const { return was_missed_; }
  void remember(bool was_missed) { was_missed_ = was_missed; }

 private:
  Bounds bounds_;
  bool was_missed_ = false;
};

}  // namespace swingover::health
