#include "health/health_table.h"

#include <algorithm>
#include <utility>

namespace swingover::health {

namespace {

constexpr int64_t late_factor = 3;  // of the usual time of a pass
constexpr int64_t smoothing = 8;    // passes

EndpointHealth::Thresholds thresholds(const MonitorOptions& monitor) {
  return {.rise = monitor.rise, .fall = monitor.fall};
}

}  // namespace

HealthTable::Replaced HealthTable::replace(std::vector<Check> checks, uint64_t epoch) {
  Replaced replaced;
  epoch_ = epoch;
  std::unordered_map<std::string, Slot> before = std::exchange(by_key_, {});
  for (Entry& entry : entries_) entry.places.clear();

  std::vector<Slot> kept;
  for (uint32_t place = 0; place < checks.size(); ++place) {
    Check& check = checks[place];
    const std::string key = check.key();
    if (const auto known = by_key_.find(key); known != by_key_.end()) {
      entries_[known->second].places.push_back(place);
      continue;
    }
    const auto old = before.find(key);
    const Slot slot = old != before.end() ? old->second : free_slot();
    by_key_.emplace(key, slot);
    Entry& entry = entries_[slot];
    if (old == before.end()) {
      entry = Entry{};
      entry.machine = EndpointHealth(thresholds(*check.monitor), check.initial.health);
      entry.check = std::move(check);
      replaced.fresh.push_back(slot);
    } else {
      const bool same = *entry.check.monitor == *check.monitor;
      if (!same) {
        entry.machine = EndpointHealth(thresholds(*check.monitor), entry.machine.health());
        entry.usual_pass = 0;
        replaced.gone.push_back(slot);
        replaced.fresh.push_back(slot);
      }
      entry.check = std::move(check);
      kept.push_back(slot);
      before.erase(old);
    }
    entry.places.push_back(place);
  }
  for (const auto& [key, slot] : before) {
    replaced.gone.push_back(slot);
    entries_[slot] = Entry{};
    free_.push_back(slot);
  }
  // An update under way to the caller when it called replace() names an epoch that it may have
  // forgotten; so all that is known is said again.
  for (const Slot slot : kept) {
    const Entry& entry = entries_[slot];
    if (!entry.is_heard) continue;
    tell(entry, entry.machine.health() != entry.check.initial.health, replaced.updates);
  }
  return replaced;
}

void HealthTable::apply(Slot slot, const Finding& finding, When when,
                        std::vector<CheckUpdate>& out) {
  Entry& entry = entries_[slot];
  bool changed = false;
  if (finding.looked) {
    const bool passes = finding.verdict == Verdict::pass;
    if (!passes && when.began < entry.last_pass_began) return;  // old news
    if (passes) {
      entry.last_pass_began = std::max(entry.last_pass_began, when.began);
      const int64_t took = finding.duration_nanoseconds;
      entry.usual_pass += entry.usual_pass == 0 ? took : (took - entry.usual_pass) / smoothing;
    }
    changed = entry.machine.apply(finding.verdict, when.now) == Transition::changed;
  }
  const bool is_news = changed || !entry.is_heard || entry.verdict != finding.verdict ||
                       entry.reason != finding.reason;
  entry.is_heard = true;
  entry.verdict = finding.verdict;
  entry.heard_at = when.wall;
  if (!is_news) return;
  entry.reason = finding.reason;
  tell(entry, changed, out);
}

uint32_t HealthTable::probes_max(Slot slot) const {
  const EndpointHealth& machine = entries_[slot].machine;
  return machine.health() == Health::up ? machine.still_needed() : 1;
}

Milliseconds HealthTable::patience(Slot slot) const {
  const Entry& entry = entries_[slot];
  const Milliseconds confirm = entry.check.monitor->confirm();
  if (entry.machine.is_confirming()) return confirm;
  return std::max(confirm, Milliseconds(late_factor * entry.usual_pass / 1'000'000));
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

void HealthTable::tell(const Entry& entry, bool changed, std::vector<CheckUpdate>& out) const {
  for (const uint32_t place : entry.places) {
    out.push_back({.epoch = epoch_,
                   .check = place,
                   .health = entry.machine.health(),
                   .changed = changed,
                   .verdict = entry.verdict,
                   .reason = entry.reason,
                   .first_failure = entry.machine.first_failure(),
                   .at = entry.heard_at});
  }
}

}  // namespace swingover::health
