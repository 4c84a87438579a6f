// The brake on the control thread: what it keeps, who hears of it, and what survives.

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "base/log.h"
#include "server/control/control_loop.h"
#include "server/control/target.h"

namespace swingover::control {

using health::Health;

namespace {

constexpr std::string_view ourselves = "swingoverd";

}  // namespace

/// What the last run kept: the brake is engaged again, and doubt has a window to be confirmed.
void Control::keep_remembered(const Remembered& remembered, Join& join) {
  std::unordered_map<std::string, KeptBy> targets;
  for (const auto& [target, record] : remembered.kept) targets.emplace(target, record.by);
  join.keep(targets);
  // As it was, though nothing of what is kept is left: that it is over is told then.
  for (const auto& [target, record] : remembered.kept) {
    kept_before_.push_back(target);
    if (record.by == KeptBy::brake) brake_.engage(record.since, record.reason);
    if (record.by == KeptBy::doubt) doubt_.begin(environment_.clock.now());
  }
}

void Control::configure_brake(Join& join) {
  join.set_gate([this](bool is_clusters, size_t count, size_t all) {
    if (doubt_.is_in_doubt()) return KeptBy::doubt;
    const Brake::Of what = is_clusters ? Brake::Of::clusters : Brake::Of::endpoints;
    return brake_.let_go(what, count, all, environment_.clock.now(), environment_.clock.wall())
               ? KeptBy::nobody
               : KeptBy::brake;
  });
}

Join::Changes Control::settle_braked(Tick& tick) {
  const bool was_engaged = brake_.is_engaged();
  Join::Changes changes = join_->settle(tick.at);
  look_at_self(changes, tick);
  corroborate(changes, tick);
  note_brake(was_engaged, changes, *join_, tick);
  return changes;
}

/// When doubt begins, what went down within the window before comes back: it fell while the self_check's own
/// confirmation was under way.
void Control::look_at_self(Join::Changes& changes, Tick& tick) {
  const std::vector<uint32_t>& targets = join_->self_checks();
  if (targets.empty() && !doubt_.is_in_doubt()) return;
  const MonotonicTime now = environment_.clock.now();
  while (!left_.empty() && now - left_.front().first >= doubt_.window()) left_.pop_front();
  for (const Join::EndpointChange& change : changes.endpoints) {
    if (change.before.usable == Health::up && change.after.usable == Health::down)
      left_.emplace_back(now, change.id);
  }
  SelfDoubt::Seen seen{.targets = targets.size(),
                       .endpoints = join_->endpoint_count(),
                       .endpoints_down = join_->down_count()};
  for (const uint32_t place : targets)
    seen.targets_down += join_->check(place).health == Health::down ? 1U : 0U;
  if (!doubt_.look(seen, now)) return;

  const std::string what = std::to_string(seen.targets_down) + " of " +
                           std::to_string(seen.targets) + " self_check targets and " +
                           std::to_string(seen.endpoints_down) + " of " +
                           std::to_string(seen.endpoints) + " endpoints fail";
  if (doubt_.is_in_doubt()) {
    tick.told.lines.push_back(
        {LogLevel::error, "this edge doubts itself: nothing is evicted", {{"reason", what}}});
    tick.told.entries.push_back(
        {tick.at, "self_doubt", "", std::string(ourselves), "sure", "in doubt", what});
    for (const auto& [when, id] : left_) {
      if (join_->endpoint(id).usable == Health::down) join_->keep(id, KeptBy::doubt);
    }
  } else {
    tick.told.lines.push_back(
        {LogLevel::info, "this edge no longer doubts itself", {{"now", what}}});
    tick.told.entries.push_back(
        {tick.at, "self_doubt", "", std::string(ourselves), "in doubt", "sure", what});
    join_->let_go(KeptBy::doubt, false);
  }
  Join::Changes more = join_->settle(tick.at);
  std::move(more.clusters.begin(), more.clusters.end(), std::back_inserter(changes.clusters));
  std::move(more.pools.begin(), more.pools.end(), std::back_inserter(changes.pools));
  std::move(more.endpoints.begin(), more.endpoints.end(), std::back_inserter(changes.endpoints));
}

/// A target that cannot be looked at never fails: whoever named it relies on it, and must hear that.
void Control::note_self_check(uint32_t check, const CheckState& before, Tick& tick) const {
  const CheckState& now = join_->check(check);
  const bool is_blind = now.health == Health::unknown && !now.reason.empty();
  const bool was_blind = before.health == Health::unknown && !before.reason.empty();
  if (now.health == before.health && is_blind == was_blind) return;
  if (now.health == Health::up && before.health == Health::unknown && !was_blind) return;
  tick.told.lines.push_back({now.health == Health::up ? LogLevel::info : LogLevel::warning,
                             "self_check target changed",
                             {{"target", self_check_text(join_->checks()[check])},
                              {"from", std::string(word(before.health))},
                              {"to", std::string(word(now.health))},
                              {"reason", now.reason}}});
}

void Control::note_brake(bool was_engaged, const Join::Changes& changes, const Join& join,
                         Tick& tick) {
  store_kept(changes, join, tick);
  const std::string actor(ourselves);
  if (!was_engaged && brake_.is_engaged()) {
    tick.told.lines.push_back(
        {LogLevel::error,
         "brake engaged: nothing more is evicted until a person says so, or probes agree",
         {{"reason", brake_.reason()}}});
    tick.told.entries.push_back({tick.at, "brake", "", actor, "free", "engaged", brake_.reason()});
  } else if (was_engaged && brake_.is_engaged() && join.kept_count(KeptBy::brake) == 0) {
    brake_.disengage();
    tick.told.lines.push_back({LogLevel::info, "brake free: it keeps nothing any more", {}});
    tick.told.entries.push_back(
        {tick.at, "brake", "", actor, "engaged", "free", "it keeps nothing any more"});
  }
}

void Control::store_kept(const Join::Changes& changes, const Join& join, Tick& tick) {
  const auto store = [&](const std::string& target, KeptBy before, KeptBy after) {
    if (before == after) return;
    if (after == KeptBy::nobody) {
      tick.batch.erase(store::Table::state, kept_key(target));
    } else if (after != KeptBy::person) {  // whose word is stored already
      tick.batch.put(store::Table::state, kept_key(target),
                     encode_kept({after, tick.at, brake_.reason()}));
    }
  };
  for (const Join::ClusterChange& change : changes.clusters) {
    store(cluster_target(join.model().topology.clusters[change.id.value].name), change.before.kept,
          change.after.kept);
  }
  for (const Join::EndpointChange& change : changes.endpoints) {
    if (change.before.kept == change.after.kept) continue;
    store(endpoint_target(join.service_of(change.id), join.endpoint_of(change.id)),
          change.before.kept, change.after.kept);
  }
}

/// A configuration without bounds asks for no brake: what one before kept goes down, unless this edge is in doubt.
void Control::free_unbounded_brake(Join& join, Tick& tick) {
  if (!brake_.is_engaged() || brake_.has_bounds()) return;
  brake_.disengage();
  join.let_go(KeptBy::brake, false);
  tick.told.lines.push_back(
      {LogLevel::warning,
       "brake free: the configuration has no bound any more, what it kept goes down",
       {}});
  tick.told.entries.push_back({tick.at, "brake", "", std::string(ourselves), "engaged", "free",
                               "the configuration has no bound any more"});
}

/// What was kept in another run or generation, and is no longer.
void Control::forget_kept(const std::vector<std::string>& before, const Join& join, Tick& tick) {
  std::set<std::string> kept;
  for (const KeptBy by : all_keepers) {
    for (std::string& target : join.kept_targets(by)) kept.insert(std::move(target));
  }
  for (const std::string& target : before) {
    if (!kept.contains(target)) tick.batch.erase(store::Table::state, kept_key(target));
  }
}

void Control::steer_brake(const BrakeRequest& request, std::function<void(Result<size_t>)> done) {
  const bool releases = request.action == "release";
  if (!releases && request.action != "keep")
    return done(Error{ErrorCode::invalid, "action: release or keep"});
  if (request.owner.empty()) return done(Error{ErrorCode::invalid, "owner: needed"});
  if (request.reason.empty()) return done(Error{ErrorCode::invalid, "reason: needed"});
  std::vector<KeptBy> keepers{KeptBy::brake};
  if (releases) keepers.push_back(KeptBy::person);
  store::Batch batch;
  store::Batch undo;
  size_t count = 0;
  const WallTime now = environment_.clock.wall();
  for (const KeptBy by : keepers) {
    for (const std::string& target : join_->kept_targets(by)) {
      ++count;
      const std::string key = kept_key(target);
      undo.put(store::Table::state, key, encode_kept({by, now, brake_.reason()}));
      if (releases) {
        batch.erase(store::Table::state, key);
      } else {
        batch.put(store::Table::state, key, encode_kept({KeptBy::person, now, request.reason}));
      }
    }
  }
  if (count == 0) return done(Error{ErrorCode::conflict, "the brake keeps nothing"});
  Entries entries{{now, "brake", "", request.owner, brake_.is_engaged() ? "engaged" : "free",
                   releases ? "released" : "kept", request.reason}};
  environment_.writer.commit(
      std::move(batch), std::move(entries), std::move(undo),
      [this, request, releases, count, keepers, done = std::move(done)](const Status& stored) {
        if (!stored) return done(stored.error());
        log_info(releases ? "brake released" : "brake: what it kept stays",
                 {{"owner", request.owner}, {"reason", request.reason}});
        brake_.disengage();
        for (const KeptBy by : keepers) {
          if (releases) {
            join_->let_go(by, true);
          } else {
            join_->hand_over(by);
          }
        }
        Tick tick = new_tick("brake");
        settle(tick);
        done(count);
      });
}

}  // namespace swingover::control
