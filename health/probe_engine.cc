#include "health/probe_engine.h"

#include <algorithm>
#include <utility>

namespace swingover::health {

namespace {

constexpr Milliseconds turn_longest{100};  // what Schedule::advance() asks for
constexpr int starts_a_turn = 64;          // some 5 ms; then the sockets are looked at again

}  // namespace

ProbeEngine::ProbeEngine(loop::Loop& loop, const Clock& clock, Schedule::Options options,
                         Hooks hooks)
    : loop_(loop),
      clock_(clock),
      hooks_(std::move(hooks)),
      schedule_(options),
      timer_(loop, [this] { pump(); }) {
  arm(see_time().now);
}

ProbeEngine::~ProbeEngine() = default;

void ProbeEngine::replace(std::vector<Check> checks, uint64_t epoch) {
  const HealthTable::Now time = see_time();
  const MonotonicTime now = time.now;
  HealthTable::Replaced replaced = table_.replace(std::move(checks), epoch, time);
  for (const Slot slot : replaced.gone) {
    for (size_t i = 0; i < watched_[slot].running.size(); ++i) schedule_.finished();
    watched_[slot] = Watched{};
    schedule_.remove(slot);
  }
  for (const Slot slot : replaced.fresh) {
    if (watched_.size() <= slot) watched_.resize(slot + 1);
    const Check& check = table_.check(slot);
    watched_[slot].target = hooks_.make_target(check);
    schedule_.add(slot, check.monitor->interval, now);
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

void ProbeEngine::pump() {
  const HealthTable::Now time = see_time();
  const MonotonicTime now = time.now;
  table_.tick(time, updates_);
  deliver_soon();
  for (int started = 0; started < starts_a_turn; ++started) {
    const auto slot = schedule_.take(now);
    if (!slot) break;
    if (watched_[*slot].running.size() >= table_.probes_max(*slot)) {
      schedule_.finished();  // the last one has not ended; its next time is the next beat
    } else {
      start_probe(*slot, now);
    }
  }
  hooks_.on_turn(schedule_);
  arm(now);
}

void ProbeEngine::start_probe(Slot slot, MonotonicTime now) {
  Watched& watched = watched_[slot];
  const uint64_t id = ++last_id_;
  watched.last_start = now;
  watched.running.push_back({id, now, nullptr});
  watched.running.back().probe = watched.target->start(
      [this, slot, id](const Finding& finding) { on_finding(slot, id, finding); });
  if (watched.running.size() < table_.probes_max(slot)) {
    schedule_.look_by(slot, now + table_.patience(slot));
  }
}

void ProbeEngine::on_finding(Slot slot, uint64_t id, const Finding& finding) {
  Watched& watched = watched_[slot];
  const auto at = std::ranges::find(watched.running, id, &Running::id);
  const MonotonicTime began = at->began;
  const std::unique_ptr<Probe> ended = std::move(at->probe);
  watched.running.erase(at);
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
  const Watched& watched = watched_[slot];
  schedule_.set_patient(slot, machine.health() == Health::down && !machine.is_confirming());
  if (!table_.is_urgent(slot)) {
    schedule_.look_on_beat(slot, now);
  } else if (watched.running.size() < table_.probes_max(slot)) {
    const MonotonicTime next = watched.last_start + table_.pace(slot);
    schedule_.look_by(slot, std::max(next, now));
  }
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
