#include "health/group_health.h"

namespace swingover::health {

Health at_least_up(const Tally& members, size_t minimum) {
  if (members.up >= minimum) return Health::up;
  return size_t{members.up} + members.unknown < minimum ? Health::down : Health::unknown;
}

Health any_up(const Tally& members) {
  return at_least_up(members, 1);
}

Health all_up(const Tally& members) {
  return at_least_up(members, members.all());
}

Health voted(const Tally& votes) {
  if (2 * size_t{votes.down} > votes.all()) return Health::down;
  return 2 * (size_t{votes.down} + votes.unknown) > votes.all() ? Health::unknown : Health::up;
}

Health MinimumUp::apply(const Tally& members) {
  const Health health = at_least_up(members, was_missed_ ? bounds_.up_from : bounds_.down_below);
  if (health != Health::unknown) was_missed_ = health == Health::down;
  return health;
}

}  // namespace swingover::health
