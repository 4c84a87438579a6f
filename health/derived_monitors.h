#pragma once

#include <vector>

#include "base/diagnostics.h"
#include "base/toml_source.h"
#include "health/group_health.h"
#include "health/monitor_checks.h"
#include "health/monitor_options.h"

namespace swingover::health {

/// Whether the kind is probed; the others are told (push) or worked out (calculated).
constexpr bool is_probed(MonitorKind kind) {
  return kind != MonitorKind::push && kind != MonitorKind::calculated;
}

/// What a calculated monitor makes of its children: three-valued, as `not at least so many of them` is in Kleene's logic.
Health calculated(const MonitorOptions& monitor, const Tally& children);

/// Whether the keys of one push or calculated monitor make sense.
void check_push(const WrittenMonitor& written);
void check_calculated(const WrittenMonitor& written);

/// Whether what calculated monitors name is there, and none is its own ancestor. `monitors` are all that could be read.
void check_calculations(const TomlDocument& document, const std::vector<MonitorOptions>& monitors,
                        Diagnostics& diagnostics);

}  // namespace swingover::health
