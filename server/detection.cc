#include "server/detection.h"

#include <algorithm>

#include "health/health_table.h"
#include "health/watch.h"

namespace swingover::server {

namespace {

using health::MonitorKind;

/// Whether probes of this kind find it at all. A command and a file see what they were written to see.
bool sees(const health::MonitorOptions& monitor, Fault fault) {
  const MonitorKind kind = monitor.kind;
  const bool wants_answer = !monitor.expect.empty();
  switch (fault) {
    case Fault::refused:
      return kind != MonitorKind::icmp;  // the host still answers
    case Fault::silent:
      if (kind == MonitorKind::icmp) return false;
      // The kernel takes connections for a process that hangs.
      return wants_answer || (kind != MonitorKind::tcp && kind != MonitorKind::udp);
    case Fault::gone:
      return wants_answer || kind != MonitorKind::udp;
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

/// As the machine reads them: no threshold needs more than the plain one does.
health::HealthRules rules_of(const health::MonitorOptions& monitor) {
  health::HealthRules rules = monitor.rules();
  rules.fall_hard = std::min(rules.fall_hard, rules.fall);
  return rules;
}

/// A report comes each `deadline`, at the latest; who is gone sends none.
std::optional<Detection> of_reports(const health::MonitorOptions& monitor, Fault fault) {
  const health::HealthRules rules = rules_of(monitor);
  const Milliseconds each = monitor.deadline;
  switch (fault) {
    case Fault::refused:
    case Fault::silent:
    case Fault::gone: {
      const Milliseconds noticed(each.value / 2);
      return Detection{.first_seen = noticed, .then = each * rules.fall - noticed};
    }
    case Fault::error:
      return Detection{.then = each * (rules.fall_hard - 1), .interval = each};
    case Fault::back:
      if (rules.resumes_by_hand) return std::nullopt;
      return Detection{.then = each * (rules.rise - 1) + rules.hold_up, .interval = each};
  }
  return std::nullopt;
}

}  // namespace

std::optional<Detection> detection(const health::MonitorOptions& monitor, Fault fault) {
  using health::HealthTable;
  if (!sees(monitor, fault)) return std::nullopt;
  if (monitor.kind == MonitorKind::push) return of_reports(monitor, fault);
  const health::HealthRules rules = rules_of(monitor);
  Detection out{.then = rules.confirm * (rules.fall - 1), .interval = monitor.interval};
  switch (fault) {
    case Fault::refused:
      if (!hears_refusals(monitor.kind)) return out;
      out.then = rules.confirm_hard * (rules.fall_hard - 1);
      if (monitor.watch)
        out.watched = {.then = std::min(out.then, HealthTable::alarm_pace * (rules.fall_hard - 1))};
      return out;
    case Fault::silent:
    case Fault::gone:
      // The probes that confirm it start beside the first, a pace apart, and time out one after the other. A command
      // never meets itself: the next one starts when the one before has ended.
      out.first_seen = monitor.timeout;
      if (monitor.kind == MonitorKind::exec)
        out.then = std::max(rules.confirm, monitor.timeout) * (rules.fall - 1);
      if (monitor.watch && fault == Fault::gone) {
        out.watched = {.soonest = health::keep_alive_answer + monitor.timeout,
                       .spread = health::keep_alive_after(monitor.interval),
                       .then = std::min(out.then, HealthTable::alarm_pace * (rules.fall - 1))};
      }
      return out;
    case Fault::error:
      return out;
    case Fault::back:
      if (rules.resumes_by_hand) return std::nullopt;
      out.then = rules.confirm * (rules.rise - 1) + rules.hold_up;
      return out;
  }
  return std::nullopt;
}

}  // namespace swingover::server
