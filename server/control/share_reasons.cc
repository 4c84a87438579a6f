#include "server/control/share_reasons.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "server/control/target.h"
#include "zones/share_rows.h"

namespace swingover::control {

namespace {

/// Shares are whole parts of 10,000, so a pool that is filled to its level is so but for this part.
constexpr double nearly = 0.005;

std::string percent(double part) {
  return fmt::format("{:.0f} %", part * 100);
}

}  // namespace

struct ShareReasons::Seen {
  Steering::ServiceView view;
  std::vector<uint16_t> row;  // by pool: the shares of the clients that are asked about
  std::vector<double> costs;  // by pool, for them
  bool is_frozen = false;

  bool has_room(uint32_t pool) const {
    const Steering::PoolView& p = view.pools[pool];
    return p.load < p.usable * std::max(view.target, p.level) * (1 - nearly);
  }
};

std::vector<zones::Explanation::Step> ShareReasons::steps(const zones::Service& service) const {
  const auto view = steering_.view(service.id);
  if (!view) return {};
  std::vector<zones::Explanation::Step> steps;
  steps.push_back({"capacity", std::string(steering::word(view->regime)),
                   fmt::format("demand {:.6g}; clusters are filled where it costs least up to the "
                               "target of {}, and not above the limit of {} while all fits",
                               view->demand, percent(view->target), percent(view->limit))});
  if (view->waiting)
    steps.push_back({"waiting", "until " + rfc3339(view->waiting->until), view->waiting->reason});
  return steps;
}

std::string cost_words(const zones::Model& model, const zones::Service& service, uint32_t pool,
                       LocalityId client) {
  const double cost = cost_of(model, service, pool, client);
  return cost == steering::forbidden ? "" : fmt::format("cost {:.6g}", cost);
}

std::string ShareReasons::of(const zones::Model& model, const zones::Service& service,
                             uint32_t pool, LocalityId client) const {
  auto view = steering_.view(service.id);
  const std::vector<uint16_t>* shares = steering_.shares(service.id);
  std::string words = cost_words(model, service, pool, client);
  if (!view || !shares || !view->pools[pool].is_ordinary || words.empty()) return {};
  const size_t pools = service.pools.size();
  const auto first =
      shares->begin() + static_cast<ptrdiff_t>(zones::ShareRows::row_of(client) * pools);
  Seen seen{.view = *std::move(view),
            .row = std::vector<uint16_t>(first, first + static_cast<ptrdiff_t>(pools)),
            .costs = {},
            .is_frozen = steering_.plans().is_frozen(service.id)};
  for (uint32_t i = 0; i < pools; ++i) seen.costs.push_back(cost_of(model, service, i, client));

  const Steering::PoolView& p = seen.view.pools[pool];
  words += p.usable > 0 ? fmt::format(", load {:.6g} of {:.6g} ({}, target {})", p.load, p.usable,
                                      percent(p.load / p.usable), percent(seen.view.target))
                        : ", none of its capacity counts now";
  const std::string back = way_back(service, seen, pool);
  if (!back.empty()) words += "; " + back;
  if (const double left = left_by_plan(service, pool); left > 0)
    words += fmt::format("; {:g} % of its shares have left by plan", left);
  const std::string by = seen.is_frozen ? "frozen: it keeps the share that it had"
                         : back.empty() ? verdict(seen, pool)
                                        : std::string();
  return by.empty() ? words : words + "; " + by;
}

std::string ShareReasons::way_back(const zones::Service& service, const Seen& seen,
                                   uint32_t pool) const {
  const Steering::PoolView& p = seen.view.pools[pool];
  const std::vector<PoolId> waiting = steering_.waiting_for_person(service.id);
  if (std::ranges::count(waiting, service.pools[pool].id) > 0)
    return "it is back, and waits for a person: `swingctl resume " +
           pool_target(service, service.pools[pool]) + "`";
  if (p.is_needed) return "it is on its way back, and needed: the others cannot carry the demand";
  if (p.held_until) return "on hold until " + rfc3339(*p.held_until) + " (failback_hold)";
  // What is out has no way back yet.
  if (p.comeback >= 1 || p.waits_for_person) return {};
  return "it comes back in steps: " + percent(p.comeback) + " of its capacity count";
}

/// Of its shares, in percent.
double ShareReasons::left_by_plan(const zones::Service& service, uint32_t pool) const {
  const auto place = steering_.groups().place_of(service.id);
  if (!place) return 0;
  const SharePlans& plans = steering_.plans();
  uint32_t moved = 0;
  const CapacityGroups::Group& group = steering_.groups().groups()[place->group];
  const uint32_t holder = group.members[place->member].holders[pool];
  if (const auto cuts = plans.cuts.find(place->group); cuts != plans.cuts.end()) {
    for (const SharePlans::Cut& cut : cuts->second) {
      if (cut.holder == holder) moved = std::max<uint32_t>(moved, cut.moved);
    }
  }
  if (const auto moves = plans.moves.find(service.id.value); moves != plans.moves.end()) {
    for (const SharePlans::Move& move : moves->second) {
      if (move.from == pool) moved = std::max<uint32_t>(moved, move.moved);
    }
  }
  return moved / 100.0;
}

/// By what the allocation gave it its share, or none.
std::string ShareReasons::verdict(const Seen& seen, uint32_t pool) {
  const Steering::PoolView& p = seen.view.pools[pool];
  if (p.usable <= 0) return {};
  if (p.load > p.usable * seen.view.limit * (1 + nearly)) return "above its limit, as all are";
  bool has_cheaper = false;
  bool has_cheaper_with_room = false;
  double dearest = 0;  // of those with a share
  for (uint32_t i = 0; i < seen.costs.size(); ++i) {
    const Steering::PoolView& other = seen.view.pools[i];
    if (!other.is_ordinary) continue;
    if (seen.row[i] > 0) dearest = std::max(dearest, seen.costs[i]);
    if (seen.costs[i] >= seen.costs[pool] || other.usable <= 0) continue;
    has_cheaper = true;
    has_cheaper_with_room |= seen.has_room(i);
  }
  if (seen.row[pool] == 0) {
    if (seen.costs[pool] > dearest) return "it costs more than others that have room";
    return seen.has_room(pool) ? "others take all" : "it is full with what others bring";
  }
  if (!has_cheaper) return "none that costs less has capacity now";
  return has_cheaper_with_room ? "it keeps what is not worth to be moved yet"
                               : "it takes what cheaper ones have no room for";
}

}  // namespace swingover::control
