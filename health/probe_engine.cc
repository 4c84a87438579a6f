#include "health/probe_engine.h"

#include <algorithm>
#include <utility>

namespace swingover::health {

namespace {

constexpr Milliseconds turn_longest{100};  // what Schedule::advance() asks for
constexpr int starts_a_turn = 64;          // some 5 ms; then the sockets are looked at again

/// Half of what probes may have at most stays theirs, whatever is watched.
uint32_t watched_max(const ProbeEngine::Options& options) {
  const uint32_t probes = std::min(options.schedule.running_max, options.descriptors_max) / 2;
  return options.descriptors_max - probes;
}

}  // namespace

ProbeEngine::ProbeEngine(loop::Loop& loop, const Clock& clock, Options options, Hooks hooks)
    : loop_(loop),
      clock_(clock),
      options_(options),
      hooks_(std::move(hooks)),
      schedule_(options.schedule),
      watch_(loop, clock, {.open_max = watched_max(options)},
             [this](Slot slot) { on_alarm(slot); }),
      timer_(loop, [this] { pump(); }) {
  arm(see_time().now);
}

ProbeEngine::~ProbeEngine() = default;

void ProbeEngine::replace(std::vector<Check> checks, uint64_t epoch) {
  const HealthTable::Now time = see_time();
  const MonotonicTime now = time.now;
  HealthTable::Replaced replaced = table_.replace(std::move(checks), epoch, time);
  for (const Slot slot : replaced.gone) {
    for (size_t i = 0; i < probed_[slot].running.size(); ++i) schedule_.finished();
    probed_[slot].running.clear();  // before their target
    probed_[slot] = Probed{};
    schedule_.remove(slot);
    watch_.remove(slot);
  }
  for (const Slot slot : replaced.fresh) {
    if (probed_.size() <= slot) probed_.resize(slot + 1);
    const Check& check = table_.check(slot);
    probed_[slot].target = hooks_.make_target(check);
    schedule_.add(slot, check.monitor->interval, now);
    if (check.monitor->watch) watch_.add(slot, check);
  }
  std::ranges::move(replaced.updates, std::back_inserter(updates_));
  deliver_soon();
  arm(now);
}

void ProbeEngine::resume(const std::vector<uint32_t>& checks) {
  const HealthTable::Now time = see_time();
  table_.resume(checks, time, updates_);
  deliver_soon();
  arm(time.now);
}

std::vector<CheckDetails> ProbeEngine::describe(const std::vector<uint32_t>& checks) {
  const HealthTable::Now time = see_time();
  std::vector<CheckDetails> all;
  for (const uint32_t place : checks) {
    auto described = table_.describe(place, time);
    if (!described) continue;
    described->details.running = static_cast<uint32_t>(probed_[described->slot].running.size());
    if (table_.check(described->slot).monitor->watch)
      described->details.watch = word(watch_.state(described->slot));
    if (const auto due = schedule_.due(described->slot))
      described->details.next_probe = time.wall + (*due - time.now);
    all.push_back(std::move(described->details));
  }
  return all;
}

void ProbeEngine::pump() {
  const HealthTable::Now time = see_time();
  const MonotonicTime now = time.now;
  table_.tick(time, updates_, [this](Slot slot) { return schedule_.is_waiting(slot); });
  deliver_soon();
  share_descriptors();
  for (int started = 0; started < starts_a_turn; ++started) {
    const auto slot = schedule_.take(now);
    if (!slot) break;
    if (probed_[*slot].running.size() >= table_.probes_max(*slot)) {
      schedule_.finished();  // the last one has not ended
      probed_[*slot].is_behind = table_.makes_up(*slot);
    } else {
      const MonotonicTime due = schedule_.taken_due();
      start_probe(*slot, now);
      if (hooks_.on_start) hooks_.on_start(due, clock_.now());
    }
  }
  hooks_.on_turn(schedule_, watch_);
  arm(now);
}

void ProbeEngine::start_probe(Slot slot, MonotonicTime now) {
  Probed& probed = probed_[slot];
  const uint64_t id = ++last_id_;
  probed.last_start = now;
  probed.is_behind = false;
  probed.running.push_back({id, now, nullptr});
  probed.running.back().probe = probed.target->start(
      [this, slot, id](const Finding& finding) { on_finding(slot, id, finding); });
  if (probed.running.size() < table_.probes_max(slot)) {
    schedule_.look_by(slot, now + table_.patience(slot));
  }
}

void ProbeEngine::on_finding(Slot slot, uint64_t id, const Finding& finding) {
  Probed& probed = probed_[slot];
  const auto at = std::ranges::find(probed.running, id, &Running::id);
  const MonotonicTime began = at->began;
  const std::unique_ptr<Probe> ended = std::move(at->probe);
  probed.running.erase(at);
  schedule_.finished();
  hooks_.on_probe_end(table_.check(slot), finding);

  const HealthTable::Now time = see_time();
  const MonotonicTime now = time.now;
  if (finding.verdict == Verdict::fail && began < stood_still_until_) {
    schedule_.look_by(slot, now + table_.pace(slot));
  } else {
    table_.apply(slot, finding, {.began = began, .now = now, .wall = time.wall}, updates_);
    if (finding.looked) plan_next(slot, now);
    deliver_soon();
  }
  if (schedule_.waiting() > 0) return pump();
  arm(now);
}

void ProbeEngine::plan_next(Slot slot, MonotonicTime now) {
  const EndpointHealth& machine = table_.machine(slot);
  Probed& probed = probed_[slot];
  schedule_.set_patient(slot, machine.health() == Health::down && !machine.is_confirming());
  if (!table_.is_urgent(slot)) {
    schedule_.look_on_beat(slot, now);
    if (std::exchange(probed.is_behind, false) && schedule_.has_much_room()) {
      schedule_.look_by(slot, now);
    } else if (const auto soon = table_.early_look(slot, now)) {
      schedule_.look_early(slot, *soon, now);
    }
    if (table_.check(slot).monitor->watch) watch_.settled(slot, machine.health() == Health::up);
  } else if (probed.running.size() < table_.probes_max(slot)) {
    const MonotonicTime next = probed.last_start + table_.pace(slot);
    schedule_.look_by(slot, std::max(next, now));
  }
}

void ProbeEngine::on_alarm(Slot slot) {
  const MonotonicTime now = see_time().now;
  table_.alarm(slot);
  schedule_.look_at(slot, now);
  arm(now);
}

void ProbeEngine::share_descriptors() {
  if (options_.descriptors_max == 0) return;
  const uint32_t free =
      options_.descriptors_max - std::min(watch_.open(), options_.descriptors_max);
  schedule_.set_running_max(std::min(options_.schedule.running_max, free));
}

HealthTable::Now ProbeEngine::see_time() {
  const HealthTable::Now time{clock_.now(), clock_.wall()};
  const Milliseconds gap = schedule_.advance(time.now);
  if (gap > Milliseconds(0)) {
    stood_still_until_ = time.now;
    table_.stood_still(gap);
  }
  return time;
}

void ProbeEngine::arm(MonotonicTime now) {
  Milliseconds wait = turn_longest;
  if (schedule_.waiting() > 0 && schedule_.has_room()) wait = Milliseconds(0);
  if (const auto due = schedule_.next_due()) {
    const int64_t nanoseconds = std::max<int64_t>(due->nanoseconds - now.nanoseconds, 0);
    wait = std::min(wait, Milliseconds((nanoseconds + 999'999) / 1'000'000));
  }
  if (const auto due = table_.next_deadline()) {
    const int64_t nanoseconds = std::max<int64_t>(due->nanoseconds - now.nanoseconds, 0);
    wait = std::min(wait, Milliseconds((nanoseconds + 999'999) / 1'000'000));
  }
  wakes_at_ = now + wait;
  timer_.start_once(wait);
}

void ProbeEngine::deliver_soon() {
  if (updates_.empty() || std::exchange(delivery_posted_, true)) return;
  loop_.post([this, alive = std::weak_ptr(alive_)] {
    if (alive.expired()) return;
    delivery_posted_ = false;
    hooks_.deliver(std::exchange(updates_, {}));
  });
}

}  // namespace swingover::health
