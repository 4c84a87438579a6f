#include "server/control/control_loop.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "server/control/target.h"
#include "zones/explain.h"

namespace swingover::control {

using health::Health;

namespace {

constexpr Milliseconds housekeeping_every{250};
constexpr Milliseconds prune_every{3'600'000};
constexpr size_t epochs_kept = 8;
constexpr size_t told_max = 1'000;  // endpoints named one by one in the log and journal of one tick
constexpr std::string_view ourselves = "swingoverd";

std::vector<double> swing_bounds() {
  return {0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.2, 1.5, 2, 3, 5, 10, 30, 60};
}

std::string pool_names(const zones::Service& service, const std::set<uint32_t>& places) {
  std::vector<std::string> names;
  names.reserve(places.size());
  for (const uint32_t place : places) names.push_back(service.pools[place].cluster_name);
  return names.empty() ? "none" : joined(names, ",");
}

std::set<std::string> pool_set(const zones::Service& service, const std::set<uint32_t>& places) {
  std::set<std::string> names;
  for (const uint32_t place : places) names.insert(service.pools[place].cluster_name);
  return names;
}

std::string intent_words(const Intent& intent) {
  std::string words(word(intent.kind));
  if (intent.expires) words += " until " + rfc3339(*intent.expires);
  return words;
}

/// The first line of a report of problems, for a log line or a journal entry.
std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

}  // namespace

Control::Control(Environment environment)
    : environment_(std::move(environment)),
      intents_(environment_.seed),
      swing_durations_(swing_bounds()),
      started_(environment_.clock.now()),
      pruned_(started_),
      housekeeping_(environment_.loop, [this] { housekeeping(); }) {
  if (environment_.offload) return;
  environment_.offload = [&loop = environment_.loop](auto work, auto done) {
    loop.offload(std::move(work), std::move(done));
  };
}

Control::~Control() = default;

Control::Tick Control::new_tick(std::string cause) const {
  return {environment_.clock.wall(), std::move(cause), {}, {}};
}

void Control::start(Setup setup, Remembered remembered) {
  for (const Intent& intent : remembered.intents) intents_.put(intent);

  auto join = std::make_shared<Join>(setup.model, setup.monitors, setup.self_checks);
  for (uint32_t place = 0; place < join->checks().size(); ++place) {
    const auto found = remembered.health.find(join->checks()[place].key());
    if (found == remembered.health.end()) continue;
    const HealthRecord& record = found->second;
    CheckState state;
    state.hold = record.hold;
    state.penalty = record.penalty;
    state.penalty_at = record.penalty_at;
    if (record.health != Health::unknown) {
      state.health = record.health;
      state.since = record.since;
      state.reason = record.reason;
      state.stored = true;
    }
    join->set_check(place, std::move(state));
  }
  Tick tick = new_tick("start");
  for (const auto& [key, record] : remembered.health) {
    if (!join->find_check(key)) tick.batch.erase(store::Table::state, health_key(key));
  }
  for (const Intent& expired : intents_.expire(tick.at)) {
    tick.batch.erase(store::Table::state, intent_key(expired.id));
    tick.entries.push_back(intent_entry(expired, tick.at, std::string(ourselves),
                                        intent_words(expired), "expired", expired.reason));
    log_info("intent expired", {{"id", expired.id}, {"target", expired.target}});
  }
  keep_remembered(remembered, *join);
  put_in_force(std::move(setup), std::move(join), {}, tick);
  tick.entries.push_back({tick.at, "start", "", std::string(ourselves), "",
                          "generation " + std::to_string(snapshot_->generation),
                          "version " + environment_.version});
  environment_.writer.write(tick.batch, std::move(tick.entries));
  note_first_state();
  housekeeping_.start_repeating(housekeeping_every);
}

/// Everything from here on answers from `setup`. The batch gets what a later start must know of it.
void Control::put_in_force(Setup setup, std::shared_ptr<Join> join,
                           const std::vector<std::optional<uint32_t>>& old_services, Tick& tick) {
  join->set_intents(intents_);
  std::vector<std::string> kept_before = std::exchange(kept_before_, {});
  if (join_) {
    join->follow(*join_);
    for (const KeptBy by : {KeptBy::brake, KeptBy::doubt, KeptBy::person}) {
      for (std::string& target : join_->kept_targets(by)) kept_before.push_back(std::move(target));
    }
  }
  brake_.configure(setup.brake);
  doubt_.configure(setup.self_check_window);
  configure_brake(*join);
  left_.clear();
  const bool was_engaged = brake_.is_engaged();
  note_brake(was_engaged, join->settle(tick.at), *join, tick);
  if (!kept_before.empty()) forget_kept(kept_before, *join, tick);
  const std::shared_ptr<const zones::Model> old_model = setup_.model;
  const std::vector<std::set<uint32_t>> old_chosen = std::exchange(chosen_, {});

  setup_ = std::move(setup);
  snapshot_ = setup_.snapshot;
  // To free a large one takes as long as to make it.
  if (join_) environment_.offload([old = std::move(join_)]() mutable { old.reset(); }, [] {});
  join_ = std::move(join);
  stored_.clear();
  for (uint32_t i = 0; i < snapshot_->counts.endpoints; ++i) stored_.emplace_back(i);
  mark_stored();
  touched_.clear();
  is_touched_.assign(setup_.model->services.size(), false);
  for (uint32_t i = 0; i < setup_.model->services.size(); ++i) touch(i);
  set_change_times(tick.at);
  environment_.publish(snapshot_);
  start_probes();

  for (uint32_t i = 0; i < setup_.model->services.size(); ++i) {
    const zones::Service& service = setup_.model->services[i];
    chosen_.push_back(chosen_pools(i));
    if (i >= old_services.size() || !old_services[i]) continue;
    const zones::Service& before = old_model->services[*old_services[i]];
    const std::set<uint32_t>& old_pools = old_chosen[*old_services[i]];
    if (pool_set(before, old_pools) == pool_set(service, chosen_[i])) continue;
    swings_[{service_text(service), tick.cause}] += 1;
    tick.entries.push_back({tick.at, "swing", service_target(service), std::string(ourselves),
                            pool_names(before, old_pools), pool_names(service, chosen_[i]),
                            tick.cause});
  }

  for (const auto& [zone, serial] : snapshot_->serials)
    tick.batch.put(store::Table::state, serial_key(zone), encode_serial(serial));
  const std::string hash = config_hash(setup_.config_text);
  tick.batch.put(store::Table::config, hash, encode_config({tick.at, setup_.config_text}));
  tick.batch.put(store::Table::meta, std::string(generation_key),
                 encode_generation({snapshot_->generation, tick.at, hash, environment_.version}));
}

/// Sets the eligibility of those that rest, as far as we knew, on what the last run left: answers say so
/// (RFC 8914), until probes have seen each of their checks. What no longer does is forgotten.
void Control::mark_stored() {
  std::erase_if(stored_, [this](EndpointId id) {
    const Join::EndpointState& state = join_->endpoint(id);
    const std::vector<uint32_t> checks = join_->checks_of(id);
    const bool is_stored =
        !state.intent && std::any_of(checks.begin(), checks.end(),
                                     [this](uint32_t place) { return join_->check(place).stored; });
    snapshot_->eligibility->set(id, state.eligibility, is_stored);
    return !is_stored;
  });
}

void Control::start_probes() {
  std::vector<health::Check> checks = join_->checks();
  for (uint32_t place = 0; place < checks.size(); ++place) {
    const CheckState& state = join_->check(place);
    checks[place].initial = {state.health, state.hold, state.penalty, state.penalty_at};
  }
  std::vector<std::pair<uint32_t, health::Check>> pushed;
  for (size_t place = join_->probed_count(); place < join_->told_count(); ++place)
    pushed.emplace_back(static_cast<uint32_t>(place), checks[place]);
  pushes_.replace(pushed, push_now());

  checks.resize(join_->probed_count());
  Epoch epoch;
  for (const health::Check& check : checks) epoch.keys.push_back(check.key());
  epoch.number = environment_.replace_checks(std::move(checks));
  epochs_.push_back(std::move(epoch));
  if (epochs_.size() > epochs_kept) epochs_.pop_front();
}

/// An update of an earlier epoch may still be on its way when the checks are replaced: the probe's machine
/// went on with what it told, so it is told to the check of that key, not dropped.
std::optional<uint32_t> Control::place_of(const health::CheckUpdate& update) const {
  for (const Epoch& epoch : epochs_) {
    if (epoch.number != update.epoch || update.check >= epoch.keys.size()) continue;
    return join_->find_check(epoch.keys[update.check]);
  }
  return std::nullopt;
}

void Control::on_updates(const std::vector<health::CheckUpdate>& updates) {
  Tick tick = new_tick(is_first_state_known_ ? "" : "start");
  for (const health::CheckUpdate& update : updates) {
    if (const auto place = place_of(update)) fold(*place, update, tick);
  }
  settle(tick);
  note_first_state();
}

void Control::fold(uint32_t place, const health::CheckUpdate& update, Tick& tick) {
  CheckState state = join_->check(place);
  const bool is_changed = state.health != update.health;
  const bool is_held_anew = state.hold != update.hold;
  state.health = update.health;
  state.hold = update.hold;
  state.held_until = update.held_until;
  state.penalty = update.penalty;
  state.penalty_at = update.at;
  state.warning = update.warning;
  state.stored = false;
  if (update.verdict == health::Verdict::fail) {
    state.reason = update.reason;
  } else if (update.health == Health::up) {
    state.reason.clear();
  }
  if (is_changed) {
    state.since = update.at;
    state.first_failure = update.health == Health::down ? update.first_failure : MonotonicTime{};
  }
  if (is_changed || is_held_anew) {
    tick.batch.put(store::Table::state, health_key(join_->checks()[place].key()),
                   encode_health({state.health, state.since, state.reason, state.hold,
                                  state.penalty, state.penalty_at}));
  }
  const WallTime changes_at =
      update.until_change.value > 0 ? tick.at + update.until_change : WallTime{};
  if (is_changed || !state.heard || changes_at != state.changes_at) touch_users(place);
  state.heard = true;
  state.changes_at = changes_at;
  join_->set_check(place, std::move(state));
}

void Control::touch_users(uint32_t check) {
  join_->for_each_user(check, [this](EndpointId id) { touch(join_->service_of(id).id.value); });
}

void Control::touch(uint32_t service) {
  if (is_touched_[service]) return;
  is_touched_[service] = true;
  touched_.push_back(service);
}

NextChange Control::next_change(ServiceId service) const {
  return change_finder_.find(*join_, *snapshot_, service, environment_.clock.wall());
}

void Control::set_change_times(WallTime now) {
  for (const uint32_t service : touched_) {
    is_touched_[service] = false;
    const NextChange next = change_finder_.find(*join_, *snapshot_, ServiceId(service), now);
    snapshot_->changes->set(ServiceId(service), change_time(next, now));
  }
  touched_.clear();
}

/// The bytes first: from here on every query sees them. Then what people read, then the disk.
void Control::settle(Tick& tick) {
  const Join::Changes changes = settle_braked(tick);
  for (const Join::EndpointChange& change : changes.endpoints) {
    snapshot_->eligibility->set(change.id, change.after.eligibility);
    touch(join_->service_of(change.id).id.value);
  }
  set_change_times(tick.at);
  if (!stored_.empty()) mark_stored();
  tell(changes, tick);
  tell_holds(changes, tick);
  find_swings(changes, tick);
  environment_.writer.write(tick.batch, std::move(tick.entries));
}

void Control::tell(const Join::Changes& changes, Tick& tick) {
  const std::string actor(ourselves);
  for (const Join::ClusterChange& change : changes.clusters) {
    const std::string& name = join_->model().topology.clusters[change.id.value].name;
    const std::string from(word(change.before.health));
    const std::string to(word(change.after.health));
    const std::string reason = join_->health_reason(change.id);
    log_info("cluster changed",
             {{"cluster", name}, {"from", from}, {"to", to}, {"reason", reason}});
    tick.entries.push_back({tick.at, "health", cluster_target(name), actor, from, to, reason});
  }
  for (const Join::PoolChange& change : changes.pools) {
    const std::string from(word(change.before));
    const std::string to(word(change.after));
    log_info("pool changed", {{"service", service_text(*change.service)},
                              {"cluster", change.pool->cluster_name},
                              {"from", from},
                              {"to", to},
                              {"reason", change.reason}});
    tick.entries.push_back({tick.at, "health", pool_target(*change.service, *change.pool), actor,
                            from, to, change.reason});
  }
  size_t told = 0;
  size_t untold = 0;
  for (const Join::EndpointChange& change : changes.endpoints) {
    if (change.before.health == change.after.health) continue;  // an intent: it has its own entry
    if (++told > told_max) {
      ++untold;
      continue;
    }
    const zones::Service& service = join_->service_of(change.id);
    const zones::Endpoint& endpoint = join_->endpoint_of(change.id);
    const std::string from(word(change.before.health));
    const std::string to(word(change.after.health));
    const std::string reason = join_->health_reason(change.id);
    log_info("endpoint changed", {{"service", service_text(service)},
                                  {"cluster", join_->pool_of(change.id).cluster_name},
                                  {"endpoint", endpoint.text()},
                                  {"from", from},
                                  {"to", to},
                                  {"reason", reason}});
    tick.entries.push_back(
        {tick.at, "health", endpoint_target(service, endpoint), actor, from, to, reason});
  }
  if (untold > 0) {
    const std::string count = std::to_string(untold);
    log_info("more endpoints changed", {{"count", count}});
    tick.entries.push_back({tick.at, "health", "", actor, "", "", count + " more endpoints"});
  }
}

/// What keeps endpoints out that are up, and when it ends: their health alone would not explain the answers.
void Control::tell_holds(const Join::Changes& changes, Tick& tick) {
  const auto is_held = [](const Join::EndpointState& state) {
    return state.health == Health::up && state.usable != Health::up;
  };
  size_t told = 0;
  for (const Join::EndpointChange& change : changes.endpoints) {
    const bool held = is_held(change.after);
    if (held == is_held(change.before)) continue;
    const zones::Service& service = join_->service_of(change.id);
    const zones::Endpoint& endpoint = join_->endpoint_of(change.id);
    const std::string reason = join_->health_reason(change.id);
    tick.entries.push_back({tick.at, "hold", endpoint_target(service, endpoint),
                            std::string(ourselves), held ? "" : "held", held ? "held" : "",
                            reason});
    if (++told > told_max) continue;
    log_info(held ? "endpoint held" : "endpoint no longer held",
             {{"service", service_text(service)},
              {"cluster", join_->pool_of(change.id).cluster_name},
              {"endpoint", endpoint.text()},
              {"health", std::string(word(change.after.health))},
              {"reason", reason}});
  }
}

std::set<uint32_t> Control::chosen_pools(uint32_t service) const {
  const zones::ServicePlan& plan = snapshot_->plans[service];
  std::set<uint32_t> chosen;
  const auto add = [&](LocalityId locality) {
    for (const auto& pool : zones::pool_shares(plan, locality, *snapshot_->eligibility)) {
      chosen.insert(pool.place);
    }
  };
  add(no_locality);
  for (uint32_t i = 0; plan.has_row_per_locality() && i < setup_.model->topology.localities.size();
       ++i) {
    add(LocalityId(i));
  }
  return chosen;
}

void Control::find_swings(const Join::Changes& changes, Tick& tick) {
  struct Direction {
    bool is_worse = false;
    std::optional<MonotonicTime> since;
  };
  std::map<uint32_t, Direction> services;
  for (const Join::EndpointChange& change : changes.endpoints) {
    if (change.before.eligibility == change.after.eligibility) continue;
    Direction& direction = services[join_->service_of(change.id).id.value];
    if (change.after.eligibility > change.before.eligibility) continue;
    direction.is_worse = true;
    const auto since = join_->first_failure(change.id);
    if (since && (!direction.since || *since < *direction.since)) direction.since = since;
  }
  for (const auto& [service, direction] : services) {
    std::set<uint32_t> now = chosen_pools(service);
    const std::set<uint32_t> before = std::exchange(chosen_[service], now);
    if (before == now) continue;
    std::string cause = tick.cause;
    if (cause.empty()) cause = direction.is_worse ? "failover" : "failback";
    swing(service, before, now, cause, direction.since, tick);
  }
}

void Control::swing(uint32_t service, const std::set<uint32_t>& before,
                    const std::set<uint32_t>& after, const std::string& cause,
                    std::optional<MonotonicTime> since, Tick& tick) {
  const zones::Service& swung = setup_.model->services[service];
  const std::string from = pool_names(swung, before);
  const std::string to = pool_names(swung, after);
  swings_[{service_text(swung), cause}] += 1;
  if (cause == "failover" && since) {
    const Milliseconds took = environment_.clock.now() - *since;
    swing_durations_.observe(static_cast<double>(took.value) / 1000);
  }
  log_info("service swung",
           {{"service", service_text(swung)}, {"from", from}, {"to", to}, {"cause", cause}});
  tick.entries.push_back(
      {tick.at, "swing", service_target(swung), std::string(ourselves), from, to, cause});
}

store::JournalEntry Control::intent_entry(const Intent& intent, WallTime at, std::string actor,
                                          std::string before, std::string after,
                                          std::string reason) {
  return {at,
          "intent",
          intent.target,
          std::move(actor),
          std::move(before),
          std::move(after),
          std::move(reason)};
}

void Control::intents_changed(Tick& tick) {
  join_->set_intents(intents_);
  for (uint32_t i = 0; i < setup_.model->services.size(); ++i) touch(i);
  settle(tick);
}

void Control::set_intent(const IntentRequest& request,
                         std::function<void(Result<IntentSet>)> done) {
  const WallTime now = environment_.clock.wall();
  Result<Intents::Prepared> prepared = intents_.prepare(request, *setup_.model, now);
  if (!prepared) return done(prepared.error());
  const Intent& intent = prepared->intent;
  if (!intents_on_their_way_.insert(intent.target).second) {
    return done(Error{ErrorCode::conflict, "another intent for " + intent.target +
                                               " is being stored right now; try again"});
  }
  store::Batch batch;
  store::Batch undo;
  std::string before;
  batch.put(store::Table::state, intent_key(intent.id), encode_intent(intent));
  undo.erase(store::Table::state, intent_key(intent.id));
  if (prepared->replaces) {
    const Intent& old = *prepared->replaces;
    before = intent_words(old);
    batch.erase(store::Table::state, intent_key(old.id));
    undo.put(store::Table::state, intent_key(old.id), encode_intent(old));
  }
  Entries entries{
      intent_entry(intent, now, intent.owner, before, intent_words(intent), intent.reason)};
  environment_.writer.commit(
      std::move(batch), std::move(entries), std::move(undo),
      [this, prepared = *prepared, done = std::move(done)](const Status& stored) {
        const Intent& set = prepared.intent;
        intents_on_their_way_.erase(set.target);
        if (!stored) return done(stored.error());
        intents_.put(set);
        log_info("intent set", {{"id", set.id},
                                {"kind", std::string(word(set.kind))},
                                {"target", set.target},
                                {"owner", set.owner},
                                {"reason", set.reason}});
        Tick tick = new_tick("intent");
        intents_changed(tick);
        done(IntentSet{set, prepared.replaces});
      });
}

void Control::cancel_intent(const std::string& id, const std::string& owner,
                            const std::string& reason, std::function<void(Result<Intent>)> done) {
  const Intent* found = intents_.find(id);
  if (!found) return done(Error{ErrorCode::not_found, "no intent of this id: " + id});
  const Intent intent = *found;
  if (!intents_on_their_way_.insert(intent.target).second) {
    return done(Error{ErrorCode::conflict, "another intent for " + intent.target +
                                               " is being stored right now; try again"});
  }
  store::Batch batch;
  store::Batch undo;
  batch.erase(store::Table::state, intent_key(id));
  undo.put(store::Table::state, intent_key(id), encode_intent(intent));
  Entries entries{intent_entry(intent, environment_.clock.wall(),
                               owner.empty() ? intent.owner : owner, intent_words(intent),
                               "cancelled", reason.empty() ? intent.reason : reason)};
  environment_.writer.commit(
      std::move(batch), std::move(entries), std::move(undo),
      [this, intent, done = std::move(done)](const Status& stored) {
        intents_on_their_way_.erase(intent.target);
        if (!stored) return done(stored.error());
        intents_.erase(intent.id);
        log_info("intent cancelled", {{"id", intent.id}, {"target", intent.target}});
        Tick tick = new_tick("intent");
        intents_changed(tick);
        done(intent);
      });
}

void Control::housekeeping() {
  expire_intents();
  tick_pushes();
  if (doubt_.is_in_doubt()) {  // it ends by time
    Tick tick = new_tick("");
    settle(tick);
  }
  const MonotonicTime now = environment_.clock.now();
  if (now - pruned_ >= prune_every) {
    pruned_ = now;
    const WallTime wall = environment_.clock.wall();
    environment_.writer.prune_journal(wall + Milliseconds(-setup_.journal_keep.value));
  }
}

void Control::expire_intents() {
  const auto next = intents_.next_expiry();
  if (!next || *next > environment_.clock.wall()) return;
  Tick tick = new_tick("intent");
  for (const Intent& expired : intents_.expire(tick.at)) {
    tick.batch.erase(store::Table::state, intent_key(expired.id));
    tick.entries.push_back(intent_entry(expired, tick.at, std::string(ourselves),
                                        intent_words(expired), "expired", expired.reason));
    log_info("intent expired", {{"id", expired.id}, {"target", expired.target}});
  }
  intents_changed(tick);
}

/// Until every check has had a verdict, or a stored state, once, what the answers do is finding out, and
/// no failover.
void Control::note_first_state() {
  if (is_first_state_known_) return;
  for (uint32_t place = 0; place < join_->checks().size(); ++place) {
    if (join_->check(place).health == Health::unknown) return;
  }
  is_first_state_known_ = true;
  log_info("first state known", {{"checks", std::to_string(join_->checks().size())}});
}

void Control::reload(std::function<void(const ReloadResult&)> done) {
  (is_loading_ ? following_ : waiting_).push_back(std::move(done));
  if (!is_loading_) begin_reload();
}

void Control::begin_reload() {
  is_loading_ = true;
  log_info("reloading");
  environment_.on_reload(true);
  auto prepared = std::make_shared<Prepared>();
  environment_.offload(
      [prepared, load = environment_.load, previous = snapshot_, join = join_] {
        prepared->loaded = load(previous->generation + 1, previous.get());
        if (prepared->loaded.setup) prepared->follow(*join);
      },
      [this, prepared] { finish_reload(std::move(*prepared)); });
}

/// `before` is in use on the control thread: only what of it never changes is read.
void Control::Prepared::follow(const Join& before) {
  const Setup& setup = *loaded.setup;
  join = std::make_shared<Join>(setup.model, setup.monitors, setup.self_checks);
  for (const health::Check& check : join->checks())
    old_checks.push_back(before.find_check(check.key()));
  for (const health::Check& check : before.checks()) {
    std::string key = check.key();
    if (!join->find_check(key)) gone.push_back(std::move(key));
  }
  std::unordered_map<std::string, uint32_t> places;
  for (uint32_t i = 0; i < before.model().services.size(); ++i)
    places.emplace(service_text(before.model().services[i]), i);
  for (const zones::Service& service : setup.model->services) {
    const auto old = places.find(service_text(service));
    old_services.push_back(old == places.end() ? std::nullopt : std::optional(old->second));
  }
}

void Control::finish_reload(Prepared prepared) {
  Loaded& loaded = prepared.loaded;
  Tick tick = new_tick("reload");
  const std::string before = "generation " + std::to_string(snapshot_->generation);
  ReloadResult result;
  result.at = tick.at;
  result.reloaded = loaded.setup.has_value();
  if (loaded.setup) {
    result.problems = loaded.setup->warnings;
    result.needs_restart = loaded.setup->needs_restart;
    for (uint32_t place = 0; place < prepared.old_checks.size(); ++place) {
      const std::optional<uint32_t> old = prepared.old_checks[place];
      if (old) prepared.join->set_check(place, join_->check(*old));
    }
    for (const std::string& key : prepared.gone)
      tick.batch.erase(store::Table::state, health_key(key));
    const auto also_put_in_force = std::exchange(loaded.setup->also_put_in_force, nullptr);
    put_in_force(std::move(*loaded.setup), std::move(prepared.join), prepared.old_services, tick);
    if (also_put_in_force) also_put_in_force();
  } else {
    ++reload_failures_;
    result.problems = loaded.problems;
  }
  result.generation = snapshot_->generation;
  const std::string after = "generation " + std::to_string(result.generation);
  tick.entries.push_back({tick.at, "reload", "", std::string(ourselves), before,
                          result.reloaded ? after : "refused", first_line(result.problems)});
  environment_.writer.write(tick.batch, std::move(tick.entries));
  if (result.reloaded) {
    log_info("reloaded", {{"generation", std::to_string(result.generation)}});
  } else {
    log_error("reload refused: nothing changed", {{"problem", first_line(result.problems)}});
  }
  for (const std::string& key : result.needs_restart) {
    log_warning("a changed key needs a restart", {{"key", key}});
  }
  last_reload_ = result;
  is_loading_ = false;
  environment_.on_reload(false);
  const auto told = std::exchange(waiting_, std::exchange(following_, {}));
  if (!waiting_.empty()) begin_reload();
  for (const auto& done : told) done(result);
}

std::vector<std::string> Control::problems() const {
  std::vector<std::string> problems;
  for (const std::string& zone : setup_.failed_zones) {
    problems.push_back("zone " + zone + " did not load: it is answered SERVFAIL");
  }
  const StoreWriter::State store = environment_.writer.state();
  if (!store.healthy) problems.push_back("the store cannot write: " + store.problem);
  if (!is_first_state_known_) {
    size_t unknown = 0;
    for (uint32_t place = 0; place < join_->checks().size(); ++place) {
      if (join_->check(place).health == Health::unknown) ++unknown;
    }
    problems.push_back("state not yet known: " + std::to_string(unknown) + " of " +
                       std::to_string(join_->checks().size()) + " checks have no verdict");
  }
  return problems;
}

}  // namespace swingover::control
