// Who leaves a group's capacities by plan, or is not wholly back: in steps, to whoever is best or to one pool.

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "server/control/group_solver.h"
#include "zones/steering/swing_shares.h"

namespace swingover::control {

namespace {

uint16_t parts_of(double factor) {
  return static_cast<uint16_t>(std::lround(factor * steering::share_parts));
}

}  // namespace

double GroupSolver::weight_part(uint32_t group, size_t holder) const {
  const auto found = facts_.plans().weights.find(group);
  if (found == facts_.plans().weights.end()) return 1;
  const auto factor = found->second.find(static_cast<uint32_t>(holder));
  return factor == found->second.end() ? 1 : factor->second;
}

bool GroupSolver::is_cut(uint32_t group, size_t holder) const {
  const auto found = facts_.plans().cuts.find(group);
  return found != facts_.plans().cuts.end() &&
         std::ranges::any_of(
             found->second, [&](const auto& cut) { return cut.holder == holder && cut.moved > 0; });
}

/// By member: which of its pools leave, so that those who leave alike may share rows; all 0 where none does.
std::vector<uint32_t> GroupSolver::apart(uint32_t place, const SwingParts* more) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const std::vector<ReturningPool> returning = facts_.returning(place);
  const auto& moves = facts_.plans().moves;
  if (returning.empty() && moves.empty() && !more) return {};
  std::vector<uint32_t> out;
  std::map<std::vector<std::pair<uint32_t, uint16_t>>, uint32_t> alike{{{}, 0}};
  auto next_returning = returning.begin();
  for (size_t m = 0; m < group.members.size(); ++m) {
    std::vector<std::pair<uint32_t, uint16_t>> key;
    const auto add = [&](const auto& of_services) {
      const auto found = of_services.find(group.members[m].service.value);
      if (found == of_services.end()) return;
      for (const SharePlans::Move& move : found->second) {
        if (move.to == SharePlans::best) key.emplace_back(move.from, move.moved);
      }
    };
    add(moves);
    if (more) add(more->moves);
    for (; next_returning != returning.end() && next_returning->member == m; ++next_returning)
      key.emplace_back(next_returning->pool, parts_of(next_returning->factor));
    if (key.empty() && out.empty()) continue;
    out.resize(m, 0);
    const auto next = static_cast<uint32_t>(alike.size());
    out.push_back(alike.try_emplace(std::move(key), next).first->second);
  }
  if (!out.empty()) out.resize(group.members.size(), 0);
  return out;
}

steering::Leaving GroupSolver::leaving_rows(const CapacityGroups::Member& member,
                                            const std::vector<uint32_t>& rows,
                                            const SharePlans::Move& move) {
  steering::Leaving leaving{member.holders[move.from], rows, move.moved};
  std::ranges::sort(leaving.localities);
  leaving.localities.erase(std::unique(leaving.localities.begin(), leaving.localities.end()),
                           leaving.localities.end());
  return leaving;
}

/// What plans in force take from the group, to whoever is best, and what those who come back have not got yet.
std::vector<steering::Leaving> GroupSolver::leaving(uint32_t place,
                                                    const std::vector<std::vector<uint32_t>>& rows,
                                                    bool lets_pools_in) const {
  const CapacityGroups::Group& group = groups_.groups()[place];
  const SharePlans& plans = facts_.plans();
  std::vector<steering::Leaving> all;
  if (const auto found = plans.cuts.find(place); found != plans.cuts.end()) {
    for (const SharePlans::Cut& cut : found->second) all.push_back({cut.holder, {}, cut.moved});
  }
  for (const ReturningPool& one : facts_.returning(place)) {
    if (one.factor >= 1 || (lets_pools_in && !one.waits_for_person)) continue;
    all.push_back(leaving_rows(
        group.members[one.member], rows[one.member],
        {.from = one.pool, .to = SharePlans::best, .moved = parts_of(1 - one.factor)}));
  }
  if (plans.moves.empty()) return all;
  for (size_t m = 0; m < group.members.size(); ++m) {
    const auto found = plans.moves.find(group.members[m].service.value);
    if (found == plans.moves.end()) continue;
    for (const SharePlans::Move& move : found->second) {
      const bool is_ordinary = group.members[m].holders[move.from] != CapacityGroups::none;
      if (move.to == SharePlans::best && is_ordinary)
        all.push_back(leaving_rows(group.members[m], rows[m], move));
    }
  }
  return all;
}

GroupSolver::Outcome GroupSolver::outcome(uint32_t place, Posed posed,
                                          std::shared_ptr<const Solved> solved,
                                          bool lets_pools_in) {
  Outcome out;
  out.solved = std::move(solved);
  out.rows = std::move(posed.rows);
  out.whole = std::move(posed.whole);
  out.aside = std::move(posed.aside);
  out.parts.push_back(out.solved);
  out.leaving = leaving(place, out.rows, lets_pools_in);
  const auto parts = steering::leaving_parts(posed.problem, out.leaving);
  if (parts.size() == 1) return out;
  std::vector<const steering::Allocation*> allocations{&out.solved->allocation};
  for (size_t i = 1; i < parts.size(); ++i) {
    out.parts.push_back(solutions_.of(parts[i].problem));
    allocations.push_back(&out.parts.back()->allocation);
  }
  auto mixed = std::make_shared<Solved>();
  mixed->allocation = steering::mix(posed.problem, parts, allocations);
  mixed->problem = std::move(posed.problem);
  out.solved = std::move(mixed);
  return out;
}

bool GroupSolver::may_move(const zones::Service& service, const CapacityGroups::Member& member,
                           const std::vector<bool>& usable, const SharePlans::Move& move) {
  return move.from < service.pools.size() && move.to < service.pools.size() && usable[move.to] &&
         member.holders[move.from] != CapacityGroups::none &&
         member.holders[move.to] != CapacityGroups::none;
}

void GroupSolver::for_each_move(const zones::Service& service, const CapacityGroups::Member& member,
                                const std::vector<uint32_t>& rows,
                                std::span<const steering::Leaving> leaving,
                                const Take& take) const {
  const auto found = facts_.plans().moves.find(service.id.value);
  if (found == facts_.plans().moves.end()) return;
  const std::vector<bool> of_pools = usable(service);
  for (const SharePlans::Move& move : found->second) {
    if (move.to == SharePlans::best || !may_move(service, member, of_pools, move)) continue;
    for (size_t row = 0; row < rows.size(); ++row) {
      if (!serves(service, move.to, row)) continue;
      const uint16_t stays = steering::staying_part(leaving, member.holders[move.to], rows[row]);
      take(row, move.from, move.to, steering::moved_of(move.moved, stays));
    }
  }
}

}  // namespace swingover::control
