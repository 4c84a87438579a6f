#include "health/health_table.h"

#include <algorithm>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>

namespace swingover::health {

namespace {

constexpr int64_t late_factor = 3;  // of the usual time of a pass
constexpr int64_t smoothing = 8;    // passes
constexpr uint8_t looks_of_an_alarm = 3;
constexpr int64_t share_of_failing = 20;
constexpr Milliseconds early_look_least{500};

/// What makes two checks one; views into a check that outlives it.
struct CheckName {
  std::string_view monitor;
  std::string_view address;
  std::string_view host;
  friend bool operator==(const CheckName&, const CheckName&) = default;
};

CheckName name_of(const Check& check) {
  return {check.monitor->name, check.address, check.host};
}

struct CheckNameHash {
  size_t operator()(const CheckName& name) const {
    const std::hash<std::string_view> hash;
    return (hash(name.monitor) * 31 + hash(name.address)) * 31 + hash(name.host);
  }
};

std::string silence_words(Milliseconds silent, const std::string& why) {
  std::string words = "no verdict for " + duration_text(Milliseconds(silent.value / 1000 * 1000));
  if (!why.empty()) words += ": " + why;
  return words;
}

}  // namespace

HealthTable::Replaced HealthTable::replace(std::vector<Check> checks, uint64_t epoch, Now now) {
  Replaced replaced;
  epoch_ = epoch;
  std::unordered_map<CheckName, Slot, CheckNameHash> before;
  std::unordered_map<CheckName, Slot, CheckNameHash> present;
  before.reserve(entries_.size());
  present.reserve(checks.size());
  for (Slot slot = 0; slot < entries_.size(); ++slot) {
    if (entries_[slot].first_place != nowhere) before.emplace(name_of(entries_[slot].check), slot);
  }
  slots_.assign(checks.size(), 0);
  next_place_.assign(checks.size(), nowhere);

  std::vector<uint32_t> last_place(entries_.size(), nowhere);
  std::vector<Slot> kept;
  for (uint32_t place = 0; place < checks.size(); ++place) {
    Check& check = checks[place];
    if (const auto known = present.find(name_of(check)); known != present.end()) {
      slots_[place] = known->second;
      next_place_[last_place[known->second]] = place;
      last_place[known->second] = place;
      continue;
    }
    const auto old = before.find(name_of(check));
    const bool is_new = old == before.end();
    const Slot slot = is_new ? free_slot() : old->second;
    if (!is_new) before.erase(old);
    if (last_place.size() < entries_.size()) last_place.resize(entries_.size(), nowhere);
    Entry& entry = entries_[slot];
    if (is_new) entry = Entry{};
    const bool is_same = !is_new && *entry.check.monitor == *check.monitor;
    entry.check = std::move(check);
    if (is_new) {
      start_machine(entry, entry.check.initial, now);
    } else {
      kept.push_back(slot);
      if (!is_same) start_machine(entry, entry.machine.stored(now.now, now.wall), now);
    }
    if (!is_new && !is_same) replaced.gone.push_back(slot);
    if (!is_same) replaced.fresh.push_back(slot);
    present.emplace(name_of(entry.check), slot);
    entry.first_place = place;
    slots_[place] = slot;
    last_place[slot] = place;
    arm(slot, now.now);
  }
  for (const auto& [name, slot] : before) {
    replaced.gone.push_back(slot);
    free_.push_back(slot);
  }
  for (const Slot slot : free_) entries_[slot] = Entry{};
  tell_again(kept, now, replaced.updates);
  return replaced;
}

// An update under way to the caller when it called replace() names an epoch that it may have forgotten; so all that is
// known is said again.
void HealthTable::tell_again(const std::vector<Slot>& kept, Now now,
                             std::vector<CheckUpdate>& out) {
  for (const Slot slot : kept) {
    Entry& entry = entries_[slot];
    if (!entry.is_heard) continue;
    const StoredState& initial = entry.check.initial;
    const bool changed =
        entry.machine.health() != initial.health || entry.machine.hold() != initial.hold;
    tell(entry, changed, now, out);
  }
}

void HealthTable::start_machine(Entry& entry, const StoredState& stored, Now now) {
  entry.machine = EndpointHealth(entry.check.monitor->rules(), stored, now.now, now.wall);
  entry.usual_pass = 0;
  entry.is_lost = false;
  entry.alarm_looks = 0;
  entry.last_verdict = now.now.nanoseconds - stood_still_;
}

void HealthTable::apply(Slot slot, const Finding& finding, When when,
                        std::vector<CheckUpdate>& out) {
  Entry& entry = entries_[slot];
  const bool passes = finding.verdict == Verdict::pass;
  bool changed = false;
  bool is_other_failure = false;
  if (entry.alarm_looks > 0) --entry.alarm_looks;
  entry.past.add(finding, when.wall);
  if (finding.looked) {
    if (!passes && when.began < entry.last_pass_began) return;  // old news
    if (passes) {
      entry.last_pass_began = std::max(entry.last_pass_began, when.began);
      const int64_t took = finding.duration_nanoseconds;
      entry.usual_pass += entry.usual_pass == 0 ? took : (took - entry.usual_pass) / smoothing;
    }
    entry.last_verdict = when.now.nanoseconds - stood_still_;
    entry.is_lost = false;
    is_other_failure = !passes && std::exchange(entry.failure, finding.failure) != finding.failure;
    changed =
        entry.machine.apply(finding.verdict, finding.failure, when.now) == Transition::changed;
  }
  // What cannot be looked at still is unknown for the same silence, which another word would hide.
  std::string lost_words;
  if (entry.is_lost) {
    lost_words = entry.reason.ends_with(": " + finding.reason)
                     ? entry.reason
                     : silence_words(silence(entry, when.now), finding.reason);
  }
  const std::string& reason = entry.is_lost ? lost_words : finding.reason;
  const bool is_news = changed || is_other_failure || !entry.is_heard ||
                       entry.verdict != finding.verdict || entry.reason != reason ||
                       (passes && entry.warning != finding.warning);
  entry.is_heard = true;
  entry.is_blind = !finding.looked;
  entry.verdict = finding.verdict;
  if (is_news) {
    entry.reason = reason;
    if (passes) entry.warning = finding.warning;
  }
  tell_if_news(slot, is_news, changed, {when.now, when.wall}, out);
}

void HealthTable::tick(Now now, std::vector<CheckUpdate>& out,
                       const std::function<bool(Slot)>& waits) {
  while (!deadlines_.empty() && deadlines_.top().at <= now.now.nanoseconds) {
    const Deadline due = deadlines_.top();
    deadlines_.pop();
    Entry& entry = entries_[due.slot];
    if (due.at != entry.armed) continue;  // it has another one by now
    entry.armed = INT64_MAX;
    bool changed = entry.machine.tick(now.now) == Transition::changed;
    const bool is_excused = entry.machine.health() == Health::down && waits(due.slot);
    if (is_excused) entry.last_verdict = now.now.nanoseconds - stood_still_;
    if (is_silent(entry, now.now) && entry.machine.lose_sight() == Transition::changed) {
      entry.verdict = Verdict::fail;
      entry.reason = silence_words(silence(entry, now.now), entry.is_blind ? entry.reason : "");
      entry.is_lost = true;
      changed = true;
    }
    tell_if_news(due.slot, changed, changed, now, out);
  }
}

std::optional<MonotonicTime> HealthTable::next_deadline() const {
  if (deadlines_.empty()) return std::nullopt;
  return MonotonicTime{deadlines_.top().at};
}

Milliseconds HealthTable::silence(const Entry& entry, MonotonicTime now) const {
  return Milliseconds((now.nanoseconds - stood_still_ - entry.last_verdict) / 1'000'000);
}

bool HealthTable::is_silent(const Entry& entry, MonotonicTime now) const {
  if (entry.machine.health() == Health::unknown) return false;
  const int64_t silent = now.nanoseconds - stood_still_ - entry.last_verdict;
  return silent >= entry.check.monitor->silence_max().value * 1'000'000;
}

/// Puts the slot's next deadline into the queue, if none as soon stands there.
void HealthTable::arm(Slot slot, MonotonicTime now) {
  Entry& entry = entries_[slot];
  int64_t at = INT64_MAX;
  if (entry.machine.health() != Health::unknown) {
    at = entry.last_verdict + stood_still_ + entry.check.monitor->silence_max().value * 1'000'000;
  }
  // A hold whose time is up and which goes on nevertheless (it fails) ends with a verdict.
  const auto ends = entry.machine.hold_ends();
  if (ends && *ends > now) at = std::min(at, ends->nanoseconds);
  if (at >= entry.armed) return;
  entry.armed = at;
  deadlines_.push({at, slot});
}

void HealthTable::resume(std::span<const uint32_t> places, Now now, std::vector<CheckUpdate>& out) {
  for (const uint32_t place : places) {
    if (place >= slots_.size()) continue;
    const Slot slot = slots_[place];
    const bool changed = entries_[slot].machine.resume(now.now) == Transition::changed;
    tell_if_news(slot, changed, changed, now, out);
  }
}

void HealthTable::alarm(Slot slot) {
  entries_[slot].alarm_looks = looks_of_an_alarm;
}

std::optional<HealthTable::Described> HealthTable::describe(uint32_t place, Now now) const {
  if (place >= slots_.size()) return std::nullopt;
  const Slot slot = slots_[place];
  const Entry& entry = entries_[slot];
  const EndpointHealth& machine = entry.machine;
  Described out{.slot = slot,
                .details = {.check = place,
                            .health = machine.health(),
                            .hold = machine.hold(),
                            .until_change = machine.until_change(now.now),
                            .penalty = machine.penalty(now.now),
                            .still_needed = machine.still_needed(),
                            .warning = entry.warning,
                            .watch = {},
                            .verdicts = entry.past.newest_first()}};
  if (const auto ends = machine.hold_ends(); ends && machine.hold() != Hold::none)
    out.details.held_until = now.wall + (*ends - now.now);
  return out;
}

uint32_t HealthTable::probes_max(Slot slot) const {
  const Entry& entry = entries_[slot];
  // Somebody's own command must not meet itself.
  if (entry.check.monitor->kind == MonitorKind::exec) return 1;
  return entry.machine.health() == Health::up ? entry.machine.still_needed() : 1;
}

Milliseconds HealthTable::patience(Slot slot) const {
  const Entry& entry = entries_[slot];
  if (is_urgent(slot)) return pace(slot);
  return std::max(entry.check.monitor->confirm(),
                  Milliseconds(late_factor * entry.usual_pass / 1'000'000));
}

Milliseconds HealthTable::pace(Slot slot) const {
  const Entry& entry = entries_[slot];
  const Milliseconds pace = entry.machine.pace();
  return entry.alarm_looks > 0 ? std::min(pace, alarm_pace) : pace;
}

bool HealthTable::is_urgent(Slot slot) const {
  const Entry& entry = entries_[slot];
  return entry.machine.is_confirming() || entry.alarm_looks > 0;
}

bool HealthTable::makes_up(Slot slot) const {
  const Entry& entry = entries_[slot];
  return entry.machine.health() == Health::down && entry.check.monitor->kind != MonitorKind::exec;
}

std::optional<MonotonicTime> HealthTable::early_look(Slot slot, MonotonicTime now) const {
  const Entry& entry = entries_[slot];
  const MonitorOptions& monitor = *entry.check.monitor;
  if (entry.machine.health() != Health::down || monitor.kind == MonitorKind::exec)
    return std::nullopt;
  const Milliseconds failing = now - entry.machine.first_failure();
  const Milliseconds wait = std::max(std::min(monitor.confirm(), early_look_least),
                                     Milliseconds(failing.value / share_of_failing));
  if (wait >= monitor.interval) return std::nullopt;
  return now + wait;
}

HealthTable::Slot HealthTable::free_slot() {
  if (free_.empty()) {
    entries_.emplace_back();
    return static_cast<Slot>(entries_.size() - 1);
  }
  const Slot slot = free_.back();
  free_.pop_back();
  return slot;
}

void HealthTable::tell_if_news(Slot slot, bool is_news, bool changed, Now now,
                               std::vector<CheckUpdate>& out) {
  Entry& entry = entries_[slot];
  arm(slot, now.now);
  if (!entry.is_heard && !is_news) return;
  if (!is_news) {
    const Milliseconds until = entry.machine.until_change(now.now);
    const bool is_soon = until.value > 0;
    if (is_soon == (entry.change_told != 0)) {
      const int64_t moved = (now.now + until).nanoseconds - entry.change_told;
      const int64_t tolerance = entry.check.monitor->confirm().value * 1'000'000;
      if (!is_soon || (moved <= tolerance && moved >= -tolerance)) return;
    }
  }
  tell(entry, changed, now, out);
}

void HealthTable::tell(Entry& entry, bool changed, Now now, std::vector<CheckUpdate>& out) {
  const EndpointHealth& machine = entry.machine;
  const Milliseconds until = machine.until_change(now.now);
  const auto ends = machine.hold_ends();
  entry.change_told = until.value > 0 ? (now.now + until).nanoseconds : 0;
  for (uint32_t place = entry.first_place; place != nowhere; place = next_place_[place]) {
    out.push_back({.epoch = epoch_,
                   .check = place,
                   .health = machine.health(),
                   .hold = machine.hold(),
                   .held_until = ends ? now.wall + (*ends - now.now) : WallTime{},
                   .until_change = until,
                   .penalty = machine.penalty(now.now),
                   .changed = changed,
                   .verdict = entry.verdict,
                   .failure = entry.failure,
                   .reason = entry.reason,
                   .warning = entry.warning,
                   .first_failure = machine.first_failure(),
                   .at = now.wall});
  }
}

}  // namespace swingover::health
