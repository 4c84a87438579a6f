// From an allocation to the rows that queries read, and to what people are told of them.

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/control/records.h"
#include "server/control/share_text.h"
#include "server/control/steering.h"
#include "server/control/target.h"
#include "zones/steering/share_check.h"
#include "zones/steering/share_rounding.h"
#include "zones/steering/swing_shares.h"

namespace swingover::control {

using steering::Problem;
using steering::Regime;

namespace {

constexpr size_t services_a_part = 200;
constexpr size_t lines_a_slice = 20;
constexpr std::string_view ourselves = "swingoverd";

/// What has none yet has nothing to keep.
void fill_empty_rows(std::span<const uint16_t> from, size_t pools, std::span<uint16_t> to) {
  for (size_t row = 0; row < to.size(); row += pools) {
    const auto is_empty = [](uint16_t share) { return share == 0; };
    if (std::ranges::all_of(to.subspan(row, pools), is_empty))
      std::ranges::copy(from.subspan(row, pools), to.subspan(row, pools).begin());
  }
}

std::string percent(double part) {
  return fmt::format("{:.1f} %", part * 100);
}

}  // namespace

/// Of the problem's localities: those whose clients each one stands for.
std::vector<std::string> Steering::locality_names(uint32_t place,
                                                  const std::vector<std::vector<uint32_t>>& rows,
                                                  size_t localities) const {
  std::vector<std::string> names(localities);
  size_t left = localities;
  const CapacityGroups::Group& group = groups_.groups()[place];
  for (size_t member = 0; member < rows.size() && left > 0; ++member) {
    for (size_t row = 0; row < rows[member].size(); ++row) {
      std::string& name = names[rows[member][row]];
      if (!name.empty()) continue;
      name = row == 0 ? "unknown" : model().topology.localities[row - 1].name;
      const ServiceId service = group.members[member].service;
      if (group.members.size() > 1) name += " of " + service_text(model().services[service.value]);
      --left;
    }
  }
  return names;
}

/// What is refused is told once, until it is sound again; the counter has each time. Of what is mixed by weights each
/// part is looked at: what each of them keeps their mean does, too.
bool Steering::is_sound(uint32_t place, const Outcome& outcome, bool& is_refused, Slice& slice) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  std::vector<std::string> clusters;
  for (const CapacityGroups::Holder& holder : group.holders) clusters.push_back(holder.cluster);
  const std::vector<std::string> localities =
      locality_names(place, outcome.rows, outcome.solved->problem.localities());
  std::vector<std::string> broken;
  for (const std::shared_ptr<const Solved>& part : outcome.parts) {
    broken = steering::broken_invariants(part->problem, part->allocation.shares,
                                         {.localities = localities, .clusters = clusters});
    if (!broken.empty()) break;
  }
  const bool was_refused = std::exchange(is_refused, !broken.empty());
  if (broken.empty()) return true;
  ++counters_.refused;
  if (was_refused) return false;
  refuse(model().services[group.members.front().service.value], broken.front(), slice);
  return false;
}

/// Swings and spills change rows after the allocation was checked. What nobody serves has the shares of before, as they are.
bool Steering::are_rows_sound(const zones::Service& service, const Outcome& outcome, size_t member,
                              std::span<const uint16_t> shares, Slice& slice) {
  const size_t pools = service.pools.size();
  std::vector<bool> may_serve(pools);
  for (size_t row = 0; row < outcome.rows[member].size(); ++row) {
    if (outcome.solved->allocation.unserved[outcome.rows[member][row]]) continue;
    for (size_t pool = 0; pool < pools; ++pool)
      may_serve[pool] = solver_.serves(service, pool, row);
    const std::string broken = steering::broken_row(shares.subspan(row * pools, pools), may_serve);
    if (broken.empty()) continue;
    ++counters_.refused;
    refuse(service,
           "locality " +
               (row == 0 ? "unknown" : std::string(model().topology.localities[row - 1].name)) +
               ": " + broken,
           slice);
    return false;
  }
  return true;
}

void Steering::refuse(const zones::Service& service, const std::string& problem, Slice& slice) {
  slice.told.entries.push_back({clock_.wall(), "shares", service_target(service),
                                std::string(ourselves), "", "refused", problem});
  slice.told.lines.push_back({LogLevel::error,
                              "shares refused: they break an invariant; those before stay",
                              {{"service", service_text(service)}, {"problem", problem}}});
}

void Steering::publish_part(Slice& slice) {
  Publication& publication = *publishing_;
  const CapacityGroups::Group& group = groups_.groups()[publication.group];
  for (size_t i = 0; i < services_a_part && publication.next < group.members.size(); ++i) {
    const CapacityGroups::Member& member = group.members[publication.next];
    const zones::Service& service = model().services[member.service.value];
    const bool is_thawed = publication.thawed && plans_.is_frozen(service.id);
    const Outcome& outcome = is_thawed ? *publication.thawed : publication.best;
    if (!plans_.is_frozen(service.id))
      note_regime(service, member, outcome, publication.next, slice);
    const std::vector<uint32_t>& rows = outcome.rows[publication.next];
    std::vector<uint16_t> shares = shares_of(service, member, rows, *outcome.solved);
    solver_.for_each_move(service, member, rows, outcome.leaving,
                          [&](size_t row, uint32_t from, uint32_t to, uint16_t moved) {
                            const size_t pools = service.pools.size();
                            steering::swing_row(std::span(shares).subspan(row * pools, pools), from,
                                                to, moved);
                          });
    if (publication.keeps_rows) {
      std::vector<uint16_t> kept = services_[service.id.value]->shares;
      fill_empty_rows(shares, service.pools.size(), kept);
      shares = std::move(kept);
    }
    if (are_rows_sound(service, outcome, publication.next, shares, slice))
      publish(service, std::move(shares), slice);
    add_loads(member, publication.loads);
    ++publication.next;
  }
  if (publication.next < group.members.size()) return;
  states_[publication.group].loads = std::move(publication.loads);
  note_frozen_regimes(publication.group, slice);
  publishing_.reset();
}

std::vector<uint16_t> Steering::shares_of(const zones::Service& service,
                                          const CapacityGroups::Member& member,
                                          const std::vector<uint32_t>& rows,
                                          const Solved& solved) const {
  const size_t pools = service.pools.size();
  const size_t holders = solved.problem.clusters();
  // A locality that nobody can serve keeps the shares that it had: they are masked, and whoever comes back first is
  // used at once.
  std::vector<uint16_t> shares = services_[service.id.value]->shares;
  for (size_t row = 0; row < rows.size(); ++row) {
    if (solved.allocation.unserved[rows[row]]) continue;
    const std::span<uint16_t> out(shares.data() + row * pools, pools);
    for (size_t pool = 0; pool < pools; ++pool) {
      const uint32_t holder = member.holders[pool];
      out[pool] = holder == CapacityGroups::none
                      ? uint16_t{0}
                      : solved.allocation.shares[rows[row] * holders + holder];
    }
    if (service.overflow == zones::Overflow::last_resort) spill(out, row, service, member, solved);
  }
  return shares;
}

/// What would lift a pool above its limit goes to the pools of last resort.
void Steering::spill(std::span<uint16_t> row, size_t place, const zones::Service& service,
                     const CapacityGroups::Member& member, const Solved& solved) const {
  const std::vector<double> resorts = solver_.resorts(service, solver_.usable(service), place);
  if (std::ranges::all_of(resorts, [](double weight) { return weight <= 0; })) return;
  uint16_t excess = 0;
  for (size_t pool = 0; pool < row.size(); ++pool) {
    const uint32_t holder = member.holders[pool];
    if (holder == CapacityGroups::none || row[pool] == 0) continue;
    const double room = solved.problem.capacities[holder] * solved.problem.limit;
    const double load = solved.allocation.loads[holder];
    if (load <= room) continue;
    const auto kept = static_cast<uint16_t>(row[pool] * room / load);
    excess = static_cast<uint16_t>(excess + row[pool] - kept);
    row[pool] = kept;
  }
  std::vector<uint16_t> parts(row.size());
  steering::ShareRounder().round(resorts, parts, excess);
  for (size_t pool = 0; pool < row.size(); ++pool)
    row[pool] = static_cast<uint16_t>(row[pool] + parts[pool]);
}

void Steering::publish(const zones::Service& service, std::vector<uint16_t> shares, Slice& slice) {
  ServiceState& state = *services_[service.id.value];
  state.shadow.clear();
  if (shares == state.shares) return;
  if (plans_.is_frozen(service.id)) {
    const std::vector<uint16_t> before = state.shares;
    fill_empty_rows(shares, service.pools.size(), state.shares);
    if (shares != state.shares) state.shadow = std::move(shares);
    // Who is out is masked in what is frozen, too.
    if (before == state.shares) return note_in_force(service);
  } else {
    if (publishing_->is_planned)
      budget_.spend(weight_of(service.id) * difference_of(state, shares), clock_.now());
    state.shares = std::move(shares);
  }
  set_rows(service.id);
  slice.moved.push_back(service.id);
  ++counters_.published_by[static_cast<size_t>(publishing_->cause)];
  slice.told.entries.push_back(
      {clock_.wall(), "shares", service_target(service), std::string(ourselves), "",
       share_text(state.shares, service, model().topology), std::string(word(publishing_->cause))});
  slice.batch.put(store::Table::state, steering_key(service_text(service)),
                  encode_steering(record_of(service)));
}

/// Whether there is a last resort for the clients of that row.
bool Steering::has_resort(const zones::Service& service, size_t row) const {
  if (std::ranges::none_of(service.pools, &zones::Pool::last_resort)) return false;
  const std::vector<double> resorts = solver_.resorts(service, solver_.usable(service), row);
  return std::ranges::any_of(resorts, [](double weight) { return weight > 0; });
}

void Steering::note_regimes(uint32_t place, const Outcome& outcome, Slice& slice) {
  const CapacityGroups::Group& group = groups_.groups()[place];
  for (size_t m = 0; m < group.members.size(); ++m) {
    if (!plans_.is_frozen(group.members[m].service))
      note_regime(model().services[group.members[m].service.value], group.members[m], outcome, m,
                  slice);
  }
  note_frozen_regimes(place, slice);
}

/// Who is frozen has the regime of what he really brings, and not of what thawing would come to.
void Steering::note_frozen_regimes(uint32_t place, Slice& slice) {
  if (!solver_.has_frozen(place)) return;
  const CapacityGroups::Group& group = groups_.groups()[place];
  const std::vector<double>& loads = states_[place].loads;
  for (const CapacityGroups::Member& member : group.members) {
    if (!plans_.is_frozen(member.service)) continue;
    const zones::Service& service = model().services[member.service.value];
    const ServiceState& state = *services_[service.id.value];
    const std::vector<bool> usable = solver_.usable(service);
    Strain strain;
    for (size_t pool = 0; pool < member.holders.size(); ++pool) {
      const uint32_t holder = member.holders[pool];
      if (holder == CapacityGroups::none || !usable[pool]) continue;
      const double capacity = used_capacity(place, holder);
      if (capacity <= 0) continue;
      strain.level = std::max(strain.level, loads[holder] / capacity);
      strain.excess += std::max(0.0, loads[holder] - capacity * group.limit);
    }
    const bool is_dark = std::ranges::none_of(usable, std::identity());
    if (is_dark) strain.unserved = state.demand.total();
    // Shares are rounded.
    Problem bounds;
    bounds.target = group.target;
    bounds.limit = group.limit;
    tell_regime(service, steering::regime_of(strain.level * (1 - 1e-3), bounds), strain, slice);
  }
}

void Steering::note_regime(const zones::Service& service, const CapacityGroups::Member& member,
                           const Outcome& outcome, size_t place, Slice& slice) {
  const Solved& solved = *outcome.solved;
  Strain strain;
  for (const uint32_t holder : member.holders) {
    if (holder == CapacityGroups::none || solved.problem.capacities[holder] <= 0) continue;
    strain.level = std::max(strain.level, solved.allocation.levels[holder]);
    strain.excess += std::max(0.0, solved.allocation.loads[holder] -
                                       solved.problem.capacities[holder] * solved.problem.limit);
  }
  for (size_t row = 0; row < outcome.rows[place].size(); ++row) {
    if (solved.allocation.unserved[outcome.rows[place][row]] && !has_resort(service, row))
      strain.unserved += services_[service.id.value]->demand.of(row);
  }
  tell_regime(service, steering::regime_of(strain.level, solved.problem), strain, slice);
}

void Steering::tell_regime(const zones::Service& service, Regime of_level, const Strain& strain,
                           Slice& slice) {
  const Regime regime = strain.unserved > 0 ? Regime::overload : of_level;
  Regime& now = services_[service.id.value]->regime;
  if (regime == now) return;
  const Regime before = std::exchange(now, regime);
  std::string reason =
      fmt::format("its clusters have to go to {} of their capacity", percent(strain.level));
  if (strain.excess > 0 && regime == Regime::overload) {
    reason += fmt::format("; {:g} units more than their limits allow {}", strain.excess,
                          service.overflow == zones::Overflow::last_resort
                              ? "go to the pools of last resort"
                              : "are shared by all of them alike");
  }
  if (strain.unserved > 0) {
    reason = fmt::format("{:g} units come from clients whom no cluster with capacity serves",
                         strain.unserved);
  }
  if (slice.told.lines.size() < lines_a_slice) {
    slice.told.lines.push_back({regime == Regime::overload ? LogLevel::warning : LogLevel::info,
                                "regime changed",
                                {{"service", service_text(service)},
                                 {"from", std::string(steering::word(before))},
                                 {"to", std::string(steering::word(regime))},
                                 {"reason", reason}}});
  }
  slice.told.entries.push_back({clock_.wall(), "regime", service_target(service),
                                std::string(ourselves), std::string(steering::word(before)),
                                std::string(steering::word(regime)), std::move(reason)});
}

/// What is known of the group's services goes to the store, though their shares stay.
void Steering::store_later(uint32_t group) {
  states_[group].stored_at = clock_.now();
  states_[group].stored_demand = states_[group].demand;
  if (std::ranges::find(to_store_, group, &ToStore::group) == to_store_.end())
    to_store_.push_back({group, 0});
}

void Steering::store_part(Slice& slice) {
  ToStore& part = to_store_.back();
  const std::vector<CapacityGroups::Member>& members = groups_.groups()[part.group].members;
  for (size_t i = 0; i < services_a_part && part.next < members.size(); ++i, ++part.next) {
    const zones::Service& service = model().services[members[part.next].service.value];
    slice.batch.put(store::Table::state, steering_key(service_text(service)),
                    encode_steering(record_of(service)));
  }
  if (part.next == members.size()) to_store_.pop_back();
}

/// The pools of which nothing is up: no connection to them is left that clients could stay on.
std::vector<uint32_t> Steering::broken_pools(const zones::Service& service) const {
  std::vector<uint32_t> broken;
  for (uint32_t pool = 0; pool < service.pools.size(); ++pool) {
    const auto& endpoints = service.pools[pool].endpoints;
    const auto is_down = [this](const zones::Endpoint& endpoint) {
      return snapshot_->eligibility->get(endpoint.id) == zones::Eligibility::down;
    };
    if (!endpoints.empty() && std::ranges::all_of(endpoints, is_down)) broken.push_back(pool);
  }
  return broken;
}

void Steering::set_rows(ServiceId id) const {
  ServiceState& state = *services_[id.value];
  const zones::Service& service = model().services[id.value];
  const size_t pools = service.pools.size();
  if (note_rows_) note_rows_(id);
  for (size_t row = 0; row < groups_.rows(); ++row) {
    snapshot_->shares->set(id, row, std::span(state.shares).subspan(row * pools, pools));
  }
  note_in_force(service);
}

void Steering::note_in_force(const zones::Service& service) const {
  services_[service.id.value]->demand.in_force(solver_.reached(service, solver_.usable(service)),
                                               clock_.now(), broken_pools(service));
}

void Steering::read_rows(ServiceId id) const {
  ServiceState& state = *services_[id.value];
  const size_t pools = model().services[id.value].pools.size();
  for (size_t row = 0; row < groups_.rows(); ++row)
    snapshot_->shares->read(id, row, std::span(state.shares).subspan(row * pools, pools));
}

}  // namespace swingover::control
