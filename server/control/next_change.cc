#include "server/control/next_change.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "zones/found_tier.h"

namespace swingover::control {

namespace {

using Input = NextChange::Input;

constexpr Milliseconds far_ahead{365LL * 24 * 3600 * 1000};

/// What of one check speaks of a change; `at` is `now` where nobody can say.
NextChange of_check(const CheckState& state, WallTime now) {
  if (!state.heard) return {.input = Input::unheard, .at = now, .endpoint = {}};
  if (state.changes_at == WallTime{}) return {};
  return {.input = Input::verdicts, .at = state.changes_at, .endpoint = {}};
}

void take_sooner(NextChange& soonest, const NextChange& other) {
  if (other.input == Input::none) return;
  if (soonest.input == Input::none || other.at < soonest.at) soonest = other;
}

}  // namespace

NextChange ChangeFinder::find(const Join& join, const zones::Snapshot& snapshot, ServiceId service,
                              WallTime now) {
  const zones::ServicePlan& plan = snapshot.plans[service.value];
  zones::find_pools_in_play(service, plan, *snapshot.eligibility, *snapshot.shares, in_play_);
  NextChange soonest;
  for (uint32_t p = 0; p < in_play_.size(); ++p) {
    if (!in_play_[p]) continue;
    const zones::ServicePlan::PlanPool& pool = plan.pools()[p];
    for (uint32_t e = 0; e < pool.endpoints; ++e) {
      const EndpointId id = plan.endpoint_id(pool.first_endpoint + e);
      take_sooner(soonest, of_endpoint({join, snapshot, now}, id));
    }
  }
  return soonest;
}

NextChange ChangeFinder::of_endpoint(const Known& known, EndpointId id) {
  const Join& join = known.join;
  if (const Intent* intent = join.endpoint(id).intent) {
    if (!intent->expires) return {};
    return {.input = Input::intent, .at = *intent->expires, .endpoint = id};
  }
  NextChange soonest;
  join.for_each_check(id, [&](uint32_t check) {
    NextChange next = of_check(join.check(check), known.now);
    next.endpoint = id;
    next.check = check;
    take_sooner(soonest, next);
  });
  if (const auto nested = join.nested_in(id)) take_sooner(soonest, of_nested(known, *nested));
  return soonest;
}

/// How deep services lie in one another is bounded by the config (zones::nested_max).
NextChange ChangeFinder::of_nested(const Known& known, ServiceId service) {
  NextChange first;
  NextChange last;
  bool is_any_in = false;
  bool does_any_stay = false;
  for (const zones::Pool& pool : known.snapshot.model->services[service.value].pools) {
    for (const zones::Endpoint& endpoint : pool.endpoints) {
      const NextChange next = of_endpoint(known, endpoint.id);
      take_sooner(first, next);
      if (known.snapshot.eligibility->get(endpoint.id) != zones::Eligibility::eligible) continue;
      is_any_in = true;
      does_any_stay = does_any_stay || next.input == Input::none;
      if (last.input == Input::none || next.at > last.at) last = next;
    }
  }
  if (!is_any_in) return first;
  return does_any_stay ? NextChange() : last;
}

uint32_t change_time(const NextChange& next, WallTime now) {
  if (next.input == Input::none) return zones::ChangeTimes::unknown;
  // In RFC 1982 order what lies too far ahead would lie in the past.
  if (next.at - now > far_ahead) return zones::ChangeTimes::unknown;
  return static_cast<uint32_t>(std::max<int64_t>(next.at.unix_milliseconds / 1000, 1));
}

namespace {

/// "0.4s", "12s", "2m05s": how long from now; "at any moment" when it is due.
std::string in_words(Milliseconds left) {
  if (left.value <= 0) return "at any moment";
  std::array<char, 48> out{};
  const auto seconds = static_cast<double>(left.value) / 1000;
  if (left.value < 10'000) {
    std::snprintf(out.data(), out.size(), "in %.1f s", seconds);
  } else if (left.value < 120'000) {
    std::snprintf(out.data(), out.size(), "in %.0f s", seconds);
  } else {
    std::snprintf(out.data(), out.size(), "in %.0f min", seconds / 60);
  }
  return out.data();
}

}  // namespace

std::string change_words(const NextChange& next, const Join& join, WallTime now) {
  if (next.input == Input::none) return {};
  if (next.input == Input::plan) return "a planned swing moves its shares in steps";
  const std::string who = "endpoint " + join.endpoint_of(next.endpoint).text() + ": ";
  const std::string when = in_words(next.at - now);
  if (next.input == Input::intent) {
    return who + Join::reason(*join.endpoint(next.endpoint).intent) + ", which ends " + when;
  }
  const health::Check& check = join.checks()[next.check];
  std::string monitor = "monitor " + check.monitor->name;
  if (check.address != join.endpoint_of(next.endpoint).text()) monitor += " at " + check.address;
  if (next.input == Input::unheard) return who + monitor + " has no verdict of this run yet";
  const CheckState& state = join.check(next.check);
  if (state.hold != health::Hold::none)
    return who + monitor + " holds it (" + std::string(word(state.hold)) + "), which may end " +
           when;
  const health::Health health = state.health;
  const std::string_view turn = health == health::Health::up     ? " may go down "
                                : health == health::Health::down ? " may come up "
                                                                 : " may be known ";
  return who + monitor + std::string(turn) + when;
}

}  // namespace swingover::control
