#include "server/control/healthy_floor.h"

#include <fmt/format.h>

namespace swingover::control {

using health::Health;
using health::Standing;

void HealthyFloor::add(const zones::Endpoint& member) {
  members_[all].add({});
  if (const auto* address = std::get_if<IpAddress>(&member.address))
    members_[address->is_v4() ? ipv4 : ipv6].add({});
}

void HealthyFloor::change(const zones::Endpoint& member, Standing before, Standing after) {
  const auto move = [&](health::Standings& members) {
    members.remove(before);
    members.add(after);
  };
  move(members_[all]);
  if (const auto* address = std::get_if<IpAddress>(&member.address))
    move(members_[address->is_v4() ? ipv4 : ipv6]);
}

Standing HealthyFloor::apply() {
  Standing result{Health::up, Health::up};
  if (members_[all].health.all() == 0) return result;  // a cluster that no service uses yet
  for (const Family family : {all, ipv4, ipv6}) {
    if (!portion(family)) continue;
    Bound& own = bound(family);
    own.now = {own.health.apply(members_[family].health),
               own.usable.apply(members_[family].usable)};
    result = worse(result, own.now);
  }
  return result;
}

std::optional<Portion> HealthyFloor::portion(Family family) const {
  return family == all ? bounds_.all : family == ipv4 ? bounds_.ipv4 : bounds_.ipv6;
}

HealthyFloor::Bound& HealthyFloor::bound(Family family) {
  std::optional<Bound>& own = now_[family];
  if (!own) {
    const size_t count = members_[family].health.all();
    const Portion least = *portion(family);
    const Portion again = family == all ? bounds_.all_up.value_or(least) : least;
    const health::MinimumUp minimum(
        {.down_below = least.least_of(count), .up_from = again.least_of(count)});
    own = Bound{minimum, minimum, {}};
    own->health.remember(was_missed_[family].health);
    own->usable.remember(was_missed_[family].usable);
  }
  return *own;
}

void HealthyFloor::remember(const HealthyFloor& before) {
  for (const Family family : {all, ipv4, ipv6}) {
    const std::optional<Bound>& own = before.now_[family];
    if (own) was_missed_[family] = {own->health.was_missed(), own->usable.was_missed()};
  }
}

std::string HealthyFloor::reason() const {
  for (const Health wanted : {Health::down, Health::unknown}) {
    for (const Family family : {all, ipv4, ipv6}) {
      const std::optional<Bound>& own = now_[family];
      if (own && own->now.usable == wanted) return words(family);
    }
  }
  return {};
}

std::string HealthyFloor::words(Family family) const {
  static constexpr std::array<std::string_view, families> kinds{"", "IPv4 ", "IPv6 "};
  static constexpr std::array<std::string_view, families> keys{"min_healthy", "min_healthy_ipv4",
                                                               "min_healthy_ipv6"};
  const health::Tally& members = members_[family].usable;
  // Enough not to go down, too few to come back.
  const bool is_again =
      family == all && bounds_.all_up && members.up >= portion(family)->least_of(members.all());
  std::string text =
      fmt::format("{} of {} {}endpoints up", members.up, members.all(), kinds[family]);
  if (members.unknown > 0) text += fmt::format(", {} not known", members.unknown);
  if (is_again) return text + ", min_healthy_up " + bounds_.all_up->text();
  return text + ", " + std::string(keys[family]) + " " + portion(family)->text();
}

}  // namespace swingover::control
