#include "server/swing_times.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string_view>
#include <vector>

#include "health/health_table.h"

namespace swingover::server {

namespace {

using health::MonitorKind;

constexpr std::array faults{Fault::refused, Fault::silent, Fault::error, Fault::back};

/// Whether probes of this kind find it at all. A command and a file see what they were written to see.
bool sees(const health::MonitorOptions& monitor, Fault fault) {
  const MonitorKind kind = monitor.kind;
  switch (fault) {
    case Fault::refused:
      return kind != MonitorKind::icmp;  // the host still answers
    case Fault::silent:
      return kind != MonitorKind::udp || !monitor.expect.empty();
    case Fault::error:
      return kind != MonitorKind::tcp && kind != MonitorKind::tls && kind != MonitorKind::udp &&
             kind != MonitorKind::icmp;
    case Fault::back:
      return true;
  }
  return false;
}

/// Whether somebody's "no" reaches the probe itself: a hard failure.
bool hears_refusals(MonitorKind kind) {
  return kind != MonitorKind::exec && kind != MonitorKind::file;
}

/// A report comes each `deadline`, at the latest; who is gone sends none.
std::optional<Detection> of_reports(const health::MonitorOptions& monitor, Fault fault) {
  const health::HealthRules rules = monitor.rules();
  Detection out{.interval = monitor.deadline};
  switch (fault) {
    case Fault::refused:
    case Fault::silent:
      out.interval = Milliseconds(0);
      out.first_seen = monitor.deadline;
      out.then = monitor.deadline * (rules.fall - 1);
      return out;
    case Fault::error:
      out.then = monitor.deadline * (rules.fall_hard - 1);
      return out;
    case Fault::back:
      if (rules.resumes_by_hand) return std::nullopt;
      out.then = monitor.deadline * (rules.rise - 1) + rules.hold_up;
      return out;
  }
  return std::nullopt;
}

std::string_view word(Fault fault) {
  switch (fault) {
    case Fault::refused:
      return "refused";
    case Fault::silent:
      return "silent";
    case Fault::error:
      return "error";
    case Fault::back:
      return "back";
  }
  return "";
}

}  // namespace

std::optional<Detection> detection(const health::MonitorOptions& monitor, Fault fault) {
  const health::HealthRules rules = monitor.rules();
  Detection out{.interval = monitor.interval};
  if (!sees(monitor, fault)) return std::nullopt;
  if (monitor.kind == MonitorKind::push) return of_reports(monitor, fault);
  const Milliseconds confirmed = rules.confirm * (rules.fall - 1);
  switch (fault) {
    case Fault::refused:
      if (!hears_refusals(monitor.kind)) {
        out.then = confirmed;
        return out;
      }
      out.then = rules.confirm_hard * (rules.fall_hard - 1);
      if (monitor.watch)
        out.watched = std::min(out.then, health::HealthTable::alarm_pace * (rules.fall_hard - 1));
      return out;
    case Fault::silent:
      // The probes that confirm it start beside the first, a pace apart, and time out one after the other.
      out.first_seen = monitor.timeout;
      out.then = confirmed;
      return out;
    case Fault::error:
      out.then = confirmed;
      return out;
    case Fault::back:
      if (rules.resumes_by_hand) return std::nullopt;
      out.then = rules.confirm * (rules.rise - 1) + rules.hold_up;
      return out;
  }
  return std::nullopt;
}

namespace {

Milliseconds ttl_at(Milliseconds left, Ttl ttl, Ttl ttl_min) {
  const auto seconds = static_cast<uint64_t>(std::max<int64_t>(left.value, 0)) / 1000;
  return Milliseconds(
      1000 * static_cast<int64_t>(std::clamp<uint64_t>(seconds, ttl_min.value, ttl.value)));
}

/// When a cache whose copy ends at `expires` has an answer from after the swing.
Milliseconds followed(Milliseconds expires, Milliseconds seen, Milliseconds swung, Ttl ttl,
                      Ttl ttl_min) {
  while (expires < swung) {
    const Milliseconds kept =
        expires < seen ? Milliseconds(1000LL * ttl.value) : ttl_at(swung - expires, ttl, ttl_min);
    if (kept.value == 0) return swung;  // it asks each time
    expires = expires + kept;
  }
  return expires;
}

Milliseconds middle(std::vector<Milliseconds>& all) {
  const auto at = all.begin() + static_cast<std::ptrdiff_t>(all.size() / 2);
  std::nth_element(all.begin(), at, all.end());
  return *at;
}

}  // namespace

SwingTime swing_time(const Detection& found, Ttl ttl, Ttl ttl_min) {
  constexpr int64_t phases = 64;  // of the probe's beat, and of the cache's age
  SwingTime out;
  const Milliseconds last_seen = found.interval + found.first_seen;
  out.answers.worst = last_seen + found.then;
  const Milliseconds then = found.watched.value_or(found.then);
  out.answers.median =
      Milliseconds(found.watched ? 0 : found.interval.value / 2) + found.first_seen + then;
  // The last answer of before the first verdict has the whole TTL; those behind it no more than is left, or ttl_min.
  out.clients.worst = std::max(last_seen + Milliseconds(1000LL * ttl.value),
                               out.answers.worst + Milliseconds(1000LL * ttl_min.value));
  std::vector<Milliseconds> all;
  for (int64_t beat = 0; beat < (found.watched ? 1 : phases); ++beat) {
    const Milliseconds wait(found.watched ? 0
                                          : found.interval.value * (2 * beat + 1) / (2 * phases));
    const Milliseconds seen = wait + found.first_seen;
    for (int64_t age = 0; age < phases; ++age) {
      const Milliseconds expires(1000LL * ttl.value * (2 * age + 1) / (2 * phases));
      all.push_back(followed(expires, seen, seen + then, ttl, ttl_min));
    }
  }
  out.clients.median = middle(all);
  return out;
}

namespace {

/// "0.35 s", "31 s", "5 min": two digits that count.
std::string seconds_text(Milliseconds time) {
  const double seconds = static_cast<double>(time.value) / 1000;
  if (seconds < 1) return fmt::format("{:.2f} s", seconds);
  if (seconds < 10) return fmt::format("{:.1f} s", seconds);
  if (seconds < 600) return fmt::format("{:.0f} s", seconds);
  return fmt::format("{:.0f} min", seconds / 60);
}

using Monitors = std::vector<std::shared_ptr<const health::MonitorOptions>>;

/// Of the service and its pools the critical ones; with none, the voting ones; with none, its clusters': an endpoint is
/// up while its cluster is.
Monitors monitors_of(const zones::Service& service, const Config& config) {
  std::vector<std::string> names = service.monitors;
  const auto add = [&names](const std::vector<std::string>& more) {
    names.insert(names.end(), more.begin(), more.end());
  };
  for (const zones::Pool& pool : service.pools) add(pool.monitors);
  if (names.empty()) {
    add(service.voting_monitors);
    for (const zones::Pool& pool : service.pools) add(pool.voting_monitors);
  }
  if (names.empty()) {
    for (const zones::Pool& pool : service.pools)
      add(config.topology.clusters[pool.cluster.value].monitors);
  }
  // What a calculated one is made of stands behind it in `names`, and is looked at in its turn.
  for (size_t i = 0; i < names.size(); ++i) {
    const auto named = std::ranges::find_if(
        config.monitors, [&](const auto& monitor) { return monitor->name == names[i]; });
    if (named == config.monitors.end()) continue;
    for (const std::string& child : (*named)->of) {
      if (std::ranges::count(names, child) == 0) names.push_back(child);
    }
  }
  Monitors found;
  for (const auto& monitor : config.monitors) {
    if (monitor->kind != MonitorKind::calculated && std::ranges::count(names, monitor->name) > 0)
      found.push_back(monitor);
  }
  return found;
}

/// A row of the table, without the service's name; nothing: nobody sees it.
std::optional<SwingTime> time_of(const Monitors& monitors, Fault fault, Ttl ttl, Ttl ttl_min) {
  std::optional<SwingTime> best;
  for (const auto& monitor : monitors) {
    const auto found = detection(*monitor, fault);
    if (!found && fault == Fault::back) return std::nullopt;
    if (!found) continue;
    const SwingTime time = swing_time(*found, ttl, ttl_min);
    const bool is_quicker = best && time.answers.worst < best->answers.worst;
    if (!best || is_quicker == (fault != Fault::back)) best = time;
  }
  return best;
}

std::string row(std::string_view fault, const std::optional<SwingTime>& time) {
  if (!time) {
    return fmt::format("  {:<9}{}\n", fault,
                       fault == word(Fault::back) ? "when a person lets it: swingctl resume"
                                                  : "not seen by any monitor of it");
  }
  return fmt::format("  {:<9}{:>8}  {:>8}     {:>8}  {:>8}\n", fault,
                     seconds_text(time->answers.median), seconds_text(time->answers.worst),
                     seconds_text(time->clients.median), seconds_text(time->clients.worst));
}

}  // namespace

std::string swing_times_text(const Config& config) {
  struct Group {
    std::vector<std::string> names;
    std::string rows;
  };
  std::vector<Group> groups;
  std::map<std::string, size_t> places;
  for (const zones::Service& service : config.services) {
    const Monitors monitors = monitors_of(service, config);
    // What the rows depend on; to work them out for each of 50,000 services would take minutes.
    std::string key = fmt::format("{} {}", service.ttl.value, service.least_ttl().value);
    for (const auto& monitor : monitors) key += " " + monitor->name;  // in the order of the file
    const auto [known, is_new] = places.emplace(key, groups.size());
    if (is_new) {
      Group group;
      if (monitors.empty()) group.rows = "  no monitor looks: people alone swing it\n";
      for (const Fault fault : faults) {
        if (monitors.empty()) break;
        group.rows += row(word(fault), time_of(monitors, fault, service.ttl, service.least_ttl()));
      }
      groups.push_back(std::move(group));
    }
    groups[known->second].names.push_back(service.name.text());
  }
  if (groups.empty()) return {};
  std::string out =
      "Swing times: from the fault until answers have moved, and until clients have followed.\n"
      "           answers                clients\n"
      "  fault      median     worst       median     worst\n";
  for (const Group& group : groups) {
    out += group.names.front();
    if (group.names.size() > 1) out += fmt::format(" and {} more", group.names.size() - 1);
    out += "\n" + group.rows;
  }
  return out;
}

}  // namespace swingover::server
