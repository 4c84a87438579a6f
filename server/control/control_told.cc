// What targets and people tell of checks, beside the probes: reports of push monitors, and the end of holds.

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "server/control/control_loop.h"
#include "server/control/target.h"

namespace swingover::control {

Result<size_t> Control::push(const PushReport& report) {
  const Result<std::vector<std::string>> keys = pushes_.find(report);
  if (!keys) return keys.error();
  std::vector<health::CheckUpdate> updates;
  pushes_.apply(*keys, report, push_now(), updates);
  apply_pushed(updates);
  return keys->size();
}

void Control::tick_pushes() {
  if (pushes_.entries().empty()) return;
  std::vector<health::CheckUpdate> updates;
  pushes_.tick(push_now(), updates);
  apply_pushed(updates);
}

void Control::apply_pushed(const std::vector<health::CheckUpdate>& updates) {
  if (updates.empty()) return;
  Tick tick = new_tick(is_first_state_known_ ? "" : "start");
  for (const health::CheckUpdate& update : updates) fold(update.check, update, tick);
  settle(tick);
  note_first_state();
}

std::set<uint32_t> Control::held_checks(const Target& target, const FoundTarget& found) const {
  std::set<uint32_t> held;
  const auto add = [&](const std::vector<uint32_t>& checks) {
    for (const uint32_t place : checks) {
      if (join_->check(place).hold != health::Hold::none) held.insert(place);
    }
  };
  if (found.cluster) {
    add(join_->told_checks(*found.cluster));
    for (const EndpointId id : join_->endpoints_of(*found.cluster)) add(join_->told_checks(id));
    return held;
  }
  for (const zones::Pool& pool : found.service->pools) {
    if (target.kind == Target::Kind::pool && &pool != found.pool) continue;
    for (const zones::Endpoint& endpoint : pool.endpoints) {
      if (target.kind == Target::Kind::endpoint && &endpoint != found.endpoint) continue;
      add(join_->told_checks(endpoint.id));
    }
  }
  return held;
}

std::vector<Control::WaitingPools> Control::waiting_pools(const Target& target,
                                                          const FoundTarget& found) const {
  std::vector<WaitingPools> all;
  for (const zones::Service& service : join_->model().services) {
    if (found.service && &service != found.service) continue;
    WaitingPools waiting{service.id, steering_.waiting_for_person(service.id)};
    std::erase_if(waiting.pools, [&](PoolId id) {
      const auto pool = std::ranges::find(service.pools, id, &zones::Pool::id);
      if (found.cluster && target.kind == Target::Kind::cluster)
        return pool->cluster != *found.cluster;
      return target.kind == Target::Kind::endpoint ||
             (target.kind == Target::Kind::pool && &*pool != found.pool);
    });
    if (!waiting.pools.empty()) all.push_back(std::move(waiting));
  }
  return all;
}

void Control::resume(const ResumeRequest& request, std::function<void(Result<Resumed>)> done) {
  if (request.owner.empty()) return done(Error{ErrorCode::invalid, "owner: needed"});
  if (request.reason.empty()) return done(Error{ErrorCode::invalid, "reason: needed"});
  const Result<Target> target = parse_target(request.target);
  if (!target) return done(target.error("target"));
  const Result<FoundTarget> found = find_target(join_->model(), *target);
  if (!found) return done(found.error("target"));
  if (resume_swing(request, target->text(), done)) return;
  const std::set<uint32_t> held = held_checks(*target, *found);
  const std::vector<WaitingPools> waiting = waiting_pools(*target, *found);
  if (held.empty() && waiting.empty())
    return done(Error{ErrorCode::conflict, "nothing of " + target->text() + " is held"});

  store::Batch batch;
  store::Batch undo;
  std::vector<std::string> keys;
  for (const uint32_t place : held) {
    const CheckState& state = join_->check(place);
    HealthRecord record{state.health, state.since,   state.reason,
                        state.hold,   state.penalty, state.penalty_at};
    keys.push_back(join_->checks()[place].key());
    const std::string key = health_key(keys.back());
    undo.put(store::Table::state, key, encode_health(record));
    record.hold = health::Hold::none;
    record.penalty = 0;
    batch.put(store::Table::state, key, encode_health(record));
  }
  std::vector<std::pair<std::string, std::string>> pools;  // service, cluster
  for (const auto& [id, ids] : waiting) {
    const zones::Service& service = join_->model().services[id.value];
    const std::string key = steering_key(service_text(service));
    undo.put(store::Table::state, key, encode_steering(steering_.record_with(id, {})));
    batch.put(store::Table::state, key, encode_steering(steering_.record_with(id, ids)));
    for (const zones::Pool& pool : service.pools) {
      if (std::ranges::count(ids, pool.id) > 0)
        pools.emplace_back(service_text(service), pool.cluster_name);
    }
  }
  std::string resumed = std::to_string(keys.size()) + " checks resumed";
  if (!pools.empty()) resumed += ", " + std::to_string(pools.size()) + " pools";
  Entries entries{{environment_.clock.wall(), "resume", target->text(), request.owner, "held",
                   std::move(resumed), request.reason}};
  environment_.writer.commit(
      std::move(batch), std::move(entries), std::move(undo),
      [this, keys, pools, text = target->text(), request,
       done = std::move(done)](const Status& stored) {
        if (!stored) return done(stored.error());
        const size_t pools_resumed = resume_pools(pools);
        go_on();
        log_info("resumed",
                 {{"target", text}, {"owner", request.owner}, {"reason", request.reason}});
        let_come_back(keys);
        done(Resumed{.checks = keys.size(), .pools = pools_resumed});
      });
}

/// By name: a reload may have gone by since they were found. How many waited until now.
size_t Control::resume_pools(const std::vector<std::pair<std::string, std::string>>& waiting) {
  std::vector<std::pair<ServiceId, PoolId>> found;
  for (const auto& [name, cluster] : waiting) {
    const std::optional<ServiceId> id = loads_.find(name);
    if (!id) continue;
    const std::vector<PoolId> ids = steering_.waiting_for_person(*id);
    for (const zones::Pool& pool : join_->model().services[id->value].pools) {
      if (pool.cluster_name == cluster && std::ranges::count(ids, pool.id) > 0)
        found.emplace_back(*id, pool.id);
    }
  }
  // Services may share what waits: one of them ends it for all.
  for (const auto& [id, pool] : found) steering_.resume(id, pool);
  // A reload may have stored them as it found them, waiting.
  store::Batch batch;
  for (const auto& [id, pool] : found) {
    batch.put(store::Table::state, steering_key(service_text(join_->model().services[id.value])),
              encode_steering(steering_.record_with(id, {})));
  }
  if (!batch.empty()) environment_.writer.write(batch, {});
  return found.size();
}

/// By key: a reload may have gone by since they were found.
void Control::let_come_back(const std::vector<std::string>& keys) {
  std::vector<uint32_t> probed;
  std::vector<health::CheckUpdate> pushed;
  for (const std::string& key : keys) {
    const auto place = join_->find_check(key);
    if (!place) continue;
    if (*place < join_->probed_count()) {
      probed.push_back(*place);
    } else {
      pushes_.resume(key, push_now(), pushed);
    }
  }
  if (!probed.empty() && environment_.resume_checks) environment_.resume_checks(std::move(probed));
  apply_pushed(pushed);
}

}  // namespace swingover::control
