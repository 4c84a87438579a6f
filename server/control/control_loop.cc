#include "server/control/control_loop.h"

#include <algorithm>
#include <unordered_set>
#include <utility>

#include "base/log.h"
#include "base/text.h"
#include "health/derived_monitors.h"
#include "server/control/target.h"
#include "zones/carried_shares.h"
#include "zones/explain.h"

namespace swingover::control {

using health::Health;

namespace {

constexpr Milliseconds prune_every{3'600'000};
constexpr size_t epochs_kept = 8;
constexpr size_t change_times_a_part = 1'000;
constexpr size_t updates_a_part = 500;
constexpr size_t waiting_for_store_max = 4'000;
constexpr size_t pruned_a_slice = 1'000;
constexpr std::string_view ourselves = "swingoverd";

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
      state_log_(
          environment_.clock, environment_.writer, environment_.version,
          [this](auto work, auto done) { environment_.offload(std::move(work), std::move(done)); }),
      answers_(environment_.clock, environment_.add_pool_answers),
      steering_(
          environment_.clock, loads_, environment_.add_answers, {},
          [this](ServiceId service) { state_log_.note_rows(service); },
          [this](EndpointId id) { return join_->is_flapping(id); }),
      planned_swings_(
          environment_.clock, steering_,
          [this](auto work, auto done) { environment_.offload(std::move(work), std::move(done)); }),
      rule_watch_(environment_.clock),
      n1_({.clock = environment_.clock,
           .steering = steering_,
           .offload = [this](auto work,
                             auto done) { environment_.offload(std::move(work), std::move(done)); },
           .tell = [this](Told told) { environment_.writer.write({}, std::move(told)); }}),
      teller_(environment_.clock),
      started_(environment_.clock.now()),
      pruned_(started_),
      housekeeping_(environment_.loop, [this] { housekeeping(); }),
      next_part_(environment_.loop, [this] { do_part(); }) {
  if (environment_.add_pool_answers) {
    steering_.count_old_answers([this](ServiceId id) -> std::optional<OldAnswers> {
      if (!answers_.has_old(id)) return std::nullopt;
      return old_answers(setup_.model->services[id.value]);
    });
  }
  if (environment_.offload) return;
  environment_.offload = [&loop = environment_.loop](auto work, auto done) {
    loop.offload(std::move(work), std::move(done));
  };
}

/// The journal is whole, whatever comes.
Control::~Control() {
  tell_rest();
  state_log_.end();
}

Control::Tick Control::new_tick(std::string cause) const {
  return {environment_.clock.wall(), std::move(cause), {}, {}};
}

void Control::start(Setup setup, Remembered remembered) {
  if (Status opened = state_log_.open(environment_.store); !opened)
    log_warning("what answers came from before cannot be read",
                {{"reason", opened.error().message}});
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
  tick.told.entries.push_back({tick.at, "start", "", std::string(ourselves), "",
                               "generation " + std::to_string(setup.snapshot->generation),
                               "version " + environment_.version});
  std::unordered_set<std::string> services;
  for (const zones::Service& service : setup.model->services)
    services.insert(service_text(service));
  for (const auto& [name, record] : remembered.steering) {
    if (!services.contains(name)) tick.batch.erase(store::Table::state, steering_key(name));
  }
  for (const auto& [key, record] : remembered.health) {
    if (!join->find_check(key)) tick.batch.erase(store::Table::state, health_key(key));
  }
  for (const Intent& expired : intents_.expire(tick.at)) {
    tick.batch.erase(store::Table::state, intent_key(expired.id));
    tick.told.entries.push_back(intent_entry(expired, tick.at, std::string(ourselves),
                                             intent_words(expired), "expired", expired.reason));
    tick.told.lines.push_back(
        {LogLevel::info, "intent expired", {{"id", expired.id}, {"target", expired.target}}});
  }
  keep_remembered(remembered, *join);
  Prepared prepared;
  prepared.loaded.setup = std::move(setup);
  prepared.join = std::move(join);
  prepared.read_off();
  prepared.steering = std::move(remembered.steering);
  put_in_force(std::move(prepared), tick);
  environment_.writer.write(tick.batch, std::move(tick.told));
  go_on();
  note_first_state();
  housekeeping_.start_repeating(environment_.housekeeping_every);
}

/// Everything from here on answers from the new setup. The batch gets what a later start must know of it.
void Control::put_in_force(Prepared prepared, Tick& tick) {
  tell_rest();  // of the generation before
  state_log_.end_turn();
  Setup setup = std::move(*prepared.loaded.setup);
  const std::shared_ptr<Join> join = std::move(prepared.join);
  join->set_intents(intents_);
  std::vector<std::string> kept_before = std::exchange(kept_before_, {});
  std::vector<std::optional<uint32_t>> places;
  if (join_) {
    for (const std::optional<Teller::Old>& old : prepared.old_services)
      places.push_back(old ? std::optional(old->place) : std::nullopt);
    join->follow(*join_, places);
    for (const KeptBy by : all_keepers) {
      for (std::string& target : join_->kept_targets(by)) kept_before.push_back(std::move(target));
    }
  }
  brake_.configure(setup.brake);
  doubt_.configure(setup.self_check_window);
  configure_brake(*join);
  free_unbounded_brake(*join, tick);
  left_.clear();
  const bool was_engaged = brake_.is_engaged();
  Join::Changes changes = join->settle(tick.at);
  note_brake(was_engaged, changes, *join, tick);
  if (!kept_before.empty()) forget_kept(kept_before, *join, tick);
  const std::shared_ptr<const zones::Snapshot> before = snapshot_;

  setup_ = std::move(setup);
  snapshot_ = setup_.snapshot;
  answers_.follow(snapshot_, places);
  // To free a large one takes as long as to make it.
  if (join_) environment_.offload([old = std::move(join_)]() mutable { old.reset(); }, [] {});
  join_ = join;
  weigh_clusters();
  first_unknown_ = 0;
  mark_all_stored();
  touched_.clear();
  is_touched_.assign(setup_.model->services.size(), false);
  for (uint32_t i = 0; i < setup_.model->services.size(); ++i) touch(i);
  set_change_times(tick.at);
  if (before) keep_shares(*before, prepared.old_services);
  if (before) {
    steering_.reload(snapshot_, std::move(prepared.groups), places);
  } else {
    steering_.start(snapshot_, std::move(prepared.groups), prepared.steering);
  }
  follow_intents();
  const WallTime published_from = environment_.clock.wall();
  environment_.publish(snapshot_);
  state_log_.begin(snapshot_, published_from, setup_.config_path, prepared.config_hash,
                   std::exchange(setup_.files, {}));
  start_probes(std::move(prepared.checks), std::move(prepared.keys));
  replace_loads(std::move(prepared.names), places);
  if (!before) leave_out_known(changes);
  tell_clusters(changes, tick);
  teller_.follow(*snapshot_, *join_, before.get(), prepared.old_services, tick.at, tick.cause);
  teller_.add(tick.at, tick.cause, changes);
  teller_.tell_part(tick.told);

  for (const auto& [zone, serial] : snapshot_->serials)
    tick.batch.put(store::Table::state, serial_key(zone), encode_serial(serial));
  tick.batch.put(store::Table::config, prepared.config_hash,
                 encode_config({tick.at, setup_.config_text}));
  tick.batch.put(store::Table::meta, std::string(generation_key),
                 encode_generation(
                     {snapshot_->generation, tick.at, prepared.config_hash, environment_.version}));
}

/// At a start what checks are is what the last run told; who keeps what may be another.
void Control::leave_out_known(Join::Changes& changes) {
  changes.pools.clear();
  for (auto& change : changes.clusters) change.before.health = change.after.health;
  for (auto& change : changes.endpoints) {
    const KeptBy kept = std::exchange(change.before, change.after).kept;
    change.before.kept = kept;
    if (kept == KeptBy::nobody) continue;
    change.before.kept_with = KeptBy::nobody;
    change.before.usable = Health::up;
  }
  const auto is_known = [](const auto& change) { return change.before.kept == change.after.kept; };
  std::erase_if(changes.clusters, is_known);
  std::erase_if(changes.endpoints, is_known);
}

/// Whether it rests, as far as we know, on what the last run left: answers say so (RFC 8914), until probes have seen
/// each of its checks.
bool Control::is_stored(EndpointId id) const {
  if (join_->endpoint(id).intent) return false;
  const std::vector<uint32_t>& checks = join_->checks_of(id);
  return std::any_of(checks.begin(), checks.end(),
                     [this](uint32_t place) { return join_->check(place).stored; });
}

void Control::set_eligibility(EndpointId id) {
  const zones::Eligibility eligibility = join_->endpoint(id).eligibility;
  const bool stored = is_stored(id);
  const zones::EligibilityMap& map = *snapshot_->eligibility;
  if (map.get(id) == eligibility && map.is_stored(id) == stored) return;
  state_log_.note(id);
  snapshot_->eligibility->set(id, eligibility, stored);
}

void Control::mark_all_stored() {
  for (uint32_t i = 0; i < snapshot_->counts.endpoints; ++i) set_eligibility(EndpointId(i));
}

/// Until they are worked out anew, a reload moves nobody.
void Control::keep_shares(const zones::Snapshot& before,
                          const std::vector<std::optional<Teller::Old>>& old_services) {
  std::vector<std::optional<ServiceId>> places;
  places.reserve(old_services.size());
  for (const std::optional<Teller::Old>& old : old_services)
    places.push_back(old ? std::optional(ServiceId(old->place)) : std::nullopt);
  zones::carry_shares(before, places, *snapshot_);
}

void Control::start_probes(std::vector<health::Check> checks, Keys keys) {
  for (uint32_t place = 0; place < checks.size(); ++place) {
    const CheckState& state = join_->check(place);
    checks[place].initial = {state.health, state.hold, state.penalty, state.penalty_at};
  }
  std::vector<std::pair<uint32_t, health::Check>> pushed;
  for (size_t place = join_->probed_count(); place < join_->told_count(); ++place)
    pushed.emplace_back(static_cast<uint32_t>(place), checks[place]);
  pushes_.replace(pushed, push_now());

  checks.resize(join_->probed_count());
  epochs_.push_back({environment_.replace_checks(std::move(checks)), std::move(keys)});
  if (epochs_.size() <= epochs_kept) return;
  environment_.offload([old = std::move(epochs_.front().keys)]() mutable { old.reset(); }, [] {});
  epochs_.pop_front();
}

/// An update of an earlier epoch may still be on its way when the checks are replaced: the probe's machine
/// went on with what it told, so it is told to the check of that key, not dropped.
std::optional<uint32_t> Control::place_of(const health::CheckUpdate& update) const {
  for (const Epoch& epoch : epochs_) {
    if (epoch.number != update.epoch || update.check >= epoch.keys->size()) continue;
    return join_->find_check((*epoch.keys)[update.check]);
  }
  return std::nullopt;
}

void Control::on_updates(std::vector<health::CheckUpdate> updates) {
  arrived_.push_back({std::move(updates)});
  // Many in one turn, delivery by delivery, are many all the same: the rest waits for do_part().
  if (applied_ < updates_a_part / 4) apply_updates();
}

/// A bounded number of those that have arrived, as one tick; go_on() does the rest.
void Control::apply_updates() {
  if (arrived_.empty()) return;
  Tick tick = new_tick(is_first_state_known_ ? "" : "start");
  size_t applied = 0;
  while (!arrived_.empty() && applied < updates_a_part) {
    Arrived& first = arrived_.front();
    while (first.applied < first.updates.size() && applied++ < updates_a_part) {
      const health::CheckUpdate& update = first.updates[first.applied++];
      if (const auto place = place_of(update)) fold(*place, update, tick);
    }
    if (first.applied == first.updates.size()) arrived_.pop_front();
  }
  applied_ += applied;
  settle(tick);
  note_first_state();
  if (!next_part_.is_active()) next_part_.start_once(Milliseconds(0));  // the end of this turn
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
  if (std::exchange(state.stored, false))
    join_->for_each_user(place, [this](EndpointId id) { confirmed_.push_back(id); });
  if (update.verdict == health::Verdict::fail) {
    state.reason = update.reason;
    state.failure = update.failure;
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
  const CheckState before = join_->is_self_check(place) ? join_->check(place) : CheckState();
  join_->set_check(place, std::move(state));
  if (join_->is_self_check(place)) note_self_check(place, before, tick);
}

void Control::touch_users(uint32_t check) {
  join_->for_each_user(check, [this](EndpointId id) { touch(join_->service_of(id).id.value); });
}

void Control::touch(uint32_t service) {
  join_->for_each_outer(ServiceId(service), [this](ServiceId outer) { touch(outer.value); });
  if (is_touched_[service]) return;
  is_touched_[service] = true;
  touched_.push_back(service);
}

NextChange Control::next_change(ServiceId service) const {
  const WallTime now = environment_.clock.wall();
  if (planned_swings_.lowers_ttl(service))
    return {.input = NextChange::Input::plan, .at = now, .endpoint = {}};
  return change_finder_.find(*join_, *snapshot_, service, now);
}

/// Of a bounded number of services; go_on() does the rest.
void Control::set_change_times(WallTime now) {
  for (size_t done = 0; done < change_times_a_part && !touched_.empty(); ++done) {
    const uint32_t service = touched_.back();
    touched_.pop_back();
    is_touched_[service] = false;
    const ServiceId id(service);
    const uint32_t time = change_time(next_change(id), now);
    if (snapshot_->changes->get(id) != time) {
      state_log_.note_change_time(id);
      snapshot_->changes->set(id, time);
    }
    answers_.ttl_changed(id);
  }
}

/// The bytes first: from here on every query sees them. Then what people read, then the disk.
void Control::settle(Tick& tick) {
  const Join::Changes changes = settle_braked(tick);
  const ShareCause cause = tick.cause == "intent" ? ShareCause::intent : ShareCause::health;
  for (const Join::EndpointChange& change : changes.endpoints) {
    set_eligibility(change.id);
    const ServiceId service = join_->service_of(change.id).id;
    touch(service.value);
    steering_.touch(service, cause);
    if (change.before.eligibility != change.after.eligibility) answers_.changed(service);
  }
  set_change_times(tick.at);
  for (const EndpointId id : std::exchange(confirmed_, {})) set_eligibility(id);
  state_log_.end_turn();
  tell_clusters(changes, tick);
  teller_.add(tick.at, tick.cause, changes);
  if (arrived_.empty() && !is_store_behind()) teller_.tell_part(tick.told);
  environment_.writer.write(tick.batch, std::move(tick.told));
  go_on();
}

/// What of the last ticks is left, in parts, between which whoever waits gets his turn.
void Control::go_on() {
  state_log_.end_turn();
  const bool is_done = arrived_.empty() && touched_.empty() && teller_.is_done() && !may_steer();
  if (is_done || next_part_.is_active()) return;
  next_part_.start_once(is_store_behind() ? Milliseconds(2) : Milliseconds(0));
}

/// Whether so much waits for a disk that is well that what is told next had better wait too.
bool Control::is_store_behind() const {
  const StoreWriter::State store = environment_.writer.state();
  return store.healthy && store.waiting > waiting_for_store_max;
}

/// Answers come first: while verdicts wait, nothing is told.
void Control::do_part() {
  applied_ = 0;
  if (!arrived_.empty()) {
    apply_updates();
  } else {
    set_change_times(environment_.clock.wall());
    if (may_steer()) {
      steer();
    } else if (!is_store_behind()) {
      Told told;
      teller_.tell_part(told);
      environment_.writer.write({}, std::move(told));
    }
    go_on();
  }
  if (when_told_ && teller_.is_done()) std::exchange(when_told_, nullptr)();
}

/// Until the first state is known, who seems to be down may only not have been seen: then the shares of the last run
/// stand, and the tiers behind them.
bool Control::may_steer() const {
  return is_first_state_known_ && !steering_.is_idle() && !is_store_behind();
}

void Control::steer() {
  Steering::Slice slice = steering_.work();
  state_log_.end_turn();
  for (const ServiceId service : slice.moved) answers_.changed(service);
  environment_.writer.write(slice.batch, std::move(slice.told));
  bool is_news = false;
  for (const auto& [endpoint, is_needed] : slice.needed)
    is_news |= join_->need(endpoint, is_needed);
  if (!is_news) return;
  Tick tick = new_tick("");
  settle(tick);
}

void Control::tell_rest() {
  Told told;
  while (!teller_.is_done()) teller_.tell_part(told);
  environment_.writer.write({}, std::move(told));
}

void Control::tell_clusters(const Join::Changes& changes, Tick& tick) {
  const std::string actor(ourselves);
  for (const Join::ClusterChange& change : changes.clusters) {
    if (change.before.health == change.after.health) continue;
    const std::string& name = join_->model().topology.clusters[change.id.value].name;
    const std::string from(word(change.before.health));
    const std::string to(word(change.after.health));
    const std::string reason = join_->health_reason(change.id);
    tick.told.lines.push_back(
        {LogLevel::info,
         "cluster changed",
         {{"cluster", name}, {"from", from}, {"to", to}, {"reason", reason}}});
    tick.told.entries.push_back({tick.at, "health", cluster_target(name), actor, from, to, reason});
  }
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
  const std::vector<EndpointId> covered = join_->set_intents(intents_);
  for (const EndpointId id : covered) touch(join_->service_of(id).id.value);
  follow_intents();
  settle(tick);
  for (const EndpointId id : covered) set_eligibility(id);
  state_log_.end_turn();
}

void Control::set_intent(const IntentRequest& request,
                         std::function<void(Result<IntentSet>)> done) {
  const WallTime now = environment_.clock.wall();
  Result<Intents::Prepared> prepared = intents_.prepare(request, *setup_.model, now);
  if (!prepared) return done(prepared.error());
  const Intent& intent = prepared->intent;
  const std::vector<std::string> against = objections(intent, true);
  if (!against.empty() && intent.override_reason.empty()) {
    return done(Error{ErrorCode::conflict, joined(against, "; ") +
                                               "; with an override and its reason it is done all "
                                               "the same"});
  }
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
  Entries entries{intent_entry(intent, now, intent.owner, before, intent_words(intent),
                               against.empty()
                                   ? intent.reason
                                   : intent.reason + " (overrides " + joined(against, "; ") + ": " +
                                         intent.override_reason + ")")};
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
  tick_loads();
  steering_.hear(loads_.take_new([this](ServiceId service, ClusterId cluster) {
    return steering_.expected_load(service, cluster);
  }));
  answers_.tick();
  steering_.tick();
  tick_swings();
  if (is_first_state_known_) {
    if (auto told = rule_watch_.tick(*snapshot_, steering_))
      environment_.writer.write({}, std::move(*told));
    n1_.tick();
  }
  go_on();
  if (doubt_.is_in_doubt() || doubts().is_other) {  // both end by time
    Tick tick = new_tick("");
    settle(tick);
  }
  const MonotonicTime now = environment_.clock.now();
  if (now - pruned_ >= prune_every) {
    pruned_ = now;
    const WallTime wall = environment_.clock.wall();
    environment_.writer.prune_journal(wall + Milliseconds(-setup_.journal_keep.value));
    prune(wall + Milliseconds(-setup_.journal_keep.value));
  }
  state_log_.look();
}

/// Found off this thread, slice by slice.
void Control::prune(WallTime before) {
  if (is_pruning_) return;
  is_pruning_ = true;
  auto old = std::make_shared<std::optional<StateLog::Old>>();
  environment_.offload(
      [old, before, &store = environment_.store] {
        if (auto found = StateLog::find_old(store, before, pruned_a_slice))
          *old = *std::move(found);
      },
      [this, old, before, alive = std::weak_ptr(alive_)] {
        if (alive.expired()) return;
        is_pruning_ = false;
        if (!*old) return;
        state_log_.erase(**old);
        if (!(*old)->is_all && environment_.writer.state().healthy) prune(before);
      });
}

void Control::expire_intents() {
  const auto next = intents_.next_expiry();
  if (!next || *next > environment_.clock.wall()) return;
  Tick tick = new_tick("intent");
  for (const Intent& expired : intents_.expire(tick.at)) {
    tick.batch.erase(store::Table::state, intent_key(expired.id));
    tick.told.entries.push_back(intent_entry(expired, tick.at, std::string(ourselves),
                                             intent_words(expired), "expired", expired.reason));
    tick.told.lines.push_back(
        {LogLevel::info, "intent expired", {{"id", expired.id}, {"target", expired.target}}});
  }
  intents_changed(tick);
}

/// Whether a first look at it is still to come. One that this host may not look at has been tried, who reports does so
/// when he likes, and what is worked out of others follows them: none of these may hold up a start.
bool Control::is_awaited(uint32_t place) const {
  const CheckState& state = join_->check(place);
  if (state.heard || state.health != Health::unknown) return false;
  return health::is_probed(join_->checks()[place].monitor->kind);
}

/// Until every check has had a verdict, or a stored state, once, what the answers do is finding out, and
/// no failover.
void Control::note_first_state() {
  if (is_first_state_known_) return;
  for (; first_unknown_ < join_->checks().size(); ++first_unknown_) {
    if (is_awaited(first_unknown_)) return;
  }
  is_first_state_known_ = true;
  log_info("first state known", {{"checks", std::to_string(join_->checks().size())}});
  go_on();
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
  const bool is_same_map = Teller::are_alike(before.model().topology, setup.model->topology);
  for (const zones::Service& service : setup.model->services) {
    std::optional<Teller::Old>& old = old_services.emplace_back();
    const auto found = places.find(service_text(service));
    if (found == places.end()) continue;
    const zones::Service& one = before.model().services[found->second];
    old = {found->second, is_same_map && Teller::are_alike(one, service)};
  }
  read_off();
}

void Control::Prepared::read_off() {
  groups = CapacityGroups(loaded.setup->model);
  checks = join->checks();
  auto all = std::make_shared<std::vector<std::string>>();
  for (const health::Check& check : checks) all->push_back(check.key());
  keys = std::move(all);
  names = std::make_shared<ServiceNames>(loaded.setup->model);
  config_hash = control::config_hash(loaded.setup->config_text);
}

void Control::finish_reload(Prepared prepared) {
  if (!teller_.is_done()) {
    when_told_ = [this, waiting = std::make_shared<Prepared>(std::move(prepared))] {
      finish_reload(std::move(*waiting));
    };
    return;
  }
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
    put_in_force(std::move(prepared), tick);
    if (also_put_in_force) also_put_in_force();
  } else {
    ++reload_failures_;
    result.problems = loaded.problems;
  }
  result.generation = snapshot_->generation;
  const std::string after = "generation " + std::to_string(result.generation);
  tick.told.entries.push_back({tick.at, "reload", "", std::string(ourselves), before,
                               result.reloaded ? after : "refused", first_line(result.problems)});
  std::vector<LogLine>& lines = tick.told.lines;
  if (result.reloaded) {
    lines.push_back(
        {LogLevel::info, "reloaded", {{"generation", std::to_string(result.generation)}}});
  } else {
    lines.push_back({LogLevel::error,
                     "reload refused: nothing changed",
                     {{"problem", first_line(result.problems)}}});
  }
  for (const std::string& key : result.needs_restart)
    lines.push_back({LogLevel::warning, "a changed key needs a restart", {{"key", key}}});
  environment_.writer.write(tick.batch, std::move(tick.told));
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
      if (is_awaited(place)) ++unknown;
    }
    problems.push_back("state not yet known: " + std::to_string(unknown) + " of " +
                       std::to_string(join_->checks().size()) + " checks have no verdict");
  }
  return problems;
}

}  // namespace swingover::control
