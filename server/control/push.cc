#include "server/control/push.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "base/ip.h"

namespace swingover::control {

using health::EndpointHealth;
using health::Failure;
using health::Health;
using health::Transition;
using health::Verdict;

namespace {

constexpr size_t reason_size_max = 200;
constexpr Milliseconds pause_least{1'000};  // between two ticks; some four are due in that time
constexpr Milliseconds change_told_tolerance{500};

Error invalid(std::string message) {
  return {ErrorCode::invalid, std::move(message)};
}

Error not_found(std::string message) {
  return {ErrorCode::not_found, std::move(message)};
}

std::string canonical_address(const std::string& text) {
  const auto address = parse_ip_address(text);
  return address ? address->text() : text;
}

std::string down_reason(const PushReport& report) {
  if (report.reason.empty()) return "it reports itself down";
  return "it reports itself down: " + report.reason.substr(0, reason_size_max);
}

}  // namespace

std::string push_address(std::string_view cluster) {
  return "cluster/" + std::string(cluster);
}

void PushBoard::replace(const std::vector<std::pair<uint32_t, health::Check>>& checks, Now now) {
  ticked_ = now.now;
  std::map<std::string, Entry> before = std::exchange(entries_, {});
  for (const auto& [place, check] : checks) {
    const health::MonitorOptions& monitor = *check.monitor;
    Entry entry{.place = place,
                .check = check,
                .last_report = {},
                .load = {},
                .machine = EndpointHealth(monitor.rules(), check.initial, now.now, now.wall),
                .deadline = now.now + monitor.deadline,
                .last_heard = now.now,
                .gap = monitor.deadline,
                .reason = {},
                .is_told = false};
    if (const auto old = before.find(check.key()); old != before.end()) {
      const bool is_same = *old->second.check.monitor == monitor;
      entry.last_report = old->second.last_report;
      entry.load = old->second.load;
      entry.last_heard = old->second.last_heard;
      entry.verdict = old->second.verdict;
      entry.verdict_at = old->second.verdict_at;
      entry.reason = old->second.reason;
      if (is_same) {
        entry.machine = old->second.machine;
        entry.deadline = old->second.deadline;
        entry.gap = old->second.gap;
        entry.is_silent = old->second.is_silent;
      } else {
        entry.machine = EndpointHealth(
            monitor.rules(), old->second.machine.stored(now.now, now.wall), now.now, now.wall);
      }
    }
    entries_.emplace(check.key(), std::move(entry));
  }
}

Result<std::vector<std::string>> PushBoard::find(const PushReport& report) const {
  if (report.health != "up" && report.health != "down")
    return invalid("health: up or down, not \"" + report.health + "\"");
  if (report.monitor.empty()) return invalid("monitor: needed");
  if (!report.address.empty() && !report.cluster.empty())
    return invalid("address, cluster: one of them, not both");
  const std::string wanted =
      report.cluster.empty() ? canonical_address(report.address) : push_address(report.cluster);
  // The keys of a monitor, and those of one address, stand together: the thousands that report cost each other nothing.
  const auto keys_of = [&](const std::string& prefix) {
    std::vector<std::string> keys;
    for (auto at = entries_.lower_bound(prefix);
         at != entries_.end() && at->first.starts_with(prefix); ++at) {
      if (at->second.check.monitor->name == report.monitor) keys.push_back(at->first);
    }
    return keys;
  };
  const std::string of_monitor = report.monitor + ' ';
  std::vector<std::string> keys = keys_of(wanted.empty() ? of_monitor : of_monitor + wanted + ' ');
  if (keys.size() > 1 && wanted.empty()) {
    return invalid(fmt::format("address, cluster: needed, for {} report by the monitor {}",
                               keys.size(), report.monitor));
  }
  if (!keys.empty()) return keys;
  if (keys_of(of_monitor).empty())
    return not_found("no push monitor of this name is in use: " + report.monitor);
  return not_found("the monitor " + report.monitor + " is not in use at " + wanted);
}

void PushBoard::apply(const std::vector<std::string>& keys, const PushReport& report, Now now,
                      std::vector<health::CheckUpdate>& out) {
  for (const std::string& key : keys) {
    Entry& entry = entries_.at(key);
    const Milliseconds each = entry.check.monitor->deadline;
    entry.gap = entry.last_report ? std::min(now.now - entry.last_heard, each) : each;
    entry.is_silent = false;
    entry.last_report = now.wall;
    entry.last_heard = now.now;
    entry.deadline = now.now + each;
    if (report.load) entry.load = Load{*report.load, now.wall};
    const Verdict verdict = report.health == "up" ? Verdict::pass : Verdict::fail;
    entry.failure = Failure::hard;  // the target itself says so
    const Transition transition = entry.machine.apply(verdict, entry.failure, now.now);
    std::string reason = verdict == Verdict::pass ? std::string() : down_reason(report);
    const bool is_news =
        transition == Transition::changed || verdict != entry.verdict || reason != entry.reason;
    entry.verdict = verdict;
    entry.verdict_at = now.wall;
    entry.reason = std::move(reason);
    // A state of the last run is confirmed by the first report, which changes nothing else.
    if (is_news || !entry.is_told || !is_change_told(entry, now.now))
      tell(entry, now, transition == Transition::changed, out);
  }
}

void PushBoard::tick(Now now, std::vector<health::CheckUpdate>& out) {
  const MonotonicTime before = std::exchange(ticked_, now.now);
  const Milliseconds since = now.now - before;
  const Milliseconds pause = since > pause_least ? since : Milliseconds(0);
  for (auto& [key, entry] : entries_) {
    bool changed = false;
    bool is_news = false;
    const Milliseconds each = entry.check.monitor->deadline;
    if (entry.last_heard <= before) entry.deadline = entry.deadline + pause;
    if (now.now >= entry.deadline) {
      const int64_t silent = (now.now - entry.last_heard).value / 1000;
      entry.deadline = now.now + each;
      entry.is_silent = true;
      entry.verdict = Verdict::fail;
      entry.verdict_at = now.wall;
      entry.reason =
          fmt::format("no heartbeat for {}s, wanted one each {}", silent, duration_text(each));
      entry.failure = Failure::silent;
      changed = entry.machine.apply(Verdict::fail, entry.failure, now.now) == Transition::changed;
      is_news = true;
    }
    if (entry.machine.tick(now.now) == Transition::changed) changed = true;
    const bool is_overdue_news = entry.is_told && !is_change_told(entry, now.now);
    if (is_news || changed || is_overdue_news) tell(entry, now, changed, out);
  }
}

void PushBoard::resume(const std::string& key, Now now, std::vector<health::CheckUpdate>& out) {
  const auto found = entries_.find(key);
  if (found == entries_.end()) return;
  if (found->second.machine.resume(now.now) == Transition::changed)
    tell(found->second, now, true, out);
}

/// Nothing: not soon. What is due may lie in the past.
std::optional<MonotonicTime> PushBoard::next_change(const Entry& entry, MonotonicTime now) {
  const EndpointHealth& machine = entry.machine;
  const Milliseconds each = entry.check.monitor->deadline;
  const int64_t after_next = int64_t{machine.still_needed()} - 1;
  const bool is_up = machine.health() == Health::up;
  const bool is_late = is_up && now + Milliseconds(each.value / 2) >= entry.deadline;
  std::optional<MonotonicTime> next;
  if (machine.is_confirming() && !entry.is_silent) {
    next = entry.last_heard + entry.gap * (after_next + 1);
  } else if (machine.is_confirming() || is_late) {
    next = entry.deadline + each * after_next;
  }
  const auto ends = machine.hold_ends();
  if (ends && is_up) next = std::min(next.value_or(*ends), *ends);
  return next;
}

bool PushBoard::is_change_told(const Entry& entry, MonotonicTime now) {
  const auto next = next_change(entry, now);
  if (next.has_value() != entry.change_told.has_value()) return false;
  if (!next) return true;
  const Milliseconds moved = *next - *entry.change_told;
  return std::abs(moved.value) <= change_told_tolerance.value;
}

void PushBoard::tell(Entry& entry, Now now, bool changed, std::vector<health::CheckUpdate>& out) {
  constexpr Milliseconds soonest{1};  // 0 says that nothing speaks of a change
  entry.is_told = true;
  entry.change_told = next_change(entry, now.now);
  health::CheckUpdate update;
  update.check = entry.place;
  update.health = entry.machine.health();
  update.hold = entry.machine.hold();
  if (const auto ends = entry.machine.hold_ends(); ends && update.hold != health::Hold::none)
    update.held_until = now.wall + (*ends - now.now);
  if (entry.change_told) update.until_change = std::max(*entry.change_told - now.now, soonest);
  update.penalty = entry.machine.penalty(now.now);
  update.changed = changed;
  update.verdict = entry.verdict;
  update.failure = entry.failure;
  update.reason = entry.reason;
  update.first_failure = entry.machine.first_failure();
  update.at = now.wall;
  out.push_back(std::move(update));
}

}  // namespace swingover::control
